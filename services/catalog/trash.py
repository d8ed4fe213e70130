"""The trash of a location: deleted backups as they were, in `.trash/`, until it is emptied.

Each is a folder of its own: `trash.json` says what it is and where it came from, `files/` holds what was
moved, under its own names. The scan of a location never looks in here, and nothing here is ever linked to.
"""

from __future__ import annotations

import os
import re
import stat
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from services.catalog.manifest import Part
from services.catalog.model import BackupKind
from services.catalog.naming import printable
from services.errors import QuillkeepError, Refused
from services.files import PARTIAL, fsync_folder, write_whole
from services.profile import Location, Profile

TRASH = ".trash"
RECORD = "trash.json"
FILES = "files"
EMPTYING = ".emptying"
"""Ends the name of an entry that is being deleted for good: it cannot be restored any more."""
SCHEMA = 1

EntryState = Literal["moving", "trashed", "restoring", "emptying"]


class TrashRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was deleted. `names` are moved in this order, and back in the other; `folder` is the place within
    the location they came from. Both are file names byte for byte, as Latin-1."""

    schema: int = SCHEMA
    id: str
    kind: BackupKind
    folder: str
    names: tuple[str, ...]
    state: EntryState
    deleted: datetime
    by: str
    job: str
    created: datetime
    parts: tuple[Part, ...] = ()
    bytes: int = 0
    whose: str = ""
    """Another deployment's name, where the backup was not of this one."""


class TrashEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One deleted backup; `path` is its folder in the trash."""

    location: str
    root: Path
    path: Path
    record: TrashRecord

    @property
    def name(self) -> str:
        """The entry's own name, unique in its trash."""
        return self.path.name

    @property
    def state(self) -> EntryState:
        """How far it is; the folder's name decides about `emptying`."""
        return "emptying" if self.name.endswith(EMPTYING) else self.record.state

    @property
    def files(self) -> Path:
        """Where its files lie now."""
        return self.path / FILES

    @property
    def place(self) -> Path:
        """The folder they came from."""
        return self.root / from_text(self.record.folder)

    @property
    def names(self) -> tuple[str, ...]:
        """The file names in the order in which they move."""
        return tuple(from_text(name) for name in self.record.names)


class TrashProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a trash that could not be read or is not Quillkeep's: it is left alone."""

    location: str
    path: str
    problem: str

    @property
    def sentence(self) -> str:
        """What an admin reads."""
        return f"{printable(self.path)} (trash of {self.location}): {self.problem}"


class Trash(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in the trashes of several locations, newest deletion first."""

    entries: tuple[TrashEntry, ...] = ()
    problems: tuple[TrashProblem, ...] = ()


def as_text(name: str) -> str:
    """A file name or relative path as a record holds it."""
    return os.fsencode(name).decode("latin-1")


def from_text(text: str) -> str:
    """The other way of `as_text`."""
    return os.fsdecode(text.encode("latin-1"))


def read_trash(profile: Profile) -> Trash:
    """What lies in the trashes of the profile's locations; what cannot be read is named, never raised."""
    entries: list[TrashEntry] = []
    problems: list[TrashProblem] = []
    seen: set[str] = set()
    for location in profile.locations:
        real = os.path.realpath(location.path)
        if real not in seen:
            seen.add(real)
            _read_location(location, entries, problems)
    entries.sort(key=lambda entry: (entry.record.deleted, entry.name), reverse=True)
    return Trash(entries=tuple(entries), problems=tuple(problems))


def _read_location(location: Location, entries: list[TrashEntry], problems: list[TrashProblem]) -> None:
    def problem(path: str, words: str) -> None:
        problems.append(TrashProblem(location=location.name, path=path, problem=words))

    trash = f"{location.path}/{TRASH}"
    try:
        if stat.S_ISLNK(os.lstat(trash).st_mode):
            problem(trash, "it is a link, and nothing behind it is touched")
            return
        names = sorted(os.listdir(trash))
    except FileNotFoundError:
        if not os.path.isdir(location.path):
            problem(location.path, "the folder does not exist (not mounted?)")
        return
    except OSError as error:
        problem(trash, f"it cannot be read: {error.strerror}")
        return
    for name in names:
        if PARTIAL in name:
            continue
        path = f"{trash}/{name}"
        try:
            record = read_record(Path(path))
        except (OSError, ValueError) as error:
            words = error.strerror if isinstance(error, OSError) else str(error)
            problem(path, f"it is left alone: {words}")
            continue
        entries.append(
            TrashEntry(location=location.name, root=Path(location.path), path=Path(path), record=record)
        )


def read_record(path: Path) -> TrashRecord:
    """An entry's record. Errors: `OSError`; `ValueError` for one that is not ours or names a place outside."""
    file = path / RECORD
    handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as stream:
        data = stream.read(16 << 20)
    try:
        record = msgspec.json.decode(data, type=TrashRecord)
        inner = [from_text(record.folder), *(from_text(name) for name in record.names)]
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ValueError(f"its {RECORD} is not one of Quillkeep's") from error
    if record.schema > SCHEMA:
        raise ValueError("it was written by a newer Quillkeep")
    if any("\0" in name or name in (".", "..") for name in inner):
        raise ValueError(f"its {RECORD} names a file outside its place")
    if any("/" in name or not name for name in inner[1:]) or ".." in inner[0].split("/"):
        raise ValueError(f"its {RECORD} names a file outside its place")
    if inner[0].startswith("/"):
        raise ValueError(f"its {RECORD} names a file outside its place")
    return record


def open_trash(root: Path) -> Path:
    """The location's trash, made with 0700 when there is none. Errors: `Refused` when the name is something
    else's, `QuillkeepError` when it cannot be made."""
    trash = root / TRASH
    try:
        try:
            os.mkdir(trash, 0o700)
            os.chmod(trash, 0o700)
            fsync_folder(root)
        except FileExistsError:
            status = os.lstat(trash)
            if not stat.S_ISDIR(status.st_mode):
                raise Refused(
                    f"{trash} is no folder, so nothing can be moved there.",
                    next="Move it away, then run the command again.",
                ) from None
            if stat.S_IMODE(status.st_mode) & 0o077 and status.st_uid == os.geteuid():
                os.chmod(trash, 0o700)
    except OSError as error:
        raise QuillkeepError(
            f"The trash {trash} cannot be made.",
            cause=os.strerror(error.errno or 0) + ".",
            next="Check the folder's owner, mode, mount and free space.",
        ) from error
    return trash


def new_entry(root: Path, location: str, record: TrashRecord) -> TrashEntry:
    """Makes an empty entry that says what will be moved into it, durably, before anything is moved."""
    trash = open_trash(root)
    base = f"{record.deleted:%Y%m%dT%H%M%SZ}_{_safe(record.id)}"
    name, number = base, 1
    while os.path.lexists(trash / name) or os.path.lexists(trash / f"{name}{EMPTYING}"):
        number += 1
        name = f"{base}-{number}"
    partial = trash / f"{name}{PARTIAL}{os.urandom(4).hex()}"
    try:
        os.mkdir(partial, 0o700)
        os.mkdir(partial / FILES, 0o700)
        write_whole(partial / RECORD, msgspec.json.encode(record))
        os.rename(partial, trash / name)
        fsync_folder(trash)
    except OSError as error:
        discard_partial(partial)
        raise QuillkeepError(
            f"The trash {trash} cannot be written.",
            cause=os.strerror(error.errno or 0) + ".",
            next="Check the folder's owner, mode and mount; a few KiB must be free there.",
        ) from error
    return TrashEntry(location=location, root=root, path=trash / name, record=record)


def discard_partial(partial: Path) -> None:
    """Removes an entry that never got its name, or gave it up. Errors: `OSError` when files of a backup lie in it."""
    for folder in (partial / FILES, partial):
        if not folder.is_dir():
            continue
        for left in os.listdir(folder):
            if PARTIAL in left or (folder == partial and left == RECORD):
                (folder / left).unlink()
        folder.rmdir()


def save_state(entry: TrashEntry, state: EntryState) -> TrashEntry:
    """Notes how far an entry is, durably."""
    record = msgspec.structs.replace(entry.record, state=state)
    write_whole(entry.path / RECORD, msgspec.json.encode(record))
    return msgspec.structs.replace(entry, record=record)


def remove_entry(entry: TrashEntry) -> None:
    """Takes an entry without files away. Errors: `OSError` when something still lies in it."""
    if entry.files.is_dir():
        entry.files.rmdir()
    # Its name goes first, so that a crash leaves no entry whose record is gone.
    partial = entry.path.with_name(f"{entry.name}{PARTIAL}{os.urandom(4).hex()}")
    os.rename(entry.path, partial)
    fsync_folder(entry.path.parent)
    discard_partial(partial)


def _safe(id: str) -> str:
    """An id as a part of a file name; what it really is stands in the record."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", id)[-100:].lstrip(".") or "backup"
