"""The sums of a live collection: every document read raw, none decoded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from services.archive.documents import Sums
from services.mongo.failures import translated
from services.mongo.raw_read import raw_replies

if TYPE_CHECKING:
    from pymongo.database import Database

BATCH_BYTES = 2 << 20
"""Reply size the reads aim at; 1 MiB was 5 % and 16 MiB 10-20 % slower than 2 MiB (measured)."""


def nothing() -> None:
    """A `check` that never stops anything."""


def ignore(_amount: int) -> None:
    """An `advance` that counts nothing."""


def batch_documents(average_bytes: float) -> int:
    """How many documents of this average size make a reply of about `BATCH_BYTES`; at least 1, at most 100,000."""
    return max(1, min(100_000, int(BATCH_BYTES / average_bytes))) if average_bytes > 0 else 1_000


def average_bytes(database: Database[Any], name: str) -> float:
    """Mean BSON size of a collection's documents as collStats knows it; 0.0 when it is empty, absent or not ours to ask."""
    from pymongo.errors import OperationFailure

    try:
        rows = list(database[name].aggregate([{"$collStats": {"storageStats": {"scale": 1}}}]))
    except OperationFailure:
        return 0.0
    count = sum(int(row["storageStats"].get("count", 0)) for row in rows)
    size = sum(int(row["storageStats"].get("size", 0)) for row in rows)
    return size / count if count else 0.0


def live_sums(
    database: Database[Any],
    name: str,
    *,
    majority: bool = False,
    check: Callable[[], None] = nothing,
    advance: Callable[[int], None] = ignore,
) -> Sums:
    """Reads a collection (a time series by its `system.buckets.` name) once and sums it.

    `bytes` is the BSON size of all documents, `content` proves the set; `crc64` is in the server's natural
    order and comparable only with a dump of this very collection. `majority` reads what a majority of the
    replica set has. An absent collection gives zeros: its existence is the caller's to know. `check` is
    called once a batch and may raise, `advance` gets each batch's bytes. Errors: `QuillkeepError` when the
    read does not reach the end, never a short result.
    """
    from pymongo.errors import PyMongoError

    sums = Sums()
    try:
        at_once = batch_documents(average_bytes(database, name))
        with closing(raw_replies(database, name, batch_documents=at_once, majority=majority)) as replies:
            for reply in replies:
                check()
                documents = reply.take()
                sums.add_ordered(documents)
                advance(len(documents))
    except PyMongoError as error:
        raise translated(f"Reading the collection {name} back", error) from error
    return sums
