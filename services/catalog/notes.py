"""What is learnt of a backup after it was made: one JSON line each, appended durably, never changed.

The notes lie beside the manifest (a foreign backup's beside it, under its name); of a folder that cannot
be written they lie in `<state>/notes/<hash of the folder>/`. Both are read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from services import files
from services.catalog.layout import NOTES_SUFFIX, notes_name
from services.catalog.manifest import Part
from services.catalog.model import CheckStatus, Depth
from services.errors import QuillkeepError
from services.paths import Paths

MAX_NOTES_BYTES = 64 << 20
"""A notes file beyond this is not one of ours; only its first bytes are looked at."""


class BadObject(msgspec.Struct, frozen=True, kw_only=True):
    """An object file whose bytes are wrong; every snapshot that links the inode shares the damage."""

    key: str
    inode: int = 0
    why: str = ""


class Note(msgspec.Struct, frozen=True, kw_only=True, tag_field="note"):
    """One line; `at` is UTC."""

    at: datetime


class NotedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """How one check of a run ended."""

    name: str
    status: CheckStatus
    detail: str = ""
    next: str = ""
    decides: str = ""
    """Whose verdict it is: `backup`, `database`, `objects`, or `data` which decides none; empty in older notes."""


class CheckNote(Note, frozen=True, kw_only=True, tag="check"):
    """A verify that ran: the verdict of the whole, and of each part.

    `checks` are all that ran, empty in notes of versions that did not write them. Those about the data
    (pairs, references, pepper) are among them and decide neither `status` nor `parts`.
    """

    depth: Depth
    status: CheckStatus
    proof: Literal["content", "structure"] = "structure"
    job: str = ""
    parts: dict[Part, CheckStatus] = {}
    findings: tuple[str, ...] = ()
    bad: tuple[BadObject, ...] = ()
    checks: tuple[NotedCheck, ...] = ()
    asked: Depth | None = None
    """The depth that was asked for; `depth` is less when the deep part could not be run."""
    seconds: float = 0.0
    """How long it took, 0 in notes of versions that did not write it."""
    bytes: int = 0
    """How many bytes it read."""

    def part(self, part: Part) -> CheckStatus | None:
        """The verdict of one part, None when it was not looked at."""
        return self.parts.get(part) if self.parts else self.status


class SharedDamageNote(Note, frozen=True, kw_only=True, tag="shared-damage"):
    """A verify of another snapshot found object files bad that this one links too."""

    found_in: str
    job: str = ""
    bad: tuple[BadObject, ...] = ()


class PinNote(Note, frozen=True, kw_only=True, tag="pin"):
    """Somebody keeps this backup from every deletion by rule."""

    by: str = ""


class UnpinNote(Note, frozen=True, kw_only=True, tag="unpin"):
    """The pin was taken away."""

    by: str = ""


class AcceptNote(Note, frozen=True, kw_only=True, tag="accept"):
    """Somebody named object keys as lost for ever, or called a suspicious backup right."""

    lost: tuple[str, ...] = ()
    suspicious: bool = False
    by: str = ""


AnyNote = CheckNote | SharedDamageNote | PinNote | UnpinNote | AcceptNote


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """All notes of one backup, oldest first; `unreadable` names lines that are torn or of no known kind."""

    entries: tuple[AnyNote, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def checks(self) -> list[CheckNote]:
        """The verify runs, oldest first."""
        return [entry for entry in self.entries if isinstance(entry, CheckNote)]

    @property
    def pinned(self) -> bool:
        """Whether the last word was `pin`."""
        last = [entry for entry in self.entries if isinstance(entry, PinNote | UnpinNote)][-1:]
        return bool(last) and isinstance(last[0], PinNote)

    @property
    def lost(self) -> tuple[str, ...]:
        """Object keys accepted as lost."""
        return tuple(
            sorted({key for entry in self.entries if isinstance(entry, AcceptNote) for key in entry.lost})
        )

    @property
    def suspicious_accepted(self) -> bool:
        """Whether the suspicion was answered."""
        return any(isinstance(entry, AcceptNote) and entry.suspicious for entry in self.entries)

    @property
    def bad_objects(self) -> tuple[BadObject, ...]:
        """Object files called bad and not proven whole since by a full check."""
        bad: dict[str, BadObject] = {}
        for entry in self.entries:
            if isinstance(entry, SharedDamageNote):
                bad.update({one.key: one for one in entry.bad})
            elif isinstance(entry, CheckNote):
                if entry.depth != "quick" and entry.part("objects") in ("ok", "warn"):
                    bad.clear()
                bad.update({one.key: one for one in entry.bad})
        return tuple(bad[key] for key in sorted(bad))


_NO_NOTES = Notes()
_decoder = msgspec.json.Decoder(AnyNote)
_encoder = msgspec.json.Encoder()


class _AnyTag(msgspec.Struct):
    note: str


def parse_notes(data: bytes) -> Notes:
    """Notes of a file's content; torn and foreign lines are named and skipped."""
    if not data:
        return _NO_NOTES
    entries: list[AnyNote] = []
    unreadable: list[str] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            entries.append(_decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            unreadable.append(_name_line(number, line))
    return Notes(entries=tuple(entries), unreadable=tuple(unreadable))


def _name_line(number: int, line: bytes) -> str:
    try:
        kind = msgspec.json.decode(line, type=_AnyTag).note
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"line {number} is torn or not a note"
    return f"line {number} is a note {kind[:40]!r} that this version does not know"


def merge_notes(several: Sequence[Notes]) -> Notes:
    """The notes of several files in order of time."""
    if len(several) == 1:
        return several[0]
    entries = sorted((entry for notes in several for entry in notes.entries), key=_moment)
    return Notes(
        entries=tuple(entries), unreadable=tuple(line for notes in several for line in notes.unreadable)
    )


def _moment(note: AnyNote) -> float:
    return note.at.timestamp()


def state_folder(folder: Path, paths: Paths) -> Path:
    """Where the notes of a folder lie that cannot be written."""
    digest = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()
    return paths.notes / digest[:16]


def read_notes_file(path: str | Path) -> Notes:
    """Notes of one file; a file that is not there has none. `OSError` for anything else."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return _NO_NOTES
    try:
        data = os.read(handle, 1 << 16)
        if len(data) == 1 << 16:
            chunks = [data]
            while len(data) and sum(map(len, chunks)) < MAX_NOTES_BYTES:
                data = os.read(handle, 1 << 20)
                chunks.append(data)
            data = b"".join(chunks)
    finally:
        os.close(handle)
    return parse_notes(data)


def read_notes(folder: Path, artefact: str, paths: Paths) -> Notes:
    """Everything noted of a backup: beside it, and in the state folder. Unreadable files are named."""
    found = []
    for place in (folder, state_folder(folder, paths)):
        try:
            found.append(read_notes_file(place / notes_name(artefact)))
        except OSError as error:
            found.append(Notes(unreadable=(f"the notes could not be read: {error.strerror}",)))
    return merge_notes(found)


def append_note(folder: Path, artefact: str, note: AnyNote, paths: Paths) -> Path:
    """Appends one line durably and gives the file it went to.

    Beside the backup when that folder can be written, else in the state folder. A line torn by an
    earlier crash is closed first. Errors: `QuillkeepError` when neither place can be written.
    """
    line = _encoder.encode(note)
    reasons = []
    for place, make in ((folder, False), (state_folder(folder, paths), True)):
        target = place / notes_name(artefact)
        try:
            if make:
                files.make_private_folder(place)
            new = not target.exists()
            files.append_line(target, (b"\n" if _torn(target) else b"") + line)
            if new:
                files.fsync_folder(place)
        except OSError as error:
            reasons.append(f"{target}: {error.strerror}")
        else:
            return target
    raise QuillkeepError(
        f"The note on {artefact} could not be written.",
        cause="; ".join(reasons),
        touched="The backup itself was not changed.",
        next=f"Make {folder} writable, or free space there, and run the command again.",
    )


def _torn(path: Path) -> bool:
    try:
        with open(path, "rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            if size == 0:
                return False
            stream.seek(size - 1)
            return stream.read(1) != b"\n"
    except FileNotFoundError:
        return False


def note_fields(note: AnyNote) -> dict[str, Any]:
    """A note as plain JSON data."""
    fields: dict[str, Any] = msgspec.to_builtins(note)
    return fields


__all__ = [
    "NOTES_SUFFIX",
    "AcceptNote",
    "AnyNote",
    "BadObject",
    "CheckNote",
    "Notes",
    "PinNote",
    "SharedDamageNote",
    "UnpinNote",
    "append_note",
    "merge_notes",
    "note_fields",
    "parse_notes",
    "read_notes",
    "read_notes_file",
    "state_folder",
]
