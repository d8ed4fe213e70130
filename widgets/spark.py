"""A row of bars for figures of the same kind."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-:=+*#"


def spark(values: Sequence[int | None], *, utf8: bool = True) -> list[str]:
    """One character a figure, from the smallest to the largest of them; a blank for None."""
    known = [value for value in values if value is not None]
    if not known:
        return [" "] * len(values)
    bars = _BARS if utf8 else _ASCII
    low, high = min(known), max(known)
    # Sizes that hardly differ are drawn from zero, so that a day's noise does not look like a fall.
    low = 0 if low * 2 > high else low
    return [" " if value is None else bars[_level(value - low, high - low, len(bars))] for value in values]


def _level(value: int, span: int, levels: int) -> int:
    return levels - 1 if span <= 0 else min(levels - 1, value * levels // span)
