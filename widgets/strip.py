"""Some days in a row: weekday, glyph and word of each, and a bar for its size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from widgets.glyphs import Glyphs
from widgets.spark import spark

WORDS = {"ok": "ok", "warn": "part", "fail": "fail", "none": "none"}
"""What stands under a day; at most four letters, so that fourteen days fit in 80 columns."""
CELL = 5
_WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


class DayFacts(NamedTuple):
    """One day; `status` is ok, warn, fail or none, `bytes` 0 where there is nothing."""

    day: date
    status: str
    bytes: int


def strip_lines(days: Sequence[DayFacts], glyphs: Glyphs, *, width: int) -> list[str]:
    """Three lines: glyph with weekday, word, bar; in little `width` one column a day, without words."""
    bars = spark([day.bytes or None for day in days], utf8=glyphs.utf8)
    marks = [glyphs.of(day.status) for day in days]
    weekdays = [_WEEKDAYS[day.day.weekday()] for day in days]
    if width < CELL * len(days):
        return [
            "".join(marks),
            "".join(name[0] for name in weekdays),
            "".join(bars),
        ]
    return [
        _cells([f"{mark} {name}" for mark, name in zip(marks, weekdays, strict=True)]),
        _cells([WORDS.get(day.status, day.status) for day in days]),
        _cells([bar * 3 for bar in bars]),
    ]


def _cells(texts: Sequence[str]) -> str:
    return "".join(f"{text:<{CELL}}" for text in texts).rstrip()
