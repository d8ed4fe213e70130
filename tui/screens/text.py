"""Dialogs that show a text or an error: to read, to copy, to save."""

from __future__ import annotations

from functools import partial

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from services.errors import QuillkeepError
from services.redact import redact
from tui.bridge import apart
from tui.saving import save_new
from tui.screens.base import ConsoleModal
from tui.store import Problem
from tui.work import start_work
from widgets.plain import plain, plain_lines
from widgets.problem_box import ProblemBox


class _Readable(ConsoleModal[None]):
    """A dialog whose text can be copied and saved."""

    BINDINGS = [
        Binding("y", "copy", "Copy", id="text.copy", tooltip="Into the terminal's clipboard (OSC 52)"),
        Binding("s", "save", "Save to file", id="text.save", tooltip="A new file that only you can read"),
    ]

    text = ""
    file = "text.txt"

    def action_copy(self) -> None:
        """Sends the text to the terminal's clipboard."""
        self.console.copy_text(self.text, name=self.file)

    def action_save(self) -> None:
        """Asks for a path and saves the text there."""
        self.console.save_text(self.text, name=self.file)


class TextModal(_Readable):
    """A text as it is, scrolled by the usual keys."""

    HELP = """
# A text

The arrow keys, Page Up and Page Down scroll. `y` copies the whole text into the clipboard of your
terminal (OSC 52: tmux needs `set -g set-clipboard on`); `s` saves it as a new file, which always works.
"""

    def __init__(self, title: str, text: str, *, name: str) -> None:
        super().__init__()
        self._heading = title
        self.text = text
        self.file = name

    def compose_body(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._heading), id="title", markup=False)
            with VerticalScroll(id="text"):
                yield Static(plain_lines(self.text), markup=False)


class ProblemModal(_Readable):
    """An error: what happened, why, what was and wasn't touched, and the next step."""

    HELP = """
# An error

What happened stands first, then its cause, what was and what was not touched, and the next step.
`y` copies it, `s` saves it to a file, Escape goes back.
"""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        said = (problem.what, problem.cause, problem.touched, problem.next)
        self._box = ProblemBox(*(redact(part) for part in said))
        self.text = self._box.text
        self.file = "quillkeep-problem.txt"

    def compose_body(self) -> ComposeResult:
        with Vertical(classes="dialog problem-dialog"), VerticalScroll(id="text"):
            yield self._box


class SaveModal(ConsoleModal[None]):
    """Asks where a text goes; a file that exists is never overwritten."""

    HELP = """
# Save to a file

Enter writes a new file that only you can read (mode 0600). A file that exists is never overwritten.
`~` is your home folder.
"""

    def __init__(self, text: str, *, name: str) -> None:
        super().__init__()
        self._text = text
        self._name = name

    def compose_body(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static("Save to which file?", id="title", markup=False)
            yield Input(f"~/{self._name}", id="path", select_on_focus=False)
            yield Static("", id="said", markup=False)
            yield Static(Content("Enter saves, Escape goes back."), classes="dim", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Writes the file; what forbids it is said and the input stays."""
        event.stop()
        self.query_one("#said", Static).update("Saving.")
        start_work(self, partial(self._save, event.value), exclusive=True, description="save a text")

    async def _save(self, named: str) -> None:
        try:
            path = await apart(save_new, named, self._text)
        except QuillkeepError as error:
            self.query_one("#said", Static).update(plain(" ".join((error.what, error.cause, error.next))))
            return
        self.console.say(f"Saved as {path}.")
        self.dismiss(None)
