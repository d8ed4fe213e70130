"""What the verify runs of a backup amount to: the newest run of the same or greater depth counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from services.catalog.manifest import Part
from services.catalog.model import CheckStatus, Depth, Verified
from services.catalog.notes import CheckNote, NotedCheck, Notes, SharedDamageNote

_DEPTHS: tuple[Depth, ...] = ("quick", "full", "deep")

DAMAGED = "verify found it damaged"
"""How the reason begins of a part that is not good since a check failed."""
CONCLUSIVE: frozenset[CheckStatus] = frozenset({"ok", "warn", "fail"})
"""A run that could not read (`unknown`) or could not look (`skipped`) proves nothing and takes nothing away."""


class CheckRun(msgspec.Struct, frozen=True, kw_only=True):
    """What counts of one check: how it ended, when, and in a verify of which depth."""

    check: NotedCheck
    at: datetime
    depth: Depth


def check_runs(notes: Notes) -> dict[str, CheckRun]:
    """What each check that was ever noted amounts to, by name.

    The newest run that could tell (`ok`, `warn`, `fail`) counts, and a shallower one only when it failed or
    the one before did not; where none could tell, the newest. One that could not tell any more is shown
    instead of an older `ok` or `warn`, never instead of a `fail`.
    """
    counted: dict[str, CheckRun] = {}
    for note in notes.checks:
        for check in note.checks:
            run = CheckRun(check=check, at=note.at, depth=note.asked or note.depth)
            before = counted.get(check.name)
            if before is None or before.check.status != "fail" or _may_replace(run, before):
                counted[check.name] = run
    return counted


def _may_replace(run: CheckRun, failed: CheckRun) -> bool:
    if run.check.status == "fail":
        return True
    return run.check.status in CONCLUSIVE and _DEPTHS.index(run.depth) >= _DEPTHS.index(failed.depth)


def last_asked(notes: Notes, depth: Depth) -> datetime | None:
    """When a verify of this depth or a greater one last ran, whatever it ended as; None when it never did."""
    times = [
        note.at for note in notes.checks if _DEPTHS.index(note.asked or note.depth) >= _DEPTHS.index(depth)
    ]
    return max(times, default=None)


def last_told(notes: Notes, depth: Depth) -> datetime | None:
    """When a verify of this depth or a greater one last came to a verdict; None when none ever did."""
    times = [
        note.at
        for note in notes.checks
        if _DEPTHS.index(note.depth) >= _DEPTHS.index(depth) and note.status in CONCLUSIVE
    ]
    return max(times, default=None)


def _verdict(
    checks: Sequence[CheckNote], status: Callable[[CheckNote], CheckStatus | None]
) -> CheckNote | None:
    """The run that counts, of those that no newer one of the same or greater depth replaced.

    The newest failure among them, else the deepest: a quick `ok` hides no full `fail`, a full `ok` no deep one.
    """
    standing: list[CheckNote] = []
    for check in checks:
        if status(check) in CONCLUSIVE:
            reach = _DEPTHS.index(check.depth)
            standing = [older for older in standing if _DEPTHS.index(older.depth) > reach]
            standing.append(check)
    failed = [check for check in standing if status(check) == "fail"]
    if failed:
        return failed[-1]
    return standing[0] if standing else None


def verified(notes: Notes) -> Verified | None:
    """The verdict shown for the whole backup; a quick `ok` never hides an older full `fail`."""
    checks = notes.checks
    if not checks:
        return None
    counted = _verdict(checks, lambda check: check.status)
    newest = checks[-1]
    if counted is None or (
        newest.status not in CONCLUSIVE and counted.status != "fail" and newest.depth != "quick"
    ):
        counted = newest
    return Verified(at=counted.at, status=counted.status, depth=counted.depth, proof=counted.proof)


def part_status(notes: Notes, part: Part) -> CheckStatus | None:
    """What counts for one part: `fail` after a failed run or shared damage not disproven since."""
    if not notes.entries:
        return None
    if part == "objects" and notes.bad_objects:
        return "fail"
    counted = _verdict(notes.checks, lambda check: check.part(part))
    return counted.part(part) if counted is not None else None


def proven_full(notes: Notes, part: Part) -> bool:
    """Whether a full check with content sums has proven every byte of a part, and nothing since denies it."""
    counted = _verdict(notes.checks, lambda check: check.part(part))
    return (
        counted is not None
        and counted.depth != "quick"
        and counted.proof == "content"
        and counted.part(part) in ("ok", "warn")
    )


def why_failed(notes: Notes, part: Part) -> str:
    """What the newest run that failed this part found, in words."""
    for entry in reversed(notes.entries):
        if isinstance(entry, CheckNote) and entry.part(part) == "fail":
            for check in entry.checks:
                if check.status == "fail" and check.decides in (part, "backup"):
                    return check.detail
            return entry.findings[0] if entry.findings else "a check failed"
        if part == "objects" and isinstance(entry, SharedDamageNote):
            count = len(entry.bad)
            return f"{count} object file{'s' if count != 1 else ''} shared with {entry.found_in} are damaged"
    return "a check failed"
