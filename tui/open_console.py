"""Opens the console: the terminal is looked at and textual's switches are set before textual is imported."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import TYPE_CHECKING

from services.errors import UsageProblem

if TYPE_CHECKING:
    from services.demo.console import RunningDemo
    from tui.session import Session

SWITCHES = {
    "TEXTUAL_ANIMATIONS": "none",
    "TEXTUAL_SMOOTH_SCROLL": "0",
    "TEXTUAL_FPS": "15",
}
"""Read by textual at import; low everywhere, since sudo and tmux hide an SSH connection."""


def open_console(session: Session, *, demo: RunningDemo | None = None) -> int:
    """Runs the console on this terminal until it is left; gives the exit code.

    On the session's deployment, or on the demo's, of which no setting of the session is read.
    """
    refuse_dumb_terminal(os.environ)
    set_switches(os.environ)
    import sys

    from tui.app import QuillkeepApp
    from tui.backend import Machine
    from tui.first_run import DEMO_HINT, OPEN_DEMO, become_demo
    from tui.store import Store
    from tui.terminal import look_at
    from widgets.glyphs import Glyphs

    if demo is None:
        store = Store(Machine(session.paths), session.profile, settings=session.settings)
    else:
        store = Store(Machine(demo.paths), demo.profile, demo=demo, hint=DEMO_HINT)
    app = QuillkeepApp(store, glyphs=Glyphs(utf8=look_at(sys.stdout).utf8))
    code = app.run(mouse=False)
    if code == OPEN_DEMO:
        become_demo()
    return code if code is not None else app.return_code or 0


def refuse_dumb_terminal(environ: MutableMapping[str, str]) -> None:
    """Raises `UsageProblem` where no screen can be drawn."""
    term = environ.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        raise UsageProblem(
            f"The console needs a terminal that can draw; TERM is `{term}`.",
            next="`quillkeep status`, `quillkeep list` and `quillkeep restore` work without one.",
        )


def set_switches(environ: MutableMapping[str, str]) -> None:
    """Sets what the admin has not set."""
    for name, value in SWITCHES.items():
        environ.setdefault(name, value)
