"""`validate`: the live collections, by MongoDB's own word and by what the application expects."""

from __future__ import annotations

import click

from tui.session import Session, json_option, pass_session
from tui.terminal import can_ask

APP_SECONDS = 10.0
"""How long the application's status command is waited for before it counts as running."""


@click.command()
@click.argument("collections", nargs=-1, metavar="[COLL]...")
@click.option("--full", is_flag=True, help="MongoDB's own full validate: every page is read; locks longer.")
@click.option("--yes", is_flag=True, help="Do not ask before --full.")
@json_option
@pass_session
def validate(session: Session, collections: tuple[str, ...], full: bool, yes: bool) -> int:
    """Check the live collections, all without COLL; nothing is changed.

    MongoDB's own validate locks each collection while it reads it: what is written to it waits. Then every
    document is read once: its shape, dates, unique values, size, what it refers to, and what changed since
    the newest good backup. Each finding names the backup that has the good version.

    Exit 0 when all is well, 1 when something is broken, 3 for warnings and what could not be told.
    """
    from services.validating.model import ValidatePlan
    from tui.confirm import yes_or_no
    from tui.follow import run_job
    from tui.present_validate import validate_lines

    session.require_database()
    if full and not yes and can_ask() and _in_use(session):
        session.output.say(
            "A full validate locks one collection after another while it reads every page of it: writes of the "
            "running application wait, up to half a minute for each GiB."
        )
        if not yes_or_no("Validate in full now?"):
            session.output.say("Nothing was done.")
            session.output.document({"status": "cancelled", "warnings": []})
            return 130
    return run_job(
        session,
        "validate",
        ValidatePlan(collections=collections, full=full),
        present=lambda _, result: validate_lines(result, session.output.out),
    )


def _in_use(session: Session) -> bool:
    """Whether this is production and its application is not known to be stopped."""
    from services.app_control import AppController

    profile = session.profile
    if not profile.production:
        return False
    if profile.app is None and profile.health_url is None:
        return True
    from services.profile import AppControl

    app = AppController(
        profile.app or AppControl(), health_url=profile.health_url, command_seconds=APP_SECONDS
    )
    return app.state() != "stopped"
