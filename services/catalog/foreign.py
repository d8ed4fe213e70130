"""Artefacts of the guide's commands and of colleagues: no manifest, recognised by form and name."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

import msgspec

from services.catalog import peek
from services.catalog.folder import Folder
from services.catalog.manifest import Part
from services.catalog.model import Backup, BackupKind
from services.catalog.naming import (
    ENCRYPTED_ENDING,
    SIDECAR,
    NamedTime,
    candidate,
    created_of,
    group_stamp,
    part_by_name,
    printable,
)
from services.catalog.notes import Notes
from services.catalog.verdict import DAMAGED, part_status, proven_full, verified, why_failed

NO_PERMISSION = "no permission to read it"


class Artefact(msgspec.Struct, frozen=True, kw_only=True):
    """One recognised file or folder; `problem` says why it could not be looked into."""

    name: str
    path: Path
    kind: BackupKind
    part: Part
    when: NamedTime
    bytes: int
    encrypted: Literal["gpg", "openssl"] | None = None
    problem: str = ""
    sidecar: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The artefact and its checksum file."""
        return (self.path, self.sidecar) if self.sidecar else (self.path,)


def foreign_backups(folder: Folder, taken: set[str]) -> tuple[list[Backup], list[str]]:
    """(backups, names of folders that are none themselves and may hold some)."""
    artefacts: list[Artefact] = []
    others: list[str] = []
    for name, entry in folder.entries.items():
        if name in taken or name.startswith("."):
            continue
        try:
            is_folder = entry.is_dir()
        except OSError:
            continue
        if is_folder:
            artefact = recognise_folder(entry.path, name)
            if artefact is None:
                others.append(name)
        elif candidate(name) == "no":
            continue
        else:
            artefact = recognise_file(entry.path, name, folder)
        if artefact is not None:
            artefacts.append(artefact)
    return [_backup(folder, group) for group in grouped(artefacts)], others


def recognise_file(
    path: str, name: str, folder: Folder | None = None, *, asked_for: bool = False
) -> Artefact | None:
    """What a file is by its first bytes, None when it is no backup and its name does not say so.

    One that somebody `asked_for` by its path, or a .gz that is empty or not gzip, is given with the problem.
    """
    from services.streams.sniff import sniff

    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return None
        form = sniff(Path(path))
    except PermissionError:
        return _file(path, name, folder, "archive", 0, problem=NO_PERMISSION) if _named(name) else None
    except OSError as error:
        return _file(path, name, folder, "archive", 0, problem=f"cannot be read: {error.strerror}")
    size = status.st_size
    mtime = status.st_mtime
    if form in ("archive", "archive.gz"):
        return _file(path, name, folder, "archive", size, mtime=mtime, part="database")
    if form in ("tar", "tar.gz"):
        inside = peek.look_into_tar(path)
        part = part_by_name(name) or inside.part
        if part is None:
            return None if not _named(name) else _file(path, name, folder, "tar", size, mtime=mtime)
        kind: BackupKind = "objects-tar" if part == "objects" else "tar"
        locked = inside.encrypted if part == "database" else None
        return _file(path, name, folder, kind, size, mtime=mtime, part=part, encrypted=locked)
    if form in ("gpg", "openssl", "openssl-base64"):
        if not ENCRYPTED_ENDING.search(name) and not _named(name):
            return None
        inner = ENCRYPTED_ENDING.sub("", name)
        part = part_by_name(inner) or "database"
        tar = inner.endswith((".tar", ".tar.gz", ".tgz"))
        kind = ("objects-tar" if part == "objects" else "tar") if tar else "archive"
        tool: Literal["gpg", "openssl"] = "gpg" if form == "gpg" else "openssl"
        return _file(path, name, folder, kind, size, mtime=mtime, part=part, encrypted=tool)
    if not _named(name) and not (asked_for and candidate(name) != "no") and not _claims_gzip(path, name):
        return None
    problem = "the file is empty" if form == "empty" else "its bytes are of no form Quillkeep knows"
    if form == "unknown" and name.endswith(".enc"):
        problem = (
            "it has no header of `openssl enc` (made with -nosalt, -K and -iv, or -S), so nothing tells its key: "
            "decrypt it by hand and name the plain file"
        )
    return _file(path, name, folder, "archive", size, mtime=mtime, problem=problem)


def _claims_gzip(path: str, name: str) -> bool:
    if not name.endswith((".gz", ".tgz")):
        return False
    try:
        with open(path, "rb") as stream:
            return stream.read(2) != b"\x1f\x8b"
    except OSError:
        return False


def _named(name: str) -> bool:
    return candidate(name) == "named"


def _file(
    path: str,
    name: str,
    folder: Folder | None,
    kind: BackupKind,
    size: int,
    *,
    mtime: float = 0.0,
    part: Part | None = None,
    encrypted: Literal["gpg", "openssl"] | None = None,
    problem: str = "",
) -> Artefact:
    beside = name + SIDECAR
    has_sidecar = beside in folder.entries if folder else os.path.exists(path + SIDECAR)
    return Artefact(
        name=name,
        path=Path(path),
        kind=kind,
        part=part or part_by_name(name) or "database",
        when=created_of(name, mtime),
        bytes=size,
        encrypted=encrypted,
        problem=problem,
        sidecar=Path(path + SIDECAR) if has_sidecar else None,
    )


def recognise_folder(path: str, name: str) -> Artefact | None:
    """A directory dump or a mirrored bucket, None for any other folder."""
    part = part_by_name(name)
    try:
        shape = peek.shape_of_folder(path, objects_named=part == "objects")
        mtime = os.stat(path).st_mtime
    except PermissionError:
        if not _guide_folder(name):
            return None
        return Artefact(
            name=name,
            path=Path(path),
            kind="objects" if part == "objects" else "directory",
            part=part or "database",
            when=created_of(name, 0.0),
            bytes=0,
            problem=NO_PERMISSION,
        )
    except OSError:
        return None
    if shape is None:
        return None
    return Artefact(
        name=name,
        path=Path(shape.root),
        kind="objects" if shape.part == "objects" else "directory",
        part=shape.part,
        when=created_of(name, mtime),
        bytes=shape.bytes,
        problem=shape.problem,
    )


def _guide_folder(name: str) -> bool:
    return group_stamp(name) is not None or part_by_name(name) is not None or name.startswith("backup")


_PREFERENCE = ("tar", "directory", "archive")


def grouped(artefacts: list[Artefact]) -> list[list[Artefact]]:
    """What one run of the cron script made belongs together: one database part, one objects part, one stamp."""
    by_stamp: dict[str, list[Artefact]] = {}
    rest: list[list[Artefact]] = []
    for artefact in artefacts:
        stamp = group_stamp(artefact.name)
        if stamp is None:
            rest.append([artefact])
        else:
            by_stamp.setdefault(stamp, []).append(artefact)
    for members in by_stamp.values():
        database = _best([one for one in members if one.part == "database"])
        objects = _best([one for one in members if one.part == "objects"])
        if database is not None and objects is not None:
            rest.append([database, objects])
            members = [one for one in members if one is not database and one is not objects]
        rest.extend([one] for one in members)
    return rest


def _best(candidates: list[Artefact]) -> Artefact | None:
    def rank(one: Artefact) -> tuple[bool, bool, int]:
        kind = one.kind.replace("objects-tar", "tar").replace("objects", "directory")
        return (bool(one.problem), one.encrypted is not None, _PREFERENCE.index(kind))

    return min(candidates, key=rank, default=None)


def _backup(folder: Folder, members: list[Artefact]) -> Backup:
    return as_backup(
        members,
        id=printable(folder.id_of(members[0].name)),
        location=folder.location,
        folder=folder.as_path,
        notes=folder.notes(members[0].name),
    )


def as_backup(members: list[Artefact], *, id: str, location: str, folder: Path, notes: Notes) -> Backup:
    """The catalog's row of one artefact, or of a database and an objects part that belong together."""
    first = members[0]
    parts: tuple[Part, ...] = tuple(one.part for one in members)
    by_part = {one.part: one for one in members}
    not_good: dict[Part, str] = {}
    for part in parts:
        if by_part[part].problem:
            not_good[part] = by_part[part].problem
        elif part_status(notes, part) == "fail":
            not_good[part] = f"{DAMAGED}: {why_failed(notes, part)}"
        elif not proven_full(notes, part):
            not_good[part] = "not proven by a full verify"
    problem = "; ".join(f"{one.name}: {one.problem}" for one in members if one.problem)
    database, objects = by_part.get("database"), by_part.get("objects")
    return Backup(
        id=id,
        kind="group" if len(members) > 1 else first.kind,
        location=location,
        folder=folder,
        created=first.when.created,
        created_by=first.when.known_by,
        created_detail=first.when.detail,
        parts=parts,
        bytes=sum(one.bytes for one in members),
        complete=not problem,
        good_parts=tuple(part for part in parts if part not in not_good),
        not_good=not_good,
        encrypted=next((one.encrypted for one in members if one.encrypted), None),
        verified=verified(notes),
        pinned=notes.pinned,
        problem=members[0].problem if len(members) == 1 else problem,
        database_path=database.path if database else None,
        objects_path=objects.path if objects else None,
        notes_path=folder / f"{first.name}.notes.jsonl",
        files=tuple(path for one in members for path in one.files),
    )
