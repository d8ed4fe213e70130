"""The one line of a terminal that is too small."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

SMALLEST = (60, 20)


class TooSmall(Static):
    """Says what is needed and what there is; `show` with the size."""

    DEFAULT_CSS = "TooSmall { width: 100%; height: 100%; }"

    def show(self, width: int, height: int) -> None:
        """The size now."""
        needed = f"{SMALLEST[0]}x{SMALLEST[1]}"
        self.update(Content(f"Needs {needed}, is {width}x{height}. Jobs go on; ctrl+q quits."))


def is_too_small(width: int, height: int) -> bool:
    """Whether the screens do not fit."""
    return width < SMALLEST[0] or height < SMALLEST[1]
