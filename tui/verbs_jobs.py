"""`jobs`: what runs and what ran, followed and cancelled from any terminal."""

from __future__ import annotations

import sys

import click
import msgspec

from services.errors import QuillkeepError
from tui.session import Session, json_option, pass_session


@click.group(invoke_without_command=True)
@click.option("--history", is_flag=True, help="What each changed, by whom, with its phases: as Markdown.")
@json_option
@click.pass_context
def jobs(ctx: click.Context, history: bool) -> int:
    """The jobs of this host, newest first."""
    if ctx.invoked_subcommand is not None:
        return 0
    from services.jobs.listing import list_jobs
    from tui.present_jobs import jobs_json, jobs_lines

    session: Session = ctx.obj
    if history:
        return _history(session)
    found = list_jobs(session.paths)
    session.output.document(jobs_json(found))
    session.output.lines(jobs_lines(found, session.output.out))
    return 0


@jobs.command()
@click.argument("job", required=False)
@json_option
@pass_session
def follow(session: Session, job: str | None) -> int:
    """Show JOB (the newest one without JOB) until it ends; with --json one line an event."""
    from services.jobs.cancel import job_folder
    from tui.follow import follow_job, lost

    name = job or _newest(session)
    ended = follow_job(session, name, job_folder(session.paths, name))
    if ended.left:
        session.output.say(f"Job {name} goes on. Follow it: quillkeep jobs follow {name}")
        return 128 + ended.signals[0]
    if ended.finished is None:
        raise lost(session, name)
    if not session.output.as_json:
        _tell(session, ended.finished.result, ended.finished.status)
    return ended.finished.exit_code


@jobs.command()
@click.argument("job")
@json_option
@pass_session
def cancel(session: Session, job: str) -> int:
    """Ask JOB to stop; it says whether it still can."""
    from services.jobs.cancel import cancel_job

    answer = cancel_job(session.paths, job)
    status = "ok" if answer.accepted else "warnings"
    warnings = [] if answer.accepted else [answer.answer]
    session.output.document({"status": status, "warnings": warnings, **msgspec.to_builtins(answer)})
    session.output.say(f"Job {job}: {answer.answer}")
    return 0 if answer.accepted else 3


def _history(session: Session) -> int:
    from services.history.export import document_of, to_markdown
    from services.history.read import read_history

    found = read_history(session.paths)
    warnings = [f"No permission to read job {job}." for job in found.forbidden]
    status = "warnings" if warnings else "ok"
    session.output.document({**document_of(found.operations), "status": status, "warnings": warnings})
    session.output.lines(to_markdown(found.operations).splitlines())
    for warning in warnings:
        session.output.warn(warning)
    return 3 if warnings else 0


def _newest(session: Session) -> str:
    from services.jobs.listing import list_jobs

    found = list_jobs(session.paths)
    if not found:
        raise QuillkeepError("There are no jobs.", next="`quillkeep backup` starts one.")
    return found[0].id


def _tell(session: Session, result: dict[str, object], status: str) -> None:
    from collections.abc import Mapping

    from tui.output import show_failure

    error = result.get("error")
    if isinstance(error, Mapping):
        show_failure(*(str(error.get(key) or "") for key in ("what", "cause", "touched", "next")))
    warnings = result.get("warnings")
    for warning in warnings if isinstance(warnings, list) else ():
        session.output.warn(str(warning))
    print(session.output.err.status(status), file=sys.stderr)
