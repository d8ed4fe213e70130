"""Rows of a word and what it says, the words in one column and long values wrapped in theirs."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from widgets.plain import plain_lines

Pair = tuple[str, str | Content]
MOST_OF_WIDTH = 0.4
"""The words' column takes at most this part of the row."""


def aligned(pairs: Iterable[Pair], width: int, *, style: str = "dim") -> list[Content]:
    """The rows in `width` columns; values of type `Content` keep their styles, strings are never markup."""
    rows = [
        (plain_lines(word), value if isinstance(value, Content) else plain_lines(value))
        for word, value in pairs
    ]
    longest = max((word.cell_length for word, _ in rows), default=0)
    column = min(longest, max(4, int(width * MOST_OF_WIDTH)))
    lines: list[Content] = []
    for word, value in rows:
        left = [line.stylize(style) for line in word.wrap(column)] if word else [Content("")]
        right = value.wrap(max(8, width - column - 2)) if value else [Content("")]
        for index in range(max(len(left), len(right))):
            head = left[index] if index < len(left) else Content("")
            tail = right[index] if index < len(right) else Content("")
            lines.append(Content.assemble(head, " " * (column - head.cell_length + 2), tail.rstrip()))
    return lines


class AlignedRows(Widget):
    """Lines that are computed for the width there is."""

    DEFAULT_CSS = "AlignedRows { height: auto; width: 100%; }"

    def lines(self, width: int) -> list[Content]:
        """What stands there in `width` columns."""
        raise NotImplementedError

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as lines."""
        return len(self.lines(width)) if width else 0

    def render(self) -> Content:
        """The lines for the width at hand."""
        return Content("\n").join(self.lines(self.content_size.width or self.size.width))


class KeyValues(AlignedRows):
    """`KeyValues([("Bucket", name), ...])`; `show(pairs)` replaces them."""

    def __init__(
        self, pairs: Iterable[Pair] = (), *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._pairs = tuple(pairs)

    def show(self, pairs: Iterable[Pair]) -> None:
        """Other rows; nothing is drawn again when they are the same."""
        new = tuple(pairs)
        if new != self._pairs:
            self._pairs = new
            self.refresh(layout=True)

    def lines(self, width: int) -> list[Content]:
        return aligned(self._pairs, width)
