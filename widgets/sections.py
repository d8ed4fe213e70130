"""One row of section names, the current one in brackets; the screen binds the keys that go through them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from widgets.text import escape


class SectionsRow(Static):
    """`show(names, current)`; names that do not fit are left out around the current one."""

    DEFAULT_CSS = """
    SectionsRow { height: 1; width: 100%; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, names: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(_line(names, 0), markup=False, id=id)
        self._says = (tuple(names), 0)

    def show(self, names: Sequence[str], current: int) -> None:
        """Other names, or another one chosen."""
        says = (tuple(names), current)
        if says != self._says:
            self._says = says
            self.update(_line(names, current))


def _line(names: Sequence[str], current: int) -> Content:
    parts = []
    for place, name in enumerate(names):
        text = escape(name)
        parts.append(Content.styled(f"[{text}]", "bold") if place == current else Content(f" {text} "))
    return Content("").join(parts)


class Page(VerticalScroll, can_focus=True, inherit_bindings=False):
    """Text that scrolls up and down and leaves the other arrow keys to its screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", show=False, id="page.up"),
        Binding("down", "scroll_down", show=False, id="page.down"),
        Binding("pageup", "page_up", show=False, id="page.pageup"),
        Binding("pagedown", "page_down", show=False, id="page.pagedown"),
        Binding("home", "scroll_home", show=False, id="page.home"),
        Binding("end", "scroll_end", show=False, id="page.end"),
    ]
