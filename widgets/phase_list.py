"""The stretches of a long work: done, running, to come; each with glyph, word and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content
from textual.widgets import Static

from widgets.glyphs import Glyphs, tone
from widgets.plain import plain

WORDS = {"done": "done", "running": "now", "waiting": "to come", "fail": "failed", "unknown": "stopped"}
GLYPHS = {"done": "ok", "running": "running", "waiting": "none", "fail": "fail", "unknown": "unknown"}


class PhaseRow(NamedTuple):
    """`state` is done, running, waiting, fail or unknown; `text` what was measured."""

    title: str
    state: str
    text: str = ""


class PhaseList(Static):
    """One row a phase."""

    DEFAULT_CSS = """
    PhaseList { height: auto; width: 100%; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, glyphs: Glyphs, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__("", markup=False, id=id, classes=classes)
        self._glyphs = glyphs
        self._rows: tuple[PhaseRow, ...] = ()

    def show(self, rows: Sequence[PhaseRow]) -> None:
        """Other rows; nothing is drawn again when they are the same."""
        if tuple(rows) == self._rows:
            return
        self._rows = tuple(rows)
        widest = max((len(row.title) for row in rows), default=0)
        lines = [self._row(row, widest) for row in rows]
        self.update(Content("\n").join(lines))

    def _row(self, row: PhaseRow, widest: int) -> Content:
        word = WORDS.get(row.state, row.state)
        line = plain(
            f"{self._glyphs.of(GLYPHS.get(row.state, 'none'))} {word:<8}{row.title:<{widest}}  {row.text}"
        )
        colour = {"done": tone("ok"), "waiting": "muted"}.get(row.state, tone(row.state))
        return line.stylize(f"$text-{colour}") if colour else line
