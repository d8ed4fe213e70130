"""A raw document as the server will hold it after an insert (`swap.md` 6)."""

from __future__ import annotations

import struct

from bson.objectid import ObjectId

from services.archive.elements import elements
from services.archive.model import Buffer

REFUSED = frozenset({"id-type", "two-ids", "too-large", "too-deep", "bad-bool", "dollar-in-id"})
"""Quirks after which no server takes the document."""
UPSERTED = "timestamp-zero"
"""The quirk that an insert changes and an upsert with `$replaceWith: {$literal: …}` keeps."""


def as_server_holds(document: Buffer, why: str) -> bytes:
    """The bytes the server will have for a document with a quirk it changes; others are returned as they are."""
    raw = bytes(document)
    if why == "no-id":
        return _with_first(raw, b"\x07_id\x00" + ObjectId().binary)
    if why == "id-not-first":
        return _id_first(raw)
    return raw


def _with_first(document: bytes, element: bytes) -> bytes:
    return struct.pack("<i", len(document) + len(element)) + element + document[4:]


def _id_first(document: bytes) -> bytes:
    for _, name, value, end in elements(document):
        if document[name:value] == b"_id\x00":
            start = name - 1
            return document[:4] + document[start:end] + document[4:start] + document[end:]
    return document
