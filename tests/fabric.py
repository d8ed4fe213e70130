"""Backups of ours made without a server: real archives, object trees and manifests, small and quick."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson

from services.archive.documents import Sums, hex64
from services.archive.model import CollectionMetadata, Namespace, Prelude
from services.archive.writer import ArchiveWriter
from services.catalog import layout
from services.catalog.manifest import (
    ArchiveFile,
    CollectionEntry,
    Manifest,
    Member,
    ObjectsEntry,
    encode_manifest,
)
from services.objects.manifest import ObjectLine, write_lines

NIGHT = datetime(2026, 11, 22, 2, 0, 0, tzinfo=UTC)
DATABASE = "quilltap"
BUCKET = "quilltap-files"
HOST = "db.example:27017"
DOCUMENTS = {
    "users": [{"_id": number, "name": f"Inês {number}"} for number in range(20)],
    "chats": [{"_id": number, "title": "海の物語" * number} for number in range(60)],
    "sessions": [],
}
USER = "u1"
OBJECTS = {f"users/u1/IMAGE/{number}_photo.png": bytes([number]) * (100 + number) for number in range(12)}


def make_backup(
    folder: Path,
    when: datetime = NIGHT,
    *,
    documents: dict[str, list[dict[str, Any]]] | None = DOCUMENTS,
    objects: dict[str, bytes] | None = OBJECTS,
    link_to: str | None = None,
    types: dict[str, str] | None = None,
    rows: bool = True,
    **overrides: Any,
) -> Manifest:
    """One backup of ours with rows for its objects; `link_to` is the id of the snapshot whose files are hard-linked,
    `types` the content types of objects."""
    id = layout.backup_id(when)
    files = []
    collections: dict[str, CollectionEntry] = {}
    parts = []
    if documents is not None:
        if rows and objects is not None and "files" not in documents:
            documents = documents | {"files": rows_of(objects)}
        parts.append("database")
        collections, archive = _write_archive(folder / layout.archive_name(id), documents)
        files.append(archive)
        sidecar = folder / layout.sidecar_name(id)
        sidecar.write_text(f"{archive.sha256}  {archive.name}\n")
    entry = None
    if objects is not None:
        parts.append("objects")
        files.append(_write_objects(folder, id, objects, link_to, types or {}))
        entry = ObjectsEntry(count=len(objects), bytes=sum(map(len, objects.values())))
    fields: dict[str, Any] = {
        "id": id,
        "started": when,
        "finished": when,
        "tool_version": "0.1.0",
        "host": HOST,
        "machine_id": "elsewhere",
        "database": DATABASE,
        "bucket": BUCKET,
        "parts": tuple(parts),
        "collections": collections,
        "objects": entry,
        "files": tuple(files),
        "previous": link_to,
    }
    manifest = Manifest(**{**fields, **overrides})
    (folder / layout.manifest_name(id)).write_bytes(encode_manifest(manifest))
    return manifest


def rows_of(objects: dict[str, bytes]) -> list[dict[str, Any]]:
    """The rows that the application keeps of these objects."""
    return [
        {
            "_id": f"row {number}",
            "id": f"file-{number}",
            "userId": key.split("/")[1] if key.startswith("users/") else USER,
            "s3Key": key,
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        for number, (key, data) in enumerate(objects.items())
    ]


def _write_archive(
    path: Path, documents: dict[str, list[dict[str, Any]]]
) -> tuple[dict[str, CollectionEntry], ArchiveFile]:
    out = bytearray()
    metadata = '{"indexes":[],"uuid":"","collectionName":"%s","type":"collection"}'
    prelude = Prelude(
        collections=tuple(
            CollectionMetadata(namespace=Namespace(DATABASE, name), raw=metadata % name) for name in documents
        ),
        server_version="6.0.5",
        tool_version="100.18.0",
    )
    writer = ArchiveWriter(out.extend, prelude)
    members = [Member(0, writer.offset, "")]
    collections = {}

    def member(name: str, start: int) -> None:
        members.append(Member(start, writer.offset - start, name))

    for name, rows in documents.items():
        namespace = Namespace(DATABASE, name)
        sums = Sums()
        for batch in (rows[:7], rows[7:]) if rows else ([],):
            data = b"".join(bson.encode(row) for row in batch)
            sums.add_ordered(data)
            start = writer.offset
            writer.block(namespace, data)
            member(name, start)
        start = writer.offset
        writer.end(namespace)
        member(name, start)
        collections[name] = CollectionEntry(
            documents=sums.documents,
            bytes=sums.bytes,
            crc64=hex64(sums.crc64),
            content=hex64(sums.content),
            metadata=metadata % name,
        )
    path.write_bytes(out)
    digest = hashlib.sha256(out).hexdigest()
    return collections, ArchiveFile(name=path.name, bytes=len(out), sha256=digest, members=tuple(members))


def _write_objects(
    folder: Path, id: str, objects: dict[str, bytes], link_to: str | None, types: dict[str, str]
) -> ArchiveFile:
    tree = folder / layout.objects_name(id)
    tree.mkdir()
    lines = []
    for key, data in objects.items():
        path = tree / key
        path.parent.mkdir(parents=True, exist_ok=True)
        if link_to is not None:
            os.link(folder / layout.objects_name(link_to) / key, path)
        else:
            path.write_bytes(data)
        status = path.stat()
        line = ObjectLine(
            key=key,
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            inode=status.st_ino,
            mtime=status.st_mtime_ns,
            content_type=types.get(key),
        )
        lines.append(line)
    return write_lines(folder / layout.objects_list_name(id), lines)


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Acts with the rights of an ordinary user, also where the suite runs as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user may enter (those of pytest are the owner's alone)."""
    with tempfile.TemporaryDirectory(prefix="quillkeep-open-") as name:
        os.chmod(name, 0o755)
        yield Path(name)
