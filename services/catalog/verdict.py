"""What the verify runs of a backup amount to: the newest run of the same or greater depth counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.catalog.manifest import Part
from services.catalog.model import CheckStatus, Verified
from services.catalog.notes import CheckNote, Notes, SharedDamageNote

CONCLUSIVE: frozenset[CheckStatus] = frozenset({"ok", "warn", "fail"})
"""A run that could not read (`unknown`) or could not look (`skipped`) proves nothing and takes nothing away."""


def _verdict(
    checks: Sequence[CheckNote], status: Callable[[CheckNote], CheckStatus | None]
) -> CheckNote | None:
    """The run that counts: a newer quick failure, else the newest greater one, else the newest."""
    quick: CheckNote | None = None
    full: CheckNote | None = None
    newest_is_quick = False
    for check in checks:
        if status(check) not in CONCLUSIVE:
            continue
        if check.depth == "quick":
            quick, newest_is_quick = check, True
        else:
            full, newest_is_quick = check, False
    if quick is not None and newest_is_quick and (full is None or status(quick) == "fail"):
        return quick
    return full or quick


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
    """The first finding of the run that failed, in words."""
    for entry in reversed(notes.entries):
        if isinstance(entry, CheckNote) and entry.part(part) == "fail":
            return entry.findings[0] if entry.findings else "a check failed"
        if part == "objects" and isinstance(entry, SharedDamageNote):
            count = len(entry.bad)
            return f"{count} object file{'s' if count != 1 else ''} shared with {entry.found_in} are damaged"
    return "a check failed"
