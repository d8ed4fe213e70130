"""What goes on when the console is left, said before it is left; and the dialog of a terminal too small."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.screens.base import ConsoleModal
from widgets.plain import plain, plain_lines
from widgets.too_small import TooSmall, is_too_small


class LeaveModal(ConsoleModal[bool]):
    """Jobs that go on, and an open wizard; `y` or ctrl+q again leaves."""

    HELP = """
# Leaving

Jobs run in processes of their own: they go on when the console is left, the terminal is closed or the
connection drops. `quillkeep jobs follow ID` shows one again, and so does this console.
"""

    BINDINGS = [
        Binding("y", "answer(True)", "Leave", id="confirm.leave"),
        Binding("n", "answer(False)", "Stay", id="confirm.stay"),
        Binding("enter", "answer(False)", "Stay", show=False, id="confirm.stay"),
    ]

    def __init__(self, goes_on: Sequence[str], wizard: bool) -> None:
        super().__init__()
        self._goes_on = tuple(goes_on)
        self._wizard = wizard

    def compose_body(self) -> ComposeResult:
        lines = [*self._goes_on]
        if self._wizard:
            lines.append(
                "The restore wizard is open: what was entered there is lost. Nothing was changed by it "
                "unless its restore runs, and then that goes on."
            )
        with Vertical(classes="dialog"):
            yield Static(plain("Leave the console?"), id="question", markup=False)
            with VerticalScroll(classes="effects"):
                yield Static(plain_lines("\n".join(lines)), id="effects", markup=False)
            yield Static("y or ctrl+q leaves    n stays (Enter and Escape stay)", classes="dim", markup=False)

    def action_answer(self, yes: bool) -> None:
        """Leaves the dialog with the answer."""
        self.dismiss(yes)


class TooSmallScreen(ModalScreen[None]):
    """Lies over everything and takes every key but ctrl+q until the terminal is large enough again."""

    def compose(self) -> ComposeResult:
        yield TooSmall(markup=False)

    def on_mount(self) -> None:
        """Says the size."""
        self._show()

    def on_resize(self, event: Resize) -> None:
        """Another size."""
        self._show()

    def on_screen_resume(self) -> None:
        """A dialog above this one has gone."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        width, height = self.app.size
        if is_too_small(width, height):
            self.query_one(TooSmall).show(width, height)
        elif self.is_current:
            self.dismiss(None)
