"""One writer per location, and marks on backups that are being read: files that name their owner."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from services.errors import QuillkeepError, Refused
from services.files import fsync_folder
from services.jobs.host import Owner, life_of, this_owner
from services.jobs.locks import HEARTBEAT_SECONDS, SILENCE_SECONDS, Heartbeat, lock_lost, owner_in_words

WRITER = ".quillkeep-writer"
READING = ".quillkeep-reading-"
CLOCK = ".quillkeep-clock-"
_UNWRITABLE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_NO_FLOCK = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What such a file holds; its mtime is the heartbeat, by the file system's own clock."""

    owner: Owner
    token: str
    started: datetime
    backup: str | None = None


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A mark as found: None in `mark` is a file cut short by a crash; `silent` is seconds since its heartbeat."""

    path: Path
    mark: Mark | None
    heartbeat: datetime
    silent: float

    @property
    def job(self) -> str | None:
        """The job's id, where the file tells."""
        return self.mark.owner.job if self.mark else None

    def describe(self) -> str:
        """One phrase: job, verb, user, host, since when, last sign of life."""
        if self.mark is None:
            return f"an unreadable mark, last sign of life {self.heartbeat:%Y-%m-%d %H:%M:%S} UTC"
        return owner_in_words(self.mark.owner, self.mark.started, self.heartbeat)


class LocationLock:
    """A location held for writing."""

    def __init__(self, path: Path, mark: Mark, heartbeat_seconds: float) -> None:
        self.path = path
        self.mark = mark
        self._heartbeat = Heartbeat(self._beat, heartbeat_seconds, f"heartbeat-{path.name}")

    def assert_held(self) -> None:
        """Raises `LockLost` when the file is gone or another job's."""
        if self._heartbeat.lost.is_set() or not _is_ours(self.path, self.mark):
            raise lock_lost(f"the location {self.path.parent}", self.mark.owner.job)

    def release(self) -> None:
        """Removes the file if it is still this job's."""
        self._heartbeat.stop()
        _clear(self.path, self.mark)

    def _beat(self) -> bool:
        return _touch_ours(self.path, self.mark)


@contextlib.contextmanager
def writing(
    folder: Path,
    job: str,
    *,
    verb: str = "",
    check: Callable[[], None] = lambda: None,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    silence_seconds: float = SILENCE_SECONDS,
) -> Iterator[LocationLock]:
    """Holds a location for writing; the folder must exist.

    Marks of this host's dead readers are swept. A dead writer of this host is cleared first; after a reboot, and for a file cut short by a crash, once
    it stood still for `silence_seconds`, calling `check` meanwhile. Errors: `Refused` naming the owner;
    `QuillkeepError` when the folder cannot be written.
    """
    path = folder / WRITER
    mark = Mark(owner=this_owner(job, verb), token=secrets.token_hex(16), started=datetime.now(UTC))
    while not _create(path, mark):
        holder = read_writer(folder)
        if holder is None:
            continue
        _stand_or_refuse(holder)
        if _is_dead(holder, silence_seconds):
            _clear(holder.path, holder.mark)
            continue
        check()
        time.sleep(min(1.0, max(0.05, silence_seconds - holder.silent)))
    lock = LocationLock(path, mark, heartbeat_seconds)
    try:
        _sweep_dead_readers(folder, silence_seconds)
        yield lock
    finally:
        lock.release()


@contextlib.contextmanager
def reading(
    folder: Path, backup: str, job: str, *, verb: str = "", heartbeat_seconds: float = HEARTBEAT_SECONDS
) -> Iterator[Path | None]:
    """Marks a backup (its id within the location) as being read, so that nobody deletes or prunes it.

    Gives the mark's path, or None where the location cannot be written by this user: such a location is
    read without a mark.
    """
    name = f"{READING}{job}-{hashlib.sha256(backup.encode()).hexdigest()[:12]}-{secrets.token_hex(3)}"
    path = folder / name
    mark = Mark(
        owner=this_owner(job, verb), token=secrets.token_hex(16), started=datetime.now(UTC), backup=backup
    )
    try:
        _create(path, mark)
    except QuillkeepError as error:
        if not (isinstance(error.__cause__, OSError) and error.__cause__.errno in _UNWRITABLE):
            raise
        yield None
        return
    heartbeat = Heartbeat(lambda: _touch_ours(path, mark), heartbeat_seconds, f"heartbeat-{name}")
    try:
        yield path
    finally:
        heartbeat.stop()
        _clear(path, mark)


def is_being_read(folder: Path, backup: str, *, silence_seconds: float = SILENCE_SECONDS) -> Holder | None:
    """The first living reader of a backup, None when there is none; marks of this host's dead are swept."""
    for holder in list_readers(folder):
        if _is_dead(holder, silence_seconds):
            _clear(holder.path, holder.mark)
        elif holder.mark is None or holder.mark.backup == backup:
            return holder
    return None


def read_writer(folder: Path) -> Holder | None:
    """Who holds a location for writing, alive or not; None when nobody does."""
    return _read(folder / WRITER)


def list_readers(folder: Path) -> list[Holder]:
    """Every reading mark in a location, of the living and the dead."""
    found = []
    for name in sorted(os.listdir(folder)):
        holder = _read(folder / name) if name.startswith(READING) else None
        if holder is not None:
            found.append(holder)
    return found


def _sweep_dead_readers(folder: Path, silence_seconds: float) -> None:
    """Takes away what killed readers left; a mark that cannot be read or removed stays, and hinders no writer."""
    with contextlib.suppress(QuillkeepError):
        for holder in list_readers(folder):
            if _is_dead(holder, silence_seconds):
                _clear(holder.path, holder.mark)


def break_marks(folder: Path, job: str) -> list[Holder]:
    """Takes the writer lock and the reading marks away from a job, wherever it runs; tells which."""
    holders = [read_writer(folder), *list_readers(folder)]
    broken = [holder for holder in holders if holder is not None and holder.job == job]
    for holder in broken:
        _clear(holder.path, holder.mark)
    return broken


def _stand_or_refuse(holder: Holder) -> None:
    if holder.mark is None or life_of(holder.mark.owner) in ("dead", "rebooted"):
        return
    job = holder.mark.owner.job
    raise Refused(
        f"Another job writes to the location {holder.path.parent}.",
        cause=f"It is held by {holder.describe()}.",
        next=f"Wait for it (`quillkeep jobs follow {job}` on {holder.mark.owner.host.words}). "
        f"Only if it is certain to be dead or stuck: `quillkeep unlock {job}`.",
    )


def _is_dead(holder: Holder, silence_seconds: float) -> bool:
    if holder.mark is None:
        return holder.silent >= silence_seconds
    life = life_of(holder.mark.owner)
    return life == "dead" or (life == "rebooted" and holder.silent >= silence_seconds)


def _create(path: Path, mark: Mark) -> bool:
    """Makes the file exclusively, 0600; False when there is one."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(path, flags, 0o600)
    except FileExistsError:
        return False
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        try:
            os.write(handle, msgspec.json.encode(mark))
            os.fsync(handle)
        finally:
            os.close(handle)
        fsync_folder(path.parent)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _unwritable(path, error) from error
    return True


def _read(path: Path) -> Holder | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(handle)
        mark = _decode(stream.read(65_536))
    return Holder(
        path=path,
        mark=mark,
        heartbeat=datetime.fromtimestamp(status.st_mtime, UTC),
        silent=max(0.0, _file_system_now(path.parent) - status.st_mtime),
    )


def _decode(raw: bytes) -> Mark | None:
    try:
        return msgspec.json.decode(raw, type=Mark)
    except msgspec.MsgspecError:
        return None


def _file_system_now(folder: Path) -> float:
    """The clock that sets mtimes there: an NAS has its own."""
    probe = folder / f"{CLOCK}{secrets.token_hex(6)}"
    try:
        handle = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError:
        return time.time()
    try:
        os.utime(handle)
        return os.fstat(handle).st_mtime
    finally:
        os.close(handle)
        probe.unlink(missing_ok=True)


def _clear(path: Path, mark: Mark | None) -> None:
    """Removes exactly the file that was judged: under its flock, and only while the name still means it."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        _flock(handle)
        with contextlib.suppress(FileNotFoundError):
            same = os.path.samestat(os.fstat(handle), os.lstat(path))
            if same and _decode(os.pread(handle, 65_536, 0)) == mark:
                path.unlink()
    finally:
        os.close(handle)


def _flock(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_FLOCK:
            raise


def _is_ours(path: Path, mark: Mark) -> bool:
    try:
        return _decode(path.read_bytes()) == mark
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unreadable(path, error) from error


def _touch_ours(path: Path, mark: Mark) -> bool:
    try:
        if not _is_ours(path, mark):
            return False
        os.utime(path)
    except FileNotFoundError:
        return False
    except (OSError, QuillkeepError):
        # A share that does not answer now is met by the job's own writes; the mark is not lost by it.
        return True
    return True


def _unwritable(path: Path, error: OSError) -> QuillkeepError:
    return QuillkeepError(
        f"The location {path.parent} cannot be written.",
        cause=f"{path.name}: {os.strerror(error.errno or 0)}.",
        next="Check the folder's owner, mode and mount, then `quillkeep doctor`.",
    )


def _unreadable(path: Path, error: OSError) -> QuillkeepError:
    return QuillkeepError(
        f"The mark {path.name} in {path.parent} cannot be read, so who works there is unknown.",
        cause=f"{os.strerror(error.errno or 0)}.",
        next=f"Run as the user who owns {path}, or check the mount.",
    )
