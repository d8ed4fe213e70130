"""A folder on a server that no longer answers: a real FUSE mount whose server reads every request and answers none.

Whoever asks for anything below it sleeps in the kernel, and SIGKILL does not end it before the mount goes: the same as
on a dead NFS server. The protocol is <linux/fuse.h> 7.31.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

INIT = 26
"""FUSE_INIT, the one request that is answered: without it the kernel would still be waiting for a server."""
IN_HEADER = struct.Struct("=IIQQIIIHH")
OUT_HEADER = struct.Struct("=IiQ")
INIT_OUT = struct.Struct("=IIIIHHIIHH32x")
MS_NOSUID, MS_NODEV, MNT_FORCE, MNT_DETACH = 2, 4, 1, 2
REQUEST_BYTES = 1 << 20


class DeadMount:
    """Mounted while the block runs. Errors: `OSError` where this user may not mount, or there is no FUSE."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._handle = -1

    def __enter__(self) -> Self:
        self._handle = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._handle},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        where = os.fsencode(self.folder)
        if _libc.mount(b"dead", where, b"fuse", MS_NOSUID | MS_NODEV, options.encode()) != 0:
            number = ctypes.get_errno()
            os.close(self._handle)
            raise OSError(number, os.strerror(number), str(self.folder))
        threading.Thread(target=self._serve, name="dead-mount", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Whoever still waits gets an error, and is gone.
        _libc.umount2(os.fsencode(self.folder), MNT_FORCE | MNT_DETACH)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                request = os.read(self._handle, REQUEST_BYTES)
                _, opcode, unique, *_ = IN_HEADER.unpack_from(request)
                if opcode == INIT:
                    answer = INIT_OUT.pack(7, 31, 65_536, 0, 16, 12, 65_536, 1, 0, 0)
                    size = OUT_HEADER.size + len(answer)
                    os.write(self._handle, OUT_HEADER.pack(size, 0, unique) + answer)
        os.close(self._handle)


_libc = ctypes.CDLL(None, use_errno=True)
