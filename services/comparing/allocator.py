"""Memory that goes back to the system as soon as a block of a dump is done with."""

from __future__ import annotations

import ctypes

M_MMAP_THRESHOLD = -3
"""mallopt(3), glibc."""
LARGE_BYTES = 256 << 10


def give_back_large_blocks() -> None:
    """From now on this process maps blocks of 256 KiB and more by themselves; without glibc it does nothing.

    A job's own setting keeps them on the heap, which is faster and grows with what is read, by fragments:
    measured on two backups at five times the data 70 -> 103 MiB, with this 53 -> 57, for a fifth more CPU.
    """
    try:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
    except (OSError, AttributeError):
        return
