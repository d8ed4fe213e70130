"""A meter: how much of a limit is used, as a bar and in words."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from widgets.glyphs import Glyphs


def bar(value: float | None, limit: float, width: int, glyphs: Glyphs) -> str:
    """A bar of `width` columns; one that is over its limit is full and ends in `!`, an unknown one is empty."""
    full, empty = ("█", "░") if glyphs.utf8 else ("#", "-")
    if value is None or limit <= 0:
        return empty * width
    if value > limit:
        return full * (width - 1) + "!"
    used = round(value / limit * width)
    if value > 0:
        used = max(1, used)
    return full * used + empty * (width - used)


class Gauge(Widget):
    """One line: label, bar, words; the words alone say everything."""

    DEFAULT_CSS = """
    Gauge { height: 1; width: 100%; text-wrap: nowrap; text-overflow: ellipsis; }
    Gauge.-over { color: $text-warning; }
    """
    BAR = 14

    def __init__(self, label: str, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._label = label
        self._glyphs = glyphs
        self._text = ""

    def show(self, value: float | None, limit: float, words: str) -> None:
        """Other figures; nothing is drawn again when they read the same."""
        text = f"{self._label}{bar(value, limit, self.BAR, self._glyphs)} {words}"
        self.set_class(value is not None and value > limit, "-over")
        if text != self._text:
            self._text = text
            self.refresh()

    def render(self) -> Content:
        """The line."""
        return Content(self._text)
