"""`plan` and `restore`: what would change, the person's word for it, and the swap."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click
import msgspec

from services.errors import Refused, UsageProblem
from tui.session import Session, json_option, pass_session
from widgets.text import escape

F = TypeVar("F", bound=Callable[..., Any])


def request_options(function: F) -> F:
    """What `plan` and `restore` have in common."""
    for option in reversed(
        (
            click.option("--collections", metavar="A,B", default="", help="Only these collections."),
            click.option("--with-objects", is_flag=True, help="The objects too, beside --collections."),
            click.option("--only", type=click.Choice(["database", "objects"]), help="Only this part."),
            click.option("--from-database", metavar="A", help="The database in the dump."),
            click.option("--to-database", metavar="B", help="Restore into another database."),
            click.option("--to-bucket", metavar="C", help="Restore into another bucket."),
            click.option("--exact", is_flag=True, help="Set aside what is live and not in the backup."),
            click.option(
                "--objects-from",
                type=click.Choice(["any"]),
                help="Take what a snapshot lacks from any backup.",
            ),
            click.option("--in-place", is_flag=True, help="Drop and load, behind a proven safety backup."),
        )
    ):
        function = option(function)
    return function


@click.command()
@click.argument("backup")
@request_options
@json_option
@pass_session
def plan(session: Session, /, backup: str, **options: Any) -> int:
    """What a restore of BACKUP would change; nothing is touched."""
    from tui.follow import run_job

    return run_job(session, "plan", _request(backup, options), present=_plan_lines)


@click.command()
@click.argument("backup", required=False)
@request_options
@click.option("--finish", metavar="JOB", help="Finish a restore whose process died.")
@click.option("--leave-app-stopped", is_flag=True, help="Do not start the application afterwards.")
@click.option(
    "--allow", metavar="RISK", multiple=True, help="Accept a risk that the plan names (repeatable)."
)
@click.option("--report", "report_file", metavar="FILE", help="Write the result as JSON into a new file.")
@click.option("--yes", is_flag=True, help="Confirms a plan; risks each need their own --allow.")
@json_option
@pass_session
def restore(
    session: Session,
    /,
    backup: str | None,
    finish: str | None,
    leave_app_stopped: bool,
    allow: tuple[str, ...],
    report_file: str | None,
    yes: bool,
    **options: Any,
) -> int:
    """Load BACKUP beside the live data, prove it there, and swap it in."""
    from services.operations.restore_model import RestorePlan
    from tui.follow import follow_new_job, report

    if finish is not None:
        return _finish(session, finish, backup, options)
    if backup is None:
        raise UsageProblem("`restore` needs a BACKUP.", next="`quillkeep list` shows what there is.")
    request = _request(backup, options)
    fingerprint = None
    if not yes:
        fingerprint = _confirmed_plan(session, request, allow)
    if report_file is not None and os.path.lexists(report_file):
        raise UsageProblem(f"{report_file} exists already.", next="Name a new file with --report.")
    ended = follow_new_job(
        session,
        "restore",
        RestorePlan(
            request=request,
            allow=cast("Any", allow),
            leave_app_stopped=leave_app_stopped,
            fingerprint=fingerprint,
        ),
    )
    if report_file is not None and ended.finished is not None:
        from services.files import write_whole

        write_whole(
            Path(report_file).absolute(), msgspec.json.format(msgspec.json.encode(ended.finished.result))
        )
    return report(session, ended, present=_restore_lines)


def _request(backup: str, options: dict[str, Any]) -> Any:
    from services.recovery.request import RestoreRequest, check_beside

    names = tuple(name.strip() for name in str(options.pop("collections")).split(",") if name.strip())
    reference = os.path.abspath(backup) if os.path.lexists(backup) else backup
    request = RestoreRequest(backup=reference, collections=names, **options)
    check_beside(request)
    return request


def _confirmed_plan(session: Session, request: Any, allow: tuple[str, ...]) -> str:
    """The plan on the screen and the typed confirmation; gives the fingerprint that was confirmed."""
    from tui.confirm import need_yes, typed
    from tui.follow import result_of
    from tui.present_plan import plan_lines

    need_yes("The restore")
    result = result_of(session, "plan", request)
    for line in plan_lines(result, session.output.err):
        click.echo(line, err=True)
    if result["refusals"]:
        raise Refused(str(result["refusals"][0]), next="`quillkeep plan` shows the whole plan.")
    missing = [risk["word"] for risk in result["risks"] if risk["word"] not in allow]
    if missing:
        raise Refused(
            f"The plan has risks that were not allowed: {', '.join(missing)}.",
            next="Accept each: " + " ".join(f"--allow {word}" for word in missing),
        )
    typed(f"This replaces live data in {escape(str(result['target']))}.", str(result["confirmation"]))
    return str(result["fingerprint"])


def _finish(session: Session, job: str, backup: str | None, options: dict[str, Any]) -> int:
    from services.operations.restore_model import FinishPlan
    from tui.follow import run_job
    from tui.job_profile import session_of_job

    if backup is not None or any(options.values()):
        raise UsageProblem(
            "`restore --finish JOB` takes no BACKUP and no options of a new restore.",
            next=f"Run `quillkeep restore --finish {job}` alone: it goes on as the restore was asked for.",
        )
    return run_job(session_of_job(session, job), "finish", FinishPlan(job=job), present=_restore_lines)


def _plan_lines(session: Session, result: dict[str, Any]) -> list[str]:
    from tui.present_plan import plan_lines

    return plan_lines(result, session.output.out)


def _restore_lines(session: Session, result: dict[str, Any]) -> list[str]:
    from tui.present_plan import restore_lines

    return restore_lines(result, session.output.out)
