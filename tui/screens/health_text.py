"""The lines of Health, from a status."""

from __future__ import annotations

from datetime import datetime

from services.jobs.events import Progress
from services.jobs.listing import JobSummary
from services.status.assess import WAITS
from services.status.model import Finding, PartStatus, Status
from services.status.words import count, hours
from tui.present_status import GLYPHS, NOT_YET, catalog_word, moment_words, space_words
from tui.screens.health_list import DOES, Keys
from widgets.glyphs import Glyphs
from widgets.lines_view import Line, wrapped
from widgets.strip import DayFacts, strip_lines
from widgets.text import escape

LABEL = 11
PARTS = {"database": "DB backup", "objects": "Objects"}
"""What is judged is the backup of each, not the server."""


def verdict_line(status: Status, glyphs: Glyphs, *, looking: bool) -> str:
    """Glyph, word, sentence; until the backups are known it says that it is looking."""
    if looking:
        return f"{glyphs.status('waiting', 'LOOKING')}  {escape(status.verdict)}"
    return f"{glyphs.status(GLYPHS[status.status], status.status)}  {escape(status.verdict)}"


def part_line(part: PartStatus, glyphs: Glyphs) -> str:
    """One part: its status, the newest good backup, its age and proof."""
    word = glyphs.status(GLYPHS[part.status], part.status)
    return f"{PARTS[part.part]:<{LABEL}}{word:<{LABEL}} {escape(part.detail)}"


def last_lines(status: Status, now: datetime) -> list[str]:
    """The last backup, verification and restore, and the space."""
    backup = moment_words(status.last_backup, now, catalog_word(status, "none yet"))
    never = catalog_word(status, "none was ever verified")
    verified = moment_words(status.last_verification, now, never)
    restored = moment_words(status.last_restore, now, "never from here")
    if status.last_restore is None and {WAITS["jobs"], WAITS["live"]} & set(status.waiting_for):
        restored = NOT_YET
    rows = (
        ("Backup", backup),
        ("Verified", verified),
        ("Restored", restored),
        ("Space", space_words(status)),
    )
    return [f"{label:<{LABEL}}{escape(text)}" for label, text in rows]


def strip_text(status: Status, glyphs: Glyphs, width: int) -> list[str]:
    """Three lines of the last 14 days, UTC."""
    if not status.days:
        return [f"{'14 days':<{LABEL}}{catalog_word(status, NOT_YET)}", "", ""]
    facts = [DayFacts(day.day, day.status, day.bytes) for day in status.days]
    rows = strip_lines(facts, glyphs, width=width - 8)
    return [f"{label:<8}{row}" for label, row in zip(("14 days", "in UTC", "Sizes"), rows, strict=True)]


def job_line(job: JobSummary, progress: Progress | None, glyphs: Glyphs, others: int, key: str) -> str:
    """The running job: verb, phase, percent, how long still, and the key that opens it."""
    phase = progress.phase if progress is not None else job.phase
    done = job.progress
    if progress is not None:
        done = min(1.0, progress.done / progress.total) if progress.total else None
    far = f" {done:.0%}" if done is not None else ""
    left = ""
    if progress is not None and progress.eta is not None:
        left = ", under 1 min left" if progress.eta < 60 else f", {hours(progress.eta / 3600)} left"
    more = f" and {count(others, 'job')} more" if others else ""
    word = glyphs.status(job.state, "Cancelling" if job.state == "cancelling" else "Running")
    return f"{word:<{LABEL}}{escape(job.verb or 'job')}: {escape(phase or 'starting')}{far}{left}{more}  ({key} opens it)"


def head_line(status: Status, waiting: list[str], since: datetime | None) -> str:
    """What stands above the list, and since when what is still waited for."""
    alarms = sum(1 for finding in status.findings if finding.status != "OK")
    if alarms:
        title = f"Needs attention ({alarms})"
    else:
        title = "Nothing yet" if status.waiting_for else "Nothing needs attention"
    if waiting and since is not None:
        return f"{title}   waiting since {since:%H:%M:%S} UTC: {', '.join(waiting)}"
    return title


def focus_lines(
    finding: Finding | None, width: int, most: int, glyphs: Glyphs, *, whole: bool, demo: bool = False
) -> list[str]:
    """The finding under the cursor in `most` lines: the details, cut at the last but one, and what Enter does.

    `whole` tells it again from its beginning, where the list had to cut it. In the demo the command is what one
    would type elsewhere: another shell has no settings that lead to the demo.
    """
    if finding is None:
        return [""] * most
    does = f"Enter {DOES[finding.remedy]}."
    place = "Outside the demo" if demo else "Command"
    command = f" {place}: {finding.next}" if finding.next else ""
    what = f"{finding.what} {finding.detail}" if whole or not finding.detail else finding.detail
    lines = wrapped(escape(what), max(1, width))
    if len(lines) > most - 1:
        lines = lines[: most - 1]
        lines[-1] = f"{lines[-1][: max(0, width - 1)]}{glyphs.ellipsis}"
    return [*lines, *[""] * (most - 1 - len(lines)), f"{does}{escape(command)}"]


def side_lines(
    finding: Finding | None, status: Status, keys: Keys, width: int, *, demo: bool = False
) -> list[Line]:
    """The side panel of a wide terminal: the finding in full, then from what the figures come."""
    lines: list[Line] = []

    def say(text: str, tone: str = "") -> None:
        lines.extend(Line(part, tone) for part in wrapped(escape(text), max(1, width)))

    if finding is not None:
        say(finding.what, "strong")
        if finding.detail:
            say(finding.detail)
        lines.append(Line(""))
        say(f"{keys[finding.remedy]} or Enter {DOES[finding.remedy]}.", "accent")
        if finding.next:
            where = " outside the demo" if demo else ""
            say(f"The command{where}, which {keys['']} copies:")
            say(finding.next, "strong")
        lines.append(Line(""))
    say("How the figures are known", "strong")
    say(f"RPO: the age of the oldest part's newest good backup, limit {status.rpo_target_hours:g} h.")
    rto = status.rto_detail or NOT_YET
    say(
        f"RTO: {rto}; limit {status.rto_target_minutes:g} min, of which finding out and deciding take a part."
    )
    say(f"Space: {status.space_detail or 'not looked at yet'}.")
    say("Days are UTC: ok = both parts good, part = not both, fail = tried in vain, none = no backup.", "dim")
    return lines
