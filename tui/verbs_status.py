"""`status`: how healthy the backups are, in one verdict, for a person and for monitoring."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from services.errors import NOTHING_TOUCHED, QuillkeepError
from tui.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from services.status.model import Status

UNKNOWN_EXIT = 3
"""Of everything that keeps `status` from a verdict, its usage errors too: to monitoring 2 would be CRITICAL."""


class StatusCommand(click.Command):
    """Its usage errors end with 3, as monitoring plug-ins do."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parses; what cannot be understood is told, and ends with 3."""
        as_json = "--json" in args
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            from tui.output import print_json, show_failure
            from widgets.text import escape

            message = escape(error.format_message())
            following = "`quillkeep status --help` shows the usage."
            show_failure(message, "", NOTHING_TOUCHED, following)
            if as_json:
                problem = {"what": message, "cause": "", "touched": NOTHING_TOUCHED, "next": following}
                print_json(unknown_document(problem))
            raise click.exceptions.Exit(UNKNOWN_EXIT) from None


@click.command(cls=StatusCommand, epilog="Exit: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN or wrong usage.")
@json_option
@pass_session
def status(session: Session) -> int:
    """How healthy the backups are: one verdict, and what wants attention."""
    from services.status.ask import ask_everything
    from services.status.assess import assess
    from services.status.document import EXIT_CODES, document
    from tui.present_status import status_lines

    output = session.output
    try:
        profile = session.profile
    except QuillkeepError as error:
        return _without_settings(session, error)
    looks = ask_everything(profile, session.paths)
    found: Status = assess(profile, looks, datetime.now(UTC))
    jobs = looks.jobs if isinstance(looks.jobs, tuple) else ()
    output.document(document(found, jobs))
    output.lines(status_lines(found, jobs, output.out))
    return EXIT_CODES[found.status]


def _without_settings(session: Session, error: QuillkeepError) -> int:
    """Settings that cannot be read: nothing is known, which monitoring has to hear."""
    from tui.output import redacted, show_failure

    show_failure(error.what, error.cause, error.touched, error.next)
    told = redacted(error)
    session.output.document(unknown_document(told, remedy="settings"))
    if not session.output.as_json:
        print(f"{session.output.out.status('unknown').replace('unknown', 'UNKNOWN')}", file=sys.stdout)
    return UNKNOWN_EXIT


def unknown_document(problem: dict[str, str], *, remedy: str = "") -> dict[str, object]:
    """The document of a `status` that came to no verdict; `problem` is an `error` with its four words."""
    finding = {
        "what": problem["what"],
        "status": "UNKNOWN",
        "detail": problem["cause"],
        "next": problem["next"],
        "remedy": remedy,
        "subject": "",
    }
    return {
        "status": "UNKNOWN",
        "verdict": problem["what"],
        "warnings": [problem["what"]],
        "findings": [finding],
        "latest": {},
        "rpo_hours": None,
        "rto_minutes": None,
        "error": problem,
    }
