"""The few manifest fields a list needs, decoded without the rest: 10,000 manifests in about a second."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Literal

import msgspec

from services.catalog.manifest import SCHEMA, Part, PepperEntry

MAX_MANIFEST_BYTES = 64 << 20
"""Larger than the manifest of a database of a terabyte (about 60 bytes for every 2 MiB of documents)."""


class FileHead(msgspec.Struct, frozen=True, gc=False):
    """A file of the backup: name in the location, bytes."""

    name: str
    bytes: int


class ObjectsHead(msgspec.Struct, frozen=True):
    """The objects part without its lists of curiosities."""

    count: int
    bytes: int
    missing: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


class ManifestHead(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest as the list needs it; fields as in `Manifest`."""

    schema: int
    id: str
    started: datetime
    finished: datetime
    host: str = ""
    replica_set: str | None = None
    machine_id: str = ""
    database: str = ""
    bucket: str = ""
    prefix: str = ""
    parts: tuple[Part, ...] = ()
    consistency: str | None = None
    objects: ObjectsHead | None = None
    files: tuple[FileHead, ...] = ()
    pepper: PepperEntry | None = None
    excluded: tuple[str, ...] = ()
    suspicious: tuple[str, ...] = ()
    suspicious_parts: tuple[Part, ...] = ()
    purpose: Literal["backup", "safety", "before-release"] = "backup"
    reason: str = ""


class _SchemaOnly(msgspec.Struct):
    schema: int


class ManifestProblem(Exception):
    """Why a manifest cannot be used, in words."""


_decoder = msgspec.json.Decoder(ManifestHead)


def read_bytes(path: str) -> bytes:
    """A manifest's content; `ManifestProblem` when it cannot be read or is too large to be one."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            data = os.read(handle, 1 << 18)
            if len(data) < 1 << 18:
                return data
            chunks = [data]
            size = len(data)
            while chunk := os.read(handle, 1 << 20):
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_MANIFEST_BYTES:
                    raise ManifestProblem(
                        f"the manifest is larger than {MAX_MANIFEST_BYTES >> 20} MiB, which no manifest is"
                    )
            return b"".join(chunks)
        finally:
            os.close(handle)
    except PermissionError:
        raise ManifestProblem("no permission to read the manifest") from None
    except OSError as error:
        raise ManifestProblem(f"the manifest cannot be read: {error.strerror}") from None


def read_head(path: str, expected_id: str) -> ManifestHead:
    """The head of a manifest file; `ManifestProblem` says what is wrong with it."""
    data = read_bytes(path)
    try:
        head = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ManifestProblem(_why(data, error)) from None
    if head.schema > SCHEMA:
        raise ManifestProblem(_future(head.schema))
    if head.id != expected_id:
        raise ManifestProblem(f"the manifest is that of {head.id[:60]!r}, not of {expected_id}")
    for file in head.files:
        if file.name in ("", ".", "..") or "/" in file.name or "\0" in file.name:
            raise ManifestProblem(f"the manifest names a file outside its folder: {file.name[:60]!r}")
    return head


def _future(schema: int) -> str:
    return f"the manifest was written by a newer Quillkeep (schema {schema}; this one reads up to {SCHEMA})"


def _why(data: bytes, error: Exception) -> str:
    if not data.strip():
        return "the manifest is empty"
    try:
        schema = msgspec.json.decode(data, type=_SchemaOnly).schema
    except msgspec.ValidationError:
        return "the file is JSON but not a manifest"
    except (msgspec.DecodeError, UnicodeDecodeError):
        if data.lstrip()[:1] == b"{" and not data.rstrip().endswith(b"}"):
            return "the manifest is cut off"
        return "the manifest is not JSON"
    if schema > SCHEMA:
        return _future(schema)
    return f"the manifest is damaged: {error}"
