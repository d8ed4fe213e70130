"""The documents of `list` and `show`."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from services.catalog.find import Found, find_backup
from services.catalog.inside import collections_inside, index_count, objects_inside
from services.catalog.manifest import Part, decode_manifest, manifest_fields
from services.catalog.model import Backup
from services.catalog.naming import printable
from services.catalog.notes import Notes, note_fields, read_notes
from services.catalog.scan import Catalog, survey
from services.catalog.stock_page import stock_page
from services.catalog.verdict import check_runs
from services.passphrase import key_of
from services.paths import Paths
from services.profile import Profile


def moment(value: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def row(backup: Backup) -> dict[str, Any]:
    """One backup as the headless contract has it; `why` tells why a part is not good."""
    verified = backup.verified
    return {
        "id": backup.id,
        "kind": backup.kind,
        "created": moment(backup.created),
        "created_by": backup.created_by,
        "created_detail": backup.created_detail,
        "location": backup.location,
        "path": printable(str(_main_path(backup))),
        "complete": backup.complete,
        "missing": [printable(text) for text in backup.missing],
        "good": backup.good,
        "good_parts": list(backup.good_parts),
        "why": {part: printable(reason) for part, reason in backup.not_good.items()},
        "suspicious": bool(backup.suspicious),
        "suspicions": list(backup.suspicious),
        "encrypted": backup.encrypted is not None,
        "encrypted_with": backup.encrypted,
        "parts": list(backup.parts),
        "bytes": backup.bytes,
        "verified": None
        if verified is None
        else {
            "at": moment(verified.at),
            "status": verified.status,
            "depth": verified.depth,
            "proof": verified.proof,
        },
        "pinned": backup.pinned,
        "ours": backup.ours,
        "other_deployment": backup.other_deployment,
        "counted": backup.counted,
        "reason": backup.reason,
        "consistency": backup.consistency,
        "problem": printable(backup.problem),
    }


def _main_path(backup: Backup) -> Path:
    return backup.manifest_path or backup.database_path or backup.objects_path or backup.folder


def listing(catalog: Catalog) -> dict[str, Any]:
    """`list`: `warnings` name every location or folder that could not be read, so that none reads as empty."""
    warnings = [problem.sentence for problem in catalog.problems]
    return {
        "status": "warnings" if warnings else "ok",
        "warnings": warnings,
        "backups": [row(backup) for backup in catalog.backups],
    }


def list_backups(profile: Profile, paths: Paths) -> dict[str, Any]:
    """The `list` document of the profile's locations. Reads files only: no database, no bucket."""
    return listing(survey(profile.locations, profile, paths))


def lookup(ref: str, profile: Profile, paths: Paths, parts: Sequence[Part] = ()) -> tuple[Found, Catalog]:
    """The backup `ref` means in the profile's locations or outside; errors as `find_backup`."""
    catalog = survey(profile.locations, profile, paths)
    found = find_backup(ref, catalog.backups, profile, parts, paths=paths, problems=catalog.problems)
    return found, catalog


def copies(backup: Backup, catalog: Catalog) -> list[Backup]:
    """The backup and its copies of the same id in other locations: what is said of one holds for all."""
    same = [one for one in catalog.backups if one.kind == "quillkeep" and one.id == backup.id]
    return same if backup in same else [backup, *same]


def artefact_name(backup: Backup) -> str:
    """The name that its notes file is made from."""
    if backup.notes_path is None:
        return backup.id
    from services.catalog.layout import NOTES_SUFFIX

    return backup.notes_path.name.removesuffix(NOTES_SUFFIX)


def notes_of(backup: Backup, paths: Paths) -> Notes:
    """Everything noted of a backup."""
    return read_notes(backup.folder, artefact_name(backup), paths)


def show(ref: str, profile: Profile, paths: Paths) -> dict[str, Any]:
    """The `show` document: the manifest's facts, files with modes, checks and notes so far, and the stock
    commands that verify and restore exactly this backup without Quillkeep. `standing` is what counts of each check. Errors as `find_backup`."""
    found, catalog = lookup(ref, profile, paths)
    backup = found.backup
    notes = notes_of(backup, paths)
    manifest = _manifest(backup)
    database = str(
        (manifest or {}).get("database") or (profile.mongo.database if profile.mongo else "quilltap")
    )
    warnings = [problem.sentence for problem in catalog.problems] if ref == "latest" else []
    warnings += [f"notes: {line}" for line in notes.unreadable]
    inside = objects_inside(backup, str((manifest or {}).get("prefix") or ""))
    return {
        "status": "warnings" if warnings else "ok",
        "warnings": warnings,
        "backup": row(backup),
        "passed_over": [{"id": one, "why": why} for one, why in found.passed_over],
        "manifest": manifest,
        "files": [_file(path) for path in _files(backup)],
        "checks": [note_fields(check) for check in notes.checks],
        "standing": [
            msgspec.to_builtins(run.check) | {"at": moment(run.at), "depth": run.depth}
            for run in check_runs(notes).values()
        ],
        "notes": [note_fields(entry) for entry in notes.entries],
        "lost": list(backup.lost_keys),
        "missing_objects": list(backup.missing_keys),
        "collections_inside": collections_inside(backup, key_of(profile)) if manifest is None else None,
        "objects_inside": msgspec.to_builtins(inside) if inside is not None else None,
        "commands": stock_page(backup, profile, database, inside.escaped if inside is not None else 0),
    }


def _manifest(backup: Backup) -> dict[str, Any] | None:
    if backup.manifest_path is None or backup.problem:
        return None
    try:
        manifest = decode_manifest(backup.manifest_path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    fields = manifest_fields(manifest)
    for file in fields["files"]:
        file["members"] = len(file["members"])
    for entry in fields["collections"].values():
        entry["indexes"] = index_count(entry.pop("metadata"))
    return fields


def _files(backup: Backup) -> list[Path]:
    every = [backup.manifest_path, *backup.files, backup.objects_path, backup.notes_path]
    seen: dict[Path, None] = {}
    for path in every:
        if path is not None:
            seen.setdefault(path, None)
    return list(seen)


def _file(path: Path) -> dict[str, Any]:
    text = printable(str(path))
    try:
        status = os.stat(path)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        return {"path": text, "bytes": None, "mode": None, "problem": "gone" if gone else error.strerror}
    return {
        "path": text,
        "bytes": status.st_size if stat.S_ISREG(status.st_mode) else None,
        "mode": f"{stat.S_IMODE(status.st_mode):04o}",
        "problem": "",
    }
