"""Walking raw documents along chosen fields: all else is stepped over by its length, nothing is decoded.

Layout: bsonspec.org 1.1, as in `services.archive.elements`; here no object is made of what nobody asked for.
"""

from __future__ import annotations

import re
import struct

from services.archive.elements import ARRAY, DOCUMENT, STRING, NotBson

DOUBLE, UNDEFINED, BOOLEAN, DATE, NULL, INT32, INT64 = 1, 6, 8, 9, 10, 16, 18
_FIXED = {1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16, 127: 0, 255: 0}
_REGEX, _BINARY, _DB_POINTER = 11, 5, 12
_STRINGS = frozenset({2, 12, 13, 14})
_SIZED = frozenset({3, 4, 15})
_length = struct.Struct("<i").unpack_from
_moment = re.compile(
    rb"[+-]?\d{4,6}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    rb"T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)"
).fullmatch
"""ISO 8601 with a zone, as JavaScript's `toISOString` writes it and a little more."""


class Field:
    """What is wanted of one field and of those below it; made by whoever asks, then only read.

    `refs` are numbers reported with the field's text, `names` such numbers reported with every field name
    in it, `keep` asks for the value, `count` for the number of elements. `types` are the BSON types it may
    have (None: any), `date` says that a text must be a moment, `required` names what must be in it.
    """

    __slots__ = ("count", "date", "fields", "items", "keep", "names", "path", "refs", "required", "types")

    def __init__(self, path: str = "") -> None:
        self.path = path
        self.refs: tuple[int, ...] = ()
        self.names: tuple[int, ...] = ()
        self.keep = False
        self.count = False
        self.date = False
        self.types: frozenset[int] | None = None
        self.required: frozenset[bytes] = frozenset()
        self.fields: dict[bytes, Field] = {}
        self.items: Field | None = None

    def at(self, path: str) -> Field:
        """The field of a path below this one (`participants[].characterId`), made when it is not there yet."""
        here = self
        for step in path.split(".") if path else ():
            name, array, _ = step.partition("[]")
            here = here.fields.setdefault(name.encode(), Field(f"{here.path}.{name}" if here.path else name))
            if array:
                if here.items is None:
                    here.items = Field(f"{here.path}[]")
                here = here.items
        return here


class Seen:
    """What one document held. `kept` are (BSON type, raw value) by path, `refs` (number, text), `counts` elements.

    `wrong` are (field, type found), `undated` fields whose text is no moment, `dates` those that hold a BSON date
    where a text should be, `missing` paths.
    """

    __slots__ = ("counts", "dates", "kept", "missing", "refs", "undated", "wrong")

    def __init__(self) -> None:
        self.kept: dict[str, tuple[int, bytes]] = {}
        self.refs: list[tuple[int, bytes]] = []
        self.counts: dict[str, int] = {}
        self.wrong: list[tuple[Field, int]] = []
        self.undated: list[Field] = []
        self.dates: list[tuple[Field, int]] = []
        self.missing: list[str] = []

    def text(self, path: str) -> bytes | None:
        """A kept field that is text."""
        kind, value = self.kept.get(path, (NULL, b""))
        return value[4:-1] if kind == STRING else None

    def number(self, path: str) -> int | None:
        """A kept field that is a number."""
        kind, value = self.kept.get(path, (NULL, b""))
        if kind in (INT32, INT64):
            return int.from_bytes(value, "little", signed=True)
        if kind == DOUBLE:
            (found,) = struct.unpack("<d", value)
            return int(found) if found == found and abs(found) < 1e18 else None
        return None


def look(root: Field, raw: bytes, start: int) -> tuple[Seen, int]:
    """What the document at `start` holds of the fields of `root`, and where it ends.

    Errors: `NotBson` where its lengths do not fit.
    """
    seen = Seen()
    try:
        end = start + int(_length(raw, start)[0])
        _document(raw, start, root, seen)
    except (struct.error, IndexError, ValueError) as error:
        if isinstance(error, NotBson):
            raise
        raise NotBson("a cut value", start) from error
    return seen, end


def _document(raw: bytes, start: int, into: Field, seen: Seen) -> None:
    end = _end_of(raw, start)
    at = start + 4
    fields, names = into.fields, into.names
    missing = set(into.required) if into.required else None
    while at < end:
        kind = raw[at]
        stop = raw.index(0, at + 1, end)
        name = raw[at + 1 : stop]
        value = stop + 1
        at = _after(raw, kind, value, end)
        field = fields.get(name)
        if field is not None:
            if missing and kind != NULL:
                missing.discard(name)
            _value(raw, kind, value, at, field, seen)
        for number in names:
            seen.refs.append((number, name))
    if missing:
        before = f"{into.path}." if into.path else ""
        seen.missing += [before + name.decode() for name in sorted(missing)]


def _array(raw: bytes, start: int, field: Field, seen: Seen) -> None:
    end = _end_of(raw, start)
    at = start + 4
    items = field.items
    elements = 0
    while at < end:
        kind = raw[at]
        value = raw.index(0, at + 1, end) + 1
        at = _after(raw, kind, value, end)
        elements += 1
        if items is not None:
            _value(raw, kind, value, at, items, seen)
    if field.count:
        seen.counts[field.path] = seen.counts.get(field.path, 0) + elements


def _value(raw: bytes, kind: int, value: int, after: int, field: Field, seen: Seen) -> None:
    if field.types is not None and kind not in field.types:
        seen.wrong.append((field, kind))
    if field.keep:
        seen.kept[field.path] = (kind, raw[value:after])
    if kind == STRING:
        if field.refs and after - value > 5:
            text = raw[value + 4 : after - 1]
            for number in field.refs:
                seen.refs.append((number, text))
        if field.date and _moment(raw, value + 4, after - 1) is None:
            seen.undated.append(field)
    elif kind == DATE:
        if field.date:
            seen.dates.append((field, kind))
    elif kind == DOCUMENT:
        if field.fields or field.names or field.required:
            _document(raw, value, field, seen)
    elif kind == ARRAY and (field.items is not None or field.count):
        _array(raw, value, field, seen)


def _end_of(raw: bytes, start: int) -> int:
    end = start + int(_length(raw, start)[0]) - 1
    if end < start + 4 or end >= len(raw) or raw[end]:
        raise NotBson("a length that does not fit", start)
    return end


def _after(raw: bytes, kind: int, value: int, end: int) -> int:
    size = _FIXED.get(kind)
    if size is None:
        if kind in _SIZED:
            size = int(_length(raw, value)[0])
            if size < 5:
                raise NotBson(f"a length of {size:,}", value)
        elif kind in _STRINGS:
            length = int(_length(raw, value)[0])
            if length < 1:
                raise NotBson(f"a string of {length:,} bytes", value)
            size = 4 + length + (12 if kind == _DB_POINTER else 0)
        elif kind == _BINARY:
            length = int(_length(raw, value)[0])
            if length < 0:
                raise NotBson(f"a binary of {length:,} bytes", value)
            size = 5 + length
        elif kind == _REGEX:
            return raw.index(0, raw.index(0, value, end) + 1, end) + 1
        else:
            raise NotBson(f"a value of the unknown type {kind}", value)
    after = value + size
    if after > end:
        raise NotBson(f"a value of type {kind} that is too long", value)
    return after
