"""Our backups in a folder: each manifest with what is still there of its files and what was noted since."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from services.catalog import layout
from services.catalog.deployment import Deployment
from services.catalog.folder import Folder
from services.catalog.head import ManifestHead, ManifestProblem, read_head
from services.catalog.manifest import Part
from services.catalog.model import Backup
from services.catalog.naming import SIDECAR
from services.catalog.notes import Notes
from services.catalog.verdict import DAMAGED, part_status, verified, why_failed


class OwnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A readable manifest with its folder and notes; `other` as `Deployment.other` says."""

    folder: Folder
    head: ManifestHead
    notes: Notes
    other: str

    @property
    def lost(self) -> tuple[str, ...]:
        """Object keys that this backup's manifest or notes name as lost."""
        return (*self.notes.lost, *(self.head.objects.lost if self.head.objects else ()))


def own_records(folder: Folder, deployment: Deployment) -> tuple[list[OwnRecord], list[Backup], set[str]]:
    """(readable ones, rows of unreadable manifests, names in the folder that belong to ours).

    Files of an unreadable manifest stay free, so that they are listed as foreign artefacts and can be
    restored all the same.
    """
    found: list[OwnRecord] = []
    unusable: list[Backup] = []
    taken: set[str] = set()
    for name in folder.entries:
        if not name.startswith("quilltap_"):
            continue
        match = layout.OWN_MANIFEST.fullmatch(name)
        if match is None:
            continue
        backup = match.group(1)
        taken.add(name)
        try:
            head = read_head(f"{folder.path}/{name}", backup)
        except ManifestProblem as problem:
            unusable.append(_unusable(folder, backup, str(problem)))
            continue
        notes = folder.notes(backup)
        found.append(OwnRecord(folder=folder, head=head, notes=notes, other=deployment.other(head)))
        taken.update(file.name for file in head.files)
        taken.update((layout.sidecar_name(backup), layout.objects_name(backup)))
    return found, unusable, taken


def _unusable(folder: Folder, backup: str, problem: str) -> Backup:
    return Backup(
        id=backup,
        kind="quillkeep",
        location=folder.location,
        folder=folder.as_path,
        created=_created_by_id(backup),
        created_by="name",
        created_detail="from the name, UTC",
        parts=(),
        bytes=0,
        complete=False,
        problem=problem,
        manifest_path=folder.as_path / layout.manifest_name(backup),
        notes_path=folder.as_path / layout.notes_name(backup),
        pinned=folder.notes(backup).pinned,
    )


def _created_by_id(backup: str) -> datetime:
    try:
        return datetime.strptime(layout.stamp_of(backup), "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def as_backup(record: OwnRecord, accepted: frozenset[str]) -> Backup:
    """The catalog's row; `accepted` are the object keys lost for ever in any backup of ours."""
    folder, head, notes, other = record.folder, record.head, record.notes, record.other
    paths = _Paths(folder, head)
    missing = paths.missing(head)
    missing_keys: tuple[str, ...] = ()
    if head.objects and head.objects.missing:
        missing_keys = tuple(sorted(set(head.objects.missing).difference(record.lost, accepted)))
    suspicious = () if notes.suspicious_accepted else head.suspicious
    not_good = _not_good(head, notes, missing, missing_keys, suspicious)
    place = folder.as_path
    files = {file.name: place / file.name for file in head.files}
    size = sum(file.bytes for file in head.files) + (head.objects.bytes if head.objects else 0)
    return Backup(
        id=head.id,
        kind="quillkeep",
        location=folder.location,
        folder=folder.as_path,
        created=head.started,
        created_by="manifest",
        created_detail="as its manifest says",
        parts=head.parts,
        bytes=size,
        complete=not missing,
        missing=tuple(text for part in head.parts for text in missing.get(part, ())),
        ours=not other,
        other_deployment=other,
        good_parts=tuple(part for part in head.parts if part not in not_good),
        not_good=not_good,
        uncounted_parts=_uncounted(head),
        missing_keys=missing_keys,
        lost_keys=tuple(sorted(set(record.lost))),
        suspicious=suspicious,
        encrypted="gpg" if paths.archive.endswith(".gpg") else None,
        verified=verified(notes),
        pinned=notes.pinned,
        counted=head.purpose == "backup",
        reason=head.reason,
        consistency=head.consistency or "",
        pepper_salt=head.pepper.salt if head.pepper else "",
        database_path=files.get(paths.archive) or place / paths.archive if paths.archive else None,
        objects_path=place / paths.objects if paths.objects else None,
        objects_list=files.get(paths.objects_list) or place / paths.objects_list
        if paths.objects_list
        else None,
        manifest_path=place / layout.manifest_name(head.id),
        notes_path=place / layout.notes_name(head.id),
        files=tuple(files.values()),
    )


class _Paths:
    """Which of a manifest's files is what; names may carry the ending of an encryption."""

    def __init__(self, folder: Folder, head: ManifestHead) -> None:
        self.folder = folder
        self.archive = self.objects = self.objects_list = ""
        archive = layout.archive_name(head.id)
        listing = layout.objects_list_name(head.id)
        for file in head.files:
            if file.name in (archive, f"{archive}.gpg"):
                self.archive = file.name
            elif file.name == listing:
                self.objects_list = file.name
        if "objects" in head.parts:
            self.objects = layout.objects_name(head.id)
            self.objects_list = self.objects_list or listing
        if "database" in head.parts:
            self.archive = self.archive or archive

    def missing(self, head: ManifestHead) -> dict[Part, list[str]]:
        """By part, which of the manifest's files are gone or of another size."""
        missing: dict[Part, list[str]] = {}
        prefix = f"{layout.objects_name(head.id)}."
        for file in head.files:
            if file.name.endswith(SIDECAR):
                continue
            size = self.folder.size(file.name)
            if size != file.bytes:
                part: Part = "objects" if file.name.startswith(prefix) else "database"
                missing.setdefault(part, []).append(_why_missing(file.name, file.bytes, size))
        if "database" in head.parts and not any(file.name == self.archive for file in head.files):
            missing.setdefault("database", []).append(f"the manifest names no file {self.archive}")
        if "objects" in head.parts:
            entry = self.folder.entries.get(self.objects)
            if head.objects and head.objects.count and (entry is None or not entry.is_dir()):
                missing.setdefault("objects", []).append(f"the folder {self.objects} is gone")
        return missing


def _why_missing(name: str, expected: int, size: int | None) -> str:
    if size is None:
        return f"{name} is gone"
    return f"{name} has {size:,} bytes instead of {expected:,}"


def _not_good(
    head: ManifestHead,
    notes: Notes,
    missing: dict[Part, list[str]],
    missing_keys: tuple[str, ...],
    suspicious: tuple[str, ...],
) -> dict[Part, str]:
    reasons: dict[Part, str] = {}
    for part in head.parts:
        if part in missing:
            reasons[part] = f"incomplete: {missing[part][0]}"
        elif part_status(notes, part) == "fail":
            reasons[part] = f"{DAMAGED}: {why_failed(notes, part)}"
        elif part == "objects" and missing_keys:
            count = len(missing_keys)
            reasons[part] = (
                f"{count} object{'s' if count != 1 else ''} could not be read and "
                f"{'are' if count != 1 else 'is'} not accepted as lost: {missing_keys[0]}"
            )
        elif suspicious and (not head.suspicious_parts or part in head.suspicious_parts):
            reasons[part] = f"suspicious: {suspicious[0]}"
    return reasons


def _uncounted(head: ManifestHead) -> tuple[Part, ...]:
    if not head.excluded or "database" not in head.parts:
        return ()
    from services.quilltap import KNOWN_COLLECTIONS

    return ("database",) if any(name in KNOWN_COLLECTIONS for name in head.excluded) else ()
