"""The first run's questions: which `.env` file, what name, and whether these lines are to be written."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from services.errors import QuillkeepError
from services.settings.resolve import Settings
from services.settings.save import Draft
from tui.bridge import apart
from tui.screens.base import ConsoleModal
from tui.work import start_work
from widgets.plain import plain, plain_lines

T = TypeVar("T")


class AskModal(ConsoleModal[T], Generic[T]):
    """One line of input that `take` makes something of; what forbids it is said, and the input stays."""

    CSS_PATH = "../styles/first_run.tcss"

    def __init__(self, question: str, explained: str, value: str, take: Callable[[str], T]) -> None:
        super().__init__()
        self._question = question
        self._explained = explained
        self._value = value
        self._take = take

    def compose_body(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._question).stylize("bold"), id="question", markup=False)
            yield Static(plain_lines(self._explained), classes="dim", markup=False)
            yield Input(self._value, id="answer", select_on_focus=False)
            yield Static("", id="said", markup=False)
            yield Static(Content("Enter goes on, Escape goes back."), classes="dim", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Tries what was typed, in a thread: it may lie on a disk that does not answer."""
        event.stop()
        self.query_one("#said", Static).update("Reading.")
        start_work(
            self, partial(self._try, event.value), exclusive=True, description="an answer of the first run"
        )

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was wrong is not wrong any more."""
        event.stop()
        self.query_one("#said", Static).update("")

    async def _try(self, typed: str) -> None:
        try:
            taken = await apart(self._take, typed)
        except QuillkeepError as error:
            said = " ".join(part for part in (error.what, error.cause, error.next) if part)
            self.query_one("#said", Static).update(plain(said))
            return
        self.dismiss(taken)


class EnvFileModal(AskModal[Settings]):
    """Which `.env` file."""

    HELP = """
# Quilltap's .env file

The file that Quilltap itself is started with: it names the database, the bucket, their keys and the pepper.
It is only read. Enter goes on, Escape goes back; what is wrong with it is said and the path stays.
"""


class NameModal(AskModal[Draft]):
    """What the profile is called."""

    HELP = """
# The profile's name

A profile is one Quilltap deployment. Its name stands in the top bar, and is typed before live data is
overwritten: letters, digits, `-` and `_`. A profile that exists is never overwritten.
"""


class WriteModal(ConsoleModal[bool]):
    """The lines that would be written and where; only `y` writes them."""

    CSS_PATH = "../styles/first_run.tcss"
    HELP = """
# Save as a profile

These lines are appended to your config file, word for word. Secrets are never copied: the profile refers to
the `.env` file they stand in, or they stay in the environment. The file is readable by you alone (mode 0600).
`y` writes; everything else leaves it as it is. The arrow keys scroll.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Write", id="first.yes"),
        Binding("n", "answer(False)", "No", id="first.no"),
        Binding("enter", "answer(False)", "No", show=False, id="first.no"),
    ]

    def __init__(self, draft: Draft, warnings: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._draft = draft
        self._warnings = warnings

    def compose_body(self) -> ComposeResult:
        draft = self._draft
        how = "Append to" if draft.before else "Write a new file"
        with Vertical(classes="dialog"):
            yield Static(plain(f"{how} {draft.path}?"), id="question", markup=False)
            with VerticalScroll(id="draft"):
                yield Static(plain_lines(draft.text.rstrip("\n")), id="lines", markup=False)
                for note in draft.notes:
                    yield Static(plain(note), classes="dim", markup=False)
                for warning in self._warnings:
                    mark = self.console.glyphs.of("warn")
                    yield Static(plain(f"{mark} {warning}"), classes="warning", markup=False)
            yield Static(
                Content("y writes    n does not (Enter and Escape mean no)"), classes="dim", markup=False
            )

    def action_answer(self, yes: bool) -> None:
        """Leaves with the answer."""
        self.dismiss(yes)
