"""A short look into folders and tars: whether a dump or a mirrored bucket is inside."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import Literal

import msgspec

from services.catalog.manifest import Part
from services.catalog.naming import part_by_name

DUMP_ENDINGS = (".bson", ".bson.gz", ".metadata.json", ".metadata.json.gz")
MAX_ENTRIES = 20_000
"""Entries counted for the size of a foreign folder; a list must stay quick."""
MAX_SUBFOLDERS = 64
LOCKED_HEAD = 4096
TAR_HEAD = 256 << 10
"""Bytes of a tar that are looked at for its first members."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder holds; `root` is where the dump or the bucket really begins."""

    part: Part
    root: str
    bytes: int = 0
    problem: str = ""


def shape_of_folder(path: str, *, objects_named: bool) -> Shape | None:
    """Looks at most two levels deep: `dump/` and `backup/` inside are what docker cp leaves."""
    names, folders = _listing(path)
    if objects_named:
        return Shape(
            part="objects",
            root=path,
            bytes=_size(path),
            problem="" if names or folders else "the folder is empty",
        )
    if _is_dump(names):
        return Shape(part="database", root=path, bytes=_size(path))
    if "users" in folders and not _is_dump(_readable_names(f"{path}/users")):
        return Shape(part="objects", root=path, bytes=_size(path))
    for folder in folders[:MAX_SUBFOLDERS]:
        inner, deeper = _readable(f"{path}/{folder}")
        if _is_dump(inner):
            return Shape(part="database", root=path, bytes=_size(path))
        if folder in ("dump", "backup") or len(folders) == 1:
            for below in deeper[:MAX_SUBFOLDERS]:
                if _is_dump(_readable_names(f"{path}/{folder}/{below}")):
                    root = f"{path}/{folder}"
                    return Shape(part="database", root=root, bytes=_size(root))
    return None


def _listing(path: str) -> tuple[list[str], list[str]]:
    names, folders = [], []
    with os.scandir(path) as found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                names.append(entry.name)
    return names, sorted(folders)


def _readable(path: str) -> tuple[list[str], list[str]]:
    try:
        return _listing(path)
    except OSError:
        return [], []


def _readable_names(path: str) -> list[str]:
    return _readable(path)[0]


def _is_dump(names: list[str]) -> bool:
    return any(name.endswith(DUMP_ENDINGS) for name in names)


def _size(path: str) -> int:
    total = 0
    left = MAX_ENTRIES
    todo = [path]
    while todo and left > 0:
        try:
            with os.scandir(todo.pop()) as found:
                for entry in found:
                    left -= 1
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


class TarLook(msgspec.Struct, frozen=True):
    """Which part a tar holds, by its first members, None when they do not tell; what an archive in it is locked with."""

    part: Part | None = None
    encrypted: Literal["gpg", "openssl"] | None = None


def look_into_tar(path: str) -> TarLook:
    """A look at the first members of a tar, plain or gzip."""
    data = _tar_head(path)
    for name, start in _tar_names(data):
        if name.endswith(DUMP_ENDINGS) or name.endswith(("prelude.json", "prelude.json.gz")):
            return TarLook("database")
        if "users/" in name:
            return TarLook("objects")
        locked = _locked(data[start : start + LOCKED_HEAD])
        if locked is not None:
            return TarLook(part_by_name(name) or "database", locked)
    return TarLook()


def _locked(head: bytes) -> Literal["gpg", "openssl"] | None:
    from services.streams.sniff import sniff_head

    form = sniff_head(head) if head else "empty"
    if form == "gpg":
        return "gpg"
    return "openssl" if form in ("openssl", "openssl-base64") else None


def _tar_head(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            data = stream.read(TAR_HEAD)
    except OSError:
        return b""
    if data[:2] == b"\x1f\x8b":
        try:
            return zlib.decompressobj(31).decompress(data, TAR_HEAD)
        except zlib.error:
            return b""
    return data


def _tar_names(data: bytes) -> Iterator[tuple[str, int]]:
    """(name, where its bytes begin) of each member."""
    at = 0
    while at + 512 <= len(data):
        header = data[at : at + 512]
        name = header[:100].split(b"\0")[0]
        if not name:
            return
        prefix = header[345:500].split(b"\0")[0] if header[257:262] == b"ustar" else b""
        yield os.fsdecode(prefix + b"/" + name if prefix else name), at + 512
        try:
            size = int(header[124:136].split(b"\0")[0].strip() or b"0", 8)
        except ValueError:
            return
        at += 512 + (size + 511) // 512 * 512
