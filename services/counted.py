"""How many of something, in words that are right for one of it too."""

from __future__ import annotations

_ONE = {"copies": "copy", "indexes": "index", "sets of backup codes": "set of backup codes"}


def singular(unit: str) -> str:
    """`collection` of `collections`."""
    return _ONE.get(unit, unit.removesuffix("s"))


def counted(number: int, unit: str) -> str:
    """`1 collection`, `2,000 collections`."""
    return f"{number:,} {singular(unit) if number == 1 else unit}"


def by_number(number: int, one: str, several: str) -> str:
    """The verb that goes with a number."""
    return one if number == 1 else several
