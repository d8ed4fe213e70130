"""`demo`: the console, or the script, on real servers started for it, with no setting of yours read."""

from __future__ import annotations

import contextlib
import os
import sys
import threading

import click

from services.errors import QuillkeepError, UsageProblem
from tui.session import Session, json_option, pass_session


@click.command()
@click.option("--script", is_flag=True, help="Play backup, damage, restore and rollback, told for a person.")
@click.option("--replica-set", is_flag=True, help="The database as a replica set of one node.")
@json_option
@pass_session
def demo(session: Session, script: bool, replica_set: bool) -> int:
    """Practise on servers that go away afterwards: the console in a terminal, else the script."""
    try:
        if not script and not session.output.as_json and _at_a_terminal():
            return _console(session, replica_set=replica_set)
        return _script(session, replica_set=replica_set)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith(("services", "tui", "widgets")):
            raise
        raise QuillkeepError(
            "The demo's servers are not installed.",
            cause=f"The package {error.name} is missing.",
            next="Install Quillkeep with its extra: `pipx install 'quillkeep[demo]'`.",
        ) from None


def _at_a_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _script(session: Session, *, replica_set: bool) -> int:
    from services.demo.script import play

    return play(replica_set=replica_set, say=session.output.say, as_json=session.output.as_json)


def _console(session: Session, *, replica_set: bool) -> int:
    from services.demo.console import RunningDemo
    from services.demo.servers import scrub_environment
    from tui.open_console import open_console, refuse_dumb_terminal, set_switches

    try:
        refuse_dumb_terminal(os.environ)
    except UsageProblem as problem:
        problem.next = "`quillkeep demo --script` plays the demo without one."
        raise
    say = session.output.say
    removed = scrub_environment()
    if removed:
        say(f"Not looked at, since the demo reads no settings: {', '.join(sorted(removed))}.")
    say("A demo: nothing of yours is read or touched. It opens in about 15 seconds.")
    set_switches(os.environ)
    threading.Thread(target=_import_console, name="import", daemon=True).start()
    with RunningDemo(replica_set=replica_set, say=say) as running:
        say("Opening the console.")
        code = open_console(session, demo=running)
        # The terminal may be gone; the demo ends all the same.
        with contextlib.suppress(OSError):
            say("The demo is over: its servers and everything they held are being removed.")
    return code


def _import_console() -> None:
    """While the servers start: the screens are then there at once."""
    import tui.app
    import tui.screens.health  # noqa: F401
