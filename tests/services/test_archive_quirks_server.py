"""The words for documents that a server changes or refuses, held against a real server."""

from __future__ import annotations

import struct
from typing import Any

import bson
import pytest
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from pymongo.errors import PyMongoError

from services.archive.quirks import server_would_change


def raw(*parts: bytes) -> bytes:
    """A document of such elements."""
    body = b"".join(parts)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def deep(levels: int) -> bytes:
    """A document with so many levels below it."""
    inner: Any = 1
    for _ in range(levels):
        inner = {"a": inner}
    return bson.encode({"_id": 1, "d": inner})


ID = b"\x10_id\0" + struct.pack("<i", 7)
CHANGED = {
    "timestamp-zero": bson.encode({"_id": 1, "t": bson.Timestamp(0, 0)}),
    "no-id": bson.encode({"a": 1}),
    "id-not-first": raw(b"\x10a\0" + struct.pack("<i", 7), ID),
}
REFUSED = {
    "array": raw(b"\x04_id\0" + raw()),
    "undefined": raw(b"\x06_id\0"),
    "regex": raw(b"\x0b_id\0a\0\0"),
    "dollar": bson.encode({"_id": {"$a": 1}}),
    "two": raw(ID, ID),
    "180 levels": deep(180),
    "boolean": raw(ID, b"\x08b\0\x02"),
}
KEPT = {
    "179 levels": deep(179),
    "nested timestamp": bson.encode({"_id": 1, "n": {"t": bson.Timestamp(0, 0)}}),
    "timestamp as _id": bson.encode({"_id": bson.Timestamp(0, 0)}),
    "dollar below _id": bson.encode({"_id": {"a": {"b": 1}}, "$x": 1}),
    "ordinary": bson.encode({"_id": 1, "user_id": 2, "b": True}),
}


def stored(db: Database[Any], document: bytes) -> bytes | None:
    """What the server holds after an insert of the raw bytes; None when it refused them."""
    # pymongo adds an _id to what an insert helper is given, so the command goes out as it is.
    try:
        reply = db.command(bson.SON([("insert", "c"), ("documents", [RawBSONDocument(document)])]))
    except PyMongoError:
        return None
    if reply.get("writeErrors"):
        return None
    (found,) = db.get_collection("c", codec_options=bson.CodecOptions(document_class=RawBSONDocument)).find()
    return bytes(found.raw)


@pytest.mark.parametrize(("word", "document"), CHANGED.items())
def test_changed(db: Database[Any], word: str, document: bytes) -> None:
    found = stored(db, document)
    assert found is not None
    assert found != document
    assert server_would_change(document) == word


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED.keys())
def test_refused(db: Database[Any], document: bytes) -> None:
    assert stored(db, document) is None
    assert server_would_change(document, thorough=True) is not None


@pytest.mark.parametrize("document", KEPT.values(), ids=KEPT.keys())
def test_kept(db: Database[Any], document: bytes) -> None:
    assert stored(db, document) == document
    assert server_would_change(document, thorough=True) is None
