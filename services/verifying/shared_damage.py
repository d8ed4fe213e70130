"""Damage of a linked object file is that of every snapshot that links it: each is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from services.catalog.manifest import Manifest
from services.catalog.model import Backup
from services.catalog.notes import BadObject
from services.catalog.scan import Catalog
from services.checks.evidence import Evidence
from services.errors import QuillkeepError

Tell = Callable[[Backup, tuple[BadObject, ...]], None]


def bad_objects(evidence: Evidence) -> tuple[BadObject, ...]:
    """The object files that were found bad, as far as they were looked at."""
    for name in ("objects", "object_sizes"):
        found = vars(evidence).get(name)
        if found is not None and not isinstance(found, Exception):
            return tuple(
                BadObject(key=one.key, inode=one.inode, why=one.why) for one in found.bad if not one.unread
            )
    return ()


def tell_sharers(
    backup: Backup, bad: Sequence[BadObject], evidence: Evidence, catalog: Catalog, tell: Tell
) -> tuple[str, ...]:
    """Calls `tell` for every other snapshot that links a bad file, and gives their ids."""
    if backup.objects_path is None or not isinstance(evidence.manifest, Manifest):
        return ()
    others = {
        one.objects_path: one
        for one in catalog.backups
        if one.objects_path is not None
        and one.kind == "quillkeep"
        and one.objects_path != backup.objects_path
    }
    files = _file_names(evidence, {one.key for one in bad})
    shared: dict[Path, list[BadObject]] = {}
    for one in bad:
        relative = files.get(one.key, one.key)
        mine = _identity(backup.objects_path / relative)
        for folder in others if mine else ():
            if _identity(folder / relative) == mine:
                shared.setdefault(folder, []).append(one)
    for folder, objects in shared.items():
        tell(others[folder], tuple(objects))
    return tuple(sorted(others[folder].id for folder in shared))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _file_names(evidence: Evidence, keys: set[str]) -> dict[str, str]:
    """The file names of keys that could not be file names themselves."""
    from services.objects.manifest import read_lines

    if evidence.objects_lines is None:
        return {}
    try:
        return {line.key: line.path for line in read_lines(evidence.objects_lines) if line.key in keys}
    except QuillkeepError:
        return {}
