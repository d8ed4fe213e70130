"""Where one is in a row of steps: those behind are ticked, the current one stands in brackets."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget

from widgets.glyphs import Glyphs
from widgets.text import cut


class Stepper(Widget):
    """Names every step where there is room, else the current one and the next, else the current one."""

    DEFAULT_CSS = "Stepper { height: 1; width: 100%; }"

    def __init__(
        self, titles: Sequence[str], glyphs: Glyphs, *, current: int = 0, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._titles = tuple(titles)
        self._glyphs = glyphs
        self._current = current
        self._troubled: tuple[int, str] | None = None

    def show(
        self, current: int, *, titles: Sequence[str] = (), troubled: tuple[int, str] | None = None
    ) -> None:
        """The step one is in, from 0; `troubled` is a step behind that did not end well, and its status."""
        shown = (current, tuple(titles) or self._titles, troubled)
        if shown != (self._current, self._titles, self._troubled):
            self._current, self._titles, self._troubled = shown
            self.refresh()

    def render(self) -> Content:
        """The longest form that fits."""
        return Content(fit(self._titles, self._current, self.size.width, self._glyphs, self._troubled))


def fit(
    titles: Sequence[str], current: int, width: int, glyphs: Glyphs, troubled: tuple[int, str] | None = None
) -> str:
    """The row's text in `width` columns: each step's number with a tick when it is done, and words as they fit."""
    every = range(len(titles))
    forms = [_line(titles, current, set(every), glyphs, troubled)]
    # A bare digit of a step to come would read as the key of a mode.
    behind = "".join(
        glyphs.of(troubled[1] if troubled is not None and troubled[0] == place else "ok")
        for place in range(current)
    )
    here = f"{f' {behind} ' if behind else ' '}[{current + 1} of {len(titles)} {titles[current]}]"
    forms += [f"{here} then {titles[current + 1]}"] if current + 1 < len(titles) else []
    forms.append(here)
    forms.append(f" Step {current + 1} of {len(titles)}: {titles[current]}")
    return next((form for form in forms if Content(form).cell_length <= width), cut(forms[-1], width))


def _line(
    titles: Sequence[str],
    current: int,
    named: set[int],
    glyphs: Glyphs,
    troubled: tuple[int, str] | None,
) -> str:
    parts = []
    for place, title in enumerate(titles):
        status = troubled[1] if troubled is not None and troubled[0] == place else "ok"
        number = f"{glyphs.of(status)}{place + 1}" if place < current else str(place + 1)
        label = f"{number} {title}" if place in named else number
        parts.append(f"[{label}]" if place == current else f" {label} ")
    return "".join(parts)
