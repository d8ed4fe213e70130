"""When the console opens on what it found instead of on Health, and how it gives way to the demo."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from services.errors import QuillkeepError
    from services.settings.flags import Flags
    from services.settings.resolve import Settings
    from tui.store import Store

OPEN_DEMO = -1
"""What the console is left with when the demo shall take its place; no exit code."""
DEMO_HELP = """
# The demo

`X` breaks something, `3` restores it. Commands that stand on the screens (`quillkeep restore ...`) are those of a
real deployment: in another shell they do not reach the demo. Use the keys here.
"""
DEMO_HINT = "This is a demo: X breaks something, 3 restores it."


def needs_first_run(store: Store) -> bool:
    """Whether the essential is missing: no profile was chosen, and no database or no folder for backups is named."""
    profile = store.profile
    if profile.name is not None or profile.demo:
        return False
    return profile.mongo is None or not profile.locations


def settings_without_env_file(flags: Flags, unread: QuillkeepError) -> Settings:
    """What is set apart from the working folder's `.env` file, which nobody named.

    Errors: `unread`, when that file was not what could not be read or understood.
    """
    from pathlib import Path

    from services.errors import QuillkeepError
    from services.settings.resolve import resolve_settings

    if flags.profile is not None or flags.env_file:
        raise unread
    try:
        settings = resolve_settings(flags, cwd=Path("/"))
    except QuillkeepError:
        raise unread from None
    if settings.profile.name is not None:
        raise unread
    return settings


def become_demo() -> NoReturn:
    """Replaces this process, and whatever it knows of real deployments, by `quillkeep demo`."""
    from services.jobs.environment import import_root

    environ = dict(os.environ)
    root = import_root()
    if root is not None:
        environ["PYTHONPATH"] = root
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, "-P", "-m", "tui", "demo"], environ)
