"""What is drawn, as a poor terminal or tired eyes can take it: ASCII alone, no colour, nothing faint."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import ClassVar

from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.scrollbar import ScrollBarRender

_DRAWN = {
    "…": "~",
    "→": ">",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "⏎": "<",
    "⌫": "<",
    "✓": "+",
    "✔": "+",
    "✗": "x",
    "✘": "x",
    "•": "*",
    "●": "*",
    "○": "o",
    "·": ".",
    "–": "-",
    "—": "-",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "▶": ">",
    "▷": ">",
    "▼": "v",
    "▲": "^",
    "▸": ">",
    "▾": "v",
    "×": "x",
    "\u00a0": " ",
    "⊘": "#",
    "∅": "-",
    "█": "#",
    "▓": "#",
    "▒": "%",
    "░": ":",
    "▌": "|",
    "▐": "|",
    "▊": "|",
    "▎": "|",
    "▏": "|",
    "▕": "|",
    "▔": " ",
    "▀": "#",
    "■": "#",
    "□": "o",
}
"""What we and textual draw, by one ASCII character of the same width."""
_RAMP = "_.-=+*##"
"""The eighth blocks of a sparkline, lowest first."""
_BLOCKS = "▁▂▃▄▅▆▇█"


@lru_cache(4096)
def ascii_of(text: str) -> str:
    """The text in ASCII, as wide as before; letters that have none become question marks."""
    return text if text.isascii() else "".join(_one(char) for char in text)


def _one(char: str) -> str:
    if char.isascii():
        return char
    if char in _DRAWN:
        return _DRAWN[char]
    if char in _BLOCKS:
        return _RAMP[_BLOCKS.index(char)]
    code = ord(char)
    if 0x2500 <= code <= 0x257F:
        return _box(unicodedata.name(char))
    if 0x2800 <= code <= 0x28FF:
        return " " if code == 0x2800 else "#"
    if 0x2580 <= code <= 0x259F:
        return "#"
    return "?" * cell_len(char)


def _box(name: str) -> str:
    words = set(name.split())
    sideways = words & {"HORIZONTAL", "LEFT", "RIGHT"}
    upright = words & {"VERTICAL", "UP", "DOWN"}
    if sideways and upright:
        return "+"
    return "-" if sideways else "|" if upright else "+"


class AsciiFilter(LineFilter):
    """The last resort: whatever was drawn otherwise, borders and scroll bars included, leaves as ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments, each as wide as before."""
        return [
            segment
            if segment.control or segment.text.isascii()
            else Segment(ascii_of(segment.text), segment.style)
            for segment in segments
        ]


_DEFAULT = RichColor.default()


@lru_cache(1024)
def _uncoloured(style: Style) -> Style:
    marked = style.bgcolor is not None and not style.bgcolor.is_default
    plain = style + Style(color=_DEFAULT, bgcolor=_DEFAULT)
    return plain + Style(reverse=True) if marked and not style.reverse else plain


class UncolouredFilter(LineFilter):
    """NO_COLOR: what stood out by its background (a cursor, a selection) is drawn in reverse."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with bold, dim and reverse, and no colour."""
        return [
            segment
            if segment.style is None
            else Segment(segment.text, _uncoloured(segment.style), segment.control)
            for segment in segments
        ]


@lru_cache(1024)
def _undimmed(style: Style) -> Style:
    return style + Style(dim=False) if style.dim else style


class UndimmedFilter(LineFilter):
    """High contrast: nothing is drawn fainter than the rest."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without dim."""
        return [
            segment
            if segment.style is None
            else Segment(segment.text, _undimmed(segment.style), segment.control)
            for segment in segments
        ]


class WholeCellBars(ScrollBarRender):
    """Scroll bars of whole cells, which every terminal can draw."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8
