"""Making a whole tree of folders durable."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

from services.files import fsync_folder

ONE_BY_ONE = 1_000
"""Above this many folders one syncfs of the filesystem is quicker than as many fsyncs."""


def fsync_folders(root: Path, relative: Iterable[str]) -> None:
    """Makes the names in `root`, in the folders below it and in those between them durable; raises `OSError`."""
    folders = {""}
    for name in relative:
        while name and name not in folders:
            folders.add(name)
            name = name.rpartition("/")[0]
    if len(folders) > ONE_BY_ONE:
        _syncfs(root)
    else:
        for name in folders:
            fsync_folder(root / name)
    fsync_folder(root.parent)


def _syncfs(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(folder))
    finally:
        os.close(handle)
