"""`trash list`, `trash restore` and `trash empty`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from services.catalog.listing import moment
from services.catalog.naming import printable
from services.catalog.notes import BadObject, SharedDamageNote, append_note, read_notes
from services.catalog.scan import survey
from services.catalog.trash import (
    EMPTYING,
    Trash,
    TrashEntry,
    discard_partial,
    read_trash,
    remove_entry,
)
from services.catalog.trash_moves import move_out
from services.catalog.trash_space import Freed, LinkCount, count_paths, inside
from services.errors import Cancelled, QuillkeepError, Refused, UsageProblem
from services.files import PARTIAL, fsync_folder
from services.jobs.context import JobContext
from services.jobs.location_lock import is_being_read, list_readers, writing
from services.operations.delete_guards import refuse_if_read_only
from services.operations.trash_removal import remove_tree
from services.profile import Profile


class TrashRestorePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Which deleted backup comes back: its id, or the entry's own name where an id is there twice."""

    entry: str
    location: str | None = None


class TrashRestoreResult(msgspec.Struct, frozen=True, kw_only=True):
    """Where it lies again."""

    status: Literal["ok", "warnings"]
    warnings: tuple[str, ...] = ()
    id: str
    location: str
    path: str
    summary: str = ""


class TrashEmptyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`entries` (`location/name`, as `trash list` gives their `key`) go for good; none named means all there are."""

    entries: tuple[str, ...] = ()


class TrashEmptyResult(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of backups that are gone, and the bytes of disk that were freed, measured while they went."""

    status: Literal["ok", "warnings"]
    warnings: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    freed: int = 0
    summary: str = ""


def key_of(entry: TrashEntry) -> str:
    """What names an entry among all locations."""
    return f"{entry.location}/{entry.name}"


def trash_document(
    profile: Profile, *, measure: bool = True, check: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """The `trash list` document; `measure` walks every file for what emptying would free (None without)."""
    trash = read_trash(profile)
    warnings = [problem.sentence for problem in trash.problems]
    frees = measured(trash.entries, warnings, check=check) if measure else None
    rows = []
    for entry in trash.entries:
        record = entry.record
        rows.append(
            {
                "id": record.id,
                "key": key_of(entry),
                "entry": entry.name,
                "location": entry.location,
                "state": entry.state,
                "kind": record.kind,
                "parts": list(record.parts),
                "bytes": record.bytes,
                "created": moment(record.created),
                "deleted": moment(record.deleted),
                "by": record.by,
                "other_deployment": record.whose,
                "path": printable(str(entry.path)),
                "frees": _own(entry, warnings, check) if measure else None,
            }
        )
        if entry.state in ("moving", "restoring"):
            verb = "delete" if entry.state == "moving" else "trash restore"
            name = printable(record.id) if verb == "delete" else entry.name
            warnings.append(
                f"{printable(record.id)}: `{verb}` was interrupted; `quillkeep {verb} {name}` goes on."
            )
    return {
        "status": "warnings" if warnings else "ok",
        "warnings": warnings,
        "trash": rows,
        "frees": None if frees is None else frees.bytes,
        "shared": None if frees is None else frees.shared,
    }


def measured(
    entries: Sequence[TrashEntry], warnings: list[str], *, check: Callable[[], None]
) -> Freed | None:
    """What emptying these would free; None, and a warning, when a file cannot be looked at."""
    counted = LinkCount()
    try:
        paths = inside(entry.files for entry in entries)
        count_paths(counted, paths, check=check, advance=lambda _: None)
        return counted.freed()
    except OSError as error:
        warnings.append(f"What emptying would free could not be counted: {error.filename}: {error.strerror}.")
        return None
    finally:
        counted.close()


def _own(entry: TrashEntry, warnings: list[str], check: Callable[[], None]) -> int | None:
    freed = measured([entry], warnings, check=check)
    return None if freed is None else freed.bytes


def trash_restore(plan: TrashRestorePlan, ctx: JobContext) -> TrashRestoreResult:
    """Moves a deleted backup back where it was; also undoes a deletion that was interrupted.

    Errors: `Refused` when its names are taken or it is half gone, `UsageProblem` for an unknown one,
    `QuillkeepError` when it cannot be moved.
    """
    entry = _chosen(plan, read_trash(ctx.profile))
    with writing(entry.root, ctx.job, verb="trash-restore", check=ctx.check):
        _refuse_if_read(entry)
        ctx.commit()
        move_out(entry)
    warnings = _tell_damage(entry, ctx)
    ctx.log(f"{printable(entry.record.id)} is back in {printable(str(entry.place))}.")
    return TrashRestoreResult(
        status="warnings" if warnings else "ok",
        warnings=tuple(warnings),
        id=entry.record.id,
        location=entry.location,
        path=printable(str(entry.place)),
        summary=f"{entry.record.id} is back",
    )


def _chosen(plan: TrashRestorePlan, trash: Trash) -> TrashEntry:
    found = [
        entry
        for entry in trash.entries
        if plan.entry in (entry.record.id, entry.name, key_of(entry))
        and plan.location in (None, entry.location)
    ]
    if not found:
        there = ", ".join(printable(entry.record.id) for entry in trash.entries[:10]) or "nothing"
        raise UsageProblem(
            f"There is no {printable(plan.entry)!r} in the trash.",
            cause=f"It holds: {there}.",
            next="`quillkeep trash list` shows everything in it.",
        )
    if len(found) > 1:
        raise Refused(
            f"{printable(plan.entry)} is in the trash {len(found)} times.",
            cause="; ".join(f"{key_of(entry)}, deleted {moment(entry.record.deleted)}" for entry in found),
            next=f"Name one of these: quillkeep trash restore {key_of(found[0])}",
        )
    if found[0].state == "emptying":
        raise Refused(
            f"{printable(plan.entry)} is half gone: emptying the trash was interrupted in the middle of it.",
            next="`quillkeep trash empty` finishes that; restore from another backup.",
        )
    return found[0]


def _refuse_if_read(entry: TrashEntry) -> None:
    """Somebody may restore straight from a path in the trash."""
    for folder in (entry.files, entry.path):
        for holder in list_readers(folder) if folder.is_dir() else ():
            reader = is_being_read(folder, holder.mark.backup or "") if holder.mark else None
            if reader is not None:
                raise Refused(
                    f"{printable(entry.record.id)} is being read in the trash.",
                    cause=f"By {reader.describe()}.",
                    next="Wait for that job, then run the command again.",
                )


def _tell_damage(entry: TrashEntry, ctx: JobContext) -> list[str]:
    """Files that other backups link and that were found damaged while this one lay in the trash are noted here too."""
    if entry.record.kind != "quillkeep" or "objects" not in entry.record.parts:
        return []
    from services.objects.manifest import read_lines

    rows = survey(ctx.profile.locations, ctx.profile, ctx.paths).backups
    mine = next((row for row in rows if row.id == entry.record.id and row.folder == entry.place), None)
    if mine is None or mine.objects_list is None or not mine.objects_list.is_file():
        return []
    bad: dict[tuple[str, int], str] = {}
    for row in rows:
        if row.kind == "quillkeep" and row.folder == entry.place and row.id != mine.id:
            for one in read_notes(row.folder, row.id, ctx.paths).bad_objects:
                if one.inode:
                    bad[one.key, one.inode] = row.id
    if not bad:
        return []
    found: dict[str, list[BadObject]] = {}
    try:
        for line in read_lines(mine.objects_list):
            other = bad.get((line.key, line.inode))
            if other is not None:
                one = BadObject(key=line.key, inode=line.inode, why="its bytes are no longer those recorded")
                found.setdefault(other, []).append(one)
    except QuillkeepError as error:
        return [f"Whether it shares damaged files with others could not be told: {error.what}"]
    for other, objects in found.items():
        note = SharedDamageNote(at=ctx.clock(), found_in=other, job=ctx.job, bad=tuple(objects))
        append_note(mine.folder, mine.id, note, ctx.paths)
    return [
        f"{mine.id} shares {len(objects)} damaged object files with {other}."
        for other, objects in found.items()
    ]


def trash_empty(plan: TrashEmptyPlan, ctx: JobContext) -> TrashEmptyResult:
    """Deletes what is in the trash for good; what is unfinished or being read stays, and is named.

    Errors: `Refused` in READ-ONLY and while another job writes to the location; `Cancelled` says what is
    gone; `QuillkeepError` when a file cannot be deleted, after which the same command goes on.
    """
    refuse_if_read_only(ctx.profile, "The trash is not emptied")
    trash = read_trash(ctx.profile)
    warnings = [problem.sentence for problem in trash.problems]
    entries = [entry for entry in trash.entries if not plan.entries or key_of(entry) in plan.entries]
    missing = set(plan.entries) - {key_of(entry) for entry in entries}
    warnings += [f"{printable(name)} is no longer in the trash." for name in sorted(missing)]
    phase = ctx.phase("empty", _many(len(entries)), unit="files")
    gone: list[str] = []
    freed = 0

    def removed(size: int) -> None:
        nonlocal freed
        freed += size
        phase.advance(1)

    for root in dict.fromkeys(entry.root for entry in entries):
        with writing(root, ctx.job, verb="trash-empty", check=ctx.check):
            if not plan.entries:
                _sweep(root / entries[0].path.parent.name)
            for entry in (one for one in entries if one.root == root):
                try:
                    ctx.check()
                    _remove(entry, ctx.check, removed)
                except Cancelled as error:
                    error.touched = f"Gone for good: {', '.join(gone) or 'no whole backup'}. The rest is still in the trash."
                    error.next = "`quillkeep trash list` shows it; one that is half gone can only be emptied."
                    raise
                except Refused as error:
                    warnings.append(f"{error.what} {error.cause} It stays in the trash. {error.next}")
                except OSError as error:
                    raise QuillkeepError(
                        f"{printable(str(error.filename or entry.path))} could not be deleted.",
                        cause=f"{error.strerror or error}.",
                        touched=f"Gone for good: {', '.join(gone) or 'no whole backup'}.",
                        next="Correct that, then `quillkeep trash empty` goes on.",
                    ) from error
                else:
                    gone.append(entry.record.id)
    phase.finish()
    return TrashEmptyResult(
        status="warnings" if warnings else "ok",
        warnings=tuple(warnings),
        emptied=tuple(gone),
        freed=freed,
        summary=f"{_many(len(gone))} gone for good",
    )


def _many(count: int) -> str:
    return f"{count:,} backup{'s' if count != 1 else ''}"


def _remove(entry: TrashEntry, check: Callable[[], None], removed: Callable[[int], None]) -> None:
    if entry.state in ("moving", "restoring"):
        raise Refused(
            f"{printable(entry.record.id)} is only partly in the trash.",
            cause="What moved it was interrupted.",
            next="`quillkeep trash list` says how to go on.",
        )
    _refuse_if_read(entry)
    if entry.state != "emptying":
        # From here on it cannot be restored: a half-emptied backup must never come back.
        ending = entry.path.with_name(entry.name + EMPTYING)
        os.rename(entry.path, ending)
        fsync_folder(ending.parent)
        entry = msgspec.structs.replace(entry, path=ending)
    if entry.files.is_dir():
        remove_tree(entry.files, check, removed)
    remove_entry(entry)


def _sweep(trash: Path) -> None:
    """Entries that a crash left without their name hold nothing."""
    for name in os.listdir(trash):
        if PARTIAL in name and (trash / name).is_dir():
            discard_partial(trash / name)
