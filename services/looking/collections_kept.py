"""Reads what the good backups hold of each collection, from their manifests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from services.catalog.find import why_not
from services.catalog.head import ManifestProblem, read_bytes
from services.catalog.manifest import CollectionEntry
from services.catalog.model import Backup
from services.catalog.naming import printable
from services.catalog.scan import survey
from services.looking.collections import IndexNow
from services.looking.collections_held import (
    TREND_BACKUPS,
    BackupKept,
    CollectionKept,
    CollectionsHeldAnswer,
    CountsAt,
)
from services.looking.collections_validated import validated
from services.names import is_ours
from services.paths import Paths
from services.profile import Profile

PASSED_OVER = 20
"""Newer backups named that are not good."""


class _Collections(msgspec.Struct, frozen=True):
    """A manifest as this look needs it."""

    collections: dict[str, CollectionEntry] = {}


_decoder = msgspec.json.Decoder(_Collections)


def kept(profile: Profile, paths: Paths) -> CollectionsHeldAnswer:
    """The answer of `services.looking.collections_held.look`."""
    catalog = survey(profile.locations, profile, paths)
    problems = [problem.sentence for problem in catalog.problems]
    good: list[BackupKept] = []
    passed: list[tuple[str, str]] = []
    seen: set[str] = set()
    for backup in catalog.backups:
        if len(good) >= TREND_BACKUPS:
            break
        if backup.id in seen or not backup.ours:
            continue
        why = why_not(backup, ("database",))
        if why:
            if not good and backup.counted and len(passed) < PASSED_OVER:
                passed.append((backup.id, why))
            continue
        one = _read(backup, catalog.backups, problems, indexes=not good)
        if one is not None:
            seen.add(backup.id)
            good.append(one)
    verdicts, references, pairs, unread = validated(profile, paths)
    newest = good[0] if good else None
    return CollectionsHeldAnswer(
        newest=newest,
        before=good[1] if len(good) > 1 else None,
        why="" if newest else _why_none(profile, passed, len(catalog.backups)),
        passed_over=tuple(entry for entry in passed if newest is None or entry[0] != newest.id),
        trend=tuple(_counts(one) for one in reversed(good)),
        validated=verdicts,
        references=references,
        pairs=pairs,
        problems=(*problems, *unread),
    )


def _why_none(profile: Profile, passed: Sequence[tuple[str, str]], every: int) -> str:
    if not profile.locations:
        return "No folder for backups is configured: 8 shows the line to write."
    if passed:
        return f"No backup of the database is good: {passed[0][0]}: {passed[0][1]}."
    if every:
        return "None of the backups here is a good one of this database by Quillkeep."
    return "There is no backup yet: 2 Archives, then b, makes one."


def _read(
    backup: Backup, backups: Sequence[Backup], problems: list[str], *, indexes: bool
) -> BackupKept | None:
    assert backup.manifest_path is not None
    try:
        collections = _decoder.decode(read_bytes(str(backup.manifest_path))).collections
    except (ManifestProblem, msgspec.DecodeError, UnicodeDecodeError) as error:
        problems.append(f"{printable(str(backup.manifest_path))}: {error}")
        return None
    return BackupKept(
        id=backup.id,
        reference=_reference(backup, backups),
        created=backup.created,
        location=backup.location,
        collections={name: _kept(entry, indexes) for name, entry in collections.items() if not is_ours(name)},
    )


def _reference(backup: Backup, backups: Sequence[Backup]) -> str:
    """Its id, or the manifest's path where another backup has the same id."""
    path: Path | None = backup.manifest_path
    if path is None or sum(one.id == backup.id for one in backups) <= 1 or not str(path).isprintable():
        return backup.id
    return str(path)


def _kept(entry: CollectionEntry, indexes: bool) -> CollectionKept:
    view = entry.kind == "view"
    return CollectionKept(
        kind=entry.kind,
        documents=None if view else entry.documents,
        bytes=None if view else entry.bytes,
        indexes=_indexes(entry.metadata) if indexes and entry.metadata and not view else None,
    )


def _indexes(metadata: str) -> tuple[IndexNow, ...] | None:
    from services.archive.metadata import parse_metadata
    from services.archive.model import ArchiveError
    from services.looking.collections_asking import index_now

    try:
        found = parse_metadata(metadata).get("indexes")
    except ArchiveError:
        # Verify names damaged metadata; here the indexes are simply not compared.
        return None
    return tuple(index_now(spec) for spec in found or ())


def _counts(one: BackupKept) -> CountsAt:
    return CountsAt(
        id=one.id,
        at=one.created,
        documents={
            name: entry.documents for name, entry in one.collections.items() if entry.documents is not None
        },
    )
