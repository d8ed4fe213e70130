"""`trash list`, `trash restore` and `trash empty`."""

from __future__ import annotations

from typing import Any

import click

from services.operations.result import exit_code
from tui.session import Session, json_option, pass_session
from widgets.text import escape


@click.group()
def trash() -> None:
    """Deleted backups: list them, bring one back, or delete them for good."""


@trash.command("list")
@json_option
@pass_session
def list_(session: Session) -> int:
    """What lies in the trash of every location, and what emptying it frees."""
    from services.operations.trash import trash_document
    from tui.present_trash import trash_lines

    session.require_locations()
    document = trash_document(session.profile)
    output = session.output
    output.document(document)
    output.lines(trash_lines(document, output.out))
    for warning in document["warnings"]:
        output.warn(warning)
    return exit_code(document["status"])


@trash.command()
@click.argument("entry", metavar="BACKUP")
@click.option("--location", metavar="NAME", help="The location, where the id lies in several.")
@json_option
@pass_session
def restore(session: Session, entry: str, location: str | None) -> int:
    """Move BACKUP (its id) back to where it was."""
    from services.operations.trash import TrashRestorePlan
    from tui.follow import run_job

    session.require_locations()
    plan = TrashRestorePlan(entry=entry, location=location)
    return run_job(session, "trash-restore", plan, present=_restored)


@trash.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_session
def empty(session: Session, yes: bool) -> int:
    """Delete everything in the trash for good."""
    from services.operations.delete_guards import refuse_if_read_only
    from services.operations.trash import TrashEmptyPlan, trash_document
    from tui.confirm import need_yes, typed
    from tui.follow import run_job
    from tui.present_trash import trash_lines

    session.require_locations()
    refuse_if_read_only(session.profile, "The trash is not emptied")
    plan = TrashEmptyPlan()
    if not yes:
        need_yes("Emptying the trash")
        document = trash_document(session.profile)
        for line in trash_lines(document, session.output.err):
            click.echo(line, err=True)
        for warning in document["warnings"]:
            session.output.warn(warning)
        rows = document["trash"]
        if not rows:
            # A plan without entries would mean everything, also what lands there from now on.
            session.output.document({"status": "ok", "warnings": [], "emptied": [], "freed": 0})
            return 0
        typed("These backups will be gone for ever.", f"empty {len(rows)}")
        # Only what was shown and confirmed goes, whatever lands in the trash meanwhile.
        plan = TrashEmptyPlan(entries=tuple(str(row["key"]) for row in rows))
    return run_job(session, "trash-empty", plan, present=_emptied)


def _restored(session: Session, result: dict[str, Any]) -> list[str]:
    return [f"{escape(result['id'])} is back in {escape(result['path'])}"]


def _emptied(session: Session, result: dict[str, Any]) -> list[str]:
    from tui.present_catalog import size

    gone = [escape(name) for name in result["emptied"]]
    if not gone:
        return ["Nothing was in the trash."] if not result["warnings"] else ["Nothing went."]
    return [f"Gone for good: {', '.join(gone)}", f"{size(result['freed'])} of disk are free again."]
