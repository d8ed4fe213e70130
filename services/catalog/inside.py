"""What lies inside a backup beyond its manifest, found by a short look: objects by kind, names of a foreign dump."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from services.catalog.model import Backup
from services.catalog.naming import printable
from services.errors import QuillkeepError
from services.passphrase import BackupKey
from services.quilltap.objects import parse_key

SECONDS = 4.0
"""How long objects are counted; a list of a million is read in about two."""
OTHER = "other"
"""What is not one of the application's own keys."""


class ObjectsInside(msgspec.Struct, frozen=True, kw_only=True):
    """Objects by category: {category: {count, bytes}}, the application's own by name and `other`.

    `whole` is False when the time ran out before the end; `escaped` objects lie under names that are not
    their keys; `problem` says what could not be read.
    """

    categories: dict[str, dict[str, int]] = {}
    whole: bool = True
    escaped: int = 0
    problem: str = ""


class _Indexes(msgspec.Struct):
    indexes: list[msgspec.Raw] = []


def index_count(metadata: str) -> int | None:
    """How many indexes a collection's metadata.json names; None when it does not tell."""
    try:
        return len(msgspec.json.decode(metadata, type=_Indexes).indexes)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def objects_inside(backup: Backup, prefix: str = "", *, seconds: float = SECONDS) -> ObjectsInside | None:
    """Counts the objects part from its list, or a mirrored bucket's files; None where there is none to look into."""
    if backup.objects_list is not None:
        keys = _listed(backup.objects_list)
    elif backup.objects_path is not None and backup.objects_path.is_dir():
        keys = _files(backup.objects_path)
    else:
        return None
    categories: dict[str, dict[str, int]] = {}
    escaped = 0
    whole, problem = True, ""
    until = time.monotonic() + seconds
    try:
        for count, (key, size, renamed) in enumerate(keys):
            parts = parse_key(key, prefix)
            sums = categories.setdefault(parts.category if parts else OTHER, {"count": 0, "bytes": 0})
            sums["count"] += 1
            sums["bytes"] += size
            escaped += renamed
            if count % 1_000 == 0 and time.monotonic() > until:
                whole = False
                break
    except QuillkeepError as error:
        whole, problem = False, error.what
    except OSError as error:
        whole, problem = False, f"the objects cannot be read: {error.strerror}"
    ordered = dict(sorted(categories.items(), key=lambda item: (item[0] == OTHER, item[0])))
    return ObjectsInside(categories=ordered, whole=whole, escaped=escaped, problem=problem)


def _listed(path: Path) -> Iterator[tuple[str, int, bool]]:
    from services.objects.manifest import read_lines

    for line in read_lines(path):
        if line.missing is None:
            yield line.key, line.size, line.file is not None


def _files(root: Path) -> Iterator[tuple[str, int, bool]]:
    todo = [""]
    while todo:
        below = todo.pop()
        with os.scandir(root / below) as found:
            for entry in found:
                name = f"{below}/{entry.name}" if below else entry.name
                if entry.is_dir(follow_symlinks=False):
                    todo.append(name)
                else:
                    yield name, entry.stat(follow_symlinks=False).st_size, False


def collections_inside(backup: Backup, key: BackupKey | None = None) -> dict[str, Any]:
    """Names and kinds that a foreign dump gives before its data: {database: .., collections: {name: kind}, problem}.

    The head of an encrypted one is opened with `key`, and nothing of it is proven by that. Counts are not known without reading all of it, which `verify` does.
    """
    path = backup.database_path
    if path is None:
        return {"collections": {}, "problem": "it has no database part"}
    if backup.encrypted and (key is None or not key.known):
        return {
            "collections": {},
            "problem": f"it is encrypted ({backup.encrypted}), and no passphrase is known",
        }
    tar = {"collections": {}, "problem": "a tar tells its collections only when all of it is read"}
    if backup.kind == "tar":
        return tar
    from services.archive.source import open_dump

    try:
        source = open_dump(path, key=key)
        if source.form.startswith("tar"):
            return tar
        entries = source.prelude().collections
    except (QuillkeepError, OSError, ValueError) as error:
        return {"collections": {}, "problem": printable(str(error))}
    found = {printable(f"{one.namespace.database}.{one.namespace.collection}"): one.kind for one in entries}
    return {"collections": dict(sorted(found.items())), "problem": ""}
