"""A console that writes to a terminal of our own in this process: its bytes counted, its cells read back."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pyte
from textual.drivers.headless_driver import HeadlessDriver

from tui.app import QuillkeepApp

Cells = list[list[tuple[Any, ...]]]


class Screen(pyte.Screen):
    """pyte's, which knows nothing of dim: it is kept as blinking, which nothing of ours does."""

    def select_graphic_rendition(self, *attrs: int, **kwargs: Any) -> None:
        given, place = list(attrs), 0
        codes: list[int] = []
        while place < len(given):
            if given[place] in (38, 48):
                size = 3 if given[place + 1] == 5 else 5
                codes += given[place : place + size]
                place += size
                continue
            codes += {2: [5], 22: [22, 25]}.get(given[place], [given[place]])
            place += 1
        super().select_graphic_rendition(*codes, **kwargs)


class Terminal:
    """What one console wrote, and what a terminal shows of it; `slow` takes nothing before `catch_up`."""

    def __init__(self, columns: int, rows: int) -> None:
        self.screen = Screen(columns, rows)
        self.stream = pyte.Stream(self.screen)
        self.screen.reset_mode(pyte.modes.DECAWM)
        self.written = ""
        self.slow = False
        self._waiting: Callable[[], object] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return self.screen.columns, self.screen.lines

    def write(self, data: str) -> None:
        """Takes what the driver sends."""
        self.written += data
        self.stream.feed(data)

    def take(self) -> str:
        """What was written since the last time."""
        written, self.written = self.written, ""
        return written

    def when_free(self, call: Callable[[], object]) -> bool:
        """The driver's."""
        if self.slow:
            self._waiting = call
        return not self.slow

    def catch_up(self) -> None:
        """A slow line has taken everything."""
        self.slow = False
        call, self._waiting = self._waiting, None
        if call is not None:
            call()

    def resize(self, columns: int, rows: int) -> None:
        """Another size; a real terminal may have moved what stood there to anywhere."""
        self.screen.resize(rows, columns)
        self.scribble()

    def scribble(self) -> None:
        """Somebody else wrote over all of it (`wall`, a kernel's message, the shell before `fg`)."""
        for row in range(self.screen.lines):
            self.stream.feed(f"\x1b[{row + 1};1H\x1b[0;1;31;44m" + "?" * self.screen.columns)
        self.stream.feed("\x1b[0m")

    @property
    def cells(self) -> Cells:
        """What can be seen of its cells."""
        return _seen(self.screen)


class Reference:
    """A second terminal, which gets every frame as textual itself writes it."""

    def __init__(self, app: QuillkeepApp, terminal: Terminal) -> None:
        self._terminal = terminal
        self._drawn = Terminal(*terminal.size)
        self._app = app
        display = app._display

        def both(screen: Any, renderable: Any) -> None:
            if renderable is not None and not app._batch_count:
                written = renderable.render_segments(app.console)
                self._drawn.write(written.replace("\n", ""))
            display(screen, renderable)

        app._display = both  # type: ignore[method-assign]

    def resize(self, columns: int, rows: int) -> None:
        """Another size of both."""
        self._drawn = Terminal(columns, rows)
        self._terminal.resize(columns, rows)

    def difference(self) -> str:
        """The rows in which the terminal shows something else; empty when there are none."""
        wrong = []
        for row, (one, other) in enumerate(zip(self._drawn.cells, self._terminal.cells, strict=True)):
            at = [
                column for column, (left, right) in enumerate(zip(one, other, strict=True)) if left != right
            ]
            if at:
                texts = ["".join(str(cell[0]) for cell in line) for line in (one, other)]
                wrong.append(
                    f"{row} at {at[:8]}: {one[at[0]]} shown as {other[at[0]]}\n  {texts[0]}\n  {texts[1]}"
                )
        return "\n".join(wrong)


@contextmanager
def on_terminal(columns: int = 80, rows: int = 24) -> Iterator[Terminal]:
    """Every console opened within writes there."""
    terminal = Terminal(columns, rows)

    class Driver(HeadlessDriver):
        @property
        def is_headless(self) -> bool:
            return False

        def write(self, data: str) -> None:
            terminal.write(data)

        def when_free(self, call: Callable[[], object]) -> bool:
            return terminal.when_free(call)

    with mock.patch("textual.drivers.headless_driver.HeadlessDriver", Driver):
        yield terminal


def dice(seed: int) -> random.Random:
    """The same throws for the same seed."""
    return random.Random(seed)


def _seen(screen: pyte.Screen) -> Cells:
    rows = []
    for row in range(screen.lines):
        cells = []
        for column in range(screen.columns):
            char = screen.buffer[row][column]
            ground = (char.bg, char.underscore, char.strikethrough, char.reverse)
            if char.data == " " and not (char.underscore or char.strikethrough or char.reverse):
                cells.append((" ", *ground))
            else:
                cells.append((char.data, *ground, char.fg, char.bold, char.blink, char.italics))
        rows.append(cells)
    return rows
