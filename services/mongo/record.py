"""The swap record: every name, UUID, view and TTL index a swap touches, kept in the database and beside the journal.

It is written before the first rename, so that any host can finish or roll back. It tells what belongs
together; what has happened is read from listCollections, since renames can vanish in a crash (`swap.md` 5).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from bson import json_util

from services.mongo.commands import DURABLE, run_again
from services.names import JOBS_COLLECTION

if TYPE_CHECKING:
    from pymongo.database import Database

LiveKind = Literal["collection", "view", "timeseries", "absent"]
State = Literal[
    "loading", "objects", "swapping", "proving", "done", "failed", "rolled-back", "undone", "released"
]
HOLDS_COPIES: tuple[State, ...] = ("done", "undone")
"""States in which rollback copies may lie in the database or the bucket; only `done` can be rolled back."""
UNFINISHED: tuple[State, ...] = ("objects", "swapping", "proving")
"""States in which live data may be half old and half new; in `objects` the bucket, with no collection renamed yet."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One live name and what happens to it.

    `incoming` is what goes live (`absent`: nothing, the live one is only set aside), `outgoing` what was
    live. `view`, `old_view`, `ttl` and `old_ttl` are canonical Extended JSON texts. `documents`, `bytes`
    and `content` are the proof of the incoming collection as the server must hold it.
    """

    name: str
    ordinal: int
    incoming: LiveKind
    outgoing: LiveKind
    aside: str | None = None
    aside_uuid: str | None = None
    old: str | None = None
    old_uuid: str | None = None
    view: str | None = None
    old_view: str | None = None
    ttl: tuple[str, ...] = ()
    old_ttl: tuple[str, ...] = ()
    expire: int | None = None
    old_expire: int | None = None
    """`expireAfterSeconds` of a clustered collection, switched off while it is a rollback copy (seconds)."""
    metadata: str = ""
    documents: int = 0
    bytes: int = 0
    content: str = ""
    late: tuple[str, ...] = ()


class ObjectsRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The bucket's share: how many objects were replaced (their old bytes lie under `prefix`) and added."""

    bucket: str
    prefix: str
    replaced: int = 0
    added: int = 0
    set_aside: int = 0
    bytes: int = 0


class SwapRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One restore or rollback. `of` is the job a rollback undoes; `allowed` the risks that were confirmed."""

    job: str
    verb: Literal["restore", "rollback"]
    state: State
    database: str
    started: datetime
    backup: str = ""
    request: dict[str, Any] = {}
    """The restore's request as JSON data, for a finish that has to put objects again."""
    profile: str | None = None
    host: str = ""
    of: str | None = None
    pairs: tuple[Pair, ...] = ()
    objects: ObjectsRecord | None = None
    allowed: tuple[str, ...] = ()
    collmod: bool = True
    app_was_running: bool | None = None
    app_stopped_by_us: bool = False
    leave_app_stopped: bool = False
    finished: datetime | None = None
    proven_server: str = ""
    safety: str | None = None
    """Id of the safety backup of an in-place restore: `rollback` restores it."""
    in_place: tuple[str, ...] = ()
    series: tuple[Pair, ...] = ()
    """Time series this job creates under their own names, which were free; without `content` not proven yet."""
    rolled_back_by: str | None = None


def save_record(database: Database[Any], record: SwapRecord) -> None:
    """Replaces the record durably (majority, journaled)."""
    document: dict[str, Any] = msgspec.to_builtins(record, builtin_types=(datetime,))
    document["_id"] = record.job
    document["kind"] = "swap"
    run_again(
        database,
        {
            "update": JOBS_COLLECTION,
            "updates": [{"q": {"_id": record.job}, "u": document, "upsert": True}],
            "writeConcern": DURABLE,
        },
        "save the restore's record",
    )


def delete_record(database: Database[Any], job: str) -> None:
    """Forgets a job that changed nothing."""
    run_again(
        database,
        {
            "delete": JOBS_COLLECTION,
            "deletes": [{"q": {"_id": job, "kind": "swap"}, "limit": 1}],
            "writeConcern": DURABLE,
        },
        "remove the restore's record",
    )


def read_records(database: Database[Any]) -> list[SwapRecord]:
    """All records of the database, oldest first."""
    found = database[JOBS_COLLECTION].find({"kind": "swap"}).sort("started", 1)
    return [record_from(dict(document)) for document in found]


def read_record(database: Database[Any], job: str) -> SwapRecord | None:
    """One job's record, or None."""
    document = database[JOBS_COLLECTION].find_one({"_id": job, "kind": "swap"})
    return None if document is None else record_from(dict(document))


def record_from(document: dict[str, Any]) -> SwapRecord:
    """A record as the database holds it; BSON dates without a zone are UTC."""
    document.pop("_id", None)
    document.pop("kind", None)
    for key in ("started", "finished"):
        value = document.get(key)
        if isinstance(value, datetime):
            document[key] = value.isoformat() + ("Z" if value.tzinfo is None else "")
    return msgspec.convert(document, SwapRecord, strict=False)


def dump_spec(spec: Any) -> str:
    """An index specification or view definition as text that loses no type."""
    return json_util.dumps(spec, json_options=json_util.CANONICAL_JSON_OPTIONS)


def load_spec(text: str) -> dict[str, Any]:
    """The other way of `dump_spec`."""
    spec: dict[str, Any] = json_util.loads(text, json_options=json_util.CANONICAL_JSON_OPTIONS)
    return spec
