"""What is wrong in an archive ends in one error that names the collection, the offset and what was expected."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path

import bson
import pytest
from bson.int64 import Int64

from services.archive.documents import MAX_DOCUMENT
from services.archive.format import MAGIC, TERMINATOR, encode_end, encode_header, encode_prelude
from services.archive.model import ArchiveError, Namespace
from services.archive.reader import ArchiveReader
from services.archive.source import open_dump
from services.profile import Limits
from services.streams.gzip import gunzip
from tests.unit.archive.builders import archive, documents, entry, expected, items_of, prelude, read_all

ONE = Namespace("q", "one")
COLLECTIONS = {"one": documents(7), "two": documents(4, 60), "empty": []}


def read(path: Path, data: bytes, limits: Limits = Limits()) -> dict[str, list[bytes]]:
    """Every document of an archive given as bytes."""
    path.write_bytes(data)
    return read_all(open_dump(path, limits=limits))


def read_bytes(data: bytes) -> dict[str, list[bytes]]:
    """The same without a file and without threads, for tests of every byte."""
    chunks: Iterator[bytes] = iter([data])
    if data.startswith(b"\x1f"):
        chunks = gunzip(chunks, limits=Limits())
    found, ends = items_of(ArchiveReader(chunks, limits=Limits()).read())
    return {name: found.get(name, []) for name in ends}


def refused(path: Path, data: bytes, limits: Limits = Limits()) -> ArchiveError:
    """The error an archive ends in."""
    with pytest.raises(ArchiveError) as caught:
        read(path, data, limits)
    return caught.value


def test_what_was_written_is_read(tmp_path: Path) -> None:
    for compressed in (False, True):
        assert read(tmp_path / "a", archive(COLLECTIONS, compressed=compressed)) == expected(COLLECTIONS)


def test_a_cut_anywhere() -> None:
    data = archive(COLLECTIONS)
    for size in range(len(data)):
        with pytest.raises(ArchiveError, match=r"cut|an empty stream|the magic number"):
            read_bytes(data[:size])


def test_a_cut_of_the_gzip_file(tmp_path: Path) -> None:
    data = archive(COLLECTIONS, compressed=True)
    one = gzip.compress(archive(COLLECTIONS))
    for whole in (data, one):
        for step in range(64):
            refused(tmp_path / "a", whole[: len(whole) * step // 64])
        refused(tmp_path / "a", whole[:-1])
        refused(tmp_path / "a", whole[:-8])


def test_a_cut_at_each_terminator_names_what_is_missing(tmp_path: Path) -> None:
    data = archive(COLLECTIONS)
    at, cuts = data.find(TERMINATOR), []
    while at >= 0:
        cuts.append(at + 4)
        at = data.find(TERMINATOR, at + 4)
    assert cuts.pop() == len(data)
    for cut in cuts:
        error = refused(tmp_path / "a", data[:cut])
        assert error.namespace.startswith("q.")
        assert (error.offset, error.found) == (cut, "the end of the archive: it is cut")


def test_a_bit_flipped_in_a_document_is_found_by_the_crc(tmp_path: Path) -> None:
    data = bytearray(archive({"one": documents(5)}))
    data[data.index(b"xxxx")] ^= 1
    error = refused(tmp_path / "a", bytes(data))
    assert error.namespace == "q.one"
    assert "the CRC-64" in error.expected


def test_a_bit_flipped_anywhere_changes_no_document_in_silence() -> None:
    collections = {"one": documents(2, 4), "two": documents(1, 4)}
    data = archive(collections)
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1 << (at % 8)
        try:
            found = read_bytes(bytes(flipped))
        except ArchiveError:
            continue
        assert found == expected(collections), f"byte {at}"


def test_a_bit_flipped_in_each_part_of_gzip() -> None:
    collections = {"one": documents(40)}
    data = gzip.compress(archive(collections), mtime=0)
    for at in range(1, len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1 << (at % 8)
        try:
            found = read_bytes(bytes(flipped))
        except ArchiveError:
            continue
        assert found == expected(collections), f"byte {at}"
        # Time, flags and system in the header, and the unused bits after the last deflate code, hold no data.
        assert 4 <= at < 10 or at == len(data) - 9


def test_a_wrong_crc_names_both(tmp_path: Path) -> None:
    body = encode_header(ONE) + b"".join(documents(2)) + TERMINATOR + encode_end(ONE, 7)
    error = refused(tmp_path / "a", encode_prelude(prelude("one")) + body)
    assert error.expected == "the CRC-64 0000000000000007 of its documents"
    assert (error.namespace, len(error.found)) == ("q.one", 16)


@pytest.mark.parametrize("length", [0, 4, -2, -(2**31), MAX_DOCUMENT + 1, 2**31 - 1])
def test_a_wrong_length(tmp_path: Path, length: int) -> None:
    body = encode_header(ONE) + documents(1)[0] + struct.pack("<i", length) + bytes(64)
    start = encode_prelude(prelude("one"))
    error = refused(tmp_path / "a", start + body)
    assert (error.namespace, error.expected) == ("q.one", "a BSON document")
    assert error.offset == len(start) + len(encode_header(ONE)) + len(documents(1)[0])
    assert f"{length:,}" in error.found


def test_a_document_without_its_end(tmp_path: Path) -> None:
    broken = documents(1)[0][:-1] + b"\x01"
    error = refused(tmp_path / "a", encode_prelude(prelude("one")) + encode_header(ONE) + broken + TERMINATOR)
    assert "without a NUL at their end" in error.found


def test_sixteen_mebibytes_are_the_limit(tmp_path: Path) -> None:
    empty = len(bson.encode({"_id": 1, "b": b""}))
    largest = bson.encode({"_id": 1, "b": bytes(MAX_DOCUMENT - empty)})
    assert len(largest) == MAX_DOCUMENT
    collections = {"one": [*documents(3), largest, *documents(2)]}
    assert read(tmp_path / "a", archive(collections, compressed=True)) == expected(collections)
    larger = bson.encode({"_id": 1, "b": bytes(MAX_DOCUMENT - empty + 1)})
    error = refused(tmp_path / "a", archive({"one": [larger]}))
    assert "more than the 16,777,216 a document may have" in error.found


def test_a_second_prelude(tmp_path: Path) -> None:
    for compressed in (False, True):
        data = archive(COLLECTIONS, compressed=compressed)
        error = refused(tmp_path / "a", data + data)
        assert "a second prelude" in error.found
        assert error.offset == len(archive(COLLECTIONS))
    inside = encode_prelude(prelude("one")) + encode_header(ONE) + TERMINATOR + MAGIC
    assert "a second prelude" in refused(tmp_path / "a", inside).found


@pytest.mark.parametrize("tail", [b"\n", b"\0", b"garbage", TERMINATOR, bytes(600)])
def test_trailing_bytes(tmp_path: Path, tail: bytes) -> None:
    data = archive(COLLECTIONS)
    assert "trailing bytes" in refused(tmp_path / "a", data + tail).found
    if any(tail):
        assert "trailing bytes" in refused(tmp_path / "a", archive(COLLECTIONS, compressed=True) + tail).found
    assert "trailing bytes" in refused(tmp_path / "a", gzip.compress(data + tail)).found


def test_segments_out_of_order(tmp_path: Path) -> None:
    start = encode_prelude(prelude("one", "two"))
    header, end = encode_header(ONE), encode_end(ONE, 0)
    assert "its end alone" in refused(tmp_path / "a", start + end).found
    again = start + header + TERMINATOR + end + header
    assert refused(tmp_path / "a", again).expected == "no more of a collection that has ended"
    stranger = start + encode_header(Namespace("q", "other")) + TERMINATOR
    error = refused(tmp_path / "a", stranger)
    assert (error.expected, error.found) == ("a collection that the prelude names", "q.other")
    follow = start + header + TERMINATOR + end[:-4] + documents(1)[0]
    assert "terminator behind the end" in refused(tmp_path / "a", follow).expected


@pytest.mark.parametrize(
    "header",
    [
        {"db": "q", "collection": "one", "EOF": False},
        {"db": "q", "collection": "one", "EOF": False, "CRC": Int64(0), "more": 1},
        {"db": "q", "collection": "one", "EOF": 0, "CRC": Int64(0)},
        {"db": "q", "collection": "one", "EOF": False, "CRC": Int64(5)},
        {"db": "q", "collection": "one", "EOF": False, "CRC": "0"},
        {"db": 1, "collection": "one", "EOF": False, "CRC": Int64(0)},
    ],
)
def test_a_header_that_is_none(tmp_path: Path, header: dict[str, object]) -> None:
    data = encode_prelude(prelude("one")) + bson.encode(header) + TERMINATOR
    assert refused(tmp_path / "a", data).expected == "the header of a collection"


def test_a_prelude_that_is_none(tmp_path: Path) -> None:
    versioned = MAGIC + bson.encode({"concurrent_collections": 4, "version": "0.2"}) + TERMINATOR
    assert refused(tmp_path / "a", versioned).expected == "archive format version 0.1"
    bad = MAGIC + bson.encode({"version": "0.1"}) + bson.encode({"db": 1, "collection": "x"}) + TERMINATOR
    assert refused(tmp_path / "a", bad).expected == "the description of a collection"
    for raw, words in (("{", "text that is none"), ('{"indexes":1}', "indexes"), ("[1]", "no document")):
        described = bson.encode({"db": "q", "collection": "x", "metadata": raw, "size": 0, "type": ""})
        error = refused(tmp_path / "a", MAGIC + bson.encode({"version": "0.1"}) + described + TERMINATOR)
        assert error.namespace == "q.x"
        assert words in str(error)
    twice = bson.encode({"db": "q", "collection": "x", "metadata": "", "size": 0, "type": ""})
    error = refused(tmp_path / "a", MAGIC + bson.encode({"version": "0.1"}) + twice + twice + TERMINATOR)
    assert error.expected == "each collection once"


def test_an_archive_of_nothing_is_whole(tmp_path: Path) -> None:
    assert read(tmp_path / "a", encode_prelude(prelude())) == {}


def test_bombs(tmp_path: Path) -> None:
    zeros = bson.encode({"_id": 1, "b": bytes(15 << 20)})
    data = archive({"one": [zeros] * 5}, compressed=True)
    error = refused(tmp_path / "a", data, Limits(max_ratio=100))
    assert "it may be a bomb" in error.found
    assert error.namespace == "q.one"
    small = archive({"one": documents(2000)}, compressed=True)
    assert "it may be a bomb" in refused(tmp_path / "a", small, Limits(max_bytes=50_000)).found
    many = archive({f"c{n}": [] for n in range(60)})
    assert refused(tmp_path / "a", many, Limits(max_members=50)).expected == "at most 50 collections"


def test_the_kind_of_older_archives_comes_from_the_options(tmp_path: Path) -> None:
    parts = [MAGIC, bson.encode({"version": "0.1"})]
    for name, options in (("v", {"viewOn": "one", "pipeline": []}), ("one", {})):
        raw = entry(name, "collection", options).raw
        parts.append(bson.encode({"db": "q", "collection": name, "metadata": raw, "size": 0}))
    path = tmp_path / "a"
    path.write_bytes(b"".join(parts) + TERMINATOR)
    assert open_dump(path).prelude().collections[0].kind == "collection"
    raw = '{"options":{"viewOn":"one","pipeline":[]},"indexes":[]}'
    described = bson.encode({"db": "q", "collection": "v", "metadata": raw, "size": 0})
    path.write_bytes(MAGIC + bson.encode({"version": "0.1"}) + described + TERMINATOR)
    assert open_dump(path).prelude().collections[0].kind == "view"
