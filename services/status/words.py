"""Ages, sizes and figures in words, the same on the screen and in the command's output."""

from __future__ import annotations

from datetime import datetime

import humanize

DAYS_FROM_HOURS = 72.0
"""Shorter ages are told in hours, since the RPO is."""


def hours(value: float) -> str:
    """An age: `under 1 min`, `40 min`, `9 h`, `4 days`."""
    if value < 1 / 60:
        return "under 1 min"
    if value < 1:
        return f"{int(value * 60)} min"
    if value < DAYS_FROM_HOURS:
        return f"{int(value)} h"
    return f"{int(value // 24)} days"


def ago(value: float) -> str:
    """An age as when: `9 h ago`, `just now`."""
    return "just now" if value < 1 / 60 else f"{hours(value)} ago"


def old(value: float) -> str:
    """An age as how old: `9 h old`, `just now`."""
    return "just now" if value < 1 / 60 else f"{hours(value)} old"


def minutes(value: float) -> str:
    """A duration: `under a minute`, `12 min`, `2 h 5 min`."""
    if value < 1:
        return "under 1 min"
    whole = round(value)
    return f"{whole} min" if whole < 120 else f"{whole // 60} h {whole % 60} min"


def seconds(value: float) -> str:
    """A duration of a job: `0.4 s`, `40 s`, `12 min`."""
    if value < 9.95:
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 120 else minutes(value / 60)


def size(value: int) -> str:
    """Bytes for a person."""
    return str(humanize.naturalsize(value))


def day(moment: datetime) -> str:
    """A day and its hour, UTC."""
    return f"{moment:%a %d %b %H:%M} UTC"


def count(number: int, one: str, many: str = "") -> str:
    """`1 backup`, `3 backups`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def names(found: list[str], most: int = 3) -> str:
    """The first few, and how many more."""
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
