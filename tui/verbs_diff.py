"""`diff`: two backups, or a backup and what is live, side by side."""

from __future__ import annotations

import click

from tui.session import Session, json_option, pass_session


@click.command()
@click.argument("a")
@click.argument("b")
@json_option
@pass_session
def diff(session: Session, a: str, b: str) -> int:
    """Compare backup A with backup B, or with `live`: counts, bytes and content sums, objects by key.

    Exit 0 when both are the same, 3 when they differ or not everything could be told.
    """
    import os

    from services.operations.diff_model import DiffPlan
    from tui.follow import run_job
    from tui.present_diff import diff_lines

    # The job runs in another folder, so a relative path is settled here.
    a, b = (os.path.abspath(one) if "/" in one and os.path.lexists(one) else one for one in (a, b))
    return run_job(
        session, "diff", DiffPlan(a=a, b=b), present=lambda _, result: diff_lines(result, session.output.out)
    )
