"""What makes two documents the same one: their `_id`, as the server compares it, not as it is stored.

A server takes 1, 1.0 and Decimal128 1 for one `_id`, and a symbol for a string; nested documents likewise.
A collection's own collation is left aside: under one that ignores case "a" and "A" are told as two documents.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from services.archive.elements import ARRAY, DOCUMENT, DOUBLE, STRING, NotBson, elements

INT32, INT64, DECIMAL, OBJECT_ID, SYMBOL, UNDEFINED, NULL = 16, 18, 19, 7, 14, 6, 10
_ID = b"_id\0"
_NUMBER = b"\x10"
_double_at = struct.Struct("<d").unpack_from


def identity(raw: bytes) -> bytes | None:
    """Bytes that are equal for equal `_id`s, from one raw document; None where it has no `_id` or is no BSON.

    Of several `_id`s the first counts, as with the server.
    """
    if raw[5:9] == _ID and raw[4] == OBJECT_ID:
        return raw[4:5] + raw[9:21]
    found = id_of(raw)
    if found is None:
        return None
    try:
        return b"".join(_canonical(raw, *found))
    except (NotBson, RecursionError, ValueError):
        return bytes([found[0]]) + raw[found[1] : found[2]]


def id_of(raw: bytes) -> tuple[int, int, int] | None:
    """(type, start, end) of a document's `_id`; None where there is none."""
    try:
        for kind, name, value, end in elements(raw):
            if raw.startswith(_ID, name):
                return kind, value, end
    except NotBson:
        return None
    return None


def _canonical(raw: bytes, kind: int, start: int, end: int) -> Iterator[bytes]:
    if kind in (INT32, INT64):
        yield _NUMBER
        yield b"%d/1;" % int.from_bytes(raw[start:end], "little", signed=True)
    elif kind in (DOUBLE, DECIMAL):
        yield _NUMBER
        yield _ratio(raw, kind, start, end)
    elif kind in (STRING, SYMBOL):
        yield bytes([STRING])
        yield raw[start:end]
    elif kind in (DOCUMENT, ARRAY):
        yield bytes([kind])
        for inner, name, value, stop in elements(raw, start):
            yield b"\x01" + (raw[name:value] if kind == DOCUMENT else b"\0")
            yield from _canonical(raw, inner, value, stop)
        yield b"\0"
    elif kind in (UNDEFINED, NULL):
        yield bytes([kind])
    else:
        yield bytes([kind])
        yield raw[start:end]


def _ratio(raw: bytes, kind: int, start: int, end: int) -> bytes:
    """A number as an exact fraction; what is no number by its name."""
    if kind == DOUBLE:
        (value,) = _double_at(raw, start)
        if value != value or value in (float("inf"), float("-inf")):
            return f"{'nan' if value != value else value};".encode()
        above, below = value.as_integer_ratio()
        return b"%d/%d;" % (above, below)
    from bson.decimal128 import Decimal128

    number = Decimal128.from_bid(raw[start:end]).to_decimal()
    if not number.is_finite():
        return b"nan;" if number.is_nan() else b"inf;" if number > 0 else b"-inf;"
    above, below = number.as_integer_ratio()
    return f"{above:x}/{below:x};x".encode() if above.bit_length() > 4_096 else b"%d/%d;" % (above, below)
