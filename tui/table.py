"""Plain-text tables that fit the terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from tui.terminal import cut


def width_of(text: str) -> int:
    """Terminal cells a text without escapes takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def table(
    rows: Sequence[Sequence[str]],
    *,
    width: int,
    right: frozenset[int] = frozenset(),
    flexible: int | None = None,
) -> list[str]:
    """Aligns cells in columns two blanks apart; the `flexible` column is cut when a row is too wide."""
    if not rows:
        return []
    widths = [max(width_of(row[column]) for row in rows) for column in range(len(rows[0]))]
    over = sum(widths) + 2 * (len(widths) - 1) - width
    if flexible is not None and over > 0:
        widths[flexible] = max(12, widths[flexible] - over)
    lines = []
    for row in rows:
        cells = []
        for column, text in enumerate(row):
            shown = cut(text, widths[column]) if column == flexible else text
            padding = " " * (widths[column] - width_of(shown))
            cells.append(padding + shown if column in right else shown + padding)
        lines.append("  ".join(cells).rstrip())
    return lines
