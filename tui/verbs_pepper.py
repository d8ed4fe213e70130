"""`pepper check`: which stored values a pepper opens; the candidates come from files or a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from services.pepper.model import Candidate


@click.group()
def pepper() -> None:
    """What ENCRYPTION_MASTER_PEPPER opens."""


@pepper.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--backup",
    default="live",
    metavar="BACKUP|live",
    show_default=True,
    help="Whose values: an id, `latest`, a path, or what is live.",
)
@json_option
@pass_session
def check(session: Session, files: tuple[str, ...], backup: str) -> int:
    """Try the configured pepper, or those in FILEs, on every stored API key and second factor.

    A FILE holds a pepper as its text, or is an .env file with ENCRYPTION_MASTER_PEPPER; `-` asks for it
    without showing it. Nothing is changed, and neither a pepper nor a value is ever shown.

    Exit 0 when every value opens, 1 when one does not, 3 when that cannot be told.
    """
    import os

    from services.pepper.candidates import candidates_of
    from services.pepper.model import PepperPlan
    from tui.follow import run_job
    from tui.present_pepper import pepper_lines

    found = [one for name in files for one in (_asked() if name == "-" else candidates_of(name))]
    if backup == "live":
        session.require_database()
    # The job runs in another folder, so a relative path is settled here.
    target = os.path.abspath(backup) if backup != "live" and os.path.lexists(backup) else backup
    return run_job(
        session,
        "pepper-check",
        PepperPlan(target=target, candidates=tuple(found)),
        present=lambda _, result: pepper_lines(result, session.output.out),
    )


def _asked() -> list[Candidate]:
    """What is typed, unseen; without a terminal what stands on standard input."""
    import sys

    from services.pepper.candidates import TYPED, variants
    from services.pepper.model import Candidate
    from services.secret import Secret

    if not sys.stdin.isatty():
        return variants(sys.stdin.buffer.read(), "standard input")
    typed = click.prompt("Pepper (not shown)", hide_input=True, err=True, default="", show_default=False)
    return [Candidate(label=TYPED, pepper=Secret(typed))]
