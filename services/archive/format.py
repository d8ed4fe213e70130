"""The bytes of a mongodump archive: magic, prelude, namespace headers, terminators.

Source of the layout: mongo-tools common/archive (archive.go, prelude.go, multiplexer.go, spec.md), seen
again in archives of mongodump 100.18: field order and types are as that tool writes them.
"""

from __future__ import annotations

import struct

import bson
from bson.int64 import Int64

from services.archive.model import CollectionMetadata, Namespace, Prelude

MAGIC = b"\x6d\xe2\x99\x81"
TERMINATOR = b"\xff\xff\xff\xff"
ARCHIVE_VERSION = "0.1"


def encode_prelude(prelude: Prelude) -> bytes:
    """Magic, header document, one document per collection, terminator."""
    parts = [
        MAGIC,
        bson.encode(
            {
                "concurrent_collections": prelude.concurrent_collections,
                "version": ARCHIVE_VERSION,
                "server_version": prelude.server_version,
                "tool_version": prelude.tool_version,
            }
        ),
    ]
    parts += [_encode_collection(entry) for entry in prelude.collections]
    parts.append(TERMINATOR)
    return b"".join(parts)


def _encode_collection(entry: CollectionMetadata) -> bytes:
    return bson.encode(
        {
            "db": entry.namespace.database,
            "collection": entry.namespace.collection,
            "metadata": entry.raw,
            "size": 0,
            "type": entry.kind,
        }
    )


def encode_header(namespace: Namespace) -> bytes:
    """What stands before documents of a collection; `TERMINATOR` stands after them."""
    return _encode_header(namespace, eof=False, crc64=0)


def encode_end(namespace: Namespace, crc64: int) -> bytes:
    """The header that ends a collection, with the CRC of all its documents, and its terminator."""
    return _encode_header(namespace, eof=True, crc64=crc64) + TERMINATOR


def _encode_header(namespace: Namespace, *, eof: bool, crc64: int) -> bytes:
    signed: int = struct.unpack("<q", struct.pack("<Q", crc64))[0]
    return bson.encode(
        {
            "db": namespace.database,
            "collection": namespace.collection,
            "EOF": eof,
            "CRC": Int64(signed),
        }
    )
