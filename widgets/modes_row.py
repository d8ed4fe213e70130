"""The row of modes at the top, the current one in brackets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

LETTERS = 4
"""What is left of a title that gives way."""


class ModeWord(NamedTuple):
    """A mode's key, its title, and its name."""

    key: str
    title: str
    name: str


class ModesRow(Widget):
    """As much of the titles as fits; the current one's is always whole."""

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
    """The row in `width` columns; at the right what stands `beside`, where there is room for it.

    What gives way, in this order: the blanks around titles, what stands beside, then one after another the
    longest of the other modes' titles, which become their first letters and a dot; at last all of these.
    """
    whole = {mode.name: mode.title for mode in modes}
    for tight in (False, True):
        row = _row(modes, current, whole, tight=tight)
        if row.cell_length + len(beside) + 2 <= width:
            gap = " " * (width - row.cell_length - len(beside) - 1)
            return Content.assemble(row, gap, Content(beside).stylize("dim"))
    for tight in (False, True):
        row = _row(modes, current, whole, tight=tight)
        if row.cell_length <= width:
            return row
    titles = dict(whole)
    others = [mode for mode in modes if mode.name != current and len(mode.title) > LETTERS + 2]
    for mode in sorted(others, key=lambda mode: -len(mode.title)):
        titles[mode.name] = f"{mode.title[:LETTERS]}."
        row = _row(modes, current, titles, tight=True)
        if row.cell_length <= width:
            return row
    return _row(modes, current, {current: whole.get(current, "")}, tight=False)


def _row(modes: Sequence[ModeWord], current: str, titles: Mapping[str, str], *, tight: bool) -> Content:
    words = []
    for mode in modes:
        word = f"{mode.key} {titles.get(mode.name, '')}".rstrip()
        if mode.name == current:
            words.append(Content(f"[{word}]").stylize("bold $text-accent"))
        else:
            words.append(Content(word if tight else f" {word} "))
    return Content(" " if tight else "").join(words)
