"""Small dumps built by hand, and the ways to read them whole."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import bson

from services.archive.documents import split_documents
from services.archive.metadata import encode_metadata
from services.archive.model import Block, CollectionMetadata, DumpSource, End, Kind, Namespace, Prelude
from services.archive.writer import ArchiveWriter
from services.catalog.manifest import ArchiveFile, Member

Documents = Mapping[str, Sequence[bytes]]
ID_INDEX = {"v": 2, "key": {"_id": 1}, "name": "_id_"}


def documents(count: int, size: int = 20, start: int = 0) -> list[bytes]:
    """Ordinary documents of about `size` bytes."""
    return [bson.encode({"_id": f"{start + n:06}", "text": "x" * size, "n": n}) for n in range(count)]


def metadata(name: str, kind: Kind = "collection", options: Mapping[str, Any] | None = None) -> str:
    """A collection's metadata.json."""
    return encode_metadata(options or {}, [ID_INDEX] if kind == "collection" else [], None, name, kind)


def entry(
    name: str, kind: Kind = "collection", options: Mapping[str, Any] | None = None, database: str = "q"
) -> CollectionMetadata:
    """One description of a prelude."""
    return CollectionMetadata(
        namespace=Namespace(database, name), kind=kind, raw=metadata(name, kind, options)
    )


def prelude(*names: str) -> Prelude:
    """Plain collections of the database `q`."""
    return Prelude(
        collections=tuple(entry(name) for name in names), server_version="6.0.5", tool_version="100.18"
    )


def archive(
    collections: Documents, *, compressed: bool = False, per_block: int = 3, described: Prelude | None = None
) -> bytes:
    """An archive of the database `q`, collections interleaved block by block."""
    return build(collections, compressed=compressed, per_block=per_block, described=described)[0]


def build(
    collections: Documents, *, compressed: bool = False, per_block: int = 3, described: Prelude | None = None
) -> tuple[bytes, tuple[Member, ...]]:
    """The same with the place of each block."""
    parts: list[bytes] = []
    members: list[Member] = []
    writer = ArchiveWriter(parts.append, described or prelude(*collections), compressed=compressed)
    members.append(Member(0, writer.offset, ""))
    waiting = {name: list(found) for name, found in collections.items()}
    while waiting:
        for name in list(waiting):
            namespace, at = Namespace("q", name), writer.offset
            block, waiting[name] = waiting[name][:per_block], waiting[name][per_block:]
            if block or not collections[name]:
                writer.block(namespace, b"".join(block))
                members.append(Member(at, writer.offset - at, name))
            if not waiting[name]:
                at = writer.offset
                writer.end(namespace)
                members.append(Member(at, writer.offset - at, name))
                del waiting[name]
    return b"".join(parts), tuple(members)


def archive_file(path: Path, data: bytes, members: tuple[Member, ...]) -> ArchiveFile:
    """Writes an archive of ours and gives its manifest entry."""
    path.write_bytes(data)
    return ArchiveFile(name=path.name, bytes=len(data), sha256="", members=members)


def items_of(items: Iterable[Block | End]) -> tuple[dict[str, list[bytes]], dict[str, int | None]]:
    """(documents by namespace, ends by namespace) of a pass."""
    found: dict[str, list[bytes]] = {}
    ends: dict[str, int | None] = {}
    for item in items:
        if isinstance(item, Block):
            assert str(item.namespace) not in ends
            found.setdefault(str(item.namespace), []).extend(
                bytes(part) for part in split_documents(item.data)
            )
        else:
            assert str(item.namespace) not in ends
            ends[str(item.namespace)] = item.crc64
    return found, ends


def read_all(source: DumpSource, only: Sequence[Namespace] | None = None) -> dict[str, list[bytes]]:
    """Every document of a source, and an empty list for a collection without any."""
    found, ends = items_of(source.read(only))
    assert set(found) <= set(ends)
    return {name: found.get(name, []) for name in ends}


def expected(collections: Documents) -> dict[str, list[bytes]]:
    """What `read_all` gives for an archive of them."""
    return {f"q.{name}": list(found) for name, found in collections.items()}


def dump_folder(root: Path, collections: Documents, *, database: str = "q", compressed: bool = False) -> Path:
    """A directory dump below `root`; names must need no escaping."""
    folder = root / database
    folder.mkdir(parents=True)
    ending = ".gz" if compressed else ""
    for name, found in collections.items():
        for suffix, data in ((".bson", b"".join(found)), (".metadata.json", metadata(name).encode())):
            (folder / f"{name}{suffix}{ending}").write_bytes(gzip.compress(data) if compressed else data)
    return folder
