"""The end of a log: follows, filters, and draws only the lines in sight that changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.text import escape

MAX_SHOWN = 2_000
"""Characters of one line that are looked at for the screen; a copy or file has all of them."""
MAX_LINES = 20_000
"""Lines kept; the journal has all of them."""


class TailLine(NamedTuple):
    """One line: its time as text, a level (`info`, `warning`, `error`) and the untrusted text."""

    at: str
    level: str
    text: str


class LogTail(ScrollView, can_focus=True):
    """Lines that arrive; while `following` the newest one stays in sight, and going up stops following."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log-tail--time", "log-tail--warning", "log-tail--error"}
    DEFAULT_CSS = """
    LogTail {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .log-tail--time { color: $text-muted; }
        & > .log-tail--warning { color: $text-warning; }
        & > .log-tail--error { color: $text-error; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, id="log.up"),
        Binding("down", "move(1)", "Down", show=False, id="log.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="log.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="log.page_down"),
        Binding("home", "edge(True)", "First line", show=False, id="log.first"),
        Binding("end", "edge(False)", "Last line, and follow", show=False, id="log.last"),
    ]

    class Following(Message):
        """It began or stopped to follow by a key of its own."""

    def __init__(
        self, marks: Mapping[str, str], *, ellipsis: str = "~", placeholder: str = "", id: str | None = None
    ) -> None:
        """`marks` gives the glyph of each level; `placeholder` is what an empty log says."""
        super().__init__(id=id)
        self.following = True
        self._marks = dict(marks)
        self._ellipsis = ellipsis
        self._placeholder = placeholder
        self._needles: list[str] = []
        self._lines: list[TailLine] = []
        self._shown: list[TailLine] = []

    def append(self, lines: Iterable[TailLine]) -> None:
        """More lines, drawn once for all of them."""
        fresh = list(lines)
        kept = [line for line in fresh if self._keeps(line)]
        self._lines += fresh
        if len(self._lines) > MAX_LINES:
            del self._lines[: len(self._lines) - MAX_LINES]
        if not kept:
            return
        self._shown += kept
        if len(self._shown) > MAX_LINES:
            del self._shown[: len(self._shown) - MAX_LINES]
        self._redraw()

    def filter(self, words: str) -> None:
        """Only lines that hold all these words, in any case; `warning` and `error` are words of a line too."""
        self._needles = words.lower().split()
        self._shown = [line for line in self._lines if self._keeps(line)]
        self._redraw()

    def say(self, placeholder: str) -> None:
        """Another sentence for a log without lines."""
        if placeholder != self._placeholder:
            self._placeholder = placeholder
            if not self._shown:
                self.refresh()

    def follow(self, following: bool) -> None:
        """Whether new lines move the view."""
        self.following = following
        if following:
            self._to_end()

    @property
    def counts(self) -> tuple[int, int]:
        """Lines shown, lines kept."""
        return len(self._shown), len(self._lines)

    @property
    def text(self) -> str:
        """The lines shown, whole and harmless, as a copy or a file holds them."""
        return "\n".join(f"{line.at} {line.level:<7} {escape(line.text)}" for line in self._shown)

    def render_line(self, y: int) -> Strip:
        """One row: time, glyph, text; what is cut ends in an ellipsis."""
        width, base = self.scrollable_content_region.width, self.rich_style
        if not self._shown:
            dim = self.get_component_rich_style("log-tail--time")
            text = self._placeholder if y == 0 else ""
            return Strip([Segment(self._cut(escape(text), width), dim)]).adjust_cell_length(width, base)
        index = y + self.scroll_offset.y
        if index >= len(self._shown):
            return Strip.blank(width, base)
        line = self._shown[index]
        tone = base
        if line.level in ("warning", "error"):
            tone = self.get_component_rich_style(f"log-tail--{line.level}")
        mark = self._marks.get(line.level, " ")
        head = f"{line.at} " if width >= 40 else ""
        body = self._cut(f"{mark} {escape(line.text[:MAX_SHOWN])}", width - len(head))
        return Strip(
            [Segment(head, self.get_component_rich_style("log-tail--time")), Segment(body, tone)]
        ).adjust_cell_length(width, base)

    def on_resize(self, event: events.Resize) -> None:
        """Follows on, with the height there is."""
        self._measure()
        if self.following:
            self._to_end()

    def action_move(self, rows: int) -> None:
        """Up or down a line."""
        self._go(round(self.scroll_y) + rows)

    def action_page(self, pages: int) -> None:
        """A screenful, one line of it kept."""
        self._go(round(self.scroll_y) + pages * max(1, self.size.height - 1))

    def action_edge(self, first: bool) -> None:
        """The first line, or the last one."""
        self._go(0 if first else len(self._shown))

    def _go(self, top: int) -> None:
        last = max(0, len(self._shown) - self.size.height)
        top = max(0, min(top, last))
        self.scroll_to(y=top, animate=False, immediate=True, force=True)
        if (top >= last) != self.following:
            self.following = top >= last
            self.post_message(self.Following())

    def _keeps(self, line: TailLine) -> bool:
        if not self._needles:
            return True
        text = f"{line.level} {line.text}".lower()
        return all(needle in text for needle in self._needles)

    def _redraw(self) -> None:
        self._measure()
        if self.following:
            self._to_end()
        self.refresh(Region(0, 0, self.size.width, self.size.height))

    def _measure(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._shown))

    def _to_end(self) -> None:
        # Forced, since the scrollbar that would allow it appears only with the next layout.
        last = max(0, len(self._shown) - self.size.height)
        self.scroll_to(y=last, animate=False, immediate=True, force=True)

    def _cut(self, text: str, width: int) -> str:
        if cell_len(text) <= width:
            return text
        return set_cell_size(text, max(0, width - 1)) + self._ellipsis
