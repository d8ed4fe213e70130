"""Room for a backup: looked at before it begins and while it is written."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.catalog.manifest import Manifest
from services.errors import QuillkeepError, Refused

if TYPE_CHECKING:
    from pymongo.database import Database

RESERVE_BYTES = 8 << 20
"""Left free for manifest, notes, journal and others."""
ARCHIVE_SHARE = 0.75
"""Compressed : uncompressed where no previous backup tells; 0.59 was measured on the application's data."""
MARGIN = 1.1
LOOK_SECONDS = 0.5
LOOK_BYTES = 16 << 20


def free_bytes(folder: Path) -> int:
    """What an unprivileged user may still write on a folder's filesystem."""
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


def live_bytes(database: Database[Any]) -> int:
    """Uncompressed bytes of a database as dbStats tells; 0 without the right to ask."""
    from pymongo.errors import OperationFailure

    try:
        return int(database.command("dbStats")["dataSize"])
    except OperationFailure:
        return 0


def archive_estimate(live: int, previous: Manifest | None) -> int:
    """Bytes the archive of so many uncompressed ones will probably have, by the previous backup's ratio."""
    archive = before = 0
    if previous is not None:
        archive = sum(file.bytes for file in previous.files if file.members)
        before = sum(entry.bytes for entry in previous.collections.values())
    if not before:
        return int(live * ARCHIVE_SHARE)
    return int(archive * max(1.0, live / before) * MARGIN)


class Room:
    """Watches a location's free space; `before_write` may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._looked = 0.0
        self._unseen = 0
        self._written = 0
        self.needed = 0

    def require(self, needed: int) -> None:
        """Refuses (4) when the estimate does not fit, saying both figures."""
        self.needed = needed
        free = free_bytes(self._folder)
        if needed + RESERVE_BYTES > free:
            raise Refused(
                f"Too little space in {self._folder}: about {needed + RESERVE_BYTES:,} bytes are needed, "
                f"{free:,} are free.",
                next="Free space there, or name another location.",
            )

    def before_write(self, amount: int) -> None:
        """Raises before a write that would not fit; looks again every 16 MiB or half a second."""
        with self._lock:
            self._unseen += amount
            self._written += amount
            now = time.monotonic()
            if self._unseen < LOOK_BYTES and now - self._looked < LOOK_SECONDS:
                return
            self._looked = now
            self._unseen = 0
        if free_bytes(self._folder) < amount + RESERVE_BYTES:
            raise self.full()

    def full(self) -> QuillkeepError:
        """The error of a location that became full."""
        more = max(self.needed - self._written, 0) + RESERVE_BYTES
        return QuillkeepError(
            f"The location {self._folder} became full after {self._written:,} bytes.",
            cause=f"At least {more:,} more bytes are needed, {free_bytes(self._folder):,} are free.",
            touched="What was written of this backup was removed; earlier backups are as they were.",
            next="Free space there, then run the backup again.",
        )

    def explain(self, error: OSError) -> QuillkeepError:
        """A failed write in an admin's words."""
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return self.full()
        return QuillkeepError(
            f"Writing to {self._folder} failed.",
            cause=os.strerror(error.errno) if error.errno else str(error),
            touched="What was written of this backup was removed; earlier backups are as they were.",
            next="Check the disk or mount, then run the backup again.",
        )
