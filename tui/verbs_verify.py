"""`verify`: proves a backup byte by byte, or spends a time budget on those verified longest ago."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click

from services.errors import UsageProblem
from tui.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from services.operations.verify_model import VerifyPlan


@click.command()
@click.argument("backup", required=False)
@click.option("--depth", type=click.Choice(["quick", "full", "deep"]), default="full", show_default=True)
@click.option("--oldest-first", is_flag=True, help="Instead of one BACKUP: those verified longest ago.")
@click.option("--for", "budget", metavar="TIME", help="With --oldest-first: how long, such as 10m (default).")
@click.option(
    "--on",
    type=click.Choice(["auto", "embedded", "live"]),
    default="auto",
    show_default=True,
    help="Where --depth deep loads: an embedded server if there is one, else aside in the live one.",
)
@click.option("--scratch", metavar="DIR", help="With --depth deep: the embedded server's data goes below it.")
@click.option("--yes", is_flag=True, help="Allow --depth deep to load aside in the live server.")
@json_option
@pass_session
def verify(
    session: Session,
    /,
    backup: str | None,
    depth: str,
    oldest_first: bool,
    budget: str | None,
    on: str,
    scratch: str | None,
    yes: bool,
) -> int:
    """Prove BACKUP (an id, `latest` or a path); nothing of it is changed."""
    import os

    import msgspec

    from tui.deep_place import confirm
    from tui.follow import run_job

    plan = _plan(backup, depth, oldest_first, budget, yes)
    where = os.path.abspath(scratch) if scratch else None
    plan = msgspec.structs.replace(plan, on=cast("Any", on), scratch=where)
    if plan.depth == "deep":
        plan = confirm(plan, session.profile, session.paths)
    return run_job(session, "verify", plan, present=_lines)


def _plan(backup: str | None, depth: str, oldest_first: bool, budget: str | None, yes: bool) -> VerifyPlan:
    import os

    from services.operations.verify_model import VerifyPlan
    from services.settings.values import to_seconds

    level = cast("Any", depth)
    if oldest_first:
        if backup is not None:
            raise UsageProblem(
                "--oldest-first chooses the backups itself, so none can be named.",
                next=f"`quillkeep verify {backup}`, or `quillkeep verify --oldest-first --for 10m`.",
            )
        seconds = to_seconds(budget or "10m", "--for")
        if seconds <= 0:
            raise UsageProblem("--for must be longer than nothing.", next="Such as --for 10m.")
        return VerifyPlan(depth=level, oldest_first=True, seconds=seconds, confirmed=yes)
    if budget is not None:
        raise UsageProblem(
            "--for is a budget for --oldest-first.", next="`quillkeep verify --oldest-first --for 10m`."
        )
    reference = backup or "latest"
    # The job runs in another folder, so a relative path is settled here.
    if os.path.lexists(reference):
        reference = os.path.abspath(reference)
    return VerifyPlan(backup=reference, depth=level, confirmed=yes)


def _lines(session: Session, result: dict[str, Any]) -> list[str]:
    from tui.present_checks import oldest_lines, verify_lines

    lines = oldest_lines if "verified" in result else verify_lines
    return lines(result, session.output.out)
