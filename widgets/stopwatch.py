"""How long it has taken against the time one has, and in which phase it is; whole minutes, since it is glanced at."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content
from textual.widget import Widget

from widgets.glyphs import Glyphs
from widgets.text import cut


class Elapsed(NamedTuple):
    """Whole minutes; `phases` in their order, with None for one that has not begun."""

    minutes: int
    target: int
    phase: str
    phases: tuple[tuple[str, int | None], ...]
    stopped: bool = False


class Stopwatch(Widget):
    """Repaints only when a minute or a phase has passed."""

    DEFAULT_CSS = "Stopwatch { height: 1; width: 100%; }"

    def __init__(self, elapsed: Elapsed, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._elapsed = elapsed
        self._glyphs = glyphs

    def show(self, elapsed: Elapsed) -> None:
        """A later reading."""
        if elapsed != self._elapsed:
            self._elapsed = elapsed
            self.refresh()

    def render(self) -> Content:
        """The longest form that fits."""
        return Content(fit(self._elapsed, self.size.width, self._glyphs))


def fit(elapsed: Elapsed, width: int, glyphs: Glyphs) -> str:
    """The row's text: `12 min of 30, 18 left`, and the current phase's minutes or all of them."""
    total = _total(elapsed, glyphs)
    names = [
        f"[{name} {minutes or 0}]"
        if name == elapsed.phase and not elapsed.stopped
        else f" {name} {_told(minutes)} "
        for name, minutes in elapsed.phases
    ]
    spent = dict(elapsed.phases).get(elapsed.phase) or 0
    forms = [
        f" {total}   {''.join(names)}",
        f" {total}   {elapsed.phase} {spent} min",
        f" {total}",
    ]
    return next((form for form in forms if Content(form).cell_length <= width), cut(forms[-1], width))


def _total(elapsed: Elapsed, glyphs: Glyphs) -> str:
    left = elapsed.target - elapsed.minutes
    said = f"{elapsed.minutes} min of {elapsed.target}"
    if left < 0:
        return f"{glyphs.of('warn')} {said}, {-left} over"
    return f"{said}, clock stopped" if elapsed.stopped else f"{said}, {left} left"


def _told(minutes: int | None) -> str:
    return "-" if minutes is None else str(minutes)
