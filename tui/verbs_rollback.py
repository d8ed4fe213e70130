"""`rollback`, `release` and `unlock`: what goes on from a job, each confirmed by naming it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from services.errors import Refused
from tui.session import Session, json_option, pass_session
from widgets.text import escape

if TYPE_CHECKING:
    from services.operations.restore_model import RollbackPlan


@click.command()
@click.argument("job", required=False)
@click.option(
    "--allow", metavar="RISK", multiple=True, help="Accept a risk that the plan names (repeatable)."
)
@click.option("--to-database", metavar="B", help="The database, where it is not the profile's.")
@click.option("--leave-app-stopped", is_flag=True, help="Do not start the application afterwards.")
@click.option("--yes", is_flag=True, help="Confirms a plan; risks each need their own --allow.")
@json_option
@pass_session
def rollback(
    session: Session,
    job: str | None,
    allow: tuple[str, ...],
    to_database: str | None,
    leave_app_stopped: bool,
    yes: bool,
) -> int:
    """Put back what was live before the restore JOB (the newest one without JOB)."""
    from services.operations.restore_model import RollbackPlan
    from tui.confirm import need_yes
    from tui.follow import run_job
    from tui.job_profile import session_of_job
    from tui.present_plan import restore_lines

    session = session_of_job(session, job)
    plan = RollbackPlan(job=job, allow=allow, leave_app_stopped=leave_app_stopped, to_database=to_database)
    if not yes:
        need_yes("The rollback")
        plan = _confirmed(session, plan)
    return run_job(
        session, "rollback", plan, present=lambda _, result: restore_lines(result, session.output.out)
    )


def _confirmed(session: Session, plan: RollbackPlan) -> RollbackPlan:
    """Shows what comes back; the plan that is confirmed names its job, so that a newer one cannot slip in."""
    import msgspec

    from tui.confirm import typed, yes_or_no
    from tui.follow import result_of
    from tui.present_plan import plan_lines

    result = result_of(session, "rollback-plan", plan)
    for line in plan_lines(result, session.output.err, back=True):
        click.echo(line, err=True)
    if result["refusals"]:
        raise Refused(
            str(result["refusals"][0]), next="`quillkeep jobs` shows what waits and what holds copies."
        )
    missing = [risk["word"] for risk in result["risks"] if risk["word"] not in plan.allow]
    if missing:
        raise Refused(
            f"The plan has risks that were not allowed: {', '.join(missing)}.",
            cause=" ".join(f"{risk['word']}: {risk['detail']}." for risk in result["risks"]),
            next="Accept each: " + " ".join(f"--allow {word}" for word in missing),
        )
    if result["confirmation"]:
        typed(_why_typed(result), str(result["confirmation"]))
    elif not yes_or_no("Nothing was written since. Roll back?"):
        raise Refused("Not confirmed.", next="Run the command again.")
    return msgspec.structs.replace(plan, job=str(result["backup"]).split()[-1])


def _why_typed(result: dict[str, Any]) -> str:
    """What is written in words before the target is typed."""
    if result["warnings"]:
        return "What is live was written since; it is set aside, not dropped."
    return "What never went live is dropped, and this cannot itself be rolled back."


@click.command()
@click.argument("job")
@click.option("--to-database", metavar="B", help="The database, where it is not the profile's.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_session
def release(session: Session, job: str, to_database: str | None, yes: bool) -> int:
    """Give up the rollback copies of JOB; what exists only there is counted first."""
    from services.operations.restore_model import ReleasePlan
    from tui.confirm import need_yes, typed
    from tui.follow import result_of, run_job
    from tui.job_profile import session_of_job

    session = session_of_job(session, job)
    if not yes:
        need_yes("The release")
        counted = result_of(session, "release", ReleasePlan(job=job, dry_run=True, to_database=to_database))
        for line in _release_lines(session, counted):
            click.echo(line, err=True)
        typed("These copies will be dropped for ever.", job)
    return run_job(session, "release", ReleasePlan(job=job, to_database=to_database), present=_release_lines)


@click.command()
@click.argument("job")
@click.option("--database", metavar="B", help="The database, where it is not the profile's.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_session
def unlock(session: Session, job: str, database: str | None, yes: bool) -> int:
    """Take away the locks of JOB, a job that is certainly dead."""
    from services.operations.unlock import UnlockPlan
    from tui.confirm import need_yes, typed
    from tui.follow import run_job
    from tui.job_profile import session_of_job

    session = session_of_job(session, job)
    if not yes:
        need_yes("The unlock")
        typed(
            f"This breaks the locks of job {escape(job)}. If it still runs, its next change is refused.", job
        )
    return run_job(session, "unlock", UnlockPlan(job=job, database=database), present=_unlock_lines)


def _release_lines(session: Session, result: dict[str, Any]) -> list[str]:
    from tui.present_catalog import size
    from tui.table import table

    rows = [("COPY", "OF", "DOCUMENTS", "NOWHERE ELSE", "SIZE")]
    rows += [
        (
            escape(entry["copy"]),
            escape(entry["name"]),
            f"{entry['documents']:,}",
            f"{entry['only_here']:,}",
            size(entry["bytes"]),
        )
        for entry in result["collections"]
    ]
    lines = table(rows, right=frozenset({2, 3, 4})) if len(rows) > 1 else []
    lines.append(f"{result['objects']:,} copied objects; {size(result['bytes'])} in all.")
    lines.append("Released." if result["released"] else "Nothing was released yet.")
    return lines


def _unlock_lines(session: Session, result: dict[str, Any]) -> list[str]:
    return [
        f"Unlocked {escape(lock['where'])}, which was held by {escape(lock['owner'])}"
        for lock in result["unlocked"]
    ]
