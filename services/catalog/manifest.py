"""The manifest of a backup: written last, never changed, and the reason a backup counts as complete."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

SCHEMA = 1

Part = Literal["database", "objects"]
Consistency = Literal["snapshot", "quiet", "app-stopped", "none"]


class Member(msgspec.Struct, frozen=True, array_like=True):
    """One gzip member of our archive: where it lies, whose documents it holds (`collection` is "" for the prelude)."""

    offset: int
    length: int
    collection: str


class ArchiveFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the backup, by its name in the location."""

    name: str
    bytes: int
    sha256: str
    members: tuple[Member, ...] = ()


class CollectionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One collection as it was dumped; sums are hex of 64 bits, ids are canonical Extended JSON text.

    `metadata` is the collection's metadata.json text as the archive holds it: options, indexes, uuid.
    """

    kind: str = "collection"
    documents: int = 0
    bytes: int = 0
    index_bytes: int = 0
    crc64: str = "0" * 16
    content: str = "0" * 16
    first_id: str | None = None
    last_id: str | None = None
    metadata: str = ""


class ObjectsEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The objects part; `lost` are keys named by `accept` as unreadable for ever, `missing` the unreadable ones of this run."""

    count: int
    bytes: int
    missing: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    contradicting: tuple[str, ...] = ()
    """Keys whose bytes contradict their own x-amz-meta-sha256."""


class PepperEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A stretched key-check of the pepper, and how many of the tried encrypted values it opened."""

    salt: str
    check: str
    opened: int
    tried: int


class ServerWouldChange(msgspec.Struct, frozen=True, kw_only=True):
    """A document a server changes or refuses on insert (`swap.md` 6), by its place in the collection."""

    collection: str
    ordinal: int
    why: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One backup. Times are UTC; `parts` are those that were asked for and are present."""

    schema: int = SCHEMA
    id: str
    started: datetime
    finished: datetime
    tool_version: str
    server_version: str = ""
    application_version: str = ""
    profile: str | None = None
    host: str = ""
    replica_set: str | None = None
    machine_id: str = ""
    database: str = ""
    bucket: str = ""
    prefix: str = ""
    parts: tuple[Part, ...] = ()
    consistency: Consistency | None = None
    consistency_detail: str = ""
    collections: dict[str, CollectionEntry] = {}
    objects: ObjectsEntry | None = None
    files: tuple[ArchiveFile, ...] = ()
    previous: str | None = None
    """The snapshot whose files were hard-linked."""
    pepper: PepperEntry | None = None
    server_would_change: tuple[ServerWouldChange, ...] = ()
    excluded: tuple[str, ...] = ()
    suspicious: tuple[str, ...] = ()
    """Why it is suspicious, one sentence each; empty when it is not."""
    suspicious_parts: tuple[Part, ...] = ()
    """The parts those sentences are about; empty with sentences means every part."""
    purpose: Literal["backup", "safety", "before-release"] = "backup"
    """`safety` and `before-release` are never `latest` and never counted."""
    reason: str = ""
    warnings: tuple[str, ...] = ()


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest's file content, readable by a person."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def decode_manifest(data: bytes) -> Manifest:
    """Raises `msgspec.ValidationError` or `msgspec.DecodeError` for anything that is not one."""
    return msgspec.json.decode(data, type=Manifest)


def manifest_fields(manifest: Manifest) -> dict[str, Any]:
    """The manifest as plain JSON data."""
    fields: dict[str, Any] = msgspec.to_builtins(manifest)
    return fields
