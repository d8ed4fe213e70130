"""Where the application stands when a restore has ended, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.jobs.listing import JobSummary
    from tui.screens.restore.run_journal import RunJournal


def application_words(
    run: RunJournal, *, runs: bool, starting: JobSummary | None, start: str, asked: bool
) -> tuple[str, str]:
    """A sentence and its tone: what the journal says, what happened since, and what is left to do.

    `runs` is whether it was started since, `starting` the job that starts it, `start` names the key that does,
    and `asked` whether it was to be left stopped.
    """
    state, job = run.app, starting
    if state == "started":
        return "The application was started again by the job. Open Quilltap and look.", "strong"
    if runs:
        return "The application was started since. Open Quilltap and look.", "strong"
    if job is not None and job.state in ("running", "cancelling"):
        return f"The application is being started by job {job.id}.", "strong"
    if job is not None:
        failed = f" Job {job.id} could not start it: {job.summary}"
        return f"The application is still stopped.{failed}{start}", "warning"
    yourself = start or " Start it yourself now."
    if state in ("stopping", "stopped"):
        return f"The application is still stopped{', as you asked' if asked else ''}.{yourself}", "warning"
    if state == "found-stopped":
        return f"The application was stopped before and still is.{yourself}", "warning"
    if not run.ended:
        return "Reading where the application stands.", "dim"
    return (
        "Quillkeep did not stop the application. If you stopped it, start it now "
        "(docker compose start app, where it runs in Compose).",
        "strong",
    )
