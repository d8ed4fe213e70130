"""The database of one side of a comparison: from a manifest, from a foreign dump, or live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from services.catalog.model import Backup
from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.names import is_ours
from services.passphrase import key_of

if TYPE_CHECKING:
    from services.archive.walk import Walked
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
