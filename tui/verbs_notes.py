"""`pin`, `unpin` and `accept`: one appended line beside a backup, so no job and no lock."""

from __future__ import annotations

import click

from services.operations.result import exit_code
from tui.local import local_context
from tui.session import Session, json_option, pass_session
from widgets.text import escape


@click.command()
@click.argument("backup")
@json_option
@pass_session
def pin(session: Session, backup: str) -> int:
    """Keep BACKUP from every deletion by rule."""
    return _pin(session, backup, unpin=False)


@click.command()
@click.argument("backup")
@json_option
@pass_session
def unpin(session: Session, backup: str) -> int:
    """Take the pin of BACKUP away."""
    return _pin(session, backup, unpin=True)


@click.command()
@click.argument("backup")
@click.option("--lost", metavar="KEY", multiple=True, help="Only this missing object (repeatable).")
@click.option("--suspicious", is_flag=True, help="Only the suspicion: what shrank was meant to.")
@json_option
@pass_session
def accept(session: Session, backup: str, lost: tuple[str, ...], suspicious: bool) -> int:
    """Call BACKUP right as it is: lost objects stay lost, a suspicion is answered."""
    import msgspec

    from services.operations.accept import AcceptPlan
    from services.operations.accept import accept as run

    with local_context(session) as context:
        result = run(AcceptPlan(backup=backup, lost=lost, suspicious=suspicious), context)
    session.output.document(msgspec.to_builtins(result))
    for part, why in result.still.items():
        session.output.warn(f"{part} is still not good: {why}")
    return exit_code(result.status)


def _pin(session: Session, backup: str, *, unpin: bool) -> int:
    import msgspec

    from services.operations.pin import PinPlan
    from services.operations.pin import pin as run

    with local_context(session) as context:
        result = run(PinPlan(backup=backup, unpin=unpin), context)
    for passed, why in result.passed_over:
        session.output.say(f"Passed over {escape(passed)}: {why}")
    session.output.document(msgspec.to_builtins(result))
    return exit_code(result.status)
