"""What an unhandled exception leaves on the terminal: where it happened, without data and without secrets."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING

from services import __version__
from services.redact import redact
from widgets.text import escape, escape_lines

if TYPE_CHECKING:
    from services.jobs.listing import JobSummary


def crash_text(error: BaseException, running: Iterable[JobSummary]) -> str:
    """The traceback without locals, redacted, what goes on, and what to do with this text."""
    told = "".join(traceback.format_exception(_inner(error)))
    lines = [
        escape_lines(redact(told).rstrip()),
        "",
        f"Quillkeep {__version__}: the console stopped at a defect of its own. Jobs are not touched by it.",
        *goes_on(running),
        "Start it again with `quillkeep`, and please report the text above.",
    ]
    return "\n".join(lines)


def goes_on(running: Iterable[JobSummary]) -> list[str]:
    """One line for every job that the console leaves running, with the command that follows it."""
    return [
        f"{escape(job.verb).capitalize() or 'Job'} {escape(job.id)} goes on. "
        f"Follow it: `quillkeep jobs follow {escape(job.id)}`."
        for job in running
    ]


def _inner(error: BaseException) -> BaseException:
    """A worker's failure is told as what the worker raised."""
    from textual.worker import WorkerFailed

    return error.error if isinstance(error, WorkerFailed) else error
