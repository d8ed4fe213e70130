"""A table that draws only the rows in sight: ten thousand of them cost what twenty do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import RenderableType
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from widgets.text import escape

GUTTER = 2
"""Cells before the first column, for the mark of the cursor: it shows without colour too."""
FEW = 20
"""Changed rows up to which the rest is not drawn again."""
TONES = ("success", "warning", "error", "accent")


class Column(NamedTuple):
    """A heading and its width in cells; width 0 takes what the others leave (several share it)."""

    title: str
    width: int = 0
    right: bool = False
    toned: bool = False
    """Drawn in the row's tone."""
    cell: int = -1
    """Which cell of a row it shows; -1 the one at its own place."""


class TableRow(NamedTuple):
    """One row of plain, already harmless text; `key` is its own, `words` is what a filter looks in."""

    key: str
    cells: tuple[str, ...]
    tone: str = ""
    words: str = ""
    tones: tuple[str, ...] = ()
    """A tone for each cell, in place of the row's one; empty where the row's holds."""


Columns = Sequence[Column] | Callable[[int], Sequence[Column]]
"""The columns, or what gives them for a width in cells."""


class InventoryTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows under a heading that stays; the cursor stays on its key when rows are sorted, filtered or replaced."""

    DEFAULT_CSS = """
    InventoryTable {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        & > .inventory-table--heading { text-style: bold; color: $text-muted; }
        & > .inventory-table--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
        & > .inventory-table--blurred { background: $block-cursor-blurred-background; }
        & > .inventory-table--success { color: $text-success; }
        & > .inventory-table--warning { color: $text-warning; }
        & > .inventory-table--error { color: $text-error; }
        & > .inventory-table--accent { color: $text-accent; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "inventory-table--heading",
        "inventory-table--cursor",
        "inventory-table--blurred",
        *(f"inventory-table--{tone}" for tone in TONES),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="table.open"),
        Binding("up", "move(-1)", "Up", show=False, id="table.up"),
        Binding("down", "move(1)", "Down", show=False, id="table.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="table.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="table.page_down"),
        Binding("home", "edge(True)", "First", show=False, id="table.first"),
        Binding("end", "edge(False)", "Last", show=False, id="table.last"),
    ]

    class Highlighted(Message):
        """The cursor is on another row; an empty key when there is none."""

        def __init__(self, table: InventoryTable, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> Widget:
            return self.table

    class Opened(Message):
        """Enter on a row."""

        def __init__(self, table: InventoryTable, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> Widget:
            return self.table

    def __init__(
        self,
        columns: Columns = (),
        *,
        marker: str = ">",
        ellipsis: str = "~",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.opens = True
        """Whether Enter on a row opens something."""
        self._layout: Columns = columns
        self._columns: tuple[Column, ...] = ()
        self._widths: tuple[int, ...] = ()
        self._measured = -1
        self._rows: Sequence[TableRow] = ()
        self._places: dict[str, int] = {}
        self._cursor = 0
        self._marker = marker
        self._ellipsis = ellipsis
        self._strips: LRUCache[tuple[int, int], Strip] = LRUCache(1_000)

    @property
    def rows(self) -> Sequence[TableRow]:
        """What is shown now."""
        return self._rows

    @property
    def cursor(self) -> TableRow | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._rows else None

    def show(self, rows: Sequence[TableRow], columns: Columns | None = None) -> None:
        """Other rows; the cursor stays on its key, else on its place."""
        before = self.cursor
        if columns is not None:
            self._layout = columns
        elif self._replaced_in_place(rows):
            return
        self._rows = rows
        self._places = {row.key: place for place, row in enumerate(rows)}
        at = self._places.get(before.key, self._cursor) if before else self._cursor
        self._cursor = max(0, min(at, len(rows) - 1))
        self._measure()
        self._keep_in_sight()
        after = self.cursor
        if (before and before.key) != (after and after.key):
            self.post_message(self.Highlighted(self, after.key if after else ""))

    def _replaced_in_place(self, rows: Sequence[TableRow]) -> bool:
        """Whether only what a few rows say has changed: then only these are drawn again."""
        if len(rows) != len(self._rows):
            return False
        pairs = enumerate(zip(rows, self._rows, strict=True))
        changed = [place for place, (new, old) in pairs if new is not old and new != old]
        if len(changed) > FEW or any(rows[place].key != self._rows[place].key for place in changed):
            return False
        self._rows = rows
        for place in changed:
            for look in range(3):
                self._strips.discard((place, look))
            self._refresh_row(place)
        return True

    def go_to(self, key: str) -> bool:
        """Puts the cursor on a row; False when it is not shown."""
        place = self._places.get(key)
        if place is None:
            return False
        self._move_to(place)
        return True

    def render(self) -> RenderableType:
        """Lines are drawn one by one by `render_line`."""
        return ""

    def render_line(self, y: int) -> Strip:
        """The heading, then the rows from the scroll offset on."""
        if self._measured != self.scrollable_content_region.width:
            # What is measured while the table is hidden may be asked for before its resize is heard of.
            self._fit_columns()
        if y == 0:
            return self._heading()
        place = self.scroll_offset.y + y - 1
        if place >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        look = 0 if place != self._cursor else (2 if self.has_focus else 1)
        strip = self._strips.get((place, look))
        if strip is None:
            strip = self._strips[place, look] = self._draw(self._rows[place], look)
        return strip

    def on_resize(self, event: events.Resize) -> None:
        """Columns take the width there is."""
        self._measure()
        self._keep_in_sight()

    def notify_style_update(self) -> None:
        """Colours of another theme."""
        super().notify_style_update()
        self._strips.clear()

    def on_focus(self) -> None:
        """The cursor looks otherwise."""
        self._refresh_row(self._cursor)

    def on_blur(self) -> None:
        """The cursor looks otherwise."""
        self._refresh_row(self._cursor)

    def on_click(self, event: events.Click) -> None:
        """The row under the pointer."""
        place = self.scroll_offset.y + event.y - 1
        if event.y > 0 and place < len(self._rows):
            self._move_to(place)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter is offered only where rows open."""
        return False if action == "open" and not self.opens else super().check_action(action, parameters)

    def action_open(self) -> None:
        """Enter."""
        row = self.cursor
        if row is not None:
            self.post_message(self.Opened(self, row.key))

    def action_move(self, rows: int) -> None:
        """Up or down."""
        self._move_to(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        """A screenful, one row of it kept."""
        self._move_to(self._cursor + pages * max(1, self.size.height - 2))

    def action_edge(self, first: bool) -> None:
        """The first or the last row."""
        self._move_to(0 if first else len(self._rows) - 1)

    def _move_to(self, place: int) -> None:
        place = max(0, min(place, len(self._rows) - 1))
        if place == self._cursor or not self._rows:
            return
        before, self._cursor = self._cursor, place
        self._refresh_row(before)
        self._refresh_row(place)
        self._keep_in_sight()
        self.post_message(self.Highlighted(self, self._rows[place].key))

    def _keep_in_sight(self) -> None:
        body = max(1, self.size.height - 1)
        top = self.scroll_offset.y
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor >= top + body:
            self.scroll_to(y=self._cursor - body + 1, animate=False)

    def _refresh_row(self, place: int) -> None:
        y = place - self.scroll_offset.y + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _measure(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._rows) + 1)
        self._fit_columns()
        self.refresh()

    def _fit_columns(self) -> None:
        self._strips.clear()
        layout, width = self._layout, self.scrollable_content_region.width
        self._measured = width
        self._columns = tuple(layout(width) if callable(layout) else layout)
        fixed = sum(column.width for column in self._columns) + len(self._columns) - 1 + GUTTER
        open_ = [place for place, column in enumerate(self._columns) if not column.width]
        spare = max(len(open_) * 6, width - fixed)
        widths = [column.width for column in self._columns]
        for count, place in enumerate(open_):
            widths[place] = spare // len(open_) + (1 if count < spare % len(open_) else 0)
        self._widths = tuple(widths)

    def _heading(self) -> Strip:
        style = self.get_component_rich_style("inventory-table--heading")
        cells = [column.title for column in self._columns]
        return self._line(" " * GUTTER, cells, style, [style] * len(cells))

    def _draw(self, row: TableRow, look: int) -> Strip:
        style = self.rich_style
        if look:
            name = "cursor" if look == 2 else "blurred"
            style = self.get_component_rich_style(f"inventory-table--{name}")
        places = [column.cell if column.cell >= 0 else place for place, column in enumerate(self._columns)]
        styles = [
            style if look or not column.toned else self._tone(row, place, style)
            for column, place in zip(self._columns, places, strict=True)
        ]
        cells = [row.cells[place] for place in places]
        return self._line(f"{self._marker} " if look else " " * GUTTER, cells, style, styles)

    def _tone(self, row: TableRow, place: int, style: Style) -> Style:
        tone = row.tones[place] if row.tones else row.tone
        return self.get_component_rich_style(f"inventory-table--{tone}") if tone in TONES else style

    def _line(self, gutter: str, cells: Iterable[str], style: Style, styles: Iterable[Style]) -> Strip:
        segments = [Segment(gutter, style)]
        for column, width, text, one in zip(self._columns, self._widths, cells, styles, strict=True):
            shown = fit_cell(text, width, right=column.right, ellipsis=self._ellipsis)
            segments.append(Segment(f"{shown} ", one))
        return Strip(segments).adjust_cell_length(self.size.width, style).simplify()


def fit_cell(text: str, width: int, *, right: bool = False, ellipsis: str = "~") -> str:
    """Text in exactly `width` cells, nothing in it moving the cursor; what does not fit ends in the ellipsis."""
    text = escape(text)
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + ellipsis if width > 1 else ellipsis[:width]
    return " " * (width - length) + text if right else text + " " * (width - length)
