"""`pairs`: rows of `files` against objects."""

from __future__ import annotations

from typing import Any

import click

from tui.session import Session, json_option, pass_session


@click.command()
@click.argument("backup", metavar="[BACKUP|live]", default="live")
@click.option("--heads", is_flag=True, help="Compare content types and the sha256 in the metadata, too.")
@click.option("--deep", is_flag=True, help="Read every byte and compare it with files.sha256, too.")
@click.option(
    "--objects",
    metavar="live|BACKUP",
    default="",
    help="Compare the rows with these objects instead of those of the same side.",
)
@json_option
@pass_session
def pairs(session: Session, backup: str, heads: bool, deep: bool, objects: str) -> int:
    """Compare the rows of `files` with the objects: live, or of BACKUP (an id, `latest` or a path).

    Names what is missing, altered and orphaned, where it is used, and which backup has it. Changes nothing.
    """
    import os

    from services.pairs.model import PairsDepth, PairsPlan
    from tui.follow import run_job

    # The job runs in another folder, so a relative path is settled here.
    rows, others = (
        os.path.abspath(one) if one != "live" and "/" in one and os.path.lexists(one) else one
        for one in (backup, objects)
    )
    depth: PairsDepth = "deep" if deep else "heads" if heads else "shallow"
    plan = PairsPlan(rows=rows, objects=others, depth=depth)
    return run_job(session, "pairs", plan, present=_lines)


def _lines(session: Session, result: dict[str, Any]) -> list[str]:
    from tui.present_pairs import pairs_lines

    return pairs_lines(result, session.output.out)
