"""`backup`: the one verb that cron runs every night."""

from __future__ import annotations

from typing import Any, cast

import click

from services.counted import counted
from tui.session import Session, json_option, pass_session
from tui.terminal import can_ask
from widgets.text import escape


@click.command()
@click.option("--only", type=click.Choice(["database", "objects"]), help="Leave the other part out.")
@click.option("--reason", metavar="TEXT", default="", help="Kept in the manifest.")
@click.option("--exclude", metavar="COLL", multiple=True, help="Leave this collection out (repeatable).")
@click.option("--stop-app", is_flag=True, help="Stop the application while the data is read.")
@click.option("--location", metavar="NAME", help="Which of the configured locations; the first without it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_session
def backup(
    session: Session,
    only: str | None,
    reason: str,
    exclude: tuple[str, ...],
    stop_app: bool,
    location: str | None,
    yes: bool,
) -> int:
    """Back up the database and the objects into the location, read back and proven."""
    from services.operations.backup_model import BackupPlan
    from tui.confirm import yes_or_no
    from tui.follow import run_job

    session.require_locations()
    if only != "objects":
        session.require_database()
    if can_ask() and not yes and not yes_or_no(f"Back up {_target(session)}?"):
        session.output.say("Nothing was done.")
        session.output.document({"status": "cancelled", "warnings": []})
        return 130
    plan = BackupPlan(
        only=cast("Any", only), exclude=exclude, reason=reason, stop_app=stop_app, location=location
    )
    return run_job(session, "backup", plan, present=_lines)


def _target(session: Session) -> str:
    profile = session.profile
    names = [profile.mongo.database if profile.mongo else "", profile.bucket.bucket if profile.bucket else ""]
    what = " and ".join(
        f"{word} {escape(name)}" for word, name in zip(("database", "bucket"), names, strict=True) if name
    )
    return f"{what} to {escape(profile.locations[0].path)}"


def _lines(session: Session, result: dict[str, Any]) -> list[str]:
    from tui.present_catalog import size

    lines = [f"Backup {result.get('id')}", f"  {result.get('path')}"]
    database = result.get("database")
    if database:
        entries = database["collections"].values()
        lines.append(
            f"  database: {counted(len(entries), 'collections')}, {counted(sum(entry['documents'] for entry in entries), 'documents')}, "
            f"{size(sum(entry['bytes'] for entry in entries))} of documents, consistency {result.get('consistency')}"
        )
    objects = result.get("objects")
    if objects:
        lines.append(f"  objects: {objects['count']:,} of {size(objects['bytes'])}")
    return [escape(line) for line in lines]
