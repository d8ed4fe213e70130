"""A confirmation that has to be typed: Enter on a mismatch stays and says why, on a match only moves on."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Button, Input, Static

from widgets.plain import plain


class TypedConfirmation(Vertical):
    """An input, a line that says what is wrong, and a button that works only while the words are right.

    Typing the words and Enter moves to the button; only the button, by a second key, confirms.
    """

    DEFAULT_CSS = """
    TypedConfirmation { height: auto; }
    TypedConfirmation Input, TypedConfirmation Input:focus { border: none; height: 1; padding: 0 1; }
    TypedConfirmation #said { height: auto; min-height: 1; }
    """

    class Confirmed(Message):
        """The words were typed and the button was pressed."""

    def __init__(self, words: str, button: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._words = words
        self._button = button

    def compose(self) -> ComposeResult:
        yield Static(plain(f"Type {self._words} to confirm:"), id="ask", markup=False)
        yield Input(id="words")
        yield Static("", id="said", markup=False)
        yield Button(plain(self._button), id="confirm", disabled=True, compact=True)

    @property
    def matches(self) -> bool:
        """Whether the words stand there exactly."""
        return self.query_one("#words", Input).value.strip() == self._words

    def on_input_changed(self, event: Input.Changed) -> None:
        """The button follows the words."""
        event.stop()
        self.query_one("#confirm", Button).disabled = not self.matches
        said = "Right. Enter goes to the button; nothing is done yet." if self.matches else ""
        self.query_one("#said", Static).update(plain(said))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: to the button when the words are right, else it says what is wrong."""
        event.stop()
        button = self.query_one("#confirm", Button)
        if self.matches:
            button.focus()
            self.query_one("#said", Static).update(
                plain("Enter does it. Escape goes back, and nothing is done.")
            )
            return
        typed = event.value.strip()
        told = (
            f"That is not {self._words}." if typed else f"Nothing was typed: type {self._words}, or Escape."
        )
        self.query_one("#said", Static).update(plain(f"{told} Nothing was done."))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The second key."""
        event.stop()
        if self.matches:
            self.post_message(self.Confirmed())
