"""The row of keys at the bottom: what works here and now, what does not fit left to the help."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from widgets.key_names import key_name


class Shown(NamedTuple):
    """A key as the row says it."""

    keys: str
    words: str
    enabled: bool = True


class KeysRow(Widget):
    """Draws again only when what it says has changed; a key that is disabled now is dim and in brackets."""

    DEFAULT_CSS = """
    KeysRow { height: 1; width: 100%; dock: bottom; }
    """

    def __init__(self, always: Iterable[Shown] = (), *, ellipsis: str = "…") -> None:
        super().__init__()
        self._always = tuple(always)
        self._ellipsis = ellipsis
        self._shown: tuple[Shown, ...] = ()

    def on_mount(self) -> None:
        """Hears of every change of the screen's bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self._changed(self.screen)

    def _changed(self, screen: Screen[object]) -> None:
        shown = self._now(screen)
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def _now(self, screen: Screen[object]) -> tuple[Shown, ...]:
        rows: dict[tuple[int, str], list[Shown]] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.description:
                name = binding.key_display or key_name(binding.key)
                row = rows.setdefault((id(active.node), binding.action), [])
                row.append(Shown(name, binding.description, active.enabled))
        keys = [
            Shown(",".join(one.keys for one in row), row[0].words, row[0].enabled) for row in rows.values()
        ]
        return tuple(sorted(keys, key=lambda one: not one.enabled))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One row."""
        return 1

    def render(self) -> Content:
        """As many keys as fit, and always the ones that open the rest."""
        return fit(self._shown, self._always, self.size.width, self._ellipsis)


def fit(shown: Iterable[Shown], always: Iterable[Shown], width: int, ellipsis: str = "…") -> Content:
    """The row in `width` columns: those that do not fit are told by an ellipsis before the ones that stay."""
    tail = Content("  ").join(_one(key) for key in always)
    room = width - tail.cell_length - 3
    parts: list[Content] = []
    used = 0
    for key in shown:
        part = _one(key)
        needed = part.cell_length + 2
        if used + needed > room:
            parts.append(Content(ellipsis))
            break
        parts.append(part)
        used += needed
    head = Content.assemble(" ", Content("  ").join(parts))
    gap = max(1, width - head.cell_length - tail.cell_length - 1)
    return Content.assemble(head, " " * gap, tail) if tail else head


def _one(key: Shown) -> Content:
    if not key.enabled:
        return Content(f"({key.keys} {key.words})").stylize("dim")
    return Content.assemble(Content(key.keys).stylize("bold $text-accent"), " ", key.words)
