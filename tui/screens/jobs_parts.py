"""The rows of the jobs' list, from their summaries alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.history.words import clean, duration
from tui.screens.job_parts import left_out
from widgets.glyphs import Glyphs, tone
from widgets.inventory_table import Column, TableRow
from widgets.text import cells, escape

if TYPE_CHECKING:
    from services.jobs.listing import JobSummary

LIVE = ("running", "cancelling")
COLUMNS = (
    Column("STATE", 15, toned=True),
    Column("JOB (UTC)", 15),
    Column("VERB", 8),
    Column("TOOK", 11, right=True),
    Column("WHAT"),
)
_UNKNOWN = "no permission"


def in_order(jobs: Sequence[JobSummary]) -> list[JobSummary]:
    """Those that run first, then the others, newest first."""
    return sorted(jobs, key=lambda job: job.state not in LIVE)


def row_of(job: JobSummary, glyphs: Glyphs) -> TableRow:
    """One job; a share of the phase only where its total is known."""
    word: str = job.state
    if job.progress is not None and job.state == "running":
        word = f"{job.state} {min(1.0, job.progress):.0%}"
    glyph = glyphs.of("unknown" if job.state == _UNKNOWN else job.state)
    took = "-"
    if job.started is not None and job.finished is not None:
        took = duration((job.finished - job.started).total_seconds())
    about = escape(about_of(job))
    cells = (f"{glyph} {word}", escape(job.id), escape(job.verb) or "-", took, about)
    words = " ".join((job.state, job.id, job.verb, job.user, job.host, job.profile or "", about)).lower()
    colour = "warning" if job.state == _UNKNOWN else tone(job.state)
    return TableRow(key=job.id, cells=cells, tone=colour, words=words)


def about_of(job: JobSummary) -> str:
    """The phase of one that runs, the result of one that ended."""
    if job.state in LIVE and job.phase:
        return clean(f"{job.phase}: {job.summary}" if job.summary else job.phase)
    return clean(job.summary)


def details_of(job: JobSummary) -> str:
    """Everything its row had no room for, and the way on."""
    who = f"{job.user} on {job.host}: " if job.user else ""
    return "\n".join((f"{who}{about_of(job)}", *(f"Then: {clean(command)}" for command in job.way_on)))


def head_of(jobs: Sequence[JobSummary], left: int = 0, width: int = 0) -> str:
    """How many run and how many ended, and how; `left` are not shown.

    The key that shows them is never cut off: what does not fit into `width` columns is told in fewer words.
    """
    live = sum(job.state in LIVE for job in jobs)
    counted: dict[str, int] = {}
    for job in jobs:
        if job.state not in LIVE:
            counted[job.state] = counted.get(job.state, 0) + 1
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(counted.items()))
    running = f"{live:,} running" if jobs else ""
    whole = f"{running}; ended: {states}" if states else running
    short = f"{running}; {sum(counted.values()):,} ended" if states else running
    plans = f"; {left:,} plans left out (p)" if left else ""
    fitting = (f"{whole}{left_out(left)}", f"{whole}{plans}", f"{short}{left_out(left)}")
    words = next((words for words in fitting if cells(words) <= width), f"{short}{plans}")
    return words.removeprefix("; ")


def list_text(rows: Sequence[TableRow]) -> str:
    """The rows shown, as a copy or a file holds them."""
    return "\n".join("  ".join(row.cells) for row in rows) + "\n"
