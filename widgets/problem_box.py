"""An error as a screen shows it: what happened, why, what was and wasn't touched, the next step."""

from __future__ import annotations

from textual.content import Content

from widgets.glyphs import Glyphs
from widgets.key_value import AlignedRows, aligned
from widgets.plain import plain_lines


class ProblemBox(AlignedRows):
    """Hidden while `what` is empty; `show(...)` says another problem, `show("")` none."""

    DEFAULT_CSS = "ProblemBox { height: auto; width: 100%; }"

    def __init__(
        self,
        what: str = "",
        cause: str = "",
        touched: str = "",
        next: str = "",
        *,
        status: str = "fail",
        glyphs: Glyphs | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._says = (what, cause, touched, next, status)
        self._glyphs = glyphs
        self.display = bool(what)

    def show(
        self, what: str, cause: str = "", touched: str = "", next: str = "", *, status: str = "fail"
    ) -> None:
        """Another problem; an empty `what` hides the box."""
        says = (what, cause, touched, next, status)
        if says != self._says:
            self._says = says
            self.display = bool(what)
            self.refresh(layout=True)

    @property
    def text(self) -> str:
        """The problem as lines to copy or save."""
        what, cause, touched, next, _ = self._says
        rows = (("Cause:   ", cause), ("Touched: ", touched), ("Next:    ", next))
        return "\n".join([what, *(f"{word}{said}" for word, said in rows if said)])

    def lines(self, width: int) -> list[Content]:
        what, cause, touched, next, status = self._says
        glyphs = self._glyphs or getattr(self.app, "glyphs", None) or Glyphs(utf8=False)
        colour = "$text-warning" if status in ("warn", "warning", "warnings", "unknown") else "$text-error"
        mark = Content.styled(glyphs.of(status), f"bold {colour}")
        first = plain_lines(what).wrap(max(8, width - 2))
        head = [
            Content.assemble(mark if number == 0 else " ", " ", line.rstrip().stylize(f"bold {colour}"))
            for number, line in enumerate(first)
        ]
        rows = (("  Cause", cause), ("  Touched", touched), ("  Next", next))
        return [*head, *aligned([(word, said) for word, said in rows if said], width)]
