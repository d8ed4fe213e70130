"""Status as glyph and word; the glyphs are ASCII where the terminal or the locale has no other."""

from __future__ import annotations

from typing import NamedTuple

_GLYPHS = {
    "ok": ("✓", "+"),
    "succeeded": ("✓", "+"),
    "warn": ("!", "!"),
    "warning": ("!", "!"),
    "warnings": ("!", "!"),
    "fail": ("✗", "x"),
    "failed": ("✗", "x"),
    "critical": ("✗", "x"),
    "refused": ("⊘", "#"),
    "cancelled": ("∅", "-"),
    "skipped": ("–", "-"),
    "none": ("·", "."),
    "unknown": ("?", "?"),
    "lost": ("?", "?"),
    "running": ("▶", ">"),
    "cancelling": ("▷", ">"),
    "waiting": ("…", "~"),
}
_TONES = {
    "ok": "success",
    "succeeded": "success",
    "warn": "warning",
    "warning": "warning",
    "warnings": "warning",
    "skipped": "warning",
    "unknown": "warning",
    "lost": "error",
    "fail": "error",
    "failed": "error",
    "critical": "error",
    "refused": "error",
    "running": "accent",
    "cancelling": "warning",
}


class Glyphs(NamedTuple):
    """What the terminal can draw."""

    utf8: bool = True

    def of(self, status: str) -> str:
        """The glyph of a status word, whatever its case."""
        rich, plain = _GLYPHS.get(status.lower(), ("·", "."))
        return rich if self.utf8 else plain

    def status(self, status: str, word: str | None = None) -> str:
        """Glyph and word: never one without the other."""
        return f"{self.of(status)} {word or status}"

    @property
    def arrow(self) -> str:
        """What stands between before and after."""
        return "→" if self.utf8 else "->"

    @property
    def ellipsis(self) -> str:
        """What stands for text left out."""
        return "…" if self.utf8 else "~"


def tone(status: str) -> str:
    """The theme colour of a status word (`success`, `warning`, `error`, `accent`), empty for none."""
    return _TONES.get(status.lower(), "")
