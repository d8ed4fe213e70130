"""A mirrored bucket or a tar of one, read to the last byte; neither carries sums of its objects."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import msgspec

from services.catalog.naming import printable
from services.errors import QuillkeepError
from services.objects.foreign_tar import tar_members
from services.objects.source import walk_files
from services.profile import Limits
from services.streams.files import READ_BYTES


class TreeRead(msgspec.Struct, frozen=True, kw_only=True):
    """What was read: files and their bytes; `odd` names links and special files, which a restore leaves out."""

    count: int
    bytes: int
    odd: tuple[str, ...] = ()


def read_tree(
    path: Path, *, check: Callable[[], None], advance: Callable[[int], None]
) -> TreeRead | QuillkeepError | OSError:
    """Reads every file below a folder, or gives the error that ended it."""
    count = size = 0
    odd = []
    try:
        for relative, status in walk_files(path):
            check()
            if not stat.S_ISREG(status.st_mode):
                odd.append(printable(relative))
                continue
            with open(path / relative, "rb", buffering=0) as stream:
                while chunk := stream.read(READ_BYTES):
                    size += len(chunk)
                    advance(len(chunk))
                    check()
            count += 1
    except (QuillkeepError, OSError) as error:
        return _ended(error)
    return TreeRead(count=count, bytes=size, odd=tuple(odd))


def read_tar(
    path: Path, *, limits: Limits, check: Callable[[], None], advance: Callable[[int], None]
) -> TreeRead | QuillkeepError | OSError:
    """Reads a tar (gzip or not) to its end, its gzip checksum included; nothing is written anywhere."""
    count = size = 0
    odd = []
    try:
        for member in tar_members(path, limits):
            check()
            if member.stream is None:
                odd.append(printable(member.name))
                continue
            while chunk := member.stream.read(READ_BYTES):
                size += len(chunk)
                check()
            count += 1
        advance(path.stat().st_size)
    except (QuillkeepError, OSError) as error:
        return _ended(error)
    return TreeRead(count=count, bytes=size, odd=tuple(odd))


def _ended(error: QuillkeepError | OSError) -> QuillkeepError | OSError:
    from services.errors import Cancelled

    if isinstance(error, Cancelled):
        raise error
    return error
