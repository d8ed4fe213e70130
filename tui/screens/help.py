"""Help for what has the focus: its own words, then its keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static

from tui.screens.base import ConsoleModal
from widgets.key_value import KeyValues

NOTHING = "There are no words for this; its keys stand below."


class HelpModal(ConsoleModal[None]):
    """Markdown and a table of keys, scrolled by the usual keys."""

    HELP = "The arrow keys scroll, Escape goes back."

    def __init__(self, texts: Sequence[str], keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._texts = tuple(texts)
        self._keys = tuple(keys)

    def compose_body(self) -> ComposeResult:
        # Markdown costs a fifth of the start; only whoever asks for help waits for it.
        from textual.widgets import Markdown

        with Vertical(classes="dialog"), VerticalScroll(id="text", classes="help"):
            yield Markdown("\n\n".join(self._texts) or NOTHING, open_links=False)
            yield Static("Keys", id="title", markup=False)
            yield KeyValues(self._keys)


def help_texts(screen: Screen[Any]) -> list[str]:
    """The help of what has the focus, searched upwards, and of its screen."""
    nodes: list[DOMNode] = [screen]
    if screen.focused is not None:
        nodes = [node for node in screen.focused.ancestors_with_self if node is not screen.app]
    texts = [_clean(text) for node in nodes if (text := getattr(node, "HELP", None))]
    return list(dict.fromkeys([*texts[:1], *texts[-1:]]))


def _clean(text: str) -> str:
    import inspect

    return inspect.cleandoc(text)
