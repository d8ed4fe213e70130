"""A status as lines for a person: the verdict first, then parts, meters, the last of each, and what wants attention."""

from __future__ import annotations

from datetime import datetime

from services.jobs.listing import JobSummary
from services.status.model import Finding, Moment, Status, Word
from services.status.words import ago, count, hours, minutes, seconds
from tui.terminal import Terminal
from widgets.gauge import bar
from widgets.glyphs import Glyphs
from widgets.strip import DayFacts, strip_lines
from widgets.text import escape

GLYPHS: dict[Word, str] = {"OK": "ok", "WARNING": "warning", "CRITICAL": "critical", "UNKNOWN": "unknown"}
_COLOURS: dict[Word, str] = {"OK": "green", "WARNING": "yellow", "CRITICAL": "red", "UNKNOWN": "yellow"}

NOT_YET = "not looked at yet"
NOT_KNOWN = "not known now"
ILL = {
    "failed": "failed",
    "fail": "found damage",
    "cancelled": "cancelled",
    "lost": "ended without a result",
    "interrupted": "interrupted",
}
"""How what did not end well is told, before when it was."""


def status_lines(status: Status, jobs: tuple[JobSummary, ...], terminal: Terminal) -> list[str]:
    """Everything that Health shows."""
    glyphs = Glyphs(terminal.utf8)
    lines = [f"{_word(status.status, terminal)}  {terminal.paint(escape(status.verdict), 'bold')}", ""]
    for part in status.parts:
        word = _word(part.status, terminal, wide=True)
        lines.append(f"  {part.part.capitalize():<10} {word}  {escape(part.detail)}")
    for label, text in (
        ("RPO", f"{bar(status.rpo_hours, status.rpo_target_hours, 14, glyphs)} {rpo_words(status)}"),
        ("RTO", f"{bar(status.rto_minutes, status.rto_target_minutes, 14, glyphs)} {rto_words(status)}"),
        ("Backup", moment_words(status.last_backup, status.at, catalog_word(status, "none yet"))),
        ("Verified", moment_words(status.last_verification, status.at, catalog_word(status, "never"))),
        ("Restored", moment_words(status.last_restore, status.at, "never from here")),
        ("Space", space_words(status)),
    ):
        lines.append(f"  {label:<10} {escape(text)}")
    if status.days:
        facts = [DayFacts(each.day, each.status, each.bytes) for each in status.days]
        rows = strip_lines(facts, glyphs, width=70)
        labels = ("14 days", "in UTC", "Sizes")
        lines.append("")
        lines += [f"  {label:<8} {row}" for label, row in zip(labels, rows, strict=True) if row]
    for job in jobs:
        if job.state in ("running", "cancelling"):
            lines.append(f"  {'Running':<10} {escape(job_words(job))}")
    for title, found in (
        ("Needs attention", [one for one in status.findings if one.status != "OK"]),
        ("Good to know", [one for one in status.findings if one.status == "OK"]),
    ):
        if found:
            lines += ["", terminal.paint(title, "bold")]
        for finding in found:
            lines += _finding(finding, terminal)
    return lines


def _word(word: Word, terminal: Terminal, *, wide: bool = False) -> str:
    text = Glyphs(terminal.utf8).status(GLYPHS[word], word)
    return terminal.paint(f"{text:<10}" if wide else text, _COLOURS[word])


def _finding(finding: Finding, terminal: Terminal) -> list[str]:
    word = _word(finding.status, terminal) if finding.status != "OK" else Glyphs(terminal.utf8).of("none")
    lines = [f"  {word}  {escape(finding.what)}"]
    if finding.detail:
        lines.append(f"      {escape(finding.detail)}")
    if finding.next:
        lines.append(f"      Next: {escape(finding.next)}")
    return lines


def rpo_words(status: Status) -> str:
    """The age of the newest good backup against its limit."""
    if status.rpo_hours is not None:
        return f"{hours(status.rpo_hours)} of {status.rpo_target_hours:g} h since the newest good backup"
    limit = f"limit {status.rpo_target_hours:g} h"
    if any(part.status == "UNKNOWN" for part in status.parts) or not status.parts:
        return f"not known, {limit}"
    return f"none, {limit}: a part has no good backup"


def rto_words(status: Status) -> str:
    """The predicted restore against its limit, and from what it is predicted."""
    detail = f" ({status.rto_detail})" if status.rto_detail else ""
    if status.rto_minutes is None:
        return f"not measured yet, limit {status.rto_target_minutes:g} min{detail}"
    return f"{minutes(status.rto_minutes)} of {status.rto_target_minutes:g} min to restore{detail}"


def moment_words(moment: Moment | None, now: datetime, never: str) -> str:
    """When, of what, how it ended, how long it took, what it left."""
    if moment is None:
        return never
    age = (now - moment.at).total_seconds() / 3600
    when = ago(age) if age >= 0 else f"in {hours(-age)} (a clock is wrong)"
    took = f", took {seconds(moment.seconds)}" if moment.seconds is not None else ""
    left = f"; {moment.left}" if moment.left else ""
    if moment.status in ILL:
        # Behind its label alone the time would read as if it had gone well.
        return f"{ILL[moment.status]} {when}: {moment.subject}{took}{left}"
    return f"{when}: {moment.subject}, {moment.status}{took}{left}"


def catalog_word(status: Status, never: str) -> str:
    """`never`, unless the backups are not known: nothing is said of what nobody has seen."""
    if status.days:
        return never
    return NOT_KNOWN if status.parts else NOT_YET


def space_words(status: Status) -> str:
    """How many nights still fit, and how that is known."""
    if status.nights_free is None:
        return status.space_detail or NOT_YET
    nights = int(status.nights_free)
    fits = count(nights, "night") if nights < 1000 else "over 1,000 nights"
    return f"{fits} ({status.space_detail})"


def job_words(job: JobSummary) -> str:
    """A running job: verb, phase, how far."""
    far = f" {job.progress:.0%}" if job.progress is not None else ""
    state = "cancelling" if job.state == "cancelling" else "running"
    return f"{job.verb or 'job'} {job.id} {state}: {job.phase or 'starting'}{far}"
