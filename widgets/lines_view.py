"""A scrolling text of many lines, each in one tone; only what is in view is drawn, and only when it changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.text import escape


class Line(NamedTuple):
    """One line and its tone: `error`, `warning`, `success`, `accent`, `dim`, `strong` or none."""

    text: str
    tone: str = ""


Build = Callable[[int], list[Line]]
"""Makes the lines for a width in cells."""


class LinesView(ScrollView, can_focus=True):
    """Shows what `build` makes for its width; `follow` keeps the end in view while it is."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lines--error",
        "lines--warning",
        "lines--success",
        "lines--accent",
        "lines--dim",
        "lines--strong",
    }
    DEFAULT_CSS = """
    LinesView {
        height: 1fr;
        width: 100%;
        overflow-x: hidden;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        & > .lines--error { color: $text-error; text-style: bold; }
        & > .lines--warning { color: $text-warning; }
        & > .lines--success { color: $text-success; }
        & > .lines--accent { color: $text-accent; }
        & > .lines--dim { color: $text-muted; }
        & > .lines--strong { text-style: bold; }
    }
    """

    def __init__(
        self, *, follow: bool = False, ellipsis: str = "~", id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._build: Build = lambda width: []
        self._lines: list[Line] = []
        self._follow = follow
        self._at_end = True
        self._ellipsis = ellipsis

    @property
    def lines(self) -> list[Line]:
        """What stands there."""
        return list(self._lines)

    def show(self, build: Build) -> None:
        """Other lines; nothing is drawn again when they are the same."""
        self._build = build
        self._lay_out()

    def on_resize(self, event: Resize) -> None:
        """Lines are made for the width; one that follows keeps its end in sight when it gets smaller."""
        self._lay_out()
        if self._follow and self._at_end:
            self.scroll_end(animate=False, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Whoever comes back to the end follows again."""
        super().watch_scroll_y(old_value, new_value)
        self._at_end = self._at_end or self.is_vertical_scroll_end

    def _stop_following(self) -> None:
        """By a key that goes up, and by nothing else: a view that is laid out anew moves, too."""
        self._at_end = self.max_scroll_y == 0

    # At once: an animated scroll draws every step of its way.

    def action_scroll_up(self) -> None:
        """One line."""
        self._stop_following()
        self.scroll_relative(y=-1, animate=False)

    def action_scroll_down(self) -> None:
        """One line."""
        self.scroll_relative(y=1, animate=False)

    def action_page_up(self) -> None:
        """One page."""
        self._stop_following()
        self.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        """One page."""
        self.scroll_page_down(animate=False)

    def action_scroll_home(self) -> None:
        """To the first line."""
        self._stop_following()
        self.scroll_home(animate=False)

    def action_scroll_end(self) -> None:
        """To the last line."""
        self.scroll_end(animate=False)

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        number = y + round(self.scroll_offset.y)
        width = self._cells
        if number >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[number]
        style = self.get_component_rich_style(f"lines--{line.tone}") if line.tone else self.rich_style
        return Strip([Segment(fitted(line.text, width, self._ellipsis), style)], width)

    @property
    def _cells(self) -> int:
        """What is left of the width beside the scrollbar, which is always kept free."""
        return max(0, self.scrollable_content_region.width)

    def _lay_out(self) -> None:
        if not self._cells:
            return
        lines = [Line(escape(text), tone) for text, tone in self._build(self._cells)]
        if lines == self._lines:
            return
        self._lines = lines
        self.virtual_size = Size(self._cells, len(lines))
        self.refresh()
        if self._follow and self._at_end:
            self.scroll_end(animate=False, immediate=True)


def fitted(text: str, width: int, ellipsis: str = "~") -> str:
    """`text` in exactly `width` cells: filled up with blanks, or cut with an ellipsis."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, max(0, width - 1)) + ellipsis[:width]


def wrapped(text: str, width: int, *, first: str = "", rest: str = "") -> list[str]:
    """`text` in lines of at most `width` cells between words, the first behind `first`, the others behind `rest`."""
    lines: list[str] = []
    line = first
    empty = True
    for word in escape(text).split(" "):
        while True:
            joined = f"{line}{word}" if empty else f"{line} {word}"
            if cell_len(joined) <= width:
                line, empty = joined, False
                break
            if not empty:
                lines.append(line)
                line, empty = rest, True
                continue
            room = max(1, width - cell_len(line))
            head = _head(word, room)
            lines.append(line + head)
            word, line = word[len(head) :], rest
            if not word:
                empty = True
                break
    if not empty or not lines:
        lines.append(line)
    return lines


def _head(word: str, cells: int) -> str:
    """As many characters as fit into `cells`, at least one."""
    taken, used = 0, 0
    for char in word:
        used += cell_len(char)
        if used > cells:
            break
        taken += 1
    return word[: max(1, taken)]
