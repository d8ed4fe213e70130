"""Files that exist whole or not at all: a temporary name in the same folder, fsync, rename, fsync of the folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".quillkeep-partial-"
"""Marks temporary names, `<final>` + this + 8 hex digits, swept by the next run."""


def make_private_folder(path: Path) -> None:
    """Creates a folder and its missing parents with mode 0700, whatever the umask."""
    missing = []
    probe = path
    while not probe.exists():
        missing.append(probe)
        probe = probe.parent
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)


def fsync_folder(path: Path) -> None:
    """Makes names created or renamed in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def partial_name(final: Path) -> Path:
    """A temporary name beside `final`."""
    return final.with_name(f"{final.name}{PARTIAL}{os.urandom(4).hex()}")


def open_new(path: Path) -> BinaryIO:
    """Opens a file that must not exist yet, mode 0600 from creation, for writing and reading back."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    return os.fdopen(handle, "w+b", buffering=0)


@contextlib.contextmanager
def whole_file(final: Path) -> Iterator[BinaryIO]:
    """Writes a file that appears under its name only when everything, close included, succeeded."""
    partial = partial_name(final)
    stream = open_new(partial)
    try:
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        finally:
            stream.close()
        os.replace(partial, final)
        fsync_folder(final.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_whole(final: Path, data: bytes) -> None:
    """`whole_file` for bytes at hand."""
    with whole_file(final) as stream:
        view = memoryview(data)
        while view:
            view = view[stream.write(view) :]


def append_line(path: Path, line: bytes) -> None:
    """Appends one line durably; one write call, so that lines of several writers do not mix."""
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, line.rstrip(b"\n") + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
