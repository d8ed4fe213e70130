"""How far something measured is, in one row: a bar only where the total is known, and words that never guess."""

from __future__ import annotations

from textual.widgets import Static

from widgets.glyphs import Glyphs
from widgets.lines_view import fitted
from widgets.plain import plain
from widgets.text import escape

BAR = 20


class ProgressLine(Static):
    """`show(share, text)`; a share of None is a total nobody knows: no bar is drawn then."""

    DEFAULT_CSS = """
    ProgressLine { height: 1; width: 100%; text-wrap: nowrap; }
    """

    def __init__(self, glyphs: Glyphs, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__("", markup=False, id=id, classes=classes)
        self._glyphs = glyphs
        self._says = ""

    def show(self, share: float | None, text: str) -> None:
        """Another state; nothing is drawn again when it is the same."""
        says = text if share is None else f"{bar(share, BAR, self._glyphs)} {text}"
        if says != self._says:
            self._says = says
            cut = fitted(escape(says), self.size.width, self._glyphs.ellipsis) if self.size.width else says
            self.update(plain(cut.rstrip()))


def bar(share: float, cells: int, glyphs: Glyphs) -> str:
    """A bar of `cells`; it is full only when everything is done."""
    done = cells if share >= 1 else min(cells - 1, int(max(0.0, share) * cells))
    full, empty = ("█", "░") if glyphs.utf8 else ("#", ".")
    return full * done + empty * (cells - done)
