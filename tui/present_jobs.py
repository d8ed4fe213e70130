"""Jobs as a table and as the JSON of the headless contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from tui.table import table
from tui.terminal import Terminal
from widgets.text import escape

if TYPE_CHECKING:
    from services.jobs.listing import JobSummary


def jobs_json(jobs: Sequence[JobSummary]) -> dict[str, Any]:
    """The document of `jobs`; times are UTC."""
    return {"status": "ok", "warnings": [], "jobs": [msgspec.to_builtins(job) for job in jobs]}


def jobs_lines(jobs: Sequence[JobSummary], terminal: Terminal) -> list[str]:
    """The table of `jobs`, newest first, with the way on of those that were lost."""
    if not jobs:
        return ["No jobs."]
    cells = [("JOB", "VERB", "STARTED (UTC)", "TOOK")]
    ends = [terminal.paint("STATE", "bold")]
    for job in jobs:
        cells.append((escape(job.id), escape(job.verb) or "-", _moment(job.started), _took(job)))
        about = job.phase if job.finished is None and job.phase else job.summary
        share = f" {job.progress:.0%}" if job.progress is not None else ""
        ends.append(f"{terminal.status(job.state)}{share}  {escape(about)}".rstrip())
        if job.state == "lost":
            ends[-1] += "".join(f"\n    next: {escape(command)}" for command in job.way_on)
    return [f"{start}  {end}" for start, end in zip(table(cells), ends, strict=True)]


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else "-"


def _took(job: JobSummary) -> str:
    if job.started is None or job.finished is None:
        return "-"
    from tui.progress import duration

    return duration((job.finished - job.started).total_seconds())
