"""Dialogs that show a text: to read, to copy, to save."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tui.screens.base import ConsoleModal
from tui.store import Problem
from widgets.plain import plain, plain_lines


class TextModal(ConsoleModal[None]):
    """To be built."""

    def __init__(self, title: str, text: str, *, name: str) -> None:
        super().__init__(name=name)
        self._title = title
        self._text = text

    def compose_body(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._title), markup=False)
            yield Static(plain_lines(self._text), markup=False)


class ProblemModal(ConsoleModal[None]):
    """To be built."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self._problem = problem

    def compose_body(self) -> ComposeResult:
        one = self._problem
        with Vertical(classes="dialog"):
            for text in (one.what, one.cause, one.touched, one.next):
                yield Static(plain(text), markup=False)
