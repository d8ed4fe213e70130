"""The stretches of a long work: done, running, to come; each with glyph, word and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from widgets.glyphs import Glyphs, tone
from widgets.lines_view import fitted
from widgets.plain import plain
from widgets.text import escape

WORDS = {"done": "done", "running": "now", "waiting": "to come", "fail": "failed", "unknown": "stopped"}
GLYPHS = {"done": "ok", "running": "running", "waiting": "none", "fail": "fail", "unknown": "unknown"}


class PhaseRow(NamedTuple):
    """`state` is done, running, waiting, fail or unknown; `text` what was measured."""

    title: str
    state: str
    text: str = ""


class PhaseList(Static):
    """One row a phase."""

    DEFAULT_CSS = "PhaseList { height: auto; width: 100%; text-wrap: nowrap; }"

    def __init__(self, glyphs: Glyphs, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__("", markup=False, id=id, classes=classes)
        self._glyphs = glyphs
        self._rows: tuple[PhaseRow, ...] = ()

    def show(self, rows: Sequence[PhaseRow]) -> None:
        """Other rows; nothing is drawn again when they are the same."""
        if tuple(rows) != self._rows:
            self._rows = tuple(rows)
            self._draw()

    def on_resize(self, event: Resize) -> None:
        """What does not fit is cut with an ellipsis."""
        self._draw()

    def _draw(self) -> None:
        widest = max((len(row.title) for row in self._rows), default=0)
        self.update(Content("\n").join(self._row(row, widest) for row in self._rows))

    def _row(self, row: PhaseRow, widest: int) -> Content:
        word = WORDS.get(row.state, row.state)
        glyph = self._glyphs.of(GLYPHS.get(row.state, "none"))
        text = escape(f"{glyph} {word:<8}{row.title:<{widest}}  {row.text}")
        if self.size.width:
            text = fitted(text.rstrip(), self.size.width, self._glyphs.ellipsis).rstrip()
        line = plain(text)
        colour = {"done": tone("ok"), "waiting": "muted"}.get(row.state, tone(row.state))
        return line.stylize(f"$text-{colour}") if colour else line
