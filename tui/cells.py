"""Text as a terminal's cells."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache

from rich.cells import split_graphemes
from rich.style import Style
from textual.strip import Strip

from tui.looks import PLAIN, Look, blank_of, look_of

REST = ""
"""The second cell of a wide character."""
CodesOf = Callable[[Style], str]
"""A style's SGR codes on the terminal at hand."""


@lru_cache(4096)
def clusters(text: str) -> tuple[str, ...]:
    """What each cell of the text holds; the second of a wide character holds `REST`. Control characters go."""
    cells: list[str] = []
    for start, end, width in split_graphemes(text)[0]:
        part = "".join(char for char in text[start:end] if unicodedata.category(char) != "Cc")
        if width:
            cells += [part, *[REST] * (width - 1)]
        elif cells and part:
            head = next(place for place in range(len(cells) - 1, -1, -1) if cells[place] != REST)
            cells[head] += part
    return tuple(cells)


@lru_cache(4096)
def is_steady(cluster: str) -> bool:
    """Whether every terminal draws it in one cell and where it is put: not wide, joined, or right to left."""
    if cluster.isascii():
        return cluster != REST
    return (
        len(cluster) == 1
        and unicodedata.east_asian_width(cluster) not in "WF"
        and unicodedata.category(cluster)[0] not in "MC"
        and unicodedata.bidirectional(cluster) not in ("R", "AL", "AN")
    )


def cells_of(strip: Strip, codes_of: CodesOf) -> tuple[list[str], list[Look]]:
    """The characters and the looks of a strip's cells, as many as it is wide."""
    chars: list[str] = []
    looks: list[Look] = []
    for text, style, control in strip:
        if control:
            continue
        if style is None:
            look = PLAIN
        else:
            codes = codes_of(style) if style._ansi is None else style._ansi
            look = look_of(codes, style._link or "")
        blank = blank_of(look)
        if text.isspace() and text.isascii() and text.isprintable():
            chars.extend(text)
            looks.extend([blank] * len(text))
            continue
        parts = text if text.isascii() and text.isprintable() else clusters(text)
        chars.extend(parts)
        looks.extend([blank if part == " " else look for part in parts])
    missing = strip.cell_length - len(chars)
    if missing > 0:
        chars.extend(" " * missing)
        looks.extend([PLAIN] * missing)
    return chars[: strip.cell_length], looks[: strip.cell_length]
