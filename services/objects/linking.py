"""An unchanged object's file is taken from the previous snapshot: a hard link, where that fails a copy."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from services.files import open_new
from services.objects.fetching import READ_BYTES, settle
from services.objects.filenames import inside
from services.objects.manifest import ObjectLine

FATAL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS))
"""Errors of the location itself; every other failure of a link means `no link here`."""


class PreviousSnapshot(msgspec.Struct, frozen=True):
    """The last complete snapshot of the same bucket in the same location: its folder and its object manifest."""

    folder: Path
    lines: Path


class Taken(msgspec.Struct, frozen=True):
    """How the file came: `how` and the line that now describes it."""

    line: ObjectLine
    how: Literal["linked", "copied"]


def unchanged_file(previous: PreviousSnapshot, line: ObjectLine) -> Path | None:
    """The previous snapshot's file when it is still the one recorded (inode, size and mtime), else None."""
    try:
        path = inside(previous.folder, line.path)
        state = os.stat(path, follow_symlinks=False)
    except (OSError, ValueError):
        return None
    same = (state.st_ino, state.st_size, state.st_mtime_ns) == (line.inode, line.size, line.mtime)
    return path if same and stat.S_ISREG(state.st_mode) else None


def take_file(
    source: Path,
    line: ObjectLine,
    *,
    partial: Path,
    final: Path,
    now: datetime,
    refused: Callable[[OSError], None],
) -> Taken | None:
    """Links `source` to `final`, or copies it hashing; None when neither gives the recorded bytes.

    `refused` hears why a link was not possible. Raises `OSError` when the location itself fails.
    """
    try:
        os.link(source, final, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in FATAL:
            raise
        if error.errno == errno.EEXIST:
            return None
        refused(error)
    else:
        return Taken(line, "linked")
    return _copy(source, line, partial, final, now)


def _copy(source: Path, line: ObjectLine, partial: Path, final: Path, now: datetime) -> Taken | None:
    digest = hashlib.sha256()
    try:
        with open(source, "rb", buffering=0) as reading, open_new(partial) as writing:
            while chunk := reading.read(READ_BYTES):
                digest.update(chunk)
                view = memoryview(chunk)
                while view:
                    view = view[writing.write(view) :]
        if digest.hexdigest() != line.sha256:
            partial.unlink()
            return None
        inode, mtime = settle(partial, line.last_modified)
        os.replace(partial, final)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno in FATAL:
            raise
        return None
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return Taken(msgspec.structs.replace(line, inode=inode, mtime=mtime, proven_at=now), "copied")
