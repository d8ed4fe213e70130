"""How long the verify of a backup will take, told from those before it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from services.catalog.model import Backup, Depth
from services.catalog.notes import Notes
from services.errors import QuillkeepError

MARGIN = 1.15
"""A predicted time is taken for this much more."""
SMALL_SECONDS = 1.0
"""What opening a backup costs at least, whatever its size."""

SeenInodes = dict[tuple[int, int], str]


class Rates:
    """Seconds and bytes, by location."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._bytes: dict[str, int] = {}

    def add(self, location: str, seconds: float, read: int) -> None:
        """So many bytes took so long."""
        self._seconds[location] = self._seconds.get(location, 0.0) + seconds
        self._bytes[location] = self._bytes.get(location, 0) + read

    def seconds_a_byte(self, location: str | None) -> float | None:
        """Of one location, or with None of all; None where nothing was read."""
        read = sum(self._bytes.values()) if location is None else self._bytes.get(location, 0)
        took = sum(self._seconds.values()) if location is None else self._seconds.get(location, 0.0)
        return took / read if read and took > 0 else None


class Pace:
    """Learns from the notes of earlier runs of the same depth, and from each backup of this run."""

    def __init__(self, backups: Iterable[tuple[Backup, Notes]], depth: Depth) -> None:
        self._depth = depth
        self._now = Rates()
        self._earlier = Rates()
        self._own: dict[tuple[str, str], float] = {}
        for backup, notes in backups:
            for note in notes.checks:
                if note.depth == depth and note.seconds and note.status in ("ok", "warn"):
                    self._own[_key(backup)] = note.seconds
                    self._earlier.add(backup.location, note.seconds, note.bytes)

    def learn(self, backup: Backup, seconds: float, read: int) -> None:
        """A backup took this long now, and so many bytes were read of it."""
        self._now.add(backup.location, seconds, read)

    def predict(self, backup: Backup, seen: Mapping[tuple[int, int], str]) -> float | None:
        """Seconds, on the safe side; None where nothing tells. `seen` are inodes that are not read again."""
        if self._depth == "quick":
            return SMALL_SECONDS
        known = linked_bytes(backup, seen)
        guesses = [] if known else [own for own in (self._own.get(_key(backup)),) if own is not None]
        if (rate := self._rate(backup.location)) is not None:
            guesses.append(max(0, backup.bytes - known) * rate)
        return max(SMALL_SECONDS, max(guesses) * MARGIN) if guesses else None

    def _rate(self, location: str) -> float | None:
        for rates, where in (
            (self._now, location),
            (self._earlier, location),
            (self._now, None),
            (self._earlier, None),
        ):
            if (rate := rates.seconds_a_byte(where)) is not None:
                return rate
        return None


def _key(backup: Backup) -> tuple[str, str]:
    return str(backup.folder), backup.id


def linked_bytes(backup: Backup, seen: Mapping[tuple[int, int], str]) -> int:
    """Bytes of object files that were read in this run already, under another snapshot's name."""
    if not seen or backup.objects_list is None or backup.objects_path is None:
        return 0
    from services.objects.manifest import read_lines

    try:
        device = os.stat(backup.objects_path).st_dev
        return sum(line.size for line in read_lines(backup.objects_list) if (device, line.inode) in seen)
    except (OSError, QuillkeepError):
        return 0
