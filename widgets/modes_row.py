"""The row of modes at the top, the current one in brackets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget


class ModeWord(NamedTuple):
    """A mode's key, its title, and its name."""

    key: str
    title: str
    name: str


class ModesRow(Widget):
    """All titles where they fit, else only the current one's."""

    DEFAULT_CSS = "ModesRow { height: 1; width: 100%; }"

    def __init__(self, modes: Sequence[ModeWord], current: str, *, beside: str = "") -> None:
        super().__init__()
        self._modes = tuple(modes)
        self._current = current
        self._beside = beside

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One row."""
        return 1

    def render(self) -> Content:
        """The longest form that fits."""
        return fit(self._modes, self._current, self.size.width, self._beside)


def fit(modes: Sequence[ModeWord], current: str, width: int, beside: str = "") -> Content:
    """The row in `width` columns; at the right what stands `beside`, where there is room for it."""
    full = _row(modes, current, titles=True)
    if full.cell_length + len(beside) + 2 <= width:
        gap = " " * (width - full.cell_length - len(beside) - 1)
        return Content.assemble(full, gap, Content(beside).stylize("dim"))
    return full if full.cell_length <= width else _row(modes, current, titles=False)


def _row(modes: Sequence[ModeWord], current: str, *, titles: bool) -> Content:
    words = []
    for mode in modes:
        if mode.name == current:
            words.append(Content(f"[{mode.key} {mode.title}]").stylize("bold $text-accent"))
        else:
            words.append(Content(f" {mode.key} {mode.title} " if titles else f" {mode.key} "))
    return Content("").join(words)
