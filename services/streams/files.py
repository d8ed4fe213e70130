"""Files and pipes as chunks of bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from services.errors import QuillkeepError
from services.streams.errors import StreamError

READ_BYTES = 128 * 1024
"""Read at a time; larger reads made decompression slower (measured)."""


class Readable(Protocol):
    """The part of a binary stream that is needed: a file, a pipe, a decryptor."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""
        ...


def open_regular(path: Path, *, follow: bool = True) -> int:
    """A read-only descriptor; `QuillkeepError` naming the path, `StreamError` for a link or a special file."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        if not follow and path.is_symlink():
            raise StreamError("a regular file", found=f"the symbolic link {path.name}")
        descriptor = os.open(path, flags)
    except PermissionError as error:
        raise QuillkeepError(
            f"No permission to read {path}.",
            cause=str(error.strerror),
            next="Run the command as a user that may read it.",
        ) from error
    except OSError as error:
        raise QuillkeepError(
            f"{path} cannot be read.",
            cause=str(error.strerror),
            next="Check the path and its disk; `quillkeep list` shows every backup.",
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StreamError("a regular file", found=f"{path.name}, which is none")
    return descriptor


def file_chunks(
    path: Path,
    *,
    advance: Callable[[int], None],
    tap: Callable[[bytes], None] | None = None,
    follow: bool = True,
) -> Iterator[bytes]:
    """Everything a regular file holds, opened with the first chunk; `tap` is shown every chunk."""
    descriptor = open_regular(path, follow=follow)
    try:
        while True:
            try:
                chunk = os.read(descriptor, READ_BYTES)
            except OSError as error:
                raise StreamError(
                    "readable bytes", found=f"an error of the disk: {error.strerror}"
                ) from error
            if not chunk:
                return
            advance(len(chunk))
            if tap is not None:
                tap(chunk)
            yield chunk
    finally:
        os.close(descriptor)


def stream_chunks(
    stream: Readable, *, advance: Callable[[int], None], tap: Callable[[bytes], None] | None = None
) -> Iterator[bytes]:
    """Everything that is left of a stream; `tap` is shown every chunk. The stream stays open."""
    while True:
        try:
            chunk = stream.read(READ_BYTES)
        except OSError as error:
            raise StreamError("readable bytes", found=f"an error while reading: {error.strerror}") from error
        if not chunk:
            return
        advance(len(chunk))
        if tap is not None:
            tap(chunk)
        yield chunk
