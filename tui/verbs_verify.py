"""`verify`: proves a backup byte by byte."""

from __future__ import annotations

from typing import Any, cast

import click

from tui.session import Session, json_option, pass_session


@click.command()
@click.argument("backup", default="latest")
@click.option("--depth", type=click.Choice(["quick", "full"]), default="full", show_default=True)
@json_option
@pass_session
def verify(session: Session, backup: str, depth: str) -> int:
    """Prove BACKUP (an id, `latest` or a path); nothing of it is changed."""
    import os

    from services.operations.verify import VerifyPlan
    from tui.follow import run_job

    # The job runs in another folder, so a relative path is settled here.
    reference = os.path.abspath(backup) if os.path.lexists(backup) else backup
    return run_job(session, "verify", VerifyPlan(backup=reference, depth=cast("Any", depth)), present=_lines)


def _lines(session: Session, result: dict[str, Any]) -> list[str]:
    from tui.present_checks import verify_lines

    return verify_lines(result, session.output.out)
