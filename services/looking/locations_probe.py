"""What a location can do and how full it is, without writing anything there."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from services.catalog import layout
from services.catalog.head import ManifestProblem, read_bytes, read_head
from services.catalog.scan import location_words
from services.errors import QuillkeepError
from services.looking.locations import LocationSeen
from services.objects.manifest import read_lines
from services.profile import Location

GROWTH_OBJECTS = 200_000
"""Larger snapshots are not compared line by line: it would take longer than the look may."""
_POSIX = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "tmpfs", "f2fs", "overlay", "nfs", "nfs4"})
_NO_LINKS = frozenset({"vfat", "exfat", "msdos"})
"""File systems without hard links, modes or case-sensitive names (mount(8))."""
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "ceph", "glusterfs"})


class _Previous(msgspec.Struct):
    previous: str | None = None


def probe_all(locations: Sequence[Location], seconds: float) -> tuple[LocationSeen, ...]:
    """Every location in the profile's order; one that did not answer in time says so."""
    children = [(location, *_begin(location)) for location in locations]
    deadline = time.monotonic() + seconds
    return tuple(_collect(location, child, pipe, deadline, seconds) for location, child, pipe in children)


def probe(location: Location) -> LocationSeen:
    """One location; blocks for as long as its file system does."""
    seen = LocationSeen(name=location.name, path=location.path, free=None, total=None, writable=False)
    try:
        names = os.listdir(location.path)
        state = os.statvfs(location.path)
    except OSError as error:
        return replace(seen, problem=location_words(error))
    filesystem = filesystem_of(os.path.realpath(location.path))
    backup, added = newest_growth(location.path, names)
    return replace(
        seen,
        free=state.f_bavail * state.f_frsize,
        total=state.f_blocks * state.f_frsize,
        writable=os.access(location.path, os.W_OK | os.X_OK),
        filesystem=filesystem,
        abilities=abilities_of(filesystem),
        last_backup=backup,
        last_added=added,
    )


def filesystem_of(path: str) -> str:
    """The type of the file system a path lies on, by /proc/self/mountinfo (proc(5)); empty when not told."""
    best, kind = "", ""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
            for line in stream:
                left, _, right = line.partition(" - ")
                point = _unescape(left.split(" ")[4])
                below = path == point or path.startswith(point.rstrip("/") + "/")
                if below and len(point) >= len(best):
                    best, kind = point, right.split(" ")[0]
    except (OSError, IndexError):
        return ""
    return kind


def abilities_of(filesystem: str) -> tuple[str, ...]:
    """What file systems of this type do; nothing is said of types that differ from mount to mount."""
    found = []
    if filesystem in _POSIX:
        found = ["hard links", "modes", "case-sensitive names"]
    elif filesystem in _NO_LINKS:
        found = ["no hard links: every backup takes its whole size"]
    if filesystem in _REMOTE:
        found.append("over the network")
    return tuple(found)


def newest_growth(folder: str, names: Sequence[str]) -> tuple[str, int | None]:
    """(id of the newest backup of ours with objects, bytes it really added); see `LocationSeen.last_added`."""
    manifests = sorted(
        (match.group(1) for name in names if (match := layout.OWN_MANIFEST.fullmatch(name))), reverse=True
    )
    for backup in manifests:
        path = f"{folder}/{layout.manifest_name(backup)}"
        try:
            head = read_head(path, backup)
            if head.purpose != "backup" or head.objects is None:
                continue
            previous = msgspec.json.decode(read_bytes(path), type=_Previous).previous
            if previous is None or head.objects.count > GROWTH_OBJECTS:
                return backup, None
            own = sum(file.bytes for file in head.files)
            return backup, own + _new_bytes(Path(folder), backup, previous)
        except (ManifestProblem, QuillkeepError, OSError, msgspec.MsgspecError):
            return backup, None
    return "", None


def _new_bytes(folder: Path, backup: str, previous: str) -> int:
    """Bytes of the objects whose files the snapshot before does not share."""
    shared = {line.inode for line in read_lines(folder / layout.objects_list_name(previous))}
    lines = read_lines(folder / layout.objects_list_name(backup))
    return sum(line.size for line in lines if line.missing is None and line.inode not in shared)


def _begin(location: Location) -> tuple[int, int]:
    """A child that looks; it holds none of our standard streams, so that one stuck in the kernel holds up nobody."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for handle in (0, 1, 2):
            os.dup2(nowhere, handle)
        data = memoryview(msgspec.json.encode(_told(probe(location))))
        while data:
            data = data[os.write(writing, data) :]
    finally:
        os._exit(0)


def _told(seen: LocationSeen) -> dict[str, object]:
    """What only the child knows; the location's name and path stay with the parent, byte for byte."""
    facts: dict[str, object] = msgspec.structs.asdict(seen)
    del facts["name"], facts["path"]
    return facts


def _collect(location: Location, child: int, pipe: int, deadline: float, seconds: float) -> LocationSeen:
    chunks: list[bytes] = []
    in_time = False
    with open(pipe, "rb", buffering=0) as stream:
        while select.select([stream], [], [], max(0.0, deadline - time.monotonic()))[0]:
            chunk = stream.read(65_536)
            if not chunk:
                in_time = True
                break
            chunks.append(chunk)
    if not in_time:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        # Whoever hangs in the kernel cannot be waited for.
        os.waitpid(child, os.WNOHANG)
        return _silent(location, f"it did not answer in {seconds:.0f} s (a dead mount?)")
    os.waitpid(child, 0)
    try:
        facts = msgspec.json.decode(b"".join(chunks))
        return msgspec.convert({"name": location.name, "path": location.path, **facts}, LocationSeen)
    except (msgspec.MsgspecError, TypeError):
        return _silent(location, "looking at it broke off")


def _silent(location: Location, problem: str) -> LocationSeen:
    return LocationSeen(
        name=location.name, path=location.path, free=None, total=None, writable=False, problem=problem
    )


def _unescape(text: str) -> str:
    for escaped, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(escaped, char)
    return text
