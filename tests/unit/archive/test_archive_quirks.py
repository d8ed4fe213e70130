"""Documents that a server changes or refuses are found; ordinary ones are not."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import bson
import pytest

from services.archive.documents import MAX_DOCUMENT, split_documents
from services.archive.elements import NotBson, check_document, elements
from services.archive.model import ArchiveError, Block, Namespace
from services.archive.quirks import Quirk, scan_block, server_would_change
from services.archive.source import open_dump
from services.archive.walk import walk_dump
from tests.unit.archive.builders import archive, documents

ZERO = bson.Timestamp(0, 0)


def deep(levels: int) -> dict[str, Any]:
    """A document with so many levels below it."""
    inner: Any = 1
    for _ in range(levels):
        inner = {"a": inner}
    return {"_id": 1, "d": inner}


def raw(*parts: bytes) -> bytes:
    """A document of such elements."""
    body = b"".join(parts)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


ID = b"\x10_id\0" + struct.pack("<i", 7)
CHANGED = {
    "timestamp-zero": bson.encode({"_id": 1, "t": ZERO}),
    "no-id": bson.encode({"a": 1}),
    "id-not-first": raw(b"\x10a\0" + struct.pack("<i", 7), ID),
    "id-type": raw(b"\x04_id\0" + raw()),
    "dollar-in-id": bson.encode({"_id": {"$a": 1}}),
    "too-large": bson.encode({"_id": 1, "b": bytes(MAX_DOCUMENT)}),
}
REFUSED = {
    "two-ids": raw(ID, ID),
    "too-deep": bson.encode(deep(180)),
    "bad-bool": raw(ID, b"\x08b\0\x02"),
}


@pytest.mark.parametrize(("word", "document"), CHANGED.items())
def test_what_is_always_found(word: str, document: bytes) -> None:
    assert server_would_change(document) == word
    assert server_would_change(memoryview(document), thorough=True) == word
    block = b"".join([*documents(3), document, *documents(2)])
    assert scan_block(block) == [(3, word)]
    assert scan_block(memoryview(document * 2)) == [(0, word), (1, word)]


@pytest.mark.parametrize(("word", "document"), REFUSED.items())
def test_what_is_found_thoroughly(word: str, document: bytes) -> None:
    assert server_would_change(document, thorough=True) == word


@pytest.mark.parametrize(
    "document",
    [
        bson.encode({"_id": None}),
        bson.encode({"_id": ZERO}),
        bson.encode({"_id": 1, "nested": {"t": ZERO}, "list": [ZERO]}),
        bson.encode({"_id": 1, "t": bson.Timestamp(0, 1), "z": bytes(20)}),
        bson.encode({"_id": 1, "t": bson.Timestamp(1, 0), "d": 0.0, "e": 0.0}),
        bson.encode({"_id": {"a": 1, "b": {"$c": 1}}}),
        bson.encode({"_id": bson.ObjectId(), "ref": {"_id": 5}, "user_id": 3}),
        bson.encode(deep(179)),
        bson.encode({"_id": True, "b": [False, True]}),
        raw(b"\x0e_id\0" + struct.pack("<i", 2) + b"a\0"),
        bson.encode({"_id": 1, "b": bytes(MAX_DOCUMENT - 30)}),
    ],
)
def test_ordinary_ones(document: bytes) -> None:
    assert server_would_change(document) is None
    assert server_would_change(document, thorough=True) is None
    assert scan_block(document * 2) == []


@pytest.mark.parametrize("kind", [b"\x04", b"\x06", b"\x0b"])
def test_types_an_id_cannot_have(kind: bytes) -> None:
    value = {b"\x04": raw(), b"\x06": b"", b"\x0b": b"a\0i\0"}[kind]
    assert server_would_change(raw(kind + b"_id\0" + value)) == "id-type"


def test_a_walk_names_them_by_place(tmp_path: Path) -> None:
    found = [*documents(5), CHANGED["no-id"], *documents(3), CHANGED["timestamp-zero"], CHANGED["no-id"]]
    (tmp_path / "a").write_bytes(archive({"one": found, "two": documents(2)}, per_block=2))
    walked = walk_dump(tmp_path / "a")
    assert walked.server_would_change == [
        Quirk("q", "one", 5, "no-id"),
        Quirk("q", "one", 9, "timestamp-zero"),
        Quirk("q", "one", 10, "no-id"),
    ]
    assert walked.changes == {Namespace("q", "one"): {"no-id": 2, "timestamp-zero": 1}}


def test_a_walk_refuses_what_is_no_bson_below_a_right_checksum(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(archive({"one": [*documents(2), raw(b"\x2aa\0" + bytes(8))]}))
    with pytest.raises(ArchiveError, match="unknown type 42") as caught:
        walk_dump(tmp_path / "a")
    assert caught.value.namespace == "q.one"


def test_the_zoo_is_ordinary_and_whole(fixtures_dir: Path) -> None:
    for item in open_dump(fixtures_dir / "zoo.archive.gz").read():
        if isinstance(item, Block):
            for document in split_documents(item.data):
                check_document(document)
                assert server_would_change(document, thorough=True) is None


@pytest.mark.parametrize(
    "document",
    [
        b"\x05\0\0\0",
        b"\x06\0\0\0\0",
        raw(b"\x2aa\0"),
        raw(b"\x02a\0" + struct.pack("<i", 50) + b"x\0"),
        raw(b"\x02a\0" + struct.pack("<i", 2) + b"xy"),
        raw(b"\x03a\0" + struct.pack("<i", 3)),
        raw(b"\x05a\0" + struct.pack("<i", -1) + b"\0"),
        raw(b"\x0ba\0b"),
        raw(b"\x10a"),
        raw(b"\x10a\0\0"),
        raw(b"\x03a\0" + raw(b"\x2ab\0")),
    ],
)
def test_what_is_no_bson(document: bytes) -> None:
    with pytest.raises(NotBson):
        check_document(document)


def test_elements_are_walked_by_their_lengths(fixtures_dir: Path) -> None:
    everything = bson.encode(
        {
            "_id": 1,
            "code": bson.Code("x", {"a": 1}),
            "regex": bson.Regex("a", "i"),
            "pointer": bson.DBRef("c", bson.ObjectId()),
            "decimal": bson.Decimal128("1"),
            "keys": [bson.MinKey(), bson.MaxKey(), None],
        }
    )
    names = [
        everything[name : everything.index(b"\0", name)].decode() for _, name, _, _ in elements(everything)
    ]
    assert names == ["_id", "code", "regex", "pointer", "decimal", "keys"]
    check_document(everything)
