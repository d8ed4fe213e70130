"""A list with nothing in it says so, and what to do about it."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from widgets.plain import plain, plain_lines


class Empty(Static, can_focus=True):
    """`Empty(text, hint)`; takes the focus, so that a screen without rows still has one."""

    DEFAULT_CSS = """
    Empty { width: 100%; height: auto; padding: 1 2; }
    """

    def __init__(
        self, text: str, hint: str = "", *, id: str | None = None, classes: str | None = None
    ) -> None:
        self._says = (text, hint)
        super().__init__(_content(text, hint), markup=False, id=id, classes=classes)

    def show(self, text: str, hint: str = "") -> None:
        """Another text; nothing is drawn again when it is the same."""
        if (text, hint) != self._says:
            self._says = (text, hint)
            self.update(_content(text, hint))


def _content(text: str, hint: str) -> Content:
    if not hint:
        return plain(text).stylize("bold")
    return Content.assemble(plain(text).stylize("bold"), "\n", plain_lines(hint).stylize("dim"))
