"""The question before a validation: what it looks at, what it locks, and how deep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from services.validating.server import cost_words
from tui.screens.base import ConsoleModal
from widgets.key_value import KeyValues
from widgets.plain import plain

QUICK = (
    "its structures by the server; then counts, sizes, indexes, shape, duplicates, references by Quillkeep."
)
FULL = "the same, and the server reads every page and every index entry."
UNKNOWN = "the collection that the server reads: what is written to that one waits. Sizes are not known."


class ValidateModal(ConsoleModal[bool]):
    """Leaves with True for a full validation, False for a quick one, None for none; only `y` starts it."""

    HELP = """
# Validate

A validation reads; it changes nothing, also in READ-ONLY. `q` and `f` choose how deep, `y` starts it as a job,
anything else goes back. Its findings stand in the list when it has ended; it goes on when you leave the screen.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "start", "Start", id="validate.yes"),
        Binding("n", "dismiss_none", "No", id="validate.no"),
        Binding("enter", "dismiss_none", "No", show=False, id="validate.no"),
        Binding("q", "choose(False)", "Quick", id="validate.quick"),
        Binding("f", "choose(True)", "Full", id="validate.full"),
    ]

    def __init__(self, what: str, sizes: Mapping[str, int]) -> None:
        super().__init__()
        self._what = what
        self._sizes = sizes
        self._full = False

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            yield Static(plain(f"Validate {self._what}?"), id="question", markup=False)
            yield KeyValues(self._pairs(), id="validate-pairs")
            yield Static("y yes    n no (Enter and Escape mean no)", classes="dim", markup=False)

    def _pairs(self) -> list[tuple[str, str]]:
        mark = {False: "q quick", True: "f full"}
        chosen = "full" if self._full else "quick"
        return [
            (f"{'>' if not self._full else ' '} {mark[False]}", QUICK),
            (f"{'>' if self._full else ' '} {mark[True]}", FULL),
            ("  Locks", cost_words(self._sizes, full=self._full) if self._sizes else UNKNOWN),
            (
                "  y starts",
                f"the {chosen} one, as a job that goes on without this console. It changes nothing.",
            ),
        ]

    def action_choose(self, full: bool) -> None:
        """How deep; the words follow."""
        self._full = full
        self.query_one(KeyValues).show(self._pairs())

    def action_start(self) -> None:
        """Leaves with the depth."""
        self.dismiss(self._full)
