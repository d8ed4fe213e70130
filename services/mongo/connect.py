"""Connecting to MongoDB, and what the server and its database are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from services.errors import UsageProblem
from services.mongo.unreachable import DatabaseUnreachable as DatabaseUnreachable
from services.mongo.unreachable import host_of as host_of
from services.mongo.unreachable import unreachable
from services.profile import MongoTarget

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.database import Database

Document = dict[str, Any]
CONNECT_SECONDS = 10.0
APP_NAME = "quillkeep"


class ServerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What kind of server answered."""

    version: str
    version_numbers: tuple[int, ...]
    replica_set: str | None
    mongos: bool
    direct: bool
    host: str
    """`host:port` of the first seed, as the URI names it."""
    members: int
    """Data-bearing members the server names; 1 for a standalone."""

    @property
    def uuid_guard(self) -> bool:
        """Whether rename, find and drop take `collectionUUID` (since 6.0)."""
        return self.version_numbers >= (6, 0)


class LiveCollection(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of listCollections; `uuid` is hex, None for views and time series."""

    name: str
    kind: Literal["collection", "view", "timeseries"]
    options: Document
    uuid: str | None
    id_index: Document | None


def connect(
    target: MongoTarget, *, raw: bool = False, write_concern: int | str | None = None
) -> MongoClient[Any]:
    """A client that answered a ping; `raw=True` gives documents as `RawBSONDocument`.

    Errors: `DatabaseUnreachable` in the words of the failure (refused, unknown host, wrong password, TLS).
    `UsageProblem` for a name that no database can have.
    """
    from pymongo import MongoClient
    from pymongo.errors import InvalidName, PyMongoError

    uri = target.uri.reveal()
    options: dict[str, Any] = {"appname": APP_NAME}
    for patience in ("serverSelectionTimeoutMS", "connectTimeoutMS"):
        if f"{patience.lower()}=" not in uri.partition("?")[2].lower():
            options[patience] = int(CONNECT_SECONDS * 1000)
    if write_concern is not None:
        options["w"] = write_concern
    if raw:
        from bson.raw_bson import RawBSONDocument

        options["document_class"] = RawBSONDocument
    client: MongoClient[Any] | None = None
    try:
        client = MongoClient(uri, **options)
        client.admin.command("ping")
        if target.database:
            client[target.database].command(
                {"listCollections": 1, "nameOnly": True, "authorizedCollections": True}
            )
    except InvalidName as error:
        if client is not None:
            client.close()
        raise UsageProblem(
            f"{target.database!r} cannot be the name of a database.",
            cause=f"{error}.",
            next="Correct MONGODB_DATABASE, or the name behind --to-database.",
        ) from None
    except (PyMongoError, ValueError) as error:
        if client is not None:
            client.close()
        raise unreachable(target, error) from None
    return client


def server_info(client: MongoClient[Any]) -> ServerInfo:
    """Asks hello and buildInfo."""
    hello: Document = dict(client.admin.command("hello"))
    build: Document = dict(client.admin.command("buildInfo"))
    version = str(build["version"])
    numbers = tuple(int(part) for part in version.split("-")[0].split(".")[:3])
    seeds = client.topology_description.server_descriptions()
    first = next(iter(seeds), None)
    return ServerInfo(
        version=version,
        version_numbers=numbers,
        replica_set=hello.get("setName"),
        mongos=hello.get("msg") == "isdbgrid",
        direct=client.topology_description.topology_type_name == "Single",
        host=f"{first[0]}:{first[1]}" if first else "",
        members=len(hello.get("hosts", [])) or 1,
    )


def others_in_words(database: Database[Any]) -> str:
    """Which databases this user can see beside an empty one: its name may be the wrong one."""
    from pymongo.errors import PyMongoError

    try:
        names = database.client.list_database_names()
    except PyMongoError:
        return ""
    others = [name for name in names if name not in ("admin", "local", "config", database.name)]
    return f"This server has: {', '.join(others)}." if others else "This server has no other database."


def list_live(database: Database[Any]) -> dict[str, LiveCollection]:
    """Everything listCollections tells, ours and `system.` ones included, by name."""
    found: dict[str, LiveCollection] = {}
    for entry in database.list_collections():
        info = dict(entry)
        raw_uuid = dict(info.get("info") or {}).get("uuid")
        found[info["name"]] = LiveCollection(
            name=info["name"],
            kind=info.get("type", "collection"),
            options=dict(info.get("options") or {}),
            uuid=_uuid_hex(raw_uuid),
            id_index=dict(info["idIndex"]) if info.get("idIndex") else None,
        )
    return found


def _uuid_hex(value: Any) -> str | None:
    if value is None:
        return None
    hexed = getattr(value, "hex", None)
    if isinstance(hexed, str):
        return hexed
    return bytes(value).hex()
