"""A collection loaded aside: its creation, its indexes, and the proof that it holds what the backup held."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from services.archive.documents import Sums, hex64
from services.archive.model import Namespace
from services.counted import counted
from services.errors import QuillkeepError
from services.mongo.commands import (
    DURABLE,
    NAMESPACE_EXISTS,
    STALE_OUTCOMES,
    CommandFailed,
    ask_again,
    run,
    run_again,
    uuid_of,
)
from services.mongo.connect import list_live
from services.mongo.live_sums import live_sums
from services.mongo.rename import listing
from services.mongo.specs import build_spec, create_options, is_id_index, is_ttl, secondary
from services.names import JOBS_COLLECTION, aside_name, is_ours

if TYPE_CHECKING:
    from pymongo.database import Database


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """One collection of a backup on its way in.

    `stream` names its documents in the dump; `scan` says that some of them a server would change or
    refuse; `target` is the name it is loaded under.
    """

    name: str
    stream: Namespace
    target: str
    metadata: dict[str, Any]
    scan: bool = False
    storage: str = ""
    """Where its raw documents go when that is another name: the buckets of a time series."""

    @property
    def holder(self) -> str:
        """The collection that takes the raw documents."""
        return self.storage or self.target

    @property
    def options(self) -> dict[str, Any]:
        """Collection options as dumped."""
        return dict(self.metadata.get("options") or {})

    @property
    def indexes(self) -> list[dict[str, Any]]:
        """Index specifications as dumped."""
        return [dict(index) for index in self.metadata.get("indexes") or []]

    @property
    def capped(self) -> bool:
        """Capped collections are loaded in order by one thread."""
        return bool(self.options.get("capped"))


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What a loaded collection holds, read back from the server by majority reads."""

    name: str
    target: str
    uuid: str
    documents: int
    bytes: int
    content: str
    indexes: tuple[str, ...]
    ttl: tuple[dict[str, Any], ...]


class ProofFailed(QuillkeepError):
    """What was read back is not what was sent."""


def create_aside(database: Database[Any], incoming: Incoming) -> str:
    """Creates the empty collection with its options and gives its UUID."""
    id_index = next((index for index in incoming.indexes if is_id_index(index)), None)
    if id_index is not None and list(dict(id_index["key"]).items()) != [("_id", 1)]:
        id_index = None
    options = create_options(incoming.options, id_index)
    command = {"create": incoming.target, **options}
    what = f"create the copy of {incoming.name}"
    try:
        run(database, command, what)
    except CommandFailed as error:
        # A create whose answer was lost has happened; under a live name (a time series) it is somebody else's.
        if error.code != NAMESPACE_EXISTS or not is_ours(incoming.target):
            raise
        drop_aside(database, incoming.target)
        run(database, command, what)
    created = list_live(database).get(incoming.target)
    if created is not None and created.kind == "timeseries":
        return ""
    if created is None or created.uuid is None:
        raise CommandFailed(
            f"The copy of {incoming.name} vanished right after its creation.",
            code=None,
            cause="",
            unknown=True,
        )
    return created.uuid


def drop_aside(database: Database[Any], target: str) -> None:
    """Drops a copy that never went live; absent is fine."""
    try:
        run_again(database, {"drop": target}, f"drop the copy {target}")
    except CommandFailed as error:
        if error.code != 26:
            raise


def drop_copies(database: Database[Any], job: str) -> list[str]:
    """Drops every copy of a job that never went live; gives what could not be dropped, with the reason."""
    prefix = aside_name(job, 0)[:-1]
    copies = [name for name in listing(database) if name.startswith(prefix)]
    left: list[str] = []
    for number, name in enumerate(copies):
        try:
            drop_aside(database, name)
        except CommandFailed as error:
            left.append(f"{name} ({error.cause})")
            if error.unknown:
                # The server was waited for already; it takes no drop of the others either.
                return [*left, *copies[number + 1 :]]
    return left


def build_indexes(
    database: Database[Any],
    incoming: Incoming,
    uuid: str,
    *,
    guard: bool,
    width: int = 2,
    failed: Callable[[str, CommandFailed], None] | None = None,
) -> tuple[tuple[str, ...], tuple[dict[str, Any], ...]]:
    """Builds every index but the TTL ones, one command each, `width` at a time; (built names, TTL specs).

    With `guard` the collection's UUID goes along, so that a command that comes late creates nothing anew.
    `failed` is told an index's name and why the server refuses it: the others, and those of TTL, are then
    built all the same, for a load that only looks.
    """
    specs = [build_spec(index) for index in secondary(incoming.indexes)]
    ttl = tuple(spec for spec in specs if is_ttl(spec))
    now = [spec for spec in specs if failed is not None or not is_ttl(spec)]
    failures: list[CommandFailed] = []
    refused: set[str] = set()
    gate = threading.Semaphore(width)

    def build(spec: dict[str, Any]) -> None:
        with gate:
            if failures:
                return
            command: dict[str, Any] = {
                "createIndexes": incoming.target,
                "indexes": [spec],
                "ignoreUnknownIndexOptions": True,
            }
            if guard and uuid:
                command["collectionUUID"] = uuid_of(uuid)
            try:
                run(
                    database,
                    command,
                    f"build the index {spec.get('name')} of {incoming.name}",
                )
            except CommandFailed as error:
                if failed is None or error.unknown:
                    failures.append(error)
                else:
                    refused.add(str(spec.get("name")))
                    failed(str(spec.get("name")), error)

    threads = [threading.Thread(target=build, args=(spec,), daemon=True) for spec in now]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return tuple(name for spec in now if (name := str(spec.get("name"))) not in refused), ttl


def make_durable(database: Database[Any], job: str) -> None:
    """One majority-acknowledged, journaled write: everything written before it by w:1 is durable after it."""
    run_again(
        database,
        {
            "update": JOBS_COLLECTION,
            "updates": [{"q": {"_id": f"durable-{job}"}, "u": {"$inc": {"n": 1}}, "upsert": True}],
            "writeConcern": DURABLE,
        },
        "make the loaded documents durable",
    )


def forget_durable(database: Database[Any], job: str) -> None:
    """Removes the document of `make_durable`."""
    run_again(
        database,
        {"delete": JOBS_COLLECTION, "deletes": [{"q": {"_id": f"durable-{job}"}, "limit": 1}]},
        "tidy up",
    )


def prove(
    database: Database[Any],
    name: str,
    target: str,
    *,
    documents: int,
    bytes_: int,
    content: int,
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> None:
    """Reads the collection back by majority reads; `ProofFailed` when count, bytes or content differ."""
    held = _read_back(database, target, check, advance)
    if (held.documents, held.bytes, held.content) != (documents, bytes_, content):
        raise ProofFailed(
            f"The loaded copy of {name} is not what the backup holds: "
            f"{counted(held.documents, 'documents')} of {held.bytes:,} bytes with content {hex64(held.content)}, "
            f"expected {documents:,} of {bytes_:,} with {hex64(content)}."
        )


READ_TRIES = 6


def _read_back(
    database: Database[Any], target: str, check: Callable[[], None], advance: Callable[[int], None]
) -> Sums:
    """`live_sums` through an election or a short outage: reading again changes nothing."""
    from pymongo.errors import AutoReconnect, PyMongoError

    for attempt in range(READ_TRIES):
        try:
            return live_sums(database, target, majority=True, check=check, advance=advance)
        except QuillkeepError as error:
            cause = error.__cause__
            passing = isinstance(cause, AutoReconnect) or (
                isinstance(cause, PyMongoError) and getattr(cause, "code", None) in STALE_OUTCOMES
            )
            if not passing or attempt == READ_TRIES - 1:
                raise
            time.sleep(1 + attempt)
    raise AssertionError("unreachable")


def server_identity(database: Database[Any]) -> str:
    """Changes with every start of the server and every new primary: then what was proven is proven again."""
    hello = ask_again(database, lambda: dict(database.client.admin.command("hello")), "say hello")
    process = dict(hello.get("topologyVersion") or {}).get("processId", "")
    return f"{process}/{hello.get('electionId', '')}"
