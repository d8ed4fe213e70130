"""How backups and restores developed: sizes, durations and rates over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from services.history.model import Operation

DONE = frozenset({"succeeded", "warnings"})
MOST = 90
"""Points of one plot: about a quarter of a year of nightly backups."""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One thing measured over time, oldest first; `unit` is `bytes`, `seconds` or `bytes/s`."""

    title: str
    unit: str
    points: tuple[tuple[datetime, float], ...]


def trends_of(operations: Sequence[Operation]) -> tuple[Series, ...]:
    """Size, duration and rate of the backups, duration and rate of the restores; those that ended well only."""
    return tuple(
        Series(title=f"{noun}: {what}", unit=unit, points=_points(operations, verbs, key))
        for noun, verbs in (("Backups", ("backup",)), ("Restores", ("restore", "finish", "rollback")))
        for what, unit, key in (
            ("size", "bytes", "bytes"),
            ("duration", "seconds", "seconds"),
            ("rate", "bytes/s", "rate"),
        )
        if not (noun == "Restores" and key == "bytes")
    )


def _points(
    operations: Sequence[Operation], verbs: tuple[str, ...], key: str
) -> tuple[tuple[datetime, float], ...]:
    found = [
        (operation.started, float(value))
        for operation in operations
        if operation.verb in verbs
        and operation.state in DONE
        and operation.started is not None
        and (value := getattr(operation, key)) is not None
    ]
    return tuple(sorted(found)[-MOST:])
