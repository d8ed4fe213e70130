"""The console's modes: the number key, the name, and the screen, imported when it is first shown."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from textual.screen import Screen


class Mode(NamedTuple):
    """One mode; `module` holds the class `screen`."""

    key: str
    name: str
    title: str
    module: str
    screen: str

    def load(self) -> Callable[[], Screen[Any]]:
        """Gives what makes the screen."""

        def make() -> Screen[Any]:
            screen: Screen[Any] = getattr(importlib.import_module(self.module), self.screen)()
            return screen

        return make


MODES = (
    Mode("1", "health", "Health", "tui.screens.health", "HealthScreen"),
    Mode("2", "archives", "Archives", "tui.screens.archives", "ArchivesScreen"),
    Mode("3", "restore", "Restore", "tui.screens.restore.wizard", "RestoreScreen"),
    Mode("4", "integrity", "Integrity", "tui.screens.integrity", "IntegrityScreen"),
    Mode("5", "collections", "Collections", "tui.screens.collections", "CollectionsScreen"),
    Mode("6", "jobs", "Jobs", "tui.screens.jobs", "JobsScreen"),
    Mode("7", "history", "History", "tui.screens.history", "HistoryScreen"),
    Mode("8", "settings", "Settings", "tui.screens.settings", "SettingsScreen"),
)
"""Those that work, in the order of their keys; 4 and 5 come with their screens."""
FIRST_RUN = Mode("", "first-run", "First run", "tui.screens.first_run", "FirstRunScreen")
"""Without a key: the console opens on it when nothing is set up, and the palette finds it later."""
