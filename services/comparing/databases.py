"""The database of one side of a comparison: from a manifest, from a foreign dump, or live."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from services.catalog.model import Backup
from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.names import is_ours
from services.passphrase import key_of

if TYPE_CHECKING:
    from pymongo.database import Database

    from services.archive.walk import Walked
    from services.comparing.index import DocumentIndex, Spill
    from services.mongo.connect import LiveCollection
    from services.reading.side import DataSide
    from services.recovery.contents import CollectionContents, DatabaseContents


class HeldCollection(msgspec.Struct, frozen=True, kw_only=True):
    """One collection or view; `options` and `indexes` are None where the form does not hold them.

    `problem` says why its documents could not be summed, `moved` that it was written to meanwhile.
    `index` has its documents where they were indexed while they were summed.
    """

    kind: str = "collection"
    documents: int = 0
    bytes: int = 0
    content: str = ""
    options: dict[str, Any] | None = None
    indexes: list[dict[str, Any]] | None = None
    problem: str = ""
    moved: bool = False
    index: Any = None
    """A `DocumentIndex`, which only a comparison by document needs."""


class DatabaseSide(msgspec.Struct, frozen=True, kw_only=True):
    """All of one side; `left_out` are names that the backup was told not to take.

    `opened` opens it once more, to read documents.
    """

    database: str
    collections: dict[str, HeldCollection]
    left_out: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    opened: Callable[[], AbstractContextManager[DataSide]]


def of_backup(backup: Backup, wanted: str | None, ctx: JobContext) -> DatabaseSide:
    """The database part of a backup: ours as its manifest says, without reading it; a foreign one by one pass.

    `wanted` names the database where a foreign dump holds several. Errors: `Refused` when none of them is
    meant, `ArchiveError` for a damaged dump, `QuillkeepError` for a manifest that cannot be read.
    """
    assert backup.database_path is not None
    if backup.kind == "quillkeep" and backup.manifest_path is not None:
        return _of_manifest(backup, ctx)
    from services.archive.walk import walk_dump
    from services.recovery.contents import databases_of, foreign_entries

    phase = ctx.phase("database", f"reading {backup.id}", total=_size(backup))
    walked = walk_dump(
        backup.database_path,
        limits=ctx.profile.limits,
        check=ctx.check,
        advance=phase.advance,
        key=key_of(ctx.profile),
    )
    phase.finish()
    database = _choose(backup, databases_of(walked.prelude, walked.collections), wanted)
    entries = foreign_entries(walked, database)
    return DatabaseSide(
        database=database,
        collections={name: _of_contents(entry) for name, entry in entries.items()},
        opened=lambda: _reading(backup, lambda: _foreign_contents(backup, walked, database, entries, ctx)),
    )


def _foreign_contents(
    backup: Backup, walked: Walked, database: str, entries: dict[str, CollectionContents], ctx: JobContext
) -> DatabaseContents:
    from services.archive.source import open_dump
    from services.recovery.contents import DatabaseContents

    assert backup.database_path is not None
    return DatabaseContents(
        source=open_dump(backup.database_path, limits=ctx.profile.limits, key=key_of(ctx.profile)),
        database=database,
        collections=entries,
        server_version=walked.prelude.server_version,
        identity=walked.sha256 or "",
        proof="content" if walked.crc_checked else "structure",
    )


def _own_contents(backup: Backup, database: str, ctx: JobContext) -> DatabaseContents:
    from services.recovery.contents import read_contents

    return read_contents(
        backup,
        limits=ctx.profile.limits,
        from_database=database,
        target_database=database,
        check=ctx.check,
        advance=lambda amount: None,
        key=key_of(ctx.profile),
    )


@contextmanager
def _reading(backup: Backup, contents: Callable[[], DatabaseContents]) -> Iterator[DataSide]:
    from services.reading.backup import BackupSide

    yield BackupSide(backup.id, contents())


@contextmanager
def _reading_live(ctx: JobContext) -> Iterator[DataSide]:
    from services.reading.live import LiveSide
    from services.recovery.session import open_session

    with open_session(ctx.profile) as session:
        yield LiveSide(session.database)


def _of_manifest(backup: Backup, ctx: JobContext) -> DatabaseSide:
    from services.archive.metadata import parse_metadata
    from services.catalog.manifest import decode_manifest

    assert backup.manifest_path is not None
    try:
        manifest = decode_manifest(backup.manifest_path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise QuillkeepError(
            f"The manifest of {backup.id} cannot be read.",
            cause=f"{error}.",
            next=f"`quillkeep show {backup.id}` says what is known of it.",
        ) from error
    collections = {}
    for name, entry in manifest.collections.items():
        if is_ours(name):
            continue
        metadata = parse_metadata(entry.metadata) if entry.metadata else {}
        collections[name] = HeldCollection(
            kind=entry.kind,
            documents=entry.documents,
            bytes=entry.bytes,
            content=entry.content,
            options=dict(metadata.get("options") or {}) if entry.metadata else None,
            indexes=[dict(one) for one in metadata.get("indexes") or []] if entry.metadata else None,
        )
    warnings = []
    if "database" in backup.not_good:
        warnings.append(
            f"{backup.id}: {backup.not_good['database']}. It was compared by what its manifest says."
        )
    return DatabaseSide(
        database=manifest.database,
        collections=collections,
        left_out=frozenset(manifest.excluded),
        warnings=tuple(warnings),
        opened=lambda: _reading(backup, lambda: _own_contents(backup, manifest.database, ctx)),
    )


def _of_contents(entry: CollectionContents) -> HeldCollection:
    metadata = entry.metadata() if entry.raw_metadata else {}
    known = bool(entry.raw_metadata)
    return HeldCollection(
        kind=entry.kind,
        documents=entry.documents,
        bytes=entry.bytes,
        content=entry.content,
        options=dict(metadata.get("options") or {}) if known else None,
        indexes=[dict(one) for one in metadata.get("indexes") or []] if known else None,
    )


def _choose(backup: Backup, databases: tuple[str, ...], wanted: str | None) -> str:
    if wanted is not None and wanted in databases:
        return wanted
    if len(databases) == 1:
        return databases[0]
    raise Refused(
        f"{backup.id} holds {len(databases)} databases, and none is called {wanted}."
        if databases
        else f"{backup.id} holds no database.",
        cause=f"It holds: {', '.join(databases)}." if databases else "",
        next="Name the database in the profile (MONGODB_DATABASE), then compare again.",
    )


def _size(backup: Backup) -> int | None:
    path = backup.database_path
    return path.stat().st_size if path is not None and path.is_file() else backup.bytes or None


def of_live(ctx: JobContext, indexed: Collection[str] = (), spill: Spill | None = None) -> DatabaseSide:
    """What is live, every collection read once and summed; those named are indexed by document, too.

    Errors: `DatabaseUnreachable`, `QuillkeepError` when a read does not reach its end.
    """
    from pymongo.errors import PyMongoError

    from services.mongo.failures import translated
    from services.recovery.session import open_session

    with open_session(ctx.profile) as session:
        try:
            return _read_live(session.database, ctx, _Indexing(indexed, spill))
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


def _read_live(database: Database[Any], ctx: JobContext, indexing: _Indexing) -> DatabaseSide:
    from services.mongo.connect import list_live
    from services.recovery.rows import live_names

    before = list_live(database)
    names = live_names(before)
    phase = ctx.phase("database", f"reading {database.name}", total=_live_bytes(database))
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
    if appeared:
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


def _live_bytes(database: Database[Any]) -> int | None:
    from pymongo.errors import PyMongoError

    try:
        return int(database.command("dbStats").get("dataSize", 0)) or None
    except PyMongoError:
        return None
