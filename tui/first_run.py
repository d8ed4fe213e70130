"""When the console opens on what it found instead of on Health, and how it gives way to the demo."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from tui.store import Store

OPEN_DEMO = -1
"""What the console is left with when the demo shall take its place; no exit code."""
DEMO_HINT = "This is a demo: X breaks something, 3 restores it."


def needs_first_run(store: Store) -> bool:
    """Whether the essential is missing: no profile was chosen, and no database or no folder for backups is named."""
    profile = store.profile
    if profile.name is not None or profile.demo or store.settings_problem is not None:
        return False
    return profile.mongo is None or not profile.locations


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
