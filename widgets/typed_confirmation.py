"""A confirmation that has to be typed: Enter on a mismatch stays and says why, on a match only moves on."""

from __future__ import annotations

import time

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Button, Input, Static

from widgets.plain import plain

RELEASE_SECONDS = 0.8
"""How long no Enter may come before the button works: longer than terminals wait before a held key repeats (0.25 to 0.66 s)."""
HELD = "Let go of Enter: in a moment Enter once more does it. Escape goes back."
READY = "Enter does it. Escape goes back, and nothing is done."


class TypedConfirmation(Vertical):
    """An input, a line that says what is wrong, and a button that works only while the words are right.

    Typing the words and Enter moves to the button; only the button, by a second key, confirms. It does not react
    before Enter was let go: a key held down goes through nothing.
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
        self._waiting: Timer | None = None
        self._since = 0.0
        self._ready = False

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
            return
        typed = event.value.strip()
        told = (
            f"That is not {self._words}." if typed else f"Nothing was typed: type {self._words}, or Escape."
        )
        self.query_one("#said", Static).update(plain(f"{told} Nothing was done."))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The second key; one that comes too soon may be the first one held down, and restarts the wait."""
        event.stop()
        if not self._ready:
            self._wait()
        elif self.matches:
            self.post_message(self.Confirmed())

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The button was come to, by whatever key."""
        if event.widget.id == "confirm":
            self._wait()
        else:
            self._stop_waiting()

    def disarm(self) -> None:
        """Whoever was elsewhere meanwhile comes back to the words, never to a button that one Enter presses."""
        if self.query_one("#confirm", Button).has_focus:
            self.query_one("#words", Input).focus()

    def _wait(self) -> None:
        self._stop_waiting()
        self.query_one("#said", Static).update(plain(HELD))
        self._since = time.monotonic()
        self._waiting = self.set_timer(RELEASE_SECONDS, self._let_go)

    def _stop_waiting(self) -> None:
        self._ready = False
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None

    def _let_go(self) -> None:
        if time.monotonic() - self._since > 1.5 * RELEASE_SECONDS:
            # Nothing was done for a while, so keys pressed meanwhile may still be waiting.
            self._wait()
            return
        self._ready = True
        self.query_one("#said", Static).update(plain(READY))
