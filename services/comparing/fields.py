"""What differs between two raw documents, by field path; values are only pointed at, never decoded here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from services.archive.elements import ARRAY, DOCUMENT, NotBson, elements

MAX_DEPTH = 100
"""Levels that are looked into; what lies deeper is told by the path of this one."""
FEW = 3
"""Elements of an array of plain values that are named one by one; of more the array itself is."""
_PLAIN_NAME = re.compile(r"[^\s.\[\]\"`\x00-\x1f]+\Z")

ChangeKind = Literal["changed", "added", "removed", "type", "order"]
Value = tuple[int, int, int]
"""Type, start and end in its document."""
TYPES = {
    1: "double", 2: "string", 3: "document", 4: "array", 5: "binary", 6: "undefined", 7: "ObjectId", 8: "bool",
    9: "date", 10: "null", 11: "regex", 12: "DBPointer", 13: "code", 14: "symbol", 15: "code with scope",
    16: "int", 17: "timestamp", 18: "long", 19: "decimal", 127: "maxKey", 255: "minKey",
}  # fmt: skip


class Change(msgspec.Struct, frozen=True, gc=False):
    """One field: `names` are those of the path's documents, `a` and `b` where the values lie, None for none."""

    kind: ChangeKind
    path: str
    names: tuple[str, ...]
    a: Value | None = None
    b: Value | None = None


def changes(a: bytes, b: bytes) -> Iterator[Change]:
    """Every field in which two raw documents differ, in the order of A; at least one where their bytes do.

    Errors: `NotBson` where one cannot be walked.
    """
    told = False
    for change in _documents(a, b, 0, 0, "", (), 0):
        told = True
        yield change
    if not told and a != b:
        yield Change("changed", "", ())


def _documents(
    a: bytes, b: bytes, at_a: int, at_b: int, path: str, names: tuple[str, ...], depth: int
) -> Iterator[Change]:
    left, right = _members(a, at_a), _members(b, at_b)
    for key, value in left.items():
        name, where = _named(path, key)
        inner = (*names, name)
        other = right.get(key)
        if other is None:
            yield Change("removed", where, inner, value, None)
        else:
            yield from _values(a, b, value, other, where, inner, depth)
    for key, value in right.items():
        if key not in left:
            name, where = _named(path, key)
            yield Change("added", where, (*names, name), None, value)
    if [key for key in left if key in right] != [key for key in right if key in left]:
        yield Change("order", path, names)


def _values(
    a: bytes, b: bytes, one: Value, other: Value, path: str, names: tuple[str, ...], depth: int
) -> Iterator[Change]:
    if one[0] != other[0]:
        yield Change("type", path, names, one, other)
        return
    if a[one[1] : one[2]] == b[other[1] : other[2]]:
        return
    told = False
    if depth < MAX_DEPTH and one[0] in (DOCUMENT, ARRAY):
        walk = _documents if one[0] == DOCUMENT else _arrays
        for change in walk(a, b, one[1], other[1], path, names, depth + 1):
            told = True
            yield change
    if not told:
        yield Change("changed", path, names, one, other)


def _arrays(
    a: bytes, b: bytes, at_a: int, at_b: int, path: str, names: tuple[str, ...], depth: int
) -> Iterator[Change]:
    """Elements by their place; where some came or went, what is the same at both ends is left out first."""
    left = [(kind, value, end) for kind, _, value, end in elements(a, at_a)]
    right = [(kind, value, end) for kind, _, value, end in elements(b, at_b)]

    def equal(one: Value, other: Value) -> bool:
        return one[0] == other[0] and a[one[1] : one[2]] == b[other[1] : other[2]]

    start = stop = 0
    shorter = min(len(left), len(right))
    if len(left) != len(right):
        while start < shorter and equal(left[start], right[start]):
            start += 1
        while stop < shorter - start and equal(left[-1 - stop], right[-1 - stop]):
            stop += 1
    ours, theirs = left[start : len(left) - stop], right[start : len(right) - stop]
    nested = (DOCUMENT, ARRAY)
    if not any(value[0] in nested for value in (*ours, *theirs)):
        moved = abs(len(ours) - len(theirs)) + sum(
            not equal(one, other) for one, other in zip(ours, theirs, strict=False)
        )
        if moved > FEW:
            # One change for all of them: a vector of 1,536 numbers would hide every other field.
            return
    for place, (one, other) in enumerate(zip(ours, theirs, strict=False), start):
        yield from _values(a, b, one, other, f"{path}[{place}]", names, depth)
    for place, value in enumerate(ours[len(theirs) :], start + len(theirs)):
        yield Change("removed", f"{path}[{place}]", names, value, None)
    for place, value in enumerate(theirs[len(ours) :], start + len(ours)):
        yield Change("added", f"{path}[{place}]", names, None, value)


Key = tuple[bytes, int]
"""A field's name, and how often it stood before in the same document."""


def _members(raw: bytes, start: int) -> dict[Key, Value]:
    found: dict[Key, Value] = {}
    for kind, name, value, end in elements(raw, start):
        label, times = raw[name : value - 1], 0
        while (label, times) in found:
            times += 1
        found[label, times] = (kind, value, end)
    return found


def _named(path: str, key: Key) -> tuple[str, str]:
    """(the field's name, its path); a name that would not read as one is quoted."""
    name = key[0].decode("utf-8", "backslashreplace")
    again = f"#{key[1] + 1}" if key[1] else ""
    if not _PLAIN_NAME.match(name):
        return name, f"{path}[{json.dumps(name, ensure_ascii=False)}]{again}"
    return name, f"{path}.{name}{again}" if path else f"{name}{again}"


__all__ = ["TYPES", "Change", "ChangeKind", "NotBson", "Value", "changes"]
