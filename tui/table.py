"""Plain-text tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def width_of(text: str) -> int:
    """Terminal cells a text without escapes takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def table(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> list[str]:
    """Aligns cells in columns two blanks apart; the columns in `right` at their right edge."""
    if not rows:
        return []
    widths = [max(width_of(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = []
        for column, text in enumerate(row):
            padding = " " * (widths[column] - width_of(text))
            cells.append(padding + text if column in right else text + padding)
        lines.append("  ".join(cells).rstrip())
    return lines
