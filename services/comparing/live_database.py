"""The database of the live side of a comparison: every collection read once, summed, and indexed where asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from services.comparing.databases import DatabaseSide, HeldCollection
from services.errors import QuillkeepError
from services.jobs.context import JobContext

if TYPE_CHECKING:
    from pymongo.database import Database

    from services.comparing.index import DocumentIndex, Spill
    from services.mongo.connect import LiveCollection
    from services.reading.side import DataSide


def of_live(
    ctx: JobContext,
    indexed: Collection[str] = (),
    spill: Spill | None = None,
    *,
    only: Collection[str] = (),
) -> DatabaseSide:
    """What is live, every collection read once and summed; those named are indexed by document, too.

    With `only` no other collection is read.

    Errors: `DatabaseUnreachable`, `QuillkeepError` when a read does not reach its end.
    """
    from pymongo.errors import PyMongoError

    from services.mongo.failures import translated
    from services.recovery.session import open_session

    with open_session(ctx.profile) as session:
        try:
            return _read_live(session.database, ctx, _Indexing(indexed, spill), only)
        except PyMongoError as error:
            raise translated("Reading the live database", error) from error


class _Indexing:
    """Which collections are indexed while they are summed, and where."""

    def __init__(self, names: Collection[str], spill: Spill | None) -> None:
        self._names = names
        self._spill = spill

    def of(self, entry: LiveCollection) -> DocumentIndex | None:
        wanted = entry.kind == "collection" and entry.name in self._names
        return self._spill.index() if wanted and self._spill is not None else None


def _read_live(
    database: Database[Any], ctx: JobContext, indexing: _Indexing, only: Collection[str]
) -> DatabaseSide:
    from services.mongo.connect import list_live
    from services.recovery.rows import live_names

    before = list_live(database)
    names = [name for name in live_names(before) if not only or name in only]
    what = ", ".join(names) if only else database.name
    phase = ctx.phase("database", f"reading {what}", total=_live_bytes(database, only))
    found = {name: _of_collection(database, before[name], ctx, phase.advance, indexing) for name in names}
    phase.finish()
    after = list_live(database)
    warnings = []
    for name in names:
        if name not in after or after[name].uuid != before[name].uuid:
            # A collection renamed or dropped while it is read ends as if it were empty.
            found[name] = msgspec.structs.replace(
                found[name], problem="it was renamed, replaced or dropped while it was read"
            )
    appeared = [name for name in live_names(after) if name not in before]
    if appeared and not only:
        warnings.append(f"Appeared while the live database was read: {', '.join(appeared[:5])}.")
    return DatabaseSide(
        database=database.name,
        collections=found,
        warnings=tuple(warnings),
        opened=lambda: _reading_live(ctx),
    )


def _of_collection(
    database: Database[Any], entry: LiveCollection, ctx: JobContext, advance: Any, indexing: _Indexing
) -> HeldCollection:
    from services.archive.documents import hex64
    from services.mongo.live_sums import live_sums
    from services.recovery.contents import BUCKETS

    if entry.kind == "view":
        return HeldCollection(kind="view", options=dict(entry.options))
    storage = BUCKETS + entry.name if entry.kind == "timeseries" else entry.name
    indexes: list[dict[str, Any]] | None = None
    try:
        indexes = [dict(index) for index in database[entry.name].list_indexes()]
        index = indexing.of(entry)
        before = _writes(database, storage)
        sums: Summed
        if index is None:
            sums = live_sums(database, storage, check=ctx.check, advance=advance)
        else:
            _fill(index, database, storage, ctx, advance)
            sums = index
        after = _writes(database, storage)
    except QuillkeepError as error:
        if not _forbidden(error):
            raise
        return HeldCollection(
            kind=entry.kind,
            options=dict(entry.options),
            indexes=indexes,
            problem=f"this user may not read it: {error.cause}",
        )
    return HeldCollection(
        kind=entry.kind,
        documents=sums.documents,
        bytes=sums.bytes,
        content=hex64(sums.content),
        options=dict(entry.options),
        indexes=indexes,
        moved=before is not None and after is not None and before != after,
        index=index,
    )


class Summed(Protocol):
    """What was counted and summed of a collection."""

    documents: int
    bytes: int
    content: int


def _fill(
    index: DocumentIndex,
    database: Database[Any],
    storage: str,
    ctx: JobContext,
    advance: Callable[[int], None],
) -> None:
    from contextlib import closing

    from pymongo.errors import PyMongoError

    from services.mongo.failures import translated
    from services.mongo.live_sums import average_bytes, batch_documents
    from services.mongo.raw_read import raw_replies

    try:
        at_once = batch_documents(average_bytes(database, storage))
        with closing(raw_replies(database, storage, batch_documents=at_once)) as replies:
            for reply in replies:
                ctx.check()
                documents = reply.take()
                index.add(documents)
                advance(len(documents))
    except PyMongoError as error:
        raise translated(f"Reading the collection {storage}", error) from error


def _writes(database: Database[Any], storage: str) -> tuple[int, ...] | None:
    """The collection's write counters; None where this user may not ask, or the engine counts none."""
    from pymongo.errors import OperationFailure

    from services.mongo.counters import collection_stats

    try:
        return collection_stats(database, storage).writes
    except OperationFailure:
        return None


def _forbidden(error: QuillkeepError) -> bool:
    """Whether the server refused one collection (13, Unauthorized), which leaves the others to compare."""
    return getattr(error.__cause__, "code", None) == 13


def _live_bytes(database: Database[Any], only: Collection[str]) -> int | None:
    from pymongo.errors import PyMongoError

    try:
        if only:
            return sum(int(database.command("collStats", name).get("size", 0)) for name in only) or None
        return int(database.command("dbStats").get("dataSize", 0)) or None
    except PyMongoError:
        return None


@contextmanager
def _reading_live(ctx: JobContext) -> Iterator[DataSide]:
    from services.reading.live import LiveSide
    from services.recovery.session import open_session

    with open_session(ctx.profile) as session:
        yield LiveSide(session.database)
