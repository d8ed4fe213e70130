"""Verifying a backup's objects: ours against the object manifest, foreign ones as far as their form can say."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from services.errors import QuillkeepError
from services.objects.fetching import READ_BYTES, hash_file
from services.objects.filenames import inside
from services.objects.foreign_tar import tar_objects
from services.objects.manifest import ObjectLine, read_lines
from services.objects.pool import run_pool
from services.objects.source import SourceEntry, tar_key, walk_files
from services.passphrase import BackupKey
from services.profile import Limits

HASH_THREADS = 4
BATCH = 64
UNREAD = frozenset({errno.EIO, errno.EACCES, errno.EPERM, errno.ESTALE, errno.ETIMEDOUT, errno.ENXIO})
"""Errors that say nothing of a file's bytes."""

SeenInodes = dict[tuple[int, int], str]
"""(device, inode) -> sha256 already read in this run, so that linked files of many snapshots are read once."""


TakeEntry = Callable[[SourceEntry], None]


class BadFile(msgspec.Struct, frozen=True):
    """A file that is not what was recorded; `inode` names what other snapshots may share, 0 when it is gone.

    `unread`: the disk or the mount did not give its bytes now, which says nothing of them.
    """

    key: str
    why: str
    inode: int = 0
    unread: bool = False


class ObjectsVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: `objects` and `bytes` recorded, `read` bytes hashed now (an inode once), `bad` files.

    `missing` keys were unreadable at the backup (accepted ones apart, in `lost`), `extra` are files that no
    line names, `odd` what is no regular file. `proof` is `structure` where the form carries no sums.
    """

    objects: int = 0
    bytes: int = 0
    read: int = 0
    bad: tuple[BadFile, ...] = ()
    missing: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    contradicting: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    proof: str = "content"


def _nothing() -> None:
    """No cancel."""


def _uncounted(amount: int) -> None:
    """Nobody counts."""


class _Checked(msgspec.Struct, frozen=True):
    bad: BadFile | None = None
    read: int = 0


def verify_snapshot(
    folder: Path,
    lines: Path,
    *,
    full: bool = True,
    seen: SeenInodes | None = None,
    threads: int = HASH_THREADS,
    check: Callable[[], None] = _nothing,
    advance: Callable[[int], None] = _uncounted,
) -> ObjectsVerdict:
    """Compares a snapshot with its object manifest: every file's kind and size, with `full` its sha256 too.

    Raises `QuillkeepError` when the object manifest itself cannot be read.
    """
    known: SeenInodes = {} if seen is None else seen
    objects = size = read = 0
    bad: list[BadFile] = []
    missing: list[str] = []
    lost: list[str] = []
    contradicting: list[str] = []
    paths: set[int] = set()

    def present() -> Iterator[ObjectLine]:
        nonlocal objects, size
        for line in read_lines(lines):
            if line.missing is not None:
                (lost if line.lost else missing).append(line.key)
                continue
            objects += 1
            size += line.size
            if line.contradicting:
                contradicting.append(line.key)
            paths.add(hash(line.path))
            yield line

    def work(batch: list[ObjectLine]) -> list[_Checked]:
        return [_check_file(folder, line, full, known, check, advance) for line in batch]

    def done(batch: list[_Checked]) -> None:
        nonlocal read
        for checked in batch:
            read += checked.read
            if checked.bad is not None:
                bad.append(checked.bad)

    run_pool(_batched(present()), work, done, threads=threads, check=check)
    extra: list[str] = []
    if folder.is_dir():
        extra = [path for path, _ in walk_files(folder) if hash(path) not in paths]
    return ObjectsVerdict(
        objects=objects,
        bytes=size,
        read=read,
        bad=tuple(sorted(bad, key=lambda each: each.key)),
        missing=tuple(missing),
        lost=tuple(lost),
        contradicting=tuple(contradicting),
        extra=tuple(extra),
    )


def _batched(lines: Iterable[ObjectLine]) -> Iterator[list[ObjectLine]]:
    batch: list[ObjectLine] = []
    for line in lines:
        batch.append(line)
        if len(batch) == BATCH or line.size > READ_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _check_file(
    folder: Path,
    line: ObjectLine,
    full: bool,
    seen: SeenInodes,
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> _Checked:
    try:
        path = inside(folder, line.path)
        state = os.stat(path, follow_symlinks=False)
        if not stat.S_ISREG(state.st_mode):
            return _Checked(BadFile(line.key, "is no regular file", state.st_ino))
        if state.st_size != line.size:
            why = f"has {state.st_size:,} bytes instead of {line.size:,}"
            return _Checked(BadFile(line.key, why, state.st_ino))
        if not full:
            return _Checked()
        identity = (state.st_dev, state.st_ino)
        digest, read = seen.get(identity), 0
        if digest is None:

            def heard(amount: int) -> None:
                check()
                advance(amount)

            digest, read = hash_file(path, advance=heard), line.size
            seen[identity] = digest
        if digest != line.sha256:
            return _Checked(BadFile(line.key, "its bytes are not those of its sha256", state.st_ino), read)
        return _Checked(None, read)
    except FileNotFoundError:
        return _Checked(BadFile(line.key, "its file is gone"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        unread = isinstance(error, OSError) and error.errno in UNREAD
        return _Checked(BadFile(line.key, f"its file cannot be read: {reason}", unread=unread))


def verify_foreign(
    path: Path,
    *,
    full: bool = True,
    limits: Limits | None = None,
    check: Callable[[], None] = _nothing,
    advance: Callable[[int], None] = _uncounted,
    key: BackupKey | None = None,
    take: TakeEntry | None = None,
) -> ObjectsVerdict:
    """Looks at a foreign folder or tar of objects: no sums exist, so everything is read and its kind checked.

    With `take` a full look gives it every object, with the sha256 of its bytes where they could be read.

    Raises `QuillkeepError` for a damaged or hostile tar and for folders that cannot be read, `EncryptedDump`
    for an encrypted tar that `key` does not open.
    """
    if path.is_dir():
        return _verify_folder(path, full, check, advance, take)
    if not path.is_file():
        raise QuillkeepError(f"There are no objects at {path}.")
    objects = size = 0
    if full:
        for member in tar_objects(path, limits or Limits(), key=key):
            objects += 1
            digest = hashlib.sha256() if take is not None else None
            for chunk in member.chunks:
                check()
                advance(len(chunk))
                size += len(chunk)
                if digest is not None:
                    digest.update(chunk)
            if take is not None and digest is not None:
                name = tar_key(member.name)
                take(SourceEntry(key=name, size=member.size, sha256=digest.hexdigest()))
    return ObjectsVerdict(objects=objects, bytes=size, read=size, proof="structure")


def _verify_folder(
    folder: Path,
    full: bool,
    check: Callable[[], None],
    advance: Callable[[int], None],
    take: TakeEntry | None,
) -> ObjectsVerdict:
    objects = size = read = 0
    odd: list[str] = []
    bad: list[BadFile] = []
    for relative, state in walk_files(folder):
        check()
        if not stat.S_ISREG(state.st_mode):
            odd.append(relative)
            continue
        objects += 1
        size += state.st_size
        if full:
            digest = hashlib.sha256() if take is not None else None
            sha256 = ""
            try:
                with open(folder / relative, "rb", buffering=0) as stream:
                    while chunk := stream.read(READ_BYTES):
                        check()
                        advance(len(chunk))
                        read += len(chunk)
                        if digest is not None:
                            digest.update(chunk)
                sha256 = digest.hexdigest() if digest is not None else ""
            except OSError as error:
                unread = error.errno in UNREAD
                bad.append(BadFile(relative, f"cannot be read: {error.strerror}", state.st_ino, unread))
            if take is not None:
                take(SourceEntry(key=relative, size=state.st_size, sha256=sha256))
    return ObjectsVerdict(
        objects=objects, bytes=size, read=read, bad=tuple(bad), odd=tuple(odd), proof="structure"
    )
