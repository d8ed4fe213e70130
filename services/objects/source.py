"""Where a restore takes objects from: our snapshot, or a folder or tar that the guide's commands made."""

from __future__ import annotations

import itertools
import mimetypes
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from services.errors import QuillkeepError
from services.objects.filenames import ESCAPED_FOLDER, PARTIAL_FOLDER, inside
from services.objects.foreign_tar import encryption_of, tar_objects
from services.objects.keys import Headers
from services.objects.manifest import SUFFIX, ObjectLine, read_lines
from services.passphrase import BackupKey
from services.profile import Limits

_S3_FOLDER = re.compile(r"(quilltap[_-])?s3([_-].*)?\Z")
"""What the guide names the folder inside its tar: `s3_<timestamp>`, `s3-backup-<date>`."""


class SourceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An object of a backup: `sha256` and `etag` are empty where the form does not know them.

    `missing` says why the backup has no bytes of it.
    """

    key: str
    size: int
    sha256: str = ""
    etag: str = ""
    headers: Headers = Headers()
    missing: str | None = None
    moved: str = ""
    """`added` or `removed` while the backup ran: it may have no row."""


class Body(msgspec.Struct, frozen=True):
    """An object's bytes as a file; call `release` when done with it (a tar's are temporary).

    What was encrypted has no file: `descriptor` is memory of this process, and `path` leads to it.
    """

    entry: SourceEntry
    path: Path
    temporary: bool = False
    descriptor: int = -1

    def release(self) -> None:
        """Removes a temporary file, or gives its memory back."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        elif self.temporary:
            self.path.unlink(missing_ok=True)


class ObjectsSource(Protocol):
    """The objects of a backup; both iterations may be repeated and start over. `odd` names what is no object."""

    @property
    def odd(self) -> tuple[str, ...]:
        """Names that were left out: links, devices, sockets; known after `entries`."""
        ...

    def entries(self) -> Iterator[SourceEntry]:
        """Every object, without bytes."""
        ...

    def bodies(self, wanted: Callable[[str], bool]) -> Iterator[Body]:
        """The wanted objects with their bytes, in the same order; raises `QuillkeepError` when damaged."""
        ...


def entry_of(line: ObjectLine) -> SourceEntry:
    """One line of an object manifest as an entry."""
    return SourceEntry(
        key=line.key,
        size=line.size,
        sha256=line.sha256,
        etag=line.etag,
        headers=line.headers,
        missing=line.missing,
        moved=line.moved,
    )


class SnapshotSource:
    """Our snapshot: the object manifest says what there is, files are where it says."""

    odd: tuple[str, ...] = ()

    def __init__(self, folder: Path, lines: Path) -> None:
        self.folder = folder
        self.lines = lines

    def entries(self) -> Iterator[SourceEntry]:
        """Every line; a file that is gone or of another size makes its object missing."""
        for line in read_lines(self.lines):
            yield self._entry(line)

    def bodies(self, wanted: Callable[[str], bool]) -> Iterator[Body]:
        """The files of the wanted objects, not yet hashed."""
        for line in read_lines(self.lines):
            if wanted(line.key):
                yield Body(self._entry(line), self._path(line))

    def _path(self, line: ObjectLine) -> Path:
        try:
            return inside(self.folder, line.path)
        except ValueError as error:
            raise QuillkeepError(
                f"The object manifest {self.lines.name} names a file outside its snapshot.", cause=str(error)
            ) from error

    def _entry(self, line: ObjectLine) -> SourceEntry:
        entry = entry_of(line)
        if line.missing is not None:
            return entry
        try:
            state = os.stat(self._path(line), follow_symlinks=False)
        except OSError as error:
            return msgspec.structs.replace(entry, missing=f"its file cannot be read: {error.strerror}")
        if not stat.S_ISREG(state.st_mode):
            return msgspec.structs.replace(entry, missing="its file is no regular file")
        if state.st_size != line.size:
            why = f"its file has {state.st_size:,} bytes instead of {line.size:,}"
            return msgspec.structs.replace(entry, missing=why)
        return entry


class FolderSource:
    """A folder that `mc mirror` or `aws s3 sync` made: paths are keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._odd: list[str] = []

    @property
    def odd(self) -> tuple[str, ...]:
        """What is neither a folder nor a regular file."""
        return tuple(self._odd)

    def entries(self) -> Iterator[SourceEntry]:
        """Every regular file, sorted; sums are not known."""
        self._odd = []
        for relative, state in walk_files(self.folder):
            if not stat.S_ISREG(state.st_mode):
                self._odd.append(relative)
            else:
                yield SourceEntry(key=relative, size=state.st_size, headers=guessed_headers(relative))

    def bodies(self, wanted: Callable[[str], bool]) -> Iterator[Body]:
        """The wanted files."""
        for entry in self.entries():
            if wanted(entry.key):
                yield Body(entry, self.folder / entry.key)


class TarSource:
    """A tar or tar.gz of such a folder; bytes are unpacked into `scratch` only while they are needed."""

    odd: tuple[str, ...] = ()

    def __init__(self, path: Path, *, limits: Limits | None = None, scratch: Path | None = None) -> None:
        self.path = path
        self._limits = limits or Limits()
        self._scratch = scratch
        self._numbers = itertools.count()
        # Outlives `bodies`: the last ones are still being put when that iteration has ended.
        self._unpacked: tempfile.TemporaryDirectory[str] | None = None

    def entries(self) -> Iterator[SourceEntry]:
        """Every regular member, one pass."""
        for member in tar_objects(self.path, self._limits):
            key = tar_key(member.name)
            yield SourceEntry(key=key, size=member.size, headers=guessed_headers(key))

    def bodies(self, wanted: Callable[[str], bool]) -> Iterator[Body]:
        """The wanted members, each unpacked into a temporary file."""
        if self._unpacked is None:
            self._unpacked = tempfile.TemporaryDirectory(prefix="objects-", dir=self._scratch)
        folder = Path(self._unpacked.name)
        for member in tar_objects(self.path, self._limits):
            key = tar_key(member.name)
            if not wanted(key):
                continue
            path = folder / str(next(self._numbers))
            with open(path, "xb") as target:
                for chunk in member.chunks:
                    target.write(chunk)
            entry = SourceEntry(key=key, size=member.size, headers=guessed_headers(key))
            yield Body(entry, path, temporary=True)

    def close(self) -> None:
        """Removes what was unpacked and not released; also happens when the source is forgotten."""
        if self._unpacked is not None:
            self._unpacked.cleanup()
            self._unpacked = None


def open_objects(
    path: Path,
    lines: Path | None = None,
    *,
    limits: Limits | None = None,
    scratch: Path | None = None,
    key: BackupKey | None = None,
) -> ObjectsSource:
    """Opens the objects of a backup: with `lines` (its object manifest) ours, else a foreign folder or tar.

    An object manifest beside the folder is found by its name; an encrypted tar is opened with `key`. Raises
    `QuillkeepError` for anything else, `EncryptedDump` without what opens it.
    """
    if path.is_dir():
        beside = lines or path.with_name(path.name + SUFFIX)
        if lines is not None or beside.is_file():
            return SnapshotSource(path, beside)
        return FolderSource(path)
    if path.is_file():
        if encryption_of(path) is not None:
            from services.objects.encrypted_tar import EncryptedTarSource

            return EncryptedTarSource(path, limits=limits or Limits(), key=key)
        return TarSource(path, limits=limits, scratch=scratch)
    raise QuillkeepError(
        f"There are no objects at {path}.", next="`quillkeep list` shows the backups and what each one has."
    )


def walk_files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Everything below a folder that is not a folder, sorted, as paths relative to it; links are not followed."""

    def failed(error: OSError) -> None:
        raise QuillkeepError(
            f"The folder {error.filename} cannot be read.",
            cause=error.strerror or "",
            next="Correct its rights.",
        ) from error

    for where, folders, files in os.walk(folder, onerror=failed):
        links = [name for name in folders if os.path.islink(os.path.join(where, name))]
        folders[:] = sorted(
            name for name in folders if name not in links and name not in (ESCAPED_FOLDER, PARTIAL_FOLDER)
        )
        for name in sorted([*files, *links]):
            path = os.path.join(where, name)
            yield os.path.relpath(path, folder), os.stat(path, follow_symlinks=False)


def guessed_headers(key: str) -> Headers:
    """The content type by the key's ending, as the stock tools guess it: foreign copies kept none."""
    return Headers(content_type=mimetypes.guess_type(key)[0])


def tar_key(name: str) -> str:
    """The key of a tar's member: without the folder that the guide's commands put around all."""
    first, slash, rest = name.partition("/")
    return rest if slash and _S3_FOLDER.match(first) else name
