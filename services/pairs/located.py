"""Which backup has the bytes a row stands for: the newest of ours by their object manifests, then foreign folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from services.catalog.listing import notes_of
from services.catalog.model import Backup
from services.errors import QuillkeepError
from services.objects.filenames import inside
from services.objects.manifest import ObjectLine, read_lines
from services.paths import Paths

HASHED_BYTES = 256 << 20
"""Bytes of foreign folders' files that are read at most, to tell whether they are the right ones."""


class Wanted(msgspec.Struct, frozen=True):
    """What a row says of its bytes; both may be unknown."""

    size: int | None
    sha256: str


class Located(msgspec.Struct, kw_only=True):
    """`good_in` maps keys to backups' ids; `skipped` names backups whose objects could not be looked through."""

    good_in: dict[str, str] = {}
    skipped: list[str] = []


def locate(
    wanted: Mapping[str, Wanted],
    backups: Sequence[Backup],
    paths: Paths,
    *,
    check: Callable[[], None],
    without: str = "",
) -> Located:
    """Looks through `backups` (newest first) until every wanted key is found.

    Ours come first, those whose objects are good before the others; a key counts when the row's sha256 is
    the line's (its size where the row knows no sha256), its file is there with its size, and no note calls
    it bad. `without` is a backup that is left out. Memory grows with `wanted` only.
    """
    found = Located()
    ours = [
        one for one in backups if one.ours and one.objects_path and one.objects_list and one.id != without
    ]
    for backup in sorted(ours, key=lambda one: "objects" not in one.good_parts):
        left = len(wanted) - len(found.good_in)
        if not left:
            return found
        check()
        try:
            _look_into(backup, wanted, paths, found, check)
        except QuillkeepError as error:
            found.skipped.append(f"{backup.id}: {error.what}")
        except OSError as error:
            found.skipped.append(
                f"{backup.id}: its object manifest cannot be read: {error.strerror or error}"
            )
    budget = HASHED_BYTES
    for backup in backups:
        folder = backup.objects_path
        if backup.kind == "quillkeep" or backup.id == without or folder is None or not folder.is_dir():
            continue
        for key in [key for key in wanted if key not in found.good_in]:
            check()
            used = _foreign(folder, key, wanted[key], budget)
            if used is not None:
                budget -= used
                found.good_in[key] = backup.id
    return found


def _look_into(
    backup: Backup,
    wanted: Mapping[str, Wanted],
    paths: Paths,
    found: Located,
    check: Callable[[], None],
) -> None:
    assert backup.objects_list is not None and backup.objects_path is not None
    bad = {one.key for one in notes_of(backup, paths).bad_objects}
    left = len(wanted) - len(found.good_in)
    for number, line in enumerate(read_lines(backup.objects_list)):
        if number % 1_000 == 0:
            check()
        ask = wanted.get(line.key)
        if ask is None or line.key in found.good_in or line.key in bad:
            continue
        if _is_it(line, ask) and _is_there(backup.objects_path, line):
            found.good_in[line.key] = backup.id
            left -= 1
            if not left:
                return


def _is_it(line: ObjectLine, ask: Wanted) -> bool:
    if line.missing is not None:
        return False
    if ask.sha256 and line.sha256:
        return ask.sha256 == line.sha256
    return not line.contradicting and ask.size in (None, line.size)


def _is_there(folder: Path, line: ObjectLine) -> bool:
    try:
        state = os.stat(inside(folder, line.path), follow_symlinks=False)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(state.st_mode) and state.st_size == line.size


def _foreign(folder: Path, key: str, ask: Wanted, budget: int) -> int | None:
    """Bytes that were read to know that a foreign folder has these bytes; None when it has not, or nobody can tell."""
    from services.objects.fetching import hash_file

    try:
        path = inside(folder, key)
        state = os.stat(path, follow_symlinks=False)
        if not stat.S_ISREG(state.st_mode) or (ask.size is not None and state.st_size != ask.size):
            return None
        if not ask.sha256:
            return 0 if ask.size is not None else None
        if state.st_size > budget:
            return None
        return state.st_size if hash_file(path) == ask.sha256 else None
    except (OSError, ValueError):
        return None
