"""The newest run of every check of each backup, from the notes beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import msgspec

from services.catalog.find import find_backup
from services.catalog.folder import Folder
from services.catalog.listing import artefact_name, notes_of
from services.catalog.manifest import Part
from services.catalog.model import Backup, CheckStatus, Depth
from services.catalog.notes import CheckNote, NotedCheck, Notes
from services.catalog.scan import survey
from services.catalog.verdict import CONCLUSIVE, CheckRun, check_runs
from services.counted import counted
from services.looking.integrity import (
    EVIDENCE_BYTES,
    WRONG_SHOWN,
    BackupSeen,
    CheckAbout,
    CheckSeen,
    IntegrityAnswer,
    RunSeen,
)
from services.looking.integrity_findings import FoundInJobs
from services.paths import Paths
from services.profile import Profile

MAX_DETAIL = 300
"""Characters of evidence, and of a next step, in the answer about all backups."""
WHOLE = " as a whole"
"""Ends the name that stands for all checks of a part, in notes that did not name them."""
SHARED = "shared damage"
"""Object files that a verify of another snapshot found bad, and that this one links too."""
_WORST: tuple[CheckStatus, ...] = ("fail", "unknown", "warn", "skipped", "ok")
_LETTERS: Mapping[CheckStatus, str] = {"ok": "o", "warn": "w", "fail": "f", "skipped": "s", "unknown": "u"}
_FULL: tuple[Depth, ...] = ("full", "deep")


def every_backup(profile: Profile, paths: Paths) -> IntegrityAnswer:
    """All backups of all locations; what could not be read of these is in `problems`."""
    catalog = survey(profile.locations, profile, paths)
    about = catalogue()
    decides = {one.name: one.decides for one in about}
    notes_at = NotesOfFolders(paths)
    seen = [(backup, notes_at(backup)) for backup in catalog.backups]
    checks = [checks_of(notes, decides) for _, notes in seen]
    known = [one.name for one in about if one.subject != "live"]
    others = {check.name for found in checks for check in found} - set(known)
    names = (*known, *sorted(others))
    room = EVIDENCE_BYTES
    backups = []
    for (backup, notes), found in zip(seen, checks, strict=True):
        wrong = [check for check in found if check.status != "ok"][:WRONG_SHOWN]
        shown = tuple(_short(check) for check in wrong) if room > 0 else ()
        room -= sum(len(check.detail) + len(check.next) for check in shown)
        backups.append(
            msgspec.structs.replace(
                _seen(backup, notes, found, names),
                wrong=shown,
                more_wrong=sum(check.status != "ok" for check in found) - len(shown),
            )
        )
    return IntegrityAnswer(backups=tuple(backups), names=names, about=about, problems=catalog.problems)


class NotesOfFolders:
    """Reads notes, each folder listed once: most backups have none, and thousands may lie in one folder."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._folders: dict[Path, Folder | None] = {}

    def __call__(self, backup: Backup) -> Notes:
        if backup.folder not in self._folders:
            self._folders[backup.folder] = self._listed(backup)
        folder = self._folders[backup.folder]
        return folder.notes(artefact_name(backup)) if folder is not None else notes_of(backup, self._paths)

    def _listed(self, backup: Backup) -> Folder | None:
        try:
            return Folder(str(backup.folder), "", backup.location, self._paths)
        except OSError:
            # Gone or unreadable since: what its notes say is asked one by one, and told as unknown.
            return None


def one_backup(reference: str, profile: Profile, paths: Paths) -> IntegrityAnswer:
    """Everything that is noted of one. Errors: as `find_backup`."""
    catalog = survey(profile.locations, profile, paths)
    found = find_backup(reference, catalog.backups, profile, (), paths=paths, problems=catalog.problems)
    about = catalogue()
    notes = notes_of(found.backup, paths)
    checks = checks_of(notes, {one.name: one.decides for one in about})
    names = tuple(dict.fromkeys([one.name for one in about] + [check.name for check in checks]))
    told = FoundInJobs(found.backup, paths)
    seen = msgspec.structs.replace(
        _seen(found.backup, notes, checks, names),
        checks=tuple(
            msgspec.structs.replace(check, found=told.of(check)) if check.status != "ok" else check
            for check in checks
        ),
        runs=tuple(
            RunSeen(at=run.at, depth=run.depth, status=run.status, job=run.job, findings=run.findings)
            for run in reversed(notes.checks)
        ),
    )
    return IntegrityAnswer(backups=(seen,), names=names, about=about, problems=catalog.problems)


def catalogue() -> tuple[CheckAbout, ...]:
    """The registered checks in the order in which they run."""
    from services.checks.all import all_checks

    return tuple(
        CheckAbout(
            name=entry.name,
            subject=entry.subject,
            decides=entry.decides,
            depth=entry.depth,
            says=entry.says,
            reads=entry.reads,
        )
        for entry in all_checks()
    )


def checks_of(notes: Notes, decides: Mapping[str, str]) -> tuple[CheckSeen, ...]:
    """What counts of each check, the worst first; a run that could not tell any more leaves a failure standing.

    Notes that name no checks stand for all checks of a part, until a verify that names them counts instead.
    """
    if not notes.entries:
        return ()
    told = _with_wholes(notes)
    newest = {check.name: (note, check) for note in told.checks for check in note.checks}
    unnamed = {note.at for note in notes.checks if not note.checks}
    checks = []
    for name, run in check_runs(told).items():
        if name.endswith(WHOLE) and run.at not in unnamed:
            continue
        checks.append(_check(run, *newest[name], decides))
    if shared := _shared_damage(notes):
        checks.append(shared)
    return tuple(sorted(checks, key=lambda check: _WORST.index(check.status)))


def _check(run: CheckRun, note: CheckNote, newest: NotedCheck, decides: Mapping[str, str]) -> CheckSeen:
    check = run.check
    since = ""
    if note.at != run.at and newest.status not in CONCLUSIVE:
        since = f"a newer run ({note.at:%Y-%m-%d %H:%M} UTC) ended {newest.status}: {newest.detail}"
    return CheckSeen(
        name=check.name,
        status=check.status,
        at=run.at,
        depth=run.depth,
        decides=check.decides or decides.get(check.name, "backup"),
        detail=check.detail,
        next=check.next if check.status != "ok" else "",
        job=note.job if note.at == run.at else "",
        since=since,
    )


def _with_wholes(notes: Notes) -> Notes:
    """The notes, each with what it says of the parts as a whole, where any of them names no checks."""
    if all(note.checks for note in notes.checks):
        return notes
    entries = tuple(
        msgspec.structs.replace(entry, checks=(*entry.checks, *_wholes(entry)))
        if isinstance(entry, CheckNote)
        else entry
        for entry in notes.entries
    )
    return msgspec.structs.replace(notes, entries=entries)


def _wholes(note: CheckNote) -> tuple[NotedCheck, ...]:
    parts = cast(Mapping[Part | str, CheckStatus], note.parts) or {"backup": note.status}
    return tuple(
        NotedCheck(
            name=f"{part}{WHOLE}",
            status=status,
            detail=note.findings[0]
            if note.findings and status != "ok"
            else f"{note.depth} verify, proof by {note.proof}",
            decides=part,
        )
        for part, status in parts.items()
    )


def _shared_damage(notes: Notes) -> CheckSeen | None:
    """Damage that was found in another snapshot and not disproven since."""
    from services.catalog.notes import SharedDamageNote

    bad = {one.key for one in notes.bad_objects}
    told = [one for one in notes.entries if isinstance(one, SharedDamageNote)]
    newest = next((one for one in reversed(told) if any(each.key in bad for each in one.bad)), None)
    if newest is None:
        return None
    keys = [each.key for each in newest.bad if each.key in bad]
    return CheckSeen(
        name=SHARED,
        status="fail",
        at=newest.at,
        decides="objects",
        detail=f"{counted(len(keys), 'object files')} shared with {newest.found_in}, damaged: {keys[0]}",
        next="Make a new backup: it fetches the damaged objects anew.",
        job=newest.job,
    )


def _seen(backup: Backup, notes: Notes, checks: Sequence[CheckSeen], names: Sequence[str]) -> BackupSeen:
    states = {check.name: _LETTERS[check.status] for check in checks}
    concluded = [run.at for run in notes.checks if run.depth in _FULL and run.status in CONCLUSIVE]
    return BackupSeen(
        backup=_slim(backup),
        states="".join(states.get(name, "-") for name in names),
        proven_at=max(concluded, default=None),
        looked_at=max((run.at for run in notes.checks), default=None),
        unreadable=notes.unreadable[:WRONG_SHOWN],
    )


def _slim(backup: Backup) -> Backup:
    """Without lists that no row of the matrix shows."""
    return msgspec.structs.replace(
        backup,
        files=(),
        missing=backup.missing[:WRONG_SHOWN],
        missing_keys=backup.missing_keys[:WRONG_SHOWN],
        lost_keys=(),
        suspicious=backup.suspicious[:WRONG_SHOWN],
    )


def _short(check: CheckSeen) -> CheckSeen:
    return msgspec.structs.replace(
        check, detail=_cut(check.detail), next=_cut(check.next), since=_cut(check.since), found=()
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_DETAIL else f"{text[: MAX_DETAIL - 3]}..."
