"""Deletes a folder for good, link by link, and says what each deletion freed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from services.catalog.trash_space import BLOCK


def remove_tree(path: Path, check: Callable[[], None], removed: Callable[[int], None]) -> None:
    """Deletes a folder and everything below it; links are deleted, never followed.

    `check` is called before every name and may raise, `removed` is told the bytes of disk that each name
    freed (the folder's own not among them): none while another link keeps the file. Folders without write permission are opened up first.
    Errors: `OSError`.
    """
    _open_up(path)
    for _, folders, names, handle in os.fwalk(path, topdown=False, onerror=_raise):
        for name in names:
            check()
            status = os.stat(name, dir_fd=handle, follow_symlinks=False)
            os.unlink(name, dir_fd=handle)
            removed(status.st_blocks * BLOCK if status.st_nlink <= 1 else 0)
        for name in folders:
            status = os.stat(name, dir_fd=handle, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                os.unlink(name, dir_fd=handle)
            else:
                os.rmdir(name, dir_fd=handle)
            removed(status.st_blocks * BLOCK)
    os.rmdir(path)


def _open_up(path: Path) -> None:
    """A foreign dump may have come with folders that even its owner may not write."""
    todo = [str(path)]
    while todo:
        folder = todo.pop()
        status = os.lstat(folder)
        if status.st_mode & stat.S_IRWXU != stat.S_IRWXU and status.st_uid in (os.geteuid(), 0):
            os.chmod(folder, stat.S_IMODE(status.st_mode) | stat.S_IRWXU)
        with os.scandir(folder) as found:
            todo += [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]


def _raise(error: OSError) -> None:
    raise error
