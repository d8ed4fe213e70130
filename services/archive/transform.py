"""A raw document as the server will hold it after an insert (`swap.md` 6)."""

from __future__ import annotations

import struct

from bson.objectid import ObjectId

from services.archive.model import ArchiveError, Buffer

_FIXED = {1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16, 127: 0, 255: 0}
REFUSED = frozenset({"id-type", "two-ids", "too-large", "too-deep", "bad-bool", "dollar-in-id"})
"""Quirks after which no server takes the document."""
UPSERTED = "timestamp-zero"
"""The quirk that an insert changes and an upsert with `$replaceWith: {$literal: …}` keeps."""


def as_server_holds(document: Buffer, why: str) -> bytes:
    """The bytes the server will have for a document with a quirk it changes; others are returned as they are."""
    if why == "no-id":
        return _with_first(bytes(document), b"\x07_id\x00" + ObjectId().binary)
    if why == "id-not-first":
        return _id_first(bytes(document))
    return bytes(document)


def _with_first(document: bytes, element: bytes) -> bytes:
    return struct.pack("<i", len(document) + len(element)) + element + document[4:]


def _id_first(document: bytes) -> bytes:
    at = 4
    end = len(document) - 1
    while at < end:
        stop = _element_end(document, at)
        if document[at + 1 : at + 5] == b"_id\x00":
            element = document[at:stop]
            return document[:4] + element + document[4:at] + document[stop:]
        at = stop
    return document


def _element_end(document: bytes, at: int) -> int:
    kind = document[at]
    value = document.index(b"\x00", at + 1) + 1
    if kind in _FIXED:
        return value + _FIXED[kind]
    if kind == 11:
        pattern = document.index(b"\x00", value) + 1
        return document.index(b"\x00", pattern) + 1
    length: int = struct.unpack_from("<i", document, value)[0]
    if kind in (3, 4, 15):
        return value + length
    if kind in (2, 13, 14):
        return value + 4 + length
    if kind == 5:
        return value + 5 + length
    if kind == 12:
        return value + 4 + length + 12
    raise ArchiveError("a BSON element type", found=f"type {kind}", offset=at)
