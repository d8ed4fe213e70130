"""Reads the files of an objects part: each inode once, its sha256 compared with the object manifest's."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec

from services.catalog.notes import BadObject
from services.objects.filenames import inside
from services.objects.manifest import ObjectLine
from services.streams.files import READ_BYTES

BATCH = 64
"""Files a thread takes at a time: handing over one by one costs more than small files do."""
IN_FLIGHT = 8


class ObjectsRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a pass over the files found; sizes in bytes. `unread` are (key, why): they say nothing of the bytes."""

    count: int
    bytes: int
    inodes: int
    bad: tuple[BadObject, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()


class _One(msgspec.Struct, frozen=True):
    line: ObjectLine
    bad: BadObject | None = None
    unread: str = ""


def read_objects(
    folder: Path,
    lines: Iterable[ObjectLine],
    *,
    hashed: bool,
    threads: int,
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> ObjectsRead:
    """Looks at every file that the lines name: there and of its size; with `hashed`, every byte read.

    Errors: what `lines` raises; damage and unreadable files are in the result.
    """
    seen: dict[int, str] = {}
    count = size = 0
    bad: list[BadObject] = []
    unread: list[tuple[str, str]] = []

    def work(batch: list[ObjectLine]) -> list[_One]:
        out = []
        for line in batch:
            check()
            out.append(_look(folder, line, hashed, seen, check, advance))
        return out

    for one in _ordered(work, _with_files(lines), threads):
        count += 1
        size += one.line.size
        if one.bad is not None:
            bad.append(one.bad)
        if one.unread:
            unread.append((one.line.key, one.unread))
    return ObjectsRead(count=count, bytes=size, inodes=len(seen), bad=tuple(bad), unread=tuple(unread))


def _with_files(lines: Iterable[ObjectLine]) -> Iterator[ObjectLine]:
    return (line for line in lines if line.missing is None)


def _ordered(
    work: Callable[[list[ObjectLine]], list[_One]], lines: Iterable[ObjectLine], threads: int
) -> Iterator[_One]:
    pending: deque[Future[list[_One]]] = deque()
    batch: list[ObjectLine] = []
    pool = ThreadPoolExecutor(threads)
    try:
        for line in lines:
            batch.append(line)
            if len(batch) == BATCH:
                pending.append(pool.submit(work, batch))
                batch = []
                if len(pending) >= IN_FLIGHT:
                    yield from pending.popleft().result()
        pending.append(pool.submit(work, batch))
        while pending:
            yield from pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _look(
    folder: Path,
    line: ObjectLine,
    hashed: bool,
    seen: dict[int, str],
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> _One:
    try:
        path = inside(folder, line.path)
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except ValueError as error:
        return _bad(line, 0, str(error))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return _bad(line, 0, "its file is gone")
        if error.errno == errno.ELOOP:
            return _bad(line, 0, "its file is a symbolic link")
        return _One(line, unread=error.strerror or str(error))
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return _bad(line, status.st_ino, "its file is not a regular one")
        if status.st_size != line.size:
            return _bad(
                line, status.st_ino, f"its file has {status.st_size:,} bytes instead of {line.size:,}"
            )
        if not hashed:
            return _One(line)
        found = seen.get(status.st_ino)
        if found is None:
            found = seen[status.st_ino] = _sha256(handle, check, advance)
        else:
            advance(status.st_size)
    except OSError as error:
        return _One(line, unread=error.strerror or str(error))
    finally:
        os.close(handle)
    if found != line.sha256:
        return _bad(line, status.st_ino, f"its bytes have the sha256 {found}, recorded is {line.sha256}")
    return _One(line)


def _sha256(handle: int, check: Callable[[], None], advance: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    while chunk := os.read(handle, READ_BYTES):
        digest.update(chunk)
        advance(len(chunk))
        check()
    return digest.hexdigest()


def _bad(line: ObjectLine, inode: int, why: str) -> _One:
    return _One(line, bad=BadObject(key=line.key, inode=inode, why=why))


def sharing(folder: Path, others: Iterable[Path], path: str) -> list[Path]:
    """Which other snapshots hold the very file (device and inode) that lies at `path` in `folder`."""
    try:
        mine = os.stat(folder / path, follow_symlinks=False)
    except OSError:
        return []
    found = []
    for other in others:
        try:
            theirs = os.stat(other / path, follow_symlinks=False)
        except OSError:
            continue
        if (theirs.st_dev, theirs.st_ino) == (mine.st_dev, mine.st_ino):
            found.append(other)
    return found
