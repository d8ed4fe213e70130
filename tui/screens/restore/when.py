"""Asks when the damage happened."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from tui.screens.base import ConsoleModal
from tui.screens.restore.times import both, read_time, zone_word
from widgets.plain import plain


class WhenAnswer(NamedTuple):
    """The moment, UTC; None when it is not known."""

    moment: datetime | None


class WhenModal(ConsoleModal[WhenAnswer]):
    """One line to type a time into; nothing typed means that it is not known."""

    def __init__(self, now: datetime, before: datetime | None) -> None:
        super().__init__()
        self._now = now
        self._before = before

    def compose_body(self) -> ComposeResult:
        zone = zone_word(self._now)
        with Vertical(classes="dialog"):
            yield Static("When did it happen, or when was it last known to be right?", markup=False)
            yield Static(
                plain(
                    f"A time in {zone}: 02:10 (the last such time), 2026-11-22 02:10, or how long ago: 3 h, 20 min, "
                    "2 d. With UTC behind it, it is UTC. Nothing: not known. Backups made later are not proposed. Enter takes it."
                ),
                classes="dim",
                markup=False,
            )
            yield Input(placeholder="02:10", id="when")
            yield Static("", id="when-said", classes="problem", markup=False)
            if self._before is not None:
                yield Static(plain(f"Said before: {both(self._before)}"), classes="dim", markup=False)

    def on_mount(self) -> None:
        """The line has the focus."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: leaves with what was understood, or stays and says what was not."""
        event.stop()
        text = event.value.strip()
        if not text:
            self.dismiss(WhenAnswer(None))
            return
        moment = read_time(text, self._now)
        if moment is None:
            self.query_one("#when-said", Static).update(
                plain(f"{text[:30]} is no time in the past that is understood here. Try 02:10, or 3 h.")
            )
            return
        self.dismiss(WhenAnswer(moment))
