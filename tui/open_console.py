"""Opens the console: the terminal is looked at and textual's switches are set before textual is imported."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING

from services.errors import QuillkeepError, UsageProblem

if TYPE_CHECKING:
    from services.demo.console import RunningDemo
    from services.paths import Paths
    from services.profile import Profile
    from services.settings.config import Config
    from services.settings.flags import Flags
    from services.settings.resolve import NoProfileNamed, Settings
    from tui.app import QuillkeepApp
    from tui.session import Session

SWITCHES = {
    "TEXTUAL_ANIMATIONS": "none",
    "TEXTUAL_SMOOTH_SCROLL": "0",
    "TEXTUAL_FPS": "15",
    "TEXTUAL_DISABLE_KITTY_KEY": "1",
}
"""Read by textual at import; low everywhere, since sudo and tmux hide an SSH connection.

The keyboard protocol of kitty stays off: no key of ours needs it, and a console that is killed would leave
the terminal sending codes for letters.
"""
UNWANTED = (
    "TEXTUAL",
    "TEXTUAL_LOG",
    "TEXTUAL_DEBUG",
    "TEXTUAL_DRIVER",
    "TEXTUAL_PRESS",
    "TEXTUAL_SCREENSHOT",
    "TEXTUAL_SCREENSHOT_LOCATION",
    "TEXTUAL_SCREENSHOT_FILENAME",
)
"""What would write what is on the screen, or what is passed inside the program, somewhere else."""


def open_console(session: Session, *, demo: RunningDemo | None = None) -> int:
    """Runs the console on this terminal until it is left; gives the exit code.

    On the session's deployment, or on the demo's, of which no setting of the session is read. Errors: whatever
    the settings raise, in the words of the verbs; only several profiles with none named are asked for in the
    console, and a working folder's `.env` file that cannot be read is told there.
    """
    refuse_dumb_terminal(os.environ)
    if demo is not None:
        return open_on(demo.profile, demo.paths, demo=demo)
    from services.settings.resolve import NoProfileNamed

    problem: QuillkeepError | None = None
    try:
        settings: Settings | None = session.settings
    except QuillkeepError as unread:
        from tui.first_run import settings_without_env_file

        if isinstance(unread, NoProfileNamed):
            return _choose(session, unread)
        settings, problem = settings_without_env_file(session.flags, unread), unread
    assert settings is not None
    return open_on(
        settings.profile,
        session.paths,
        settings=settings,
        flags=session.flags,
        config=settings.config,
        origin=settings.origin,
        problem=problem,
    )


def _choose(session: Session, unnamed: NoProfileNamed) -> int:
    """Several profiles are configured and none was named: the console asks first."""
    from services.profile import Profile

    return open_on(
        Profile(production=False, read_only=session.flags.read_only),
        session.paths,
        flags=session.flags,
        config=unnamed.config,
        origin=unnamed.origin,
        must_choose=True,
    )


def open_on(
    profile: Profile,
    paths: Paths,
    *,
    settings: Settings | None = None,
    flags: Flags | None = None,
    config: Config | None = None,
    origin: Mapping[str, str] | None = None,
    must_choose: bool = False,
    demo: RunningDemo | None = None,
    problem: QuillkeepError | None = None,
) -> int:
    """Runs a console on a profile that is resolved already; gives the exit code.

    Without `flags` no other profile can be switched to. Errors: `UsageProblem` for a theme or a key that
    cannot be.
    """
    set_switches(os.environ)

    from tui.app import QuillkeepApp
    from tui.backend import Machine
    from tui.first_run import DEMO_HINT, OPEN_DEMO, become_demo
    from tui.store import Problem, Store
    from tui.terminal import look_at
    from tui.themes import check_theme, usual_theme
    from widgets.glyphs import Glyphs

    theme, keymap = usual_theme(os.environ), {}
    if config is not None:
        from services.settings.config import keys_of

        files = dict(origin or {})
        if config.console.theme:
            theme = check_theme(config.console.theme, files.get("console.theme", "config.toml"))
        if asked := keys_of(config):
            # Only whoever moves keys waits for every screen to be imported.
            from tui.keymap import every_binding, keymap_of

            source = next((files[f"keys.{name}"] for name in asked if f"keys.{name}" in files), "config.toml")
            keymap = keymap_of(asked, source, every_binding())
    told = Problem.of(problem) if problem is not None else None
    hint = DEMO_HINT if demo is not None else ""
    app = QuillkeepApp(
        Store(Machine(paths), profile, settings=settings, problem=told, demo=demo, hint=hint),
        glyphs=Glyphs(utf8=look_at(sys.stdout).utf8),
        flags=flags,
        config=config,
        theme=theme,
        keymap=keymap,
        must_choose=must_choose,
    )
    code = app.run(mouse=False)
    part(app)
    if code == OPEN_DEMO:
        become_demo()
    return app.return_code or code or 0


def part(app: QuillkeepApp) -> None:
    """Says, on the terminal that is restored, what went wrong and what goes on."""
    from tui.crash import goes_on

    lines = [app.crash] if app.crash else [] if app.store.demo else goes_on(app.store.running)
    with contextlib.suppress(OSError, ValueError):
        for line in lines:
            print(line, file=sys.stderr)
        sys.stderr.flush()


def refuse_dumb_terminal(environ: Mapping[str, str]) -> None:
    """Raises `UsageProblem` where no screen can be drawn."""
    term = environ.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        raise UsageProblem(
            f"The console needs a terminal that can draw; TERM is `{term}`.",
            next="`quillkeep status`, `quillkeep list` and `quillkeep restore` work without one.",
        )


def set_switches(environ: MutableMapping[str, str]) -> None:
    """Sets what the admin has not set, and removes what would show the screen elsewhere."""
    for name, value in SWITCHES.items():
        environ.setdefault(name, value)
    for name in UNWANTED:
        environ.pop(name, None)
