"""The danger ladder's dialogs: y/n with No as the default, and words to be typed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.screens.base import ConsoleModal
from widgets.plain import plain, plain_lines
from widgets.typed_confirmation import TypedConfirmation


class YesNoModal(ConsoleModal[bool]):
    """A question with its effects; only `y` says yes, and everything else that leaves says no."""

    BINDINGS = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n,enter", "answer(False)", "No", id="confirm.no"),
    ]

    def __init__(self, question: str, effects: str = "") -> None:
        super().__init__()
        self._question = question
        self._effects = effects

    def compose_body(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._question), id="question", markup=False)
            yield Static(plain_lines(self._effects), id="effects", markup=False)
            yield Static(Content("y yes    n no (Enter and Escape mean no)"), classes="dim", markup=False)

    def action_answer(self, yes: bool) -> None:
        """Leaves with the answer."""
        self.dismiss(yes)


class TypedModal(ConsoleModal[bool]):
    """Effects, and the words that have to be typed for them."""

    def __init__(self, question: str, effects: str, words: str, button: str) -> None:
        super().__init__()
        self._question = question
        self._effects = effects
        self._words = words
        self._button = button

    def compose_body(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._question), id="question", markup=False)
            yield Static(plain_lines(self._effects), id="effects", markup=False)
            yield TypedConfirmation(self._words, self._button)

    def on_typed_confirmation_confirmed(self) -> None:
        """Typed and pressed."""
        self.dismiss(True)
