"""How long each phase took, as bars of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

FULL, EMPTY, FULL_ASCII, EMPTY_ASCII = "█", "░", "#", "-"


class Span(NamedTuple):
    """One phase: its name, where it begins and how long it took in seconds, and words beside it."""

    name: str
    begins: float
    seconds: float
    words: str = ""


def bar(share: float, width: int, *, utf8: bool) -> str:
    """`width` columns, filled to `share` (0..1); full only when the share is."""
    full, empty = (FULL, EMPTY) if utf8 else (FULL_ASCII, EMPTY_ASCII)
    filled = min(width, int(max(0.0, share) * width + 1e-9))
    return full * filled + empty * (width - filled)


def placed(span: Span, total: float, width: int, *, utf8: bool) -> str:
    """A bar where the phase lies in the whole: at least one column, however short it was."""
    if total <= 0:
        return (FULL if utf8 else FULL_ASCII) + " " * (width - 1)
    begins = min(width - 1, int(span.begins / total * width))
    length = max(1, min(width - begins, round(span.seconds / total * width)))
    return " " * begins + (FULL if utf8 else FULL_ASCII) * length + " " * (width - begins - length)


def total_of(spans: Sequence[Span]) -> float:
    """From the first begin to the last end."""
    return max((span.begins + span.seconds for span in spans), default=0.0)
