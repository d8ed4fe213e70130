"""The database of one side of a comparison: from a manifest, from a foreign dump, or live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from services.catalog.model import Backup
from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.names import is_ours
from services.passphrase import key_of

if TYPE_CHECKING:
    from pymongo.database import Database

    from services.mongo.connect import LiveCollection
    from services.recovery.contents import CollectionContents


class HeldCollection(msgspec.Struct, frozen=True, kw_only=True):
    """One collection or view; `options` and `indexes` are None where the form does not hold them.

    `problem` says why its documents could not be summed.
    """

    kind: str = "collection"
    documents: int = 0
    bytes: int = 0
    content: str = ""
    options: dict[str, Any] | None = None
    indexes: list[dict[str, Any]] | None = None
    problem: str = ""


class DatabaseSide(msgspec.Struct, frozen=True, kw_only=True):
    """All of one side; `left_out` are names that the backup was told not to take."""

    database: str
    collections: dict[str, HeldCollection]
    left_out: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


def of_backup(backup: Backup, wanted: str | None, ctx: JobContext) -> DatabaseSide:
    """The database part of a backup: ours as its manifest says, without reading it; a foreign one by one pass.

    `wanted` names the database where a foreign dump holds several. Errors: `Refused` when none of them is
    meant, `ArchiveError` for a damaged dump, `QuillkeepError` for a manifest that cannot be read.
    """
    assert backup.database_path is not None
    if backup.kind == "quillkeep" and backup.manifest_path is not None:
        return _of_manifest(backup)
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
        database=database, collections={name: _of_contents(entry) for name, entry in entries.items()}
    )


def _of_manifest(backup: Backup) -> DatabaseSide:
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


def of_live(ctx: JobContext) -> DatabaseSide:
    """What is live, every collection read once and summed.

    Errors: `DatabaseUnreachable`, `QuillkeepError` when a read does not reach its end.
    """
    from pymongo.errors import PyMongoError

    from services.mongo.failures import translated
    from services.recovery.session import open_session

    with open_session(ctx.profile) as session:
        try:
            return _read_live(session.database, ctx)
        except PyMongoError as error:
            raise translated("Reading the live database", error) from error


def _read_live(database: Database[Any], ctx: JobContext) -> DatabaseSide:
    from services.mongo.connect import list_live
    from services.recovery.rows import live_names

    before = list_live(database)
    names = live_names(before)
    phase = ctx.phase("database", f"reading {database.name}", total=_live_bytes(database))
    found = {name: _of_collection(database, before[name], ctx, phase.advance) for name in names}
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
    return DatabaseSide(database=database.name, collections=found, warnings=tuple(warnings))


def _of_collection(
    database: Database[Any], entry: LiveCollection, ctx: JobContext, advance: Any
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
        sums = live_sums(database, storage, check=ctx.check, advance=advance)
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
    )


def _forbidden(error: QuillkeepError) -> bool:
    """Whether the server refused one collection (13, Unauthorized), which leaves the others to compare."""
    return getattr(error.__cause__, "code", None) == 13


def _live_bytes(database: Database[Any]) -> int | None:
    from pymongo.errors import PyMongoError

    try:
        return int(database.command("dbStats").get("dataSize", 0)) or None
    except PyMongoError:
        return None
