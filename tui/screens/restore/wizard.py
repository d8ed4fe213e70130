"""Restore."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from tui.screens.base import ConsoleScreen


class RestoreScreen(ConsoleScreen):
    """To be built."""

    MODE: ClassVar[str] = "restore"
    TOPICS: ClassVar[tuple[str, ...]] = ("catalog", "jobs")

    def compose_body(self) -> ComposeResult:
        yield Static("", id="body", markup=False)

    def show(self, topic: str) -> None:
        catalog = self.console.store.catalog.value
        self.query_one("#body", Static).update(
            "Looking." if catalog is None else f"{len(catalog.backups)} backups"
        )

    def begin(self, *, backup: str = "", collections: tuple[str, ...] = ()) -> None:
        """Preselects."""
