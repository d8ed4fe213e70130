"""Untrusted text as Textual content: never markup, never a control character."""

from __future__ import annotations

from rich.text import Text
from textual.content import Content

from widgets.text import escape, escape_lines


def plain(text: object) -> Content:
    """One line of text as it is, for Static, Label and border titles."""
    return Content(escape(str(text)))


def plain_lines(text: object) -> Content:
    """Text whose line breaks stay."""
    return Content(escape_lines(str(text)))


def cell(text: object, style: str = "") -> Text:
    """A table's cell."""
    return Text(escape(str(text)), style=style, no_wrap=True, overflow="ellipsis", end="")
