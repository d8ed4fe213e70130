"""The danger ladder's dialogs: y/n with No as the default, and words to be typed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.screens.base import ConsoleModal
from widgets.plain import plain, plain_lines
from widgets.typed_confirmation import TypedConfirmation


class YesNoModal(ConsoleModal[bool]):
    """A question with its effects; only `y` says yes, and everything else that leaves says no."""

    HELP = """
# A question

`y` says yes. `n`, Enter and Escape say no, and nothing is done. The arrow keys scroll what does not fit.
"""

    BINDINGS = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n", "answer(False)", "No", id="confirm.no"),
        Binding("enter", "answer(False)", "No", show=False, id="confirm.no"),
    ]

    def __init__(self, question: str, effects: str = "") -> None:
        super().__init__()
        self._question = question
        self._effects = effects

    def compose_body(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._question), id="question", markup=False)
            with VerticalScroll(classes="effects"):
                yield Static(plain_lines(self._effects), id="effects", markup=False)
            yield Static(Content("y yes    n no (Enter and Escape mean no)"), classes="dim", markup=False)

    def action_answer(self, yes: bool) -> None:
        """Leaves with the answer."""
        self.dismiss(yes)


class TypedModal(ConsoleModal[bool]):
    """Effects, and the words that have to be typed for them."""

    HELP = """
# Typing to confirm

What cannot be undone asks for words, so that no key pressed too fast does it. Type them as they stand
there; Enter then only moves to the button, and Enter on the button does it. Anything else stays and says
what is wrong. Escape leaves and nothing is done.
"""

    BINDINGS = [
        Binding("up", "scroll_effects(-1)", "Up", show=False, id="typed.up"),
        Binding("down", "scroll_effects(1)", "Down", show=False, id="typed.down"),
    ]

    def __init__(self, question: str, effects: str, words: str, button: str) -> None:
        super().__init__()
        self._question = question
        self._effects = effects
        self._words = words
        self._button = button

    def compose_body(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._question), id="question", markup=False)
            with VerticalScroll(classes="effects", can_focus=False):
                yield Static(plain_lines(self._effects), id="effects", markup=False)
            yield TypedConfirmation(self._words, self._button)

    def action_scroll_effects(self, rows: int) -> None:
        """Scrolls effects that do not fit, from the input too."""
        self.query_one(".effects", VerticalScroll).scroll_relative(y=rows, animate=False)

    def on_screen_suspend(self) -> None:
        """Back from anything, the words have the focus."""
        self.query_one(TypedConfirmation).disarm()

    def on_typed_confirmation_confirmed(self) -> None:
        """Typed and pressed."""
        self.dismiss(True)
