"""The elements of a raw BSON document, walked by their lengths, values never decoded.

Layout: bsonspec.org 1.1; sizes of fixed values by type byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from services.archive.model import Buffer

DOUBLE, STRING, DOCUMENT, ARRAY, BINARY, UNDEFINED, BOOLEAN = 1, 2, 3, 4, 5, 6, 8
REGEX, DB_POINTER, SCOPED_CODE, TIMESTAMP = 11, 12, 15, 17
_FIXED = {1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16, 127: 0, 255: 0}
_STRINGS = frozenset({2, 13, 14})
_length_at = struct.Struct("<i").unpack_from


class NotBson(ValueError):
    """The bytes are no BSON document: what is wrong, and where from the document's first byte."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(f"{what} at byte {offset:,} of the document")
        self.offset = offset


def elements(raw: bytes, start: int = 0) -> Iterator[tuple[int, int, int, int]]:
    """(type, start of the name, start of the value, end of the value) of each element of one document.

    `start` is where the document begins in `raw`, so that embedded ones are walked in place. `NotBson`
    for types that do not exist, lengths that do not fit and missing NULs.
    """
    if len(raw) - start < 5:
        raise NotBson("a cut document", start)
    (length,) = _length_at(raw, start)
    end = start + length - 1
    if length < 5 or end >= len(raw) or raw[end]:
        raise NotBson(f"a length of {length:,}", start)
    at = start + 4
    while at < end:
        kind = raw[at]
        name = at + 1
        value = raw.find(b"\0", name, end) + 1
        if not value:
            raise NotBson("a field name without an end", name)
        at = _end(raw, kind, value, end)
        if at > end:
            raise NotBson(f"a value of type {kind} that is too long", value)
        yield kind, name, value, at
    if at != end:
        raise NotBson("a document that ends early", at)


def _end(raw: bytes, kind: int, value: int, end: int) -> int:
    size = _FIXED.get(kind)
    if size is not None:
        return value + size
    if kind == REGEX:
        options = raw.find(b"\0", value, end) + 1
        last = raw.find(b"\0", options, end) + 1 if options else 0
        if not last:
            raise NotBson("a regular expression without an end", value)
        return last
    if value + 4 > end:
        raise NotBson("a cut value", value)
    (length,) = _length_at(raw, value)
    if kind in (DOCUMENT, ARRAY, SCOPED_CODE):
        if length < 5:
            raise NotBson(f"a length of {length:,}", value)
        return value + int(length)
    if kind in _STRINGS or kind == DB_POINTER:
        last = value + 4 + int(length)
        if length < 1 or last > end or raw[last - 1]:
            raise NotBson(f"a string of {length:,} bytes", value)
        return last + (12 if kind == DB_POINTER else 0)
    if kind == BINARY:
        if length < 0:
            raise NotBson(f"a binary of {length:,} bytes", value)
        return value + 5 + int(length)
    raise NotBson(f"a value of the unknown type {kind}", value - 1)


def nested(raw: bytes, document: int = 0) -> Iterator[tuple[int, int, int, int]]:
    """(type, start of the value, end of the value, depth) of every element at every depth; 0 is the top."""
    waiting = [(document, 0)]
    while waiting:
        start, depth = waiting.pop()
        for kind, _, value, end in elements(raw, start):
            yield kind, value, end, depth
            if kind in (DOCUMENT, ARRAY):
                waiting.append((value, depth + 1))


def check_document(document: Buffer) -> None:
    """`NotBson` unless every length, type and NUL of a document, at every depth, fits."""
    for kind, value, end, _ in nested(bytes(document)):
        if kind in (DOCUMENT, ARRAY) and value >= end:
            raise NotBson("an empty value", value)
