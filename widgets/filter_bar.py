"""The line under a list in which its filter is typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from widgets.inventory_table import TableRow
from widgets.plain import plain


class FilterBar(Horizontal):
    """Hidden until it is opened or holds words; Enter goes back to the list, Escape clears it."""

    DEFAULT_CSS = """
    FilterBar { height: 1; display: none; }
    FilterBar.-open { display: block; }
    FilterBar > #filter-label { width: auto; color: $text-muted; }
    FilterBar > Input { width: 1fr; border: none; height: 1; padding: 0; }
    FilterBar > #filter-count { width: auto; color: $text-muted; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "Clear the filter", id="filter.clear"),
        Binding("enter,down,up", "leave", "To the list", id="filter.list", show=False),
    ]

    class Changed(Message):
        """Other words."""

        def __init__(self, bar: FilterBar, text: str) -> None:
            super().__init__()
            self.bar = bar
            self.text = text

    class Left(Message):
        """The keys belong to the list again."""

    def __init__(self, label: str = "Filter:", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._label = label
        self._counted = ""

    def compose(self) -> ComposeResult:
        yield Static(plain(f" {self._label} "), id="filter-label", markup=False)
        yield Input(id="filter-words", select_on_focus=False, compact=True)
        yield Static("", id="filter-count", markup=False)

    @property
    def text(self) -> str:
        """What was typed."""
        return self.query_one(Input).value

    def open(self) -> None:
        """Shows it and takes the keys."""
        self.add_class("-open")
        self.query_one(Input).focus()

    def clear(self) -> None:
        """Empties and hides it; `Changed` follows when it held words."""
        self.query_one(Input).value = ""
        self.remove_class("-open")

    def count(self, shown: int, every: int) -> None:
        """How many are left."""
        text = f"{shown:,} of {every:,} shown"
        if text != self._counted:
            self._counted = text
            self.query_one("#filter-count", Static).update(plain(text))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filters as it is typed."""
        event.stop()
        self.post_message(self.Changed(self, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: to the list, with the words kept."""
        event.stop()
        self.action_leave()

    def action_clear(self) -> None:
        """Everything is shown again."""
        self.clear()
        self.post_message(self.Left())

    def action_leave(self) -> None:
        """The words stay; without any the line goes."""
        if not self.text.strip():
            self.remove_class("-open")
        self.post_message(self.Left())


def matching(rows: Sequence[TableRow], text: str) -> Sequence[TableRow]:
    """The rows whose words hold every word of the text, whatever the case."""
    for word in text.lower().split():
        rows = [row for row in rows if word in row.words]
    return rows
