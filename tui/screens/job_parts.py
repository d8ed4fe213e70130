"""What a job's screen says, from its story alone: no widget, no clock of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from services.history.outcome import Outcome, outcome_of
from services.history.story import LogLine, PhaseTold, Story
from services.history.words import amount, clean, duration
from tui.store import Problem
from widgets.glyphs import Glyphs
from widgets.log_tail import TailLine
from widgets.phase_list import PhaseRow

PHASES_SHOWN = 6
TITLE = 46
"""Characters of a phase's title, so that its duration stays in sight at 80 columns."""
LIVE = ("running", "cancelling")
IN_RESTORE = frozenset({"restore", "rollback", "finish"})
"""What an interrupted one left is gone on with on the console's Restore screen."""
_PHASE_STATES = {"failed": "fail", "refused": "fail", "cancelled": "unknown", "lost": "unknown"}


def left_out(count: int) -> str:
    """How many plans and dry runs are not shown, and the key that shows them."""
    return f"; {count:,} left out: plans and dry runs (p)" if count else ""


def moment(at: datetime | None) -> str:
    """`2026-11-22 03:14:00 UTC`."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else "unknown"


def title_of(job: str, story: Story, glyphs: Glyphs) -> str:
    """State, verb and id."""
    verb = story.started.verb if story.started else "job"
    dry = " (dry run)" if story.started and story.started.plan.get("dry_run") is True else ""
    return f"{glyphs.status(story.state)}  {verb}{dry} {job}"


def origin_of(story: Story, now: datetime, waiting_since: datetime) -> str:
    """Who started it, where and when, and how long it has taken; whole minutes while it runs."""
    started = story.started
    if started is None:
        if story.ended:
            return "Its journal has no first line."
        return f"Waiting for the first line of its journal since {moment(waiting_since)}."
    parts = [f"by {started.user or 'unknown'} on {started.host or 'unknown'}"]
    if started.profile:
        parts.append(f"profile {started.profile}")
    parts.append(f"since {moment(started.at)}")
    seconds = story.seconds(now)
    if seconds is not None and (story.ended or seconds >= 60):
        parts.append(
            f"took {duration(seconds)}" if story.ended else f"for {duration(seconds // 60 * 60)[:-4]}"
        )
    return ", ".join(parts)


def phase_rows(story: Story, ellipsis: str) -> list[PhaseRow]:
    """The last phases; what an earlier one did and how long it took, of the one that runs only its name."""

    def titled(phase: PhaseTold) -> str:
        title = _titled(phase)
        return title if len(title) <= TITLE else title[: TITLE - 1] + ellipsis

    rows = []
    for phase in story.phases[-PHASES_SHOWN:]:
        if phase is story.phase and not story.ended:
            rows.append(PhaseRow(titled(phase), "running"))
            continue
        state = "done"
        if phase is story.phase:
            state = _PHASE_STATES.get(story.state, "done")
        rows.append(PhaseRow(titled(phase), state, measured(phase)))
    return rows


def measured(phase: PhaseTold) -> str:
    """How long it took and how much it did."""
    seconds = phase.seconds()
    parts = [duration(seconds)] if seconds is not None else []
    if phase.done:
        parts.append(amount(phase.done, phase.unit))
    return "  ".join(parts)


def progress_of(phase: PhaseTold | None) -> str:
    """How much of how much, how fast, and how long still: each only where it was measured."""
    if phase is None or phase.done is None:
        return "Nothing is measured in this phase yet." if phase else ""
    if phase.total:
        percent = min(100, phase.done * 100 // phase.total)
        parts = [f"{percent:3d} %", f"{amount(phase.done, phase.unit)} of {amount(phase.total, phase.unit)}"]
    else:
        parts = [amount(phase.done, phase.unit)]
    if phase.rate:
        parts.append(f"{amount(int(phase.rate), phase.unit)}/s")
    if phase.eta is not None and phase.total and phase.done < phase.total:
        parts.append(f"{duration(round(phase.eta))} left")
    return "  ".join(parts)


def tail_line(line: LogLine) -> TailLine:
    """A log line with its time of day."""
    return TailLine(line.at.astimezone(UTC).strftime("%H:%M:%S"), line.level, line.text)


def result_pairs(job: str, story: Story) -> list[tuple[str, str]]:
    """The result in words; empty while there is none."""
    outcome = finished_outcome(job, story)
    if outcome is None:
        return []
    pairs = [] if outcome.error else [("Result", outcome.changed), *outcome.facts]
    pairs += [("Warning", text) for text in outcome.warnings]
    pairs += [("Then", command) for command in outcome.way_on]
    return [(label, text) for label, text in pairs if text]


def finished_outcome(job: str, story: Story) -> Outcome | None:
    """What the result says, None without one."""
    if story.finished is None:
        return None
    verb = story.started.verb if story.started else ""
    return outcome_of(verb, job, story.finished.result)


def problem_of(job: str, story: Story, folder: Path) -> Problem | None:
    """Why it did not end well: its own error, or what a job that is gone left and how to go on."""
    if not story.ended:
        return None
    outcome = finished_outcome(job, story)
    if outcome is not None:
        return Problem(**outcome.error) if outcome.error else None
    if story.started is None:
        said = next((line.text for line in story.log if line.level == "error"), "")
        return Problem(
            what=said or f"Job {job} never began: its journal has no first line.",
            next="Run as the user who owns it, or as root."
            if said
            else f"Look at {folder / 'log'}, then start it again.",
        )
    remains = story.remains
    commands = "; or ".join(remains.way_on)
    if remains.verb in IN_RESTORE and remains.way_on:
        commands = f"Key g opens Restore on it. Without the console: {commands}"
    return Problem(
        what=f"Job {job} ended without a result: its process is gone.",
        touched=clean(remains.left),
        next=commands or "Start it again.",
    )


def can_go_on(job: str, story: Story) -> bool:
    """Whether it left something that the Restore screen goes on with."""
    verb = story.started.verb if story.started else ""
    if not story.ended or verb not in IN_RESTORE:
        return False
    outcome = finished_outcome(job, story)
    if outcome is None:
        return bool(story.remains.way_on)
    following = outcome.error["next"] if outcome.error else ""
    return "--finish" in following or "quillkeep rollback" in following


def report_text(job: str, story: Story, glyphs: Glyphs, log: str, folder: Path, now: datetime) -> str:
    """Everything the screen knows, to copy or save."""
    lines = [title_of(job, story, glyphs), origin_of(story, now, now), ""]
    lines += [f"{_titled(phase)}: {measured(phase)}" for phase in story.phases]
    problem = problem_of(job, story, folder)
    if problem is not None:
        said = (problem.what, problem.cause, problem.touched, problem.next)
        lines += ["", *(text for text in said if text)]
    pairs = result_pairs(job, story)
    lines += ["", *(f"{label}: {text}" for label, text in pairs)] if pairs else []
    return "\n".join([*lines, "", log, ""])


def _titled(phase: PhaseTold) -> str:
    return f"{phase.name}: {phase.detail}" if phase.detail else phase.name
