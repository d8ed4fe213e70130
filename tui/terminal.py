"""What the terminal can show, and text made safe to show on it."""

from __future__ import annotations

import codecs
import locale
import os
import shutil
import sys
from collections.abc import Mapping
from typing import TextIO

import msgspec

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}
_GLYPHS = {
    "ok": ("✓", "+"),
    "succeeded": ("✓", "+"),
    "warn": ("!", "!"),
    "warnings": ("!", "!"),
    "fail": ("✗", "x"),
    "failed": ("✗", "x"),
    "refused": ("⊘", "#"),
    "cancelled": ("∅", "-"),
    "skipped": ("–", "-"),
    "unknown": ("?", "?"),
    "lost": ("?", "?"),
    "running": ("▶", ">"),
    "cancelling": ("▷", ">"),
}
_STATUS_COLOURS = {
    "ok": "green",
    "succeeded": "green",
    "warn": "yellow",
    "warnings": "yellow",
    "skipped": "yellow",
    "unknown": "yellow",
    "lost": "red",
    "fail": "red",
    "failed": "red",
    "refused": "red",
}
_INVISIBLE = frozenset("\u061c\u200b\u200e\u200f\u2028\u2029\u2060\ufeff") | {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
"""Characters that reorder or hide what stands beside them."""


class Terminal(msgspec.Struct, frozen=True, kw_only=True):
    """One output stream: whether it is a terminal, takes colour and UTF-8, and how wide it is."""

    interactive: bool = False
    colour: bool = False
    utf8: bool = False
    width: int = 80

    def paint(self, text: str, *styles: str) -> str:
        """The text in the styles, or as it is without colour."""
        if not self.colour or not styles:
            return text
        return f"\x1b[{';'.join(_COLOURS[style] for style in styles)}m{text}\x1b[0m"

    def status(self, word: str) -> str:
        """Glyph and word; colour comes last and is never alone."""
        rich, plain = _GLYPHS.get(word, ("·", "."))
        colour = _STATUS_COLOURS.get(word)
        return self.paint(f"{rich if self.utf8 else plain} {word}", *([colour] if colour else []))

    def arrow(self) -> str:
        """What stands between before and after."""
        return "→" if self.utf8 else "->"


def look_at(stream: TextIO, environ: Mapping[str, str] | None = None) -> Terminal:
    """What `stream` can show, by isatty, NO_COLOR, TERM and the locale."""
    env = os.environ if environ is None else environ
    interactive = stream.isatty()
    dumb = env.get("TERM", "") in ("", "dumb")
    return Terminal(
        interactive=interactive and not dumb,
        colour=interactive and not dumb and not env.get("NO_COLOR"),
        utf8=_is_utf8(env) and env.get("TERM") != "linux",
        width=shutil.get_terminal_size().columns if interactive else 100,
    )


def _is_utf8(env: Mapping[str, str]) -> bool:
    named = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    if named in ("", "C", "POSIX"):
        return False
    try:
        return (
            codecs.lookup(named.partition(".")[2].partition("@")[0] or locale.getencoding()).name == "utf-8"
        )
    except LookupError:
        return False


def escape(text: str) -> str:
    """Text from servers, archives and file names: nothing in it moves the cursor, hides or reorders."""
    if text.isascii() and text.isprintable():
        return text
    out = []
    for char in text:
        if (char.isprintable() and char not in _INVISIBLE) or char == " ":
            out.append(char)
        elif ord(char) < 256:
            out.append(f"\\x{ord(char):02x}")
        else:
            out.append(f"\\u{ord(char):04x}")
    return "".join(out)


def escape_lines(text: str) -> str:
    """`escape` that keeps line breaks."""
    return "\n".join(escape(line) for line in text.split("\n"))


def cut(text: str, width: int) -> str:
    """At most `width` characters, the middle of a longer text left out."""
    if len(text) <= width:
        return text
    if width <= 3:
        return text[:width]
    head = (width - 2) * 2 // 3
    return f"{text[:head]}..{text[len(text) - (width - 2 - head) :]}"


def make_safe_for_encoding(stream: TextIO) -> None:
    """Lets a stream escape what its encoding cannot hold instead of ending in an error."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def can_ask() -> bool:
    """Whether a person sits there: questions go to stderr, answers come from stdin."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
