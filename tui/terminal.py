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

from widgets.glyphs import Glyphs

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}
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
        colour = _STATUS_COLOURS.get(word)
        return self.paint(Glyphs(self.utf8).status(word), *([colour] if colour else []))

    def arrow(self) -> str:
        """What stands between before and after."""
        return Glyphs(self.utf8).arrow


def look_at(stream: TextIO, environ: Mapping[str, str] | None = None) -> Terminal:
    """What `stream` can show, by isatty, NO_COLOR, TERM and the locale."""
    env = _as_started() if environ is None else environ
    interactive = stream.isatty()
    dumb = env.get("TERM", "") in ("", "dumb")
    return Terminal(
        interactive=interactive and not dumb,
        colour=interactive and not dumb and not env.get("NO_COLOR"),
        utf8=_is_utf8(env) and env.get("TERM") != "linux",
        width=shutil.get_terminal_size().columns if interactive else 100,
    )


def _as_started() -> Mapping[str, str]:
    """The environment without the LC_CTYPE that Python itself sets where the locale is C."""
    env = dict(os.environ)
    if env.get("LC_CTYPE") in ("C.UTF-8", "C.utf8", "UTF-8"):
        try:
            with open("/proc/self/environ", "rb") as stream:
                named = any(line.startswith(b"LC_CTYPE=") for line in stream.read().split(b"\0"))
        except OSError:
            named = True
        if not named:
            del env["LC_CTYPE"]
    return env


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


def make_safe_for_encoding(stream: TextIO) -> None:
    """Lets a stream escape what its encoding cannot hold instead of ending in an error."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def can_ask() -> bool:
    """Whether a person sits there: questions go to stderr, answers come from stdin."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
