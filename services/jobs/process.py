"""Which process is meant: a pid alone is reused, pid + start time + boot id is not."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

PROC = Path("/proc")
_GONE = frozenset("ZXx")


class ProcessIdentity(msgspec.Struct, frozen=True):
    """A process of one boot of one host; `started` is field 22 of /proc/PID/stat (clock ticks since boot)."""

    pid: int
    started: str
    boot_id: str


def boot_id(proc: Path = PROC) -> str:
    """The running kernel's random id, empty where /proc does not tell."""
    try:
        return (proc / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def identify(pid: int, proc: Path = PROC) -> ProcessIdentity | None:
    """The identity of a process that runs now; None when there is none, or only its zombie."""
    fields = _stat(pid, proc)
    if fields is None or fields[0] in _GONE:
        return None
    return ProcessIdentity(pid=pid, started=fields[19], boot_id=boot_id(proc))


def this_process() -> ProcessIdentity:
    """The caller's own identity."""
    found = identify(os.getpid())
    return found or ProcessIdentity(pid=os.getpid(), started="", boot_id=boot_id())


def is_alive(process: ProcessIdentity, proc: Path = PROC) -> bool:
    """Whether exactly this process still runs (stopped counts, a zombie and a reused pid do not).

    Only meaningful in the pid namespace the identity was taken in. Where /proc hides other users'
    processes a pid that answers `permission denied` counts as alive.
    """
    if process.boot_id != boot_id(proc):
        return False
    found = identify(process.pid, proc)
    if found is not None:
        return found.started == process.started
    return _stat(process.pid, proc) is None and _is_hidden(process.pid)


def _is_hidden(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _stat(pid: int, proc: Path) -> list[str] | None:
    """Fields 3 and following of /proc/PID/stat, counted after the last `)` since names may hold anything."""
    try:
        raw = (proc / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    return raw.rpartition(b")")[2].decode("ascii", "replace").split()
