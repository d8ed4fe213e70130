"""The folder an embedded server lives in for one job: private, measured first, and never left behind."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from pathlib import Path

import msgspec

from services.files import make_private_folder, write_whole
from services.jobs.host import Owner, life_of, this_owner
from services.paths import Paths

MEMORY = Path("/dev/shm")
"""Where Linux keeps a tmpfs for everybody."""
PREFIX = "quillkeep-deep-"
MARK = "owner.json"
YOUNG_SECONDS = 60.0
OVERHEAD_BYTES = 384 << 20
"""An empty mongod 6.0 takes 301 MiB, its journal nearly all of it (measured)."""
SPARE_BYTES = 512 << 20
"""Left free beside what a load needs."""
ABORT_BYTES = 192 << 20
"""A running load ends when less than this is left: the jobs' journals lie on the same disk."""
DATA_FACTOR = 1.15
"""Uncompressed bytes to files and build spills: `swap.md` 9 saw 0.87, random bytes 1.05."""
INDEX_SHARE = 0.15
SERVER_BYTES = 600 << 20
"""What mongod itself may take of the memory while a tmpfs fills beside it."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Says in the state folder whose a scratch folder is, wherever it lies."""

    owner: Owner
    folder: str


def marks_folder(paths: Paths) -> Path:
    """Where marks lie, and by default the scratch folders, too."""
    return paths.state / "deep"


def in_memory(folder: Path) -> bool:
    """Whether a folder, or the first of its parents that exists, is on a tmpfs or ramfs.

    By /proc/self/mountinfo (proc(5)): field 3 is the device, the type follows the lone hyphen.
    """
    probe = folder
    while not probe.exists() and probe != probe.parent:
        probe = probe.parent
    try:
        device = os.stat(probe).st_dev
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return False
    wanted = f"{os.major(device)}:{os.minor(device)}"
    kinds = {
        fields[fields.index("-") + 1]
        for line in lines
        if (fields := line.split()) and len(fields) > 6 and fields[2] == wanted and "-" in fields
    }
    return bool(kinds) and kinds <= {"tmpfs", "ramfs"}


def needed_bytes(data_bytes: int, index_bytes: int | None) -> int:
    """What the embedded server's files will take at most, without what is left spare."""
    indexes = data_bytes * INDEX_SHARE if index_bytes is None else index_bytes
    return int(data_bytes * DATA_FACTOR + indexes) + OVERHEAD_BYTES


def free_bytes(folder: Path) -> int | None:
    """Free bytes for this user where the folder is, or will be; None where it cannot be told."""
    probe = folder
    while not probe.exists() and probe != probe.parent:
        probe = probe.parent
    try:
        stat = os.statvfs(probe)
    except OSError:
        return None
    return stat.f_bavail * stat.f_frsize


def free_memory(proc: Path = Path("/proc"), control: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Memory that can still be taken: the machine's MemAvailable, and no more than this container's limit leaves."""
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (proc / "meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) << 10)
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):
            found.append(int((control / limit).read_text()) - int((control / used).read_text()))
    return max(0, min(found)) if found else None


class Scratch:
    """One job's folder (0700) below `parent`; `close` removes it. Its mark is there before it and after it.

    `sweep` are the folders to remove should this process die without `close`.
    """

    def __init__(self, parent: Path, paths: Paths, job: str) -> None:
        name = f"{PREFIX}{job}-{secrets.token_hex(4)}"
        self._home = marks_folder(paths) / name
        self.folder = self._home / "data" if parent == marks_folder(paths) else parent / name
        self.sweep = (self.folder, self._home)
        make_private_folder(self._home)
        try:
            mark = Mark(owner=this_owner(job, "verify"), folder=str(self.folder))
            write_whole(self._home / MARK, msgspec.json.encode(mark))
            os.mkdir(self.folder, 0o700)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Removes the folder and its mark; what cannot be removed keeps its mark for the next run."""
        if _remove(self.folder):
            _remove(self._home)


def sweep(paths: Paths) -> list[str]:
    """Removes what dead jobs left in any folder; gives the folders that stay, in words."""
    left: list[str] = []
    try:
        homes = sorted(marks_folder(paths).glob(f"{PREFIX}*"))
    except OSError:
        return left
    for home in homes:
        try:
            mark = msgspec.json.decode((home / MARK).read_bytes(), type=Mark)
        except FileNotFoundError:
            # The mark is written first and goes last: a young home may be about to get one.
            if _age(home) > YOUNG_SECONDS:
                _remove(home)
            continue
        except (OSError, msgspec.MsgspecError):
            left.append(f"{home} holds a mark that cannot be read")
            continue
        if life_of(mark.owner) not in ("dead", "rebooted"):
            continue
        folder = Path(mark.folder)
        if not folder.name.startswith(PREFIX) and folder != home / "data":
            left.append(f"{home} names the folder {folder}, which is not one of ours")
        elif _remove(folder):
            _remove(home)
        else:
            left.append(f"{folder} of the dead job {mark.owner.job} could not be removed")
    return left


def _age(path: Path) -> float:
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0


def _remove(folder: Path) -> bool:
    if folder.is_symlink():
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return not os.path.lexists(folder)
