"""`delete`: moves every file of one backup into the location's trash; nothing is unlinked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from services.catalog.find import LATEST, find_backup
from services.catalog.manifest import Part
from services.catalog.marks import location_of
from services.catalog.model import Backup
from services.catalog.naming import printable
from services.catalog.scan import Catalog, survey
from services.catalog.trash import TrashEntry, TrashRecord, as_text, new_entry, read_trash, remove_entry
from services.catalog.trash_moves import move_in, move_out, names_of, require_movable
from services.catalog.trash_space import Freed, LinkCount, count_paths, inside
from services.errors import QuillkeepError, Refused, UsageProblem
from services.jobs.context import JobContext
from services.jobs.location_lock import is_being_read, writing
from services.operations.delete_guards import (
    refuse_if_being_read,
    refuse_if_needed,
    refuse_if_read_only,
    refuse_if_written,
)
from services.operations.pin import who

DRY = "Dry run: nothing was moved."


class DeletePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Which backup: an id or a path, never `latest`; `location` (its name) where an id lies in several.

    A dry run checks everything, moves nothing, and says what the trash would free.
    """

    backup: str
    location: str | None = None
    dry_run: bool = False


class DeleteResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was (in a dry run: would be) moved; sizes in bytes.

    `frees` is what this backup adds to an emptying of the trash: files that other backups link too free
    nothing. `trash_frees` is what an emptying would free in all. None where it could not be counted.
    """

    status: Literal["ok", "warnings"]
    warnings: tuple[str, ...] = ()
    id: str
    location: str
    kind: str
    parts: tuple[Part, ...] = ()
    bytes: int = 0
    whose: str = ""
    deleted: bool
    path: str
    files: tuple[str, ...]
    frees: Freed | None = None
    trash_frees: Freed | None = None
    entry: str = ""
    summary: str = ""


def delete(plan: DeletePlan, ctx: JobContext) -> DeleteResult:
    """Moves one backup into the trash, or finishes a deletion of it that was interrupted.

    Errors: `Refused` for what must not go (the newest good one, a pinned one, one being read or needed),
    in READ-ONLY, and while another job writes to the location; `UsageProblem` for an unknown id;
    `QuillkeepError` when it cannot be moved.
    """
    refuse_if_read_only(ctx.profile, "A backup is not deleted")
    started = _interrupted(plan, ctx)
    if started is not None:
        return _finish(started, plan, ctx)
    catalog = survey(ctx.profile.locations, ctx.profile, ctx.paths)
    backup, root = _chosen(plan, catalog, ctx)
    if plan.dry_run:
        refuse_if_written(root)
        return _run(backup, root, catalog, plan, ctx)
    with writing(root, ctx.job, verb="delete", check=ctx.check) as lock:
        # What was true before the lock was held may not be now.
        catalog = survey(ctx.profile.locations, ctx.profile, ctx.paths)
        backup, _ = _chosen(plan, catalog, ctx)
        lock.assert_held()
        return _run(backup, root, catalog, plan, ctx)


def _chosen(plan: DeletePlan, catalog: Catalog, ctx: JobContext) -> tuple[Backup, Path]:
    if plan.backup == LATEST:
        raise UsageProblem(
            "A backup is deleted by its own id, never as `latest`.",
            next="`quillkeep list` shows the ids.",
        )
    rows = [row for row in catalog.backups if row.id == plan.backup]
    if plan.location is not None:
        known = [location.name for location in ctx.profile.locations]
        if plan.location not in known:
            raise UsageProblem(
                f"There is no location {printable(plan.location)!r}.",
                cause=f"There are: {', '.join(known) or 'none'}.",
                next="Name one of these behind --location.",
            )
        rows = [row for row in rows if row.location == plan.location]
    if len(rows) > 1:
        places = "; ".join(printable(str(_path(row))) for row in rows)
        raise Refused(
            f"{plan.backup} lies in {len(rows)} places, and only one of them is deleted at a time.",
            cause=f"It lies in: {places}.",
            next="Name it by its path, or its location with --location.",
        )
    if rows:
        backup = rows[0]
    else:
        found = find_backup(
            plan.backup, catalog.backups, ctx.profile, paths=ctx.paths, problems=catalog.problems
        )
        backup = found.backup
    location = location_of(backup, ctx.profile)
    if location is None or (plan.location is not None and location.name != plan.location):
        raise Refused(
            f"{printable(backup.id)} lies in no location of this profile"
            + (f" called {printable(plan.location)}." if plan.location is not None else "."),
            cause=f"It is at {printable(str(_path(backup)))}.",
            next="Add its folder as a location; only a location has a trash.",
        )
    return backup, Path(location.path)


def _run(backup: Backup, root: Path, catalog: Catalog, plan: DeletePlan, ctx: JobContext) -> DeleteResult:
    warnings = refuse_if_needed(backup, catalog, ctx)
    refuse_if_being_read(root, backup.id)
    names = names_of(backup)
    if not names:
        raise QuillkeepError(
            f"Nothing of {printable(backup.id)} is left in {printable(str(backup.folder))}.",
            next="`quillkeep list` shows what there is now.",
        )
    require_movable(backup, root, names)
    paths = [backup.folder / name for name in names]
    warnings += _about_links(paths)
    frees, all_frees = _count(paths, ctx, warnings)
    entry: TrashEntry | None = None
    if not plan.dry_run:
        ctx.commit()
        entry = _move(new_entry(root, backup.location, _record(backup, root, names, ctx)), backup.id, ctx)
    return DeleteResult(
        status="warnings" if warnings else "ok",
        warnings=tuple(warnings),
        id=backup.id,
        location=backup.location,
        kind=backup.kind,
        parts=backup.parts,
        bytes=backup.bytes,
        whose=backup.other_deployment,
        deleted=entry is not None,
        path=printable(str(backup.folder if entry is None else entry.path)),
        files=tuple(printable(name) for name in names),
        frees=frees,
        trash_frees=all_frees,
        entry=entry.name if entry else "",
        summary=f"{backup.id} is in the trash" if entry else DRY,
    )


def _record(backup: Backup, root: Path, names: list[str], ctx: JobContext) -> TrashRecord:
    relative = os.path.relpath(backup.folder, root)
    return TrashRecord(
        id=backup.id,
        kind=backup.kind,
        folder="" if relative == "." else as_text(relative),
        names=tuple(as_text(name) for name in names),
        state="moving",
        deleted=ctx.clock(),
        by=who(),
        job=ctx.job,
        created=backup.created,
        parts=backup.parts,
        bytes=backup.bytes,
        whose=backup.other_deployment,
    )


def _move(entry: TrashEntry, id: str, ctx: JobContext) -> TrashEntry:
    entry = move_in(entry)
    reader = is_being_read(entry.root, id)
    if reader is not None:
        # It began to read after the guard had looked; its lookup had found the backup still in its place.
        move_out(entry)
        raise Refused(
            f"{printable(id)} is being read now.",
            cause=f"By {reader.describe()}.",
            touched="It was put back as it was.",
            next="Wait for that job, then run the command again.",
        )
    ctx.log(f"{printable(id)} is in the trash: {printable(str(entry.path))}.")
    return entry


def _interrupted(plan: DeletePlan, ctx: JobContext) -> TrashEntry | None:
    """An entry of this backup that is neither in its place nor in the trash."""
    for entry in read_trash(ctx.profile).entries:
        if plan.backup not in (entry.record.id, entry.name) or plan.location not in (None, entry.location):
            continue
        if entry.state == "restoring":
            raise Refused(
                f"{printable(entry.record.id)} was on its way back from the trash when that was interrupted.",
                next=f"Finish that first: quillkeep trash restore {entry.name}",
            )
        if entry.state == "moving":
            return entry
    return None


def _finish(entry: TrashEntry, plan: DeletePlan, ctx: JobContext) -> DeleteResult:
    """Goes on with a deletion that was interrupted; one that had not moved a file yet is begun anew."""
    id = entry.record.id
    moved = [name for name in entry.names if os.path.lexists(entry.files / name)]
    if not plan.dry_run:
        with writing(entry.root, ctx.job, verb="delete", check=ctx.check):
            if moved:
                refuse_if_being_read(entry.root, id)
                ctx.log(f"Goes on with the deletion of {id} that job {entry.record.job} had begun.")
                ctx.commit()
                entry = _move(entry, id, ctx)
            else:
                remove_entry(entry)
        if not moved:
            return delete(plan, ctx)
    elif not moved:
        catalog = survey(ctx.profile.locations, ctx.profile, ctx.paths)
        backup, root = _chosen(plan, catalog, ctx)
        return _run(backup, root, catalog, plan, ctx)
    warnings = [f"Its deletion by job {entry.record.job} was interrupted, and is finished by this."]
    here = [entry.place / name for name in entry.names if os.path.lexists(entry.place / name)]
    _, frees = _count(here if plan.dry_run else [], ctx, warnings)
    return DeleteResult(
        status="warnings" if len(warnings) > 1 else "ok",
        warnings=tuple(warnings),
        id=id,
        location=entry.location,
        kind=entry.record.kind,
        parts=entry.record.parts,
        bytes=entry.record.bytes,
        whose=entry.record.whose,
        deleted=not plan.dry_run,
        path=printable(str(entry.path)),
        files=tuple(printable(name) for name in entry.names),
        trash_frees=frees,
        entry=entry.name,
        summary=DRY if plan.dry_run else f"{id} is in the trash",
    )


def _count(paths: list[Path], ctx: JobContext, warnings: list[str]) -> tuple[Freed | None, Freed | None]:
    """What these paths add to an emptying of all trashes, and what that frees then."""
    phase = ctx.phase("count", "what emptying the trash would free", unit="files")
    counted = LinkCount()
    try:
        trashed = inside(entry.files for entry in read_trash(ctx.profile).entries)
        count_paths(counted, trashed, check=ctx.check, advance=phase.advance)
        before = counted.freed()
        count_paths(counted, paths, check=ctx.check, advance=phase.advance)
        after = counted.freed()
    except OSError as error:
        warnings.append(
            f"What emptying the trash would free could not be counted: {error.filename}: {error.strerror}."
        )
        return None, None
    finally:
        counted.close()
    phase.finish()
    own = Freed(
        bytes=after.bytes - before.bytes,
        shared=max(0, after.shared - before.shared),
        files=after.files - before.files,
    )
    return own, after


def _about_links(paths: list[Path]) -> list[str]:
    return [
        f"{printable(path.name)} is a link: only the link moves, what it points to stays where it is."
        for path in paths
        if path.is_symlink()
    ]


def _path(backup: Backup) -> Path:
    return backup.manifest_path or backup.database_path or backup.objects_path or backup.folder
