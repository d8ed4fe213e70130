"""One job: its phases, progress, log and result."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from tui.screens.base import ConsoleScreen
from widgets.plain import plain


class JobScreen(ConsoleScreen):
    """To be built."""

    BINDINGS = [("escape", "app.pop_screen", "Back")]

    def __init__(self, job: str) -> None:
        super().__init__()
        self.job = job

    def compose_body(self) -> ComposeResult:
        yield Static(plain(self.job), markup=False)
