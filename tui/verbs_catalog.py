"""`list` and `show`: what there is, read straight from the folders, without a job or a connection."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from services.errors import QuillkeepError
from services.operations.result import exit_code
from tui.session import Session, json_option, pass_session


@click.command("list")
@json_option
@pass_session
def list_(session: Session) -> int:
    """Every backup in every location, newest first."""
    from services.catalog.listing import listing
    from services.catalog.scan import survey
    from tui.present_catalog import list_lines

    session.require_locations()
    profile = session.profile
    catalog = survey(profile.locations, profile, session.paths)
    document = listing(catalog)
    if {location.path for location in profile.locations} <= {problem.path for problem in catalog.problems}:
        raise QuillkeepError(
            "No location can be read.",
            cause=" ".join(document["warnings"]),
            next="Mount it, or run the command as a user that may read it.",
        )
    output = session.output
    output.document(document)
    output.lines(list_lines(document["backups"], output.out, datetime.now(UTC)))
    for problem in document["warnings"]:
        output.warn(problem)
    return exit_code(document["status"])


@click.command()
@click.argument("backup")
@json_option
@pass_session
def show(session: Session, backup: str) -> int:
    """One backup: BACKUP is an id, `latest`, or a path."""
    from services.catalog import listing
    from tui.passphrase import ask_for_passphrase
    from tui.present_catalog import show_lines

    ask_for_passphrase(session, backup, needed=False)
    document = listing.show(backup, session.profile, session.paths)
    output = session.output
    for passed in document["passed_over"]:
        output.say(f"Passed over {passed['id']}: {passed['why']}")
    output.document(document)
    output.lines(show_lines(document, output.out))
    for warning in document["warnings"]:
        output.warn(warning)
    return exit_code(document["status"])
