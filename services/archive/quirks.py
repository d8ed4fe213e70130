"""Documents that a server changes or refuses on insert, found without decoding the ordinary ones.

Measured on 6.0.5: a top-level Timestamp(0,0) becomes now, a missing `_id` is made up, one that is not first
is moved; refused are two `_id`, an `_id` that is an array, a regular expression, undefined or has a `$`
field, more than 16 MiB, more than 180 levels, a boolean that is neither 0 nor 1.
"""

from __future__ import annotations

import re
import struct

import msgspec

from services.archive.documents import MASK64, MAX_DOCUMENT, crc64_xz, sum_documents
from services.archive.elements import (
    ARRAY,
    BOOLEAN,
    DOCUMENT,
    REGEX,
    TIMESTAMP,
    UNDEFINED,
    elements,
    nested,
)
from services.archive.model import Buffer

MAX_DEPTH = 179
"""Levels of embedded documents and arrays the server takes: with the document itself 180 (measured on 6.0.5)."""
_ID = b"_id\0"
_TIMESTAMP = bytes([TIMESTAMP])
_ZEROS = b"\0" * 9
"""The end of a field's name and eight bytes of zero: a Timestamp(0,0), among others.

Looked for by `rfind`, which takes a third of the time of `find` and `in` (measured on CPython 3.11).
"""
_DOLLAR = ord("$")
_ORDINARY_IDS = frozenset({1, 2, 5, 7, 9, 16, 18, 19})
_TYPES = frozenset([*range(1, 20), 127, 255])
_BOOLEAN = re.compile(rb"\x08[^\x00]*\x00[^\x00\x01]")
_length_at = struct.Struct("<i").unpack_from


class Quirk(msgspec.Struct, frozen=True, gc=False):
    """One such document, by its place in its collection (0 is the first)."""

    database: str
    collection: str
    ordinal: int
    why: str


ORDINARY_HEADS = frozenset(bytes([kind]) + _ID for kind in _ORDINARY_IDS)
"""The five bytes after the length of a document whose `_id` is first and of an ordinary type."""


def may_hold_zero_timestamp(data: bytes) -> bool:
    """Whether a block has the bytes of a Timestamp(0,0) at all: else only heads need a look."""
    return data.rfind(_TIMESTAMP) >= 0 and data.rfind(_ZEROS) >= 0


def server_would_change(document: Buffer, *, thorough: bool = False) -> str | None:
    """The word for one raw document that a server changes or refuses; None for an ordinary one.

    Always found: `no-id`, `id-not-first`, `timestamp-zero` (what is changed in silence), `id-type`,
    `dollar-in-id`, `too-large`. Only `thorough`, at about 2 ns a byte: `two-ids`, `too-deep`, `bad-bool`.
    No server holds such documents, and it refuses them by an error, so they are looked for once it did.
    `NotBson` is possible.
    """
    raw = bytes(document)
    if (
        raw[4] not in _ORDINARY_IDS
        or raw[5:9] != _ID
        or (_TIMESTAMP in raw and raw.rfind(_ZEROS) >= 0)
        or len(raw) > MAX_DOCUMENT
        or (thorough and _refusable(raw))
    ):
        return _look(raw)
    return None


def scan_block(data: Buffer) -> list[tuple[int, str]]:
    """(place in the block, word) for whole documents, as `server_would_change` without `thorough`.

    One look for the bytes of a Timestamp(0,0) serves the whole block. `NotBson` is possible.
    """
    raw = bytes(data)
    zeros = _TIMESTAMP in raw and raw.rfind(_ZEROS) >= 0
    ordinary, length_at, ident = _ORDINARY_IDS, _length_at, _ID
    found: list[tuple[int, str]] = []
    size = len(raw)
    at = ordinal = 0
    while at < size:
        (length,) = length_at(raw, at)
        end = at + length
        if (
            raw[at + 4] not in ordinary
            or raw[at + 5 : at + 9] != ident
            or (zeros and raw.find(_TIMESTAMP, at, end) >= 0 and raw.rfind(_ZEROS, at, end) >= 0)
            or length > MAX_DOCUMENT
        ):
            word = _look(raw[at:end])
            if word is not None:
                found.append((ordinal, word))
        ordinal += 1
        at = end
    return found


def sum_block(data: Buffer, *, namespace: str, offset: int) -> tuple[int, int, list[tuple[int, str]]]:
    """(documents, content sum, what `scan_block` finds) of whole documents in one walk.

    Errors: `ArchiveError` as `sum_documents`, `NotBson` as `scan_block`.
    """
    raw = bytes(data)
    if len(raw) > MAX_DOCUMENT or may_hold_zero_timestamp(raw):
        documents, content = sum_documents(raw, namespace=namespace, offset=offset)
        return documents, content, scan_block(raw)
    view = memoryview(raw)
    size = len(raw)
    ordinary, length_at, crc = ORDINARY_HEADS, _length_at, crc64_xz
    found: list[tuple[int, str]] = []
    at = count = content = 0
    while at < size:
        end = at + length_at(raw, at)[0] if at + 5 <= size else -1
        if end < at + 5 or end > size or raw[end - 1]:
            sum_documents(view[at:], namespace=namespace, offset=offset + at)
        content += crc(view[at:end])
        if raw[at + 4 : at + 9] not in ordinary:
            word = server_would_change(view[at:end])
            if word is not None:
                found.append((count, word))
        count += 1
        at = end
    return count, content & MASK64, found


def _refusable(raw: bytes) -> bool:
    """Whether a document has any of the bytes that one with two `_id`, deep nesting or a bad boolean has."""
    at = raw.find(_ID, 9)
    while at >= 0:
        if raw[at - 1] in _TYPES:
            return True
        at = raw.find(_ID, at + 4)
    return raw.count(DOCUMENT) + raw.count(ARRAY) > MAX_DEPTH or _BOOLEAN.search(raw) is not None


def _look(raw: bytes) -> str | None:
    """The word by walking the elements: what is refused before what is only changed."""
    if len(raw) > MAX_DOCUMENT:
        return "too-large"
    ids = 0
    first = True
    moved = timestamp = False
    for kind, name, value, end in elements(raw):
        if raw.startswith(_ID, name):
            ids += 1
            moved = moved or not first
            if kind in (ARRAY, REGEX, UNDEFINED):
                return "id-type"
            if kind == DOCUMENT and any(raw[field] == _DOLLAR for _, field, _, _ in elements(raw, value)):
                return "dollar-in-id"
        elif kind == TIMESTAMP and raw[value:end] == _ZEROS[:8]:
            timestamp = True
        first = False
    if ids > 1:
        return "two-ids"
    for kind, value, _, depth in nested(raw):
        if depth > MAX_DEPTH:
            return "too-deep"
        if kind == BOOLEAN and raw[value] > 1:
            return "bad-bool"
    if not ids:
        return "no-id"
    if moved:
        return "id-not-first"
    return "timestamp-zero" if timestamp else None
