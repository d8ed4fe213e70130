"""What emptying a trash frees: only files whose last link goes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from services.temporary_database import temporary_database

BLOCK = 512
"""The unit of `st_blocks` (stat(2))."""


class Freed(msgspec.Struct, frozen=True, kw_only=True):
    """`bytes` of disk that go, and `shared` bytes of files that stay because other snapshots link them."""

    bytes: int = 0
    shared: int = 0
    files: int = 0


class LinkCount:
    """Adds up what would be freed; files with several links are counted on disk, not in memory."""

    def __init__(self) -> None:
        self._seen = temporary_database(
            "CREATE TABLE inode (device INTEGER, number TEXT, links INTEGER, size INTEGER, found INTEGER,"
            " PRIMARY KEY (device, number)) WITHOUT ROWID"
        )
        self._bytes = 0
        self._files = 0

    def close(self) -> None:
        """Forgets everything."""
        self._seen.close()

    def add(self, status: os.stat_result) -> None:
        """One name that would go."""
        self._files += not stat.S_ISDIR(status.st_mode)
        size = status.st_blocks * BLOCK
        if stat.S_ISDIR(status.st_mode) or status.st_nlink <= 1:
            self._bytes += size
            return
        self._seen.execute(
            "INSERT INTO inode VALUES (?, ?, ?, ?, 1)"
            " ON CONFLICT (device, number) DO UPDATE SET found = found + 1, links = excluded.links",
            (status.st_dev, str(status.st_ino), status.st_nlink, size),
        )

    def freed(self) -> Freed:
        """What was added so far, if all of it went at once."""
        gone, kept = self._seen.execute(
            "SELECT coalesce(sum(size) FILTER (WHERE found >= links), 0),"
            " coalesce(sum(size) FILTER (WHERE found < links), 0) FROM inode"
        ).fetchone()
        return Freed(bytes=self._bytes + int(gone), shared=int(kept), files=self._files)


def count_paths(
    counted: LinkCount, paths: Iterable[Path], *, check: Callable[[], None], advance: Callable[[int], None]
) -> None:
    """Adds files and whole folders; `advance` is told of every name. Errors: `OSError`."""
    for path in paths:
        for status in statuses(path):
            check()
            advance(1)
            counted.add(status)


def inside(folders: Iterable[Path]) -> Iterator[Path]:
    """What lies directly in these folders; one that is gone holds nothing. Errors: `OSError`."""
    for folder in folders:
        if folder.is_dir():
            yield from folder.iterdir()


def statuses(path: Path) -> Iterator[os.stat_result]:
    """A file, or a folder with everything below; links are not followed. Errors: `OSError`."""
    status = os.lstat(path)
    yield status
    if not stat.S_ISDIR(status.st_mode):
        return
    todo = [str(path)]
    while todo:
        with os.scandir(todo.pop()) as found:
            for entry in found:
                below = entry.stat(follow_symlinks=False)
                yield below
                if stat.S_ISDIR(below.st_mode):
                    todo.append(entry.path)
