"""Which backup an admin means: an id, `latest`, or a path to anything recognisable."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from services.catalog import layout
from services.catalog.deployment import Deployment
from services.catalog.folder import Folder
from services.catalog.foreign import as_backup as foreign_backup
from services.catalog.foreign import recognise_file, recognise_folder
from services.catalog.manifest import Part
from services.catalog.model import Backup
from services.catalog.naming import SIDECAR, printable
from services.catalog.notes import read_notes
from services.catalog.own import as_backup, own_records
from services.catalog.scan import LocationProblem, location_words
from services.counted import counted
from services.errors import QuillkeepError, Refused, UsageProblem
from services.paths import Paths, default_paths
from services.profile import Profile

LATEST = "latest"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The backup, and for `latest` every newer one that was passed over and why: (id, reason)."""

    backup: Backup
    passed_over: tuple[tuple[str, str], ...] = ()


def newest_good(backups: Sequence[Backup], part: Part) -> Backup | None:
    """The newest backup of ours that is good and counts for a part; `backups` newest first, as `scan` gives them."""
    return next((backup for backup in backups if not why_not(backup, (part,))), None)


def why_not(backup: Backup, parts: Sequence[Part]) -> str:
    """Why a backup is not `latest` for these parts (none named: for all it has); empty when it is."""
    if backup.kind != "quillkeep":
        return "made by other tools, names no deployment: restore it by its path"
    if backup.problem:
        return backup.problem
    if not backup.ours:
        return f"another deployment's: {backup.other_deployment}"
    if not backup.counted:
        return "a copy made for safety, not a backup by plan"
    wanted = tuple(parts) or backup.parts
    if not wanted:
        return "its manifest names no part"
    for part in wanted:
        if part not in backup.parts:
            return f"has no {part} part"
        if part not in backup.good_parts:
            return f"{part} not good: {backup.not_good.get(part, 'not proven')}"
        if part in backup.uncounted_parts:
            return "leaves out a collection of the application"
    return ""


def find_backup(
    ref: str,
    backups: Sequence[Backup],
    profile: Profile,
    parts: Sequence[Part] = (),
    *,
    paths: Paths | None = None,
    problems: Sequence[LocationProblem] = (),
) -> Found:
    """The one backup `ref` means; `parts` only matter to `latest` (none: good in every part it has).

    Errors: `Refused` when there is no good one for `latest`, naming what there is; `UsageProblem` for an
    unknown id or path (the beginning of an id is not taken for the id); `QuillkeepError` for a path that
    cannot be read. `problems` are locations that could not be read, named beside a refusal.
    """
    if ref == LATEST:
        return _latest(backups, parts, problems)
    by_id = [backup for backup in backups if ref == backup.id]
    if by_id:
        return Found(backup=_most_useful(by_id))
    if ref:
        for path in (ref, *(os.path.join(location.path, ref) for location in profile.locations)):
            if os.path.lexists(path):
                return Found(backup=_by_path(path, backups) or recognise(Path(path), profile, paths))
    return _unknown_id(ref, backups, problems)


def _by_path(path: str, backups: Sequence[Backup]) -> Backup | None:
    """The listed backup that has a file of this path."""
    real = os.path.realpath(path)
    folder, name = os.path.split(real)
    reals: dict[Path, str] = {}
    for backup in backups:
        if backup.folder not in reals:
            reals[backup.folder] = os.path.realpath(backup.folder)
        if reals[backup.folder] == folder and name in _names_of(backup):
            return backup
    return None


def _names_of(backup: Backup) -> set[str]:
    every = [*backup.files, backup.manifest_path, backup.objects_path, backup.database_path]
    names = {path.name for path in every if path is not None and path.parent == backup.folder}
    if backup.kind != "quillkeep" and backup.notes_path is not None:
        names.add(backup.notes_path.name.removesuffix(layout.NOTES_SUFFIX))
    return names


def _most_useful(same: Sequence[Backup]) -> Backup:
    """Of copies in several locations the good one, then the complete one, then the first."""
    return min(same, key=lambda backup: (not backup.good, not backup.complete, bool(backup.problem)))


def _latest(backups: Sequence[Backup], parts: Sequence[Part], problems: Sequence[LocationProblem]) -> Found:
    passed: list[tuple[str, str]] = []
    for backup in backups:
        reason = why_not(backup, parts)
        if not reason:
            return Found(backup=backup, passed_over=tuple(passed))
        passed.append((backup.id, reason))
    what = " and ".join(parts) if parts else "a whole backup"
    there = "; ".join(f"{id}: {reason}" for id, reason in passed[:20])
    more = f"; and {len(passed) - 20} more" if len(passed) > 20 else ""
    unread = " ".join(f"Could not be read: {problem.sentence}." for problem in problems)
    raise Refused(
        f"There is no good backup of this deployment for {what}.",
        cause=f"{f'There is: {there}{more}.' if passed else 'The locations hold no backup at all.'} {unread}".strip(),
        next="`quillkeep list` shows them all; name one by its id or path to use it, "
        "or `quillkeep verify ID` proves one.",
    )


def _unknown_id(ref: str, backups: Sequence[Backup], problems: Sequence[LocationProblem]) -> Found:
    ids = [backup.id for backup in backups]
    near = [one for one in ids if one.startswith(ref)][:5] if ref else []
    near = near or difflib.get_close_matches(ref, ids, n=3)
    unread = " ".join(f"Could not be read: {problem.sentence}." for problem in problems)
    if near:
        shown = f"Did you mean {' or '.join(near)}?"
    else:
        shown = (
            f"{counted(len(ids), 'backups')} can be seen, none of that name."
            if ids
            else "No backup can be seen."
        )
    if unread:
        what = f"The backup {printable(ref)!r} is not in what can be read."
        next = "Mount what is missing, or run as a user that may read it; then try again."
    else:
        what = f"There is no backup {printable(ref)!r}."
        next = "`quillkeep list` shows every id; a path to a file or folder works too."
    raise UsageProblem(what, cause=f"{shown} {unread}".strip(), next=next)


def recognise(path: Path, profile: Profile, paths: Paths | None = None) -> Backup:
    """The backup that a path means, in a location or not: a manifest or a file beside one is ours, all
    else foreign. `UsageProblem` when it is nothing of the kind, `QuillkeepError` when it cannot be read."""
    paths = paths or default_paths()
    path = Path(os.path.abspath(path))
    try:
        status = os.stat(path)
        folder = Folder(str(path.parent), "", "", paths)
    except OSError as error:
        raise QuillkeepError(
            f"{printable(str(path))} cannot be read: {location_words(error)}.",
            next="Run the command as a user that may read it.",
        ) from None
    mine = _ours_at(path, folder, profile)
    if mine is not None:
        return mine
    is_folder = os.path.isdir(path)
    artefact = recognise_folder(str(path), path.name) if is_folder else None
    if not is_folder and status.st_size >= 0:
        artefact = recognise_file(str(path), path.name, folder, asked_for=True)
    if artefact is None:
        raise UsageProblem(
            f"{printable(str(path))} is no backup that Quillkeep knows.",
            cause="Neither a manifest, a mongodump archive, a dump folder, a tar of one, a mirrored bucket, "
            "nor an encrypted file of these.",
            next="`quillkeep list` shows every backup in the locations.",
        )
    return foreign_backup(
        [artefact],
        id=printable(str(path)),
        location="",
        folder=path.parent,
        notes=read_notes(path.parent, path.name, paths),
    )


def _ours_at(path: Path, folder: Folder, profile: Profile) -> Backup | None:
    name = path.name.removesuffix(SIDECAR)
    stamp = next(
        (
            name[len(start) : len(start) + 15]
            for start in ("quilltap_mongo_", "quilltap_s3_", "quilltap_")
            if name.startswith(start)
        ),
        "",
    )
    manifest = f"quilltap_{stamp}.json"
    if layout.OWN_MANIFEST.fullmatch(manifest) is None or manifest not in folder.entries:
        return None
    readable, unusable, _ = own_records(folder, Deployment(profile))
    for record in readable:
        if record.head.id == f"quilltap_{stamp}":
            names = {file.name for file in record.head.files}
            names |= {manifest, layout.objects_name(record.head.id)}
            return as_backup(record, frozenset(record.lost)) if name in names else None
    if name == manifest:
        return next(row for row in unusable if row.id == f"quilltap_{stamp}")
    return None
