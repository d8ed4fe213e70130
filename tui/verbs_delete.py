"""`delete`: one backup into the trash of its location, confirmed by typing its id."""

from __future__ import annotations

from typing import Any

import click

from tui.session import Session, json_option, pass_session
from widgets.text import escape


@click.command()
@click.argument("backup")
@click.option("--location", metavar="NAME", help="The location, where the id lies in several.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_session
def delete(session: Session, backup: str, location: str | None, yes: bool) -> int:
    """Move BACKUP (an id or a path) into its location's trash; `trash restore` brings it back."""
    import os

    import msgspec

    from services.operations.delete import DeletePlan
    from tui.confirm import need_yes, typed
    from tui.follow import result_of, run_job

    session.require_locations()
    # The job runs in another folder, so a relative path is settled here.
    reference = os.path.abspath(backup) if "/" in backup and os.path.lexists(backup) else backup
    plan = DeletePlan(backup=reference, location=location)
    if not yes:
        need_yes("The deletion")
        looked = result_of(session, "delete", msgspec.structs.replace(plan, dry_run=True))
        for warning in looked["warnings"]:
            session.output.warn(str(warning))
        for line in delete_lines(session, looked):
            click.echo(line, err=True)
        typed("It moves into the trash and is not a backup any more.", str(looked["id"]))
    return run_job(session, "delete", plan, present=delete_lines)


def delete_lines(session: Session, result: dict[str, Any]) -> list[str]:
    """What moved or would move, and what an emptying of the trash frees."""
    from tui.present_catalog import size

    done = "is in the trash" if result["deleted"] else "would move into the trash"
    lines = [f"{escape(result['id'])} ({size(result['bytes'])}) {done} of {escape(result['location'])}."]
    if result["whose"]:
        lines.append(f"It is another deployment's: {escape(result['whose'])}.")
    lines.append(f"  {escape(', '.join(result['files']))}")
    if result["deleted"]:
        lines.append(f"It lies in {escape(result['path'])}")
    frees, everything = result["frees"], result["trash_frees"]
    if frees is not None:
        shared = (
            f" {size(frees['shared'])} more is shared with other backups and stays in use."
            if frees["shared"]
            else ""
        )
        lines.append(
            f"Until the trash is emptied it frees nothing; then it frees {size(frees['bytes'])}.{shared}"
        )
    if everything is not None:
        lines.append(f"Emptying the whole trash would free {size(everything['bytes'])}.")
    if result["deleted"]:
        lines.append(f"Undo: quillkeep trash restore {escape(result['entry'])}")
    return lines
