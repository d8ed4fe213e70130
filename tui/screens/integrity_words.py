"""Integrity's sentences: what is known, what the row under the cursor found, and what to do with an empty list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.catalog.listing import row as as_document
from services.counted import counted
from services.findings import Finding
from services.looking.integrity import BackupSeen, CheckSeen, IntegrityAnswer, LiveSeen
from tui.present_catalog import condition
from tui.screens.archives_rows import age, moment
from tui.screens.integrity_rows import Entry, live_letter, when_words, worst_first
from tui.screens.integrity_watch import Watch
from tui.store import Looked, Store
from widgets.glyphs import Glyphs, tone
from widgets.lines_view import Line, wrapped

FILTERS: tuple[tuple[str, str], ...] = (
    ("all", ""),
    ("fail", "failing only"),
    ("warn", "warnings, unknown, skipped"),
    ("never", "never verified only"),
)
"""What `f` goes through, and how the head says it."""
VERBS: Mapping[str, str] = {
    "pairs": "rows against objects",
    "validate": "collections and references",
    "pepper-check": "the pepper",
}
PLACES_SHOWN = 3
EXAMPLES = 3
FINDINGS = 2
"""Findings of each live check that stand under the matrix, the worst ones."""
_ORDER = ("fail", "unknown", "warn")


def passes(entry: Entry, severity: str) -> bool:
    """Whether a severity's filter lets a row through."""
    return severity == "all" or (entry.never if severity == "never" else entry.severity == severity)


def head_words(
    store: Store, looked: Looked[IntegrityAnswer], entries: Sequence[Entry], severity: str, order: str
) -> str:
    """How many there are, how many of them were never verified, in which order, and since when this is known."""
    parts = []
    if looked.waiting and looked.asked is not None:
        waiting = "..." if not store.profile.locations else store.profile.locations[0].path
        parts.append(f"looking at {waiting} since {looked.asked:%H:%M:%S} UTC")
    if looked.value is not None:
        backups = [entry for entry in entries if entry.backup is not None]
        parts.append(counted(len(backups), "backups"))
        never = sum(entry.never for entry in backups)
        failing = sum(entry.severity == "fail" for entry in entries)
        parts += [f"{never:,} never verified"] if never else []
        parts += [f"{failing:,} failing"] if failing else []
        said = dict(FILTERS)[severity] or order
        parts += [said] if said else []
        if not looked.waiting and looked.answered is not None:
            parts.append(f"looked {looked.answered:%H:%M} UTC")
    return f" {', '.join(parts)}"


def places_lines(answer: IntegrityAnswer | None, glyphs: Glyphs) -> str:
    """One line for each folder that could not be read, and for journals: unknown is not absent."""
    if answer is None:
        return ""
    lines = [
        f" {glyphs.status('unknown', problem.location)}: {problem.problem}: {problem.path}"
        for problem in answer.problems[:PLACES_SHOWN]
    ]
    if len(answer.problems) > PLACES_SHOWN:
        lines.append(f" {glyphs.of('unknown')} and {len(answer.problems) - PLACES_SHOWN:,} more folders")
    if answer.live_problem:
        lines.append(f" {glyphs.status('unknown', 'live')}: {answer.live_problem}")
    return "\n".join(lines)


def empty_words(store: Store, looked: Looked[IntegrityAnswer], severity: str, typed: str) -> tuple[str, str]:
    """Why no row is shown, and what to do."""
    if typed.strip():
        return f"Nothing here has the words {typed.strip()!r}.", "Escape shows all of it."
    if severity != "all":
        nothing = {
            "fail": "No check of a backup or of the live data fails, of those that ran.",
            "warn": "No check warned, was skipped, or could not be read.",
            "never": "Everything was verified at least once.",
        }
        return nothing[severity], "Escape shows all of it."
    if looked.value is None and looked.problem is not None:
        return "What is known of integrity could not be read.", "r looks again."
    since = f" since {looked.asked:%H:%M:%S} UTC" if looked.asked else ""
    where = store.profile.locations[0].path if store.profile.locations else "the journals"
    return f"Looking at {where}{since}.", "The matrix appears as soon as it answers."


def hint(store: Store, answer: IntegrityAnswer) -> str:
    """What to do where there is no backup to check."""
    if any(one for one in answer.backups):
        return ""
    if not store.profile.locations:
        return "No folder for backups is configured: 8 shows the line to write."
    if answer.problems:
        return "No backup can be seen: a folder could not be read. Mount it, then r."
    return f"No backups yet in {store.profile.locations[0].path}: 2 then b makes one."


def running_lines(watches: Sequence[Watch], glyphs: Glyphs, width: int) -> list[Line]:
    """The jobs that run on a row."""
    lines: list[Line] = []
    for watch in watches:
        turn = f", {watch.turn}" if watch.turn else ""
        text = f"{glyphs.status('running', watch.words)}: {watch.phase or 'it begins'}{turn} (w watches)"
        lines += _wrapped(text, width, "accent")
    return lines


def backup_lines(seen: BackupSeen, now: datetime, glyphs: Glyphs, width: int) -> list[Line]:
    """A backup in some lines: its verdict, what is wrong with evidence and next step, and what never ran."""
    backup = seen.backup
    status, why = condition(as_document(backup))
    holds = " + ".join(backup.parts) or "nothing known"
    lines = _wrapped(f"{backup.id}: {moment(backup.created)}, {holds}, in {backup.location}", width, "strong")
    lines += _wrapped(glyphs.status(status, why), width, tone(status))
    for unread in seen.unreadable:
        lines += _wrapped(glyphs.status("unknown", f"notes: {unread}"), width, "warning")
    for check in seen.wrong:
        lines += check_lines(check, now, glyphs, width)
    if seen.more_wrong:
        lines += _wrapped(f"and {seen.more_wrong:,} more that did not end ok: Enter shows them", width)
    if seen.looked_at is None:
        own = backup.kind == "quillkeep" and backup.complete and not backup.problem
        proven = " Its own read-back proved it when it was made." if own else ""
        lines += _wrapped(f"{glyphs.of('none')} Never verified.{proven} v verifies it.", width)
    elif seen.proven_at is None:
        lines += _wrapped(
            f"{glyphs.of('none')} No full verify came to a verdict yet: v proves every byte.", width
        )
    else:
        lines += _wrapped(f"Last proven {when_words(seen.proven_at, now)}.", width, "dim")
    return lines


def check_lines(check: CheckSeen, now: datetime, glyphs: Glyphs, width: int) -> list[Line]:
    """One check: how it ended, its evidence, and the next step."""
    text = f"{glyphs.status(check.status)} {check.name}: {check.detail} ({check.depth}, {age(check.at, now)} ago)"
    lines = _wrapped(text, width, tone(check.status))
    if check.since:
        lines += _wrapped(f"since: {check.since}", width)
    if check.next:
        lines += _wrapped(f"next: {check.next}", width)
    return lines


def live_lines(live: Sequence[LiveSeen], now: datetime, glyphs: Glyphs, width: int) -> list[Line]:
    """The live data's checks in some lines each, with the worst findings."""
    lines = _wrapped(
        "live: the database and the bucket as they were when each was looked at", width, "strong"
    )
    ordered = worst_first(live)
    bad = [one for one in ordered if live_letter(one) == "f"]
    # Few lines may be seen: that another check fails, too, is said before what the first one found.
    for one in bad:
        lines += live_check_lines(one, now, glyphs, width)
    lines += _worst_findings(bad, glyphs, width)
    for one in ordered:
        if one not in bad:
            lines += live_check_lines(one, now, glyphs, width)
            lines += _worst_findings([one], glyphs, width)
    return lines


def _worst_findings(live: Sequence[LiveSeen], glyphs: Glyphs, width: int) -> list[Line]:
    """Some findings of each check, the worst first, and how many more there are."""
    shown = [finding for one in live for finding in one.findings[:FINDINGS]]
    lines: list[Line] = []
    for finding in sorted(shown, key=lambda finding: _ORDER.index(finding.status)):
        lines += finding_lines(finding, glyphs, width)
    more = sum(len(one.findings) + one.more_findings for one in live) - len(shown)
    return lines + (_wrapped(f"  and {more:,} more: Enter shows them", width) if more else [])


def live_check_lines(one: LiveSeen, now: datetime, glyphs: Glyphs, width: int) -> list[Line]:
    """How one of the live checks ended, or that it never ran."""
    what = f"{one.verb} ({VERBS[one.verb]})"
    if one.at is None:
        lines = _wrapped(
            f"{glyphs.of('none')} {what}: never, as far as the jobs here tell. l runs it.", width
        )
    else:
        depth = f"{one.depth}, " if one.depth else ""
        text = (
            f"{glyphs.status(one.status)} {what}: {one.summary or one.status} ({depth}{age(one.at, now)} ago)"
        )
        lines = _wrapped(text, width, tone(one.status))
    if one.replaced_at is not None:
        text = (
            f"  of before the restore {age(one.replaced_at, now)} ago put other data in place: l looks again"
        )
        lines += _wrapped(text, width, "warning")
    if one.tried and one.tried_at is not None:
        text = f"  {glyphs.of('unknown')} tried {age(one.tried_at, now)} ago, without a verdict: {one.tried}"
        lines += _wrapped(text, width, "warning")
    return lines


def finding_lines(finding: Finding, glyphs: Glyphs, width: int, examples: int = EXAMPLES) -> list[Line]:
    """One finding: what, how often, where, what brings it back, and so many examples (-1: all)."""
    user = f"user {finding.user}" if finding.user and finding.user not in finding.what else ""
    place = finding.collection if finding.collection not in finding.what else ""
    where = ", ".join(filter(None, (place, user)))
    told = f"{finding.count:,}" in finding.what
    times = f" ({finding.count:,} times)" if finding.count > 1 and not told else ""
    text = f"{glyphs.status(finding.status)} {f'{where}: ' if where else ''}{finding.what}{times}"
    lines = _wrapped(text, width, tone(finding.status))
    if finding.good_in:
        lines += _wrapped(f"good in: {finding.good_in} (R restores from it)", width)
    if finding.next:
        lines += _wrapped(f"next: {finding.next}", width)
    shown = finding.examples if examples < 0 else finding.examples[:examples]
    if shown:
        # Each on a line of its own, and cut there: ids and keys are long, and words are not.
        lines += [Line("such as:"), *(Line(f"    {one}") for one in shown)]
    return lines


def cut_to(lines: list[Line], room: int, glyphs: Glyphs) -> list[Line]:
    """At most `room` lines; the last one says how many more there are."""
    if not room or len(lines) <= room:
        return lines
    more = f"{glyphs.ellipsis} {len(lines) - room + 1:,} more lines: Enter shows them"
    return [*lines[: room - 1], Line(more, "dim")]


def _wrapped(text: str, width: int, look: str = "") -> list[Line]:
    return [Line(line, look) for line in wrapped(text, max(10, width), rest="    ")]
