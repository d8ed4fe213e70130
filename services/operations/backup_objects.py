"""The objects part: two passes around the database, hard links to the previous snapshot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from services.catalog.manifest import ObjectsEntry
from services.catalog.model import Backup
from services.catalog.notes import BadObject, SharedDamageNote, append_note, read_notes
from services.catalog.scan import accepted_lost
from services.counted import by_number, counted
from services.jobs.context import JobContext
from services.objects.bucket import Bucket
from services.objects.linking import PreviousSnapshot
from services.objects.manifest import read_lines
from services.objects.snapshot import Snapshot
from services.objects.snapshot_result import RottenFile, SnapshotResult
from services.operations.backup_files import Workspace
from services.operations.backup_space import Room

NO_LINKS = "Files cannot be hard-linked here"
"""How the snapshot's sentence about copies begins."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What earlier backups of this location tell a new snapshot."""

    previous_id: str | None = None
    previous: PreviousSnapshot | None = None
    lost: frozenset[str] = frozenset()
    suspect_keys: frozenset[str] = frozenset()
    suspect_inodes: frozenset[int] = frozenset()


def known_from(backups: Sequence[Backup], folder: Path, ctx: JobContext) -> Known:
    """The newest complete snapshot of this bucket here to link to, and what notes call lost or bad.

    A snapshot need not be good to be linked to: every linked file is one the bucket still has unchanged,
    and those that a note calls bad are read again.
    """
    here = [
        backup
        for backup in backups
        if backup.ours
        and backup.folder == folder
        and backup.complete
        and "objects" in backup.parts
        and backup.objects_path is not None
        and backup.objects_list is not None
    ]
    keys: set[str] = set()
    inodes: set[int] = set()
    for backup in here:
        for bad in read_notes(backup.folder, backup.id, ctx.paths).bad_objects:
            keys.add(bad.key)
            if bad.inode:
                inodes.add(bad.inode)
    newest = here[0] if here else None
    return Known(
        previous_id=newest.id if newest else None,
        previous=PreviousSnapshot(folder=newest.objects_path, lines=newest.objects_list)
        if newest is not None and newest.objects_path is not None and newest.objects_list is not None
        else None,
        lost=accepted_lost(backups),
        suspect_keys=frozenset(keys),
        suspect_inodes=frozenset(inodes),
    )


def bucket_bytes(bucket: Bucket, ctx: JobContext) -> int:
    """What a first snapshot will need: the sizes of all objects, listed once."""
    total = 0
    for info in bucket.list():
        ctx.check()
        total += info.size
    return total


def begin_snapshot(
    bucket: Bucket,
    known: Known,
    space: Workspace,
    partial: Path,
    *,
    room: Room,
    advance: Callable[[int], None],
    ctx: JobContext,
) -> Snapshot:
    """A snapshot in a folder of a partial name, with everything earlier ones tell."""
    return Snapshot(
        bucket,
        partial,
        space.objects_list,
        previous=known.previous,
        lost=known.lost,
        suspect_keys=known.suspect_keys,
        suspect_inodes=known.suspect_inodes,
        clock=ctx.clock,
        check=ctx.check,
        advance=advance,
        say=ctx.log,
        space=room.before_write,
    )


def objects_entry(result: SnapshotResult) -> ObjectsEntry:
    """The objects part as the manifest holds it."""
    return ObjectsEntry(
        count=result.count,
        bytes=result.bytes,
        missing=tuple(one.key for one in result.missing),
        lost=result.lost,
        contradicting=result.contradicting,
    )


def objects_warnings(result: SnapshotResult) -> list[str]:
    """What an admin should act on; a location without hard links is a fact, told in the log every time."""
    warnings = [text for text in result.warnings if not text.startswith(NO_LINKS)]
    if result.missing:
        first = result.missing[0]
        warnings.append(
            f"{counted(len(result.missing), 'objects')} could not be read, so the objects part is not good: "
            f"{first.key} ({first.why}){' and others' if len(result.missing) > 1 else ''}. "
            "If they are lost for ever: `quillkeep accept` names them so."
        )
    if result.rotten:
        names = ", ".join(sorted({one.key for one in result.rotten})[:5])
        warnings.append(
            f"{counted(len(result.rotten), 'files')} of earlier snapshots {by_number(len(result.rotten), 'is', 'are')} no longer what was written and {by_number(len(result.rotten), 'was', 'were')} fetched "
            f"anew: {names}. Suspect the disk; `quillkeep verify` names every snapshot that shares them."
        )
    return warnings


def note_rotten(
    rotten: Sequence[RottenFile], backups: Sequence[Backup], found_in: str, ctx: JobContext
) -> None:
    """Notes in every earlier snapshot that has one of these damaged files that it does."""
    bad = {(one.key, one.inode) for one in rotten}
    for backup in backups:
        if not backup.ours or backup.objects_list is None or not backup.objects_list.exists():
            continue
        shared = [
            BadObject(key=line.key, inode=line.inode, why="its bytes are no longer those recorded")
            for line in read_lines(backup.objects_list)
            if (line.key, line.inode) in bad
        ]
        if shared:
            note = SharedDamageNote(at=ctx.clock(), found_in=found_in, job=ctx.job, bad=tuple(shared))
            append_note(backup.folder, backup.id, note, ctx.paths)
