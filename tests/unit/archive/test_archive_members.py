"""Our own archives by their member index: proven in parallel, read in part, refused when anything differs."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import bson
import msgspec
import pytest

from services.archive.format import encode_end
from services.archive.members import open_members, walk_members
from services.archive.model import ArchiveError, Namespace
from services.archive.source import open_dump
from services.archive.walk import walk_dump
from services.archive.writer import compress_member
from services.catalog.manifest import ArchiveFile, Member
from tests.unit.archive.builders import archive_file, build, documents, expected, read_all

COLLECTIONS = {"one": documents(20), "two": documents(7, 900), "empty": []}


@pytest.fixture
def ours(tmp_path: Path) -> tuple[Path, ArchiveFile]:
    """A small archive of ours."""
    path = tmp_path / "ours.gz"
    return path, archive_file(path, *build(COLLECTIONS, compressed=True))


def test_both_ways_find_the_same(ours: tuple[Path, ArchiveFile]) -> None:
    path, file = ours
    steps: list[int] = []
    ours_, theirs = walk_members(path, file, "q", advance=steps.append), walk_dump(path)
    assert ours_.sha256 == theirs.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert ours_.prelude == theirs.prelude
    assert ours_.crc_checked
    for name, sums in theirs.collections.items():
        found = ours_.collections[name]
        assert (found.documents, found.bytes, found.crc64, found.content) == (
            sums.documents,
            sums.bytes,
            sums.crc64,
            sums.content,
        )
    assert ours_.collections.keys() == theirs.collections.keys()
    assert sum(steps) == file.bytes - file.members[0].length


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_documents_come_in_order(ours: tuple[Path, ArchiveFile], threads: int) -> None:
    source = open_members(*ours, "q", threads=threads)
    assert read_all(source) == expected(COLLECTIONS)
    assert read_all(source) == expected(COLLECTIONS)


def test_one_collection_is_read_without_the_rest(ours: tuple[Path, ArchiveFile]) -> None:
    path, file = ours
    data = bytearray(path.read_bytes())
    for member in file.members:
        if member.collection == "two":
            data[member.offset : member.offset + member.length] = bytes(member.length)
    path.write_bytes(data)
    source = open_members(path, file, "q")
    assert read_all(source, [Namespace("q", "one")]) == {"q.one": COLLECTIONS["one"]}
    assert 0 < source.bytes_read() < source.total_bytes()
    with pytest.raises(ArchiveError):
        read_all(source, [Namespace("q", "two")])
    with pytest.raises(ArchiveError):
        walk_members(path, file, "q")
    assert read_all(source, [Namespace("q", "unknown")]) == {}


def test_every_flipped_byte_is_found(ours: tuple[Path, ArchiveFile]) -> None:
    path, file = ours
    data = path.read_bytes()
    whole = walk_members(path, file, "q")
    for at in range(0, len(data), 7):
        flipped = bytearray(data)
        flipped[at] ^= 1 << (at % 8)
        path.write_bytes(flipped)
        try:
            found = walk_members(path, file, "q")
        except ArchiveError:
            continue
        assert found.sha256 != whole.sha256
        assert {name: sums.content for name, sums in found.collections.items()} == {
            name: sums.content for name, sums in whole.collections.items()
        }


def test_the_error_names_collection_and_place(ours: tuple[Path, ArchiveFile]) -> None:
    path, file = ours
    last = [member for member in file.members if member.collection == "one"][-2]
    data = bytearray(path.read_bytes())
    data[last.offset + last.length - 6] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match="CRC-32") as caught:
        walk_members(path, file, "q")
    assert caught.value.namespace == "q.one"
    assert f"in the gzip member at byte {last.offset:,} of the file" in caught.value.found
    before = len(gzip.decompress(path.read_bytes()[: last.offset]))
    assert caught.value.offset is not None
    assert caught.value.offset >= before


def test_cut_or_longer_than_its_index(ours: tuple[Path, ArchiveFile]) -> None:
    path, file = ours
    data = path.read_bytes()
    for damaged in (data[:-1], data + b"\0", data[: file.members[-1].offset], b""):
        path.write_bytes(damaged)
        with pytest.raises(ArchiveError, match="members of its index"):
            walk_members(path, file, "q")
        with pytest.raises(ArchiveError):
            read_all(open_members(path, file, "q"))


def test_an_index_that_does_not_fit(ours: tuple[Path, ArchiveFile]) -> None:
    path, file = ours
    prelude, first, *rest = file.members
    wrong = {
        "nothing": (),
        "no prelude": file.members[1:],
        "a gap": (prelude, *rest),
        "another collection": (prelude, Member(first.offset, first.length, "two"), *rest),
        "an overlap": (prelude, Member(first.offset - 1, first.length + 1, first.collection), *rest),
    }
    for members in wrong.values():
        with pytest.raises(ArchiveError):
            walk_members(path, msgspec.structs.replace(file, members=members), "q")
    with pytest.raises(ArchiveError, match=r"the header of other\.one"):
        walk_members(path, file, "other")


def replaced(ours: tuple[Path, ArchiveFile], number: int, parts: list[bytes]) -> ArchiveFile:
    """The archive with one member rewritten, and its new index."""
    path, file = ours
    data, at, members = path.read_bytes(), 0, []
    out = b""
    for index, member in enumerate(file.members):
        piece = data[member.offset : member.offset + member.length]
        if index == number:
            piece = b"".join(compress_member(parts)) if parts else b""
        if piece:
            members.append(Member(at, len(piece), member.collection))
            at += len(piece)
            out += piece
    path.write_bytes(out)
    return ArchiveFile(name=path.name, bytes=len(out), sha256="", members=tuple(members))


def test_members_that_lie(ours: tuple[Path, ArchiveFile]) -> None:
    path, file = ours
    ends = [n for n, member in enumerate(file.members) if member.collection == "one"]
    with pytest.raises(ArchiveError, match="the CRC-64 0000000000000005"):
        walk_members(path, replaced(ours, ends[-1], [encode_end(Namespace("q", "one"), 5)]), "q")


def test_a_member_left_out(ours: tuple[Path, ArchiveFile]) -> None:
    path, file = ours
    data = [n for n, member in enumerate(file.members) if member.collection == "one"]
    with pytest.raises(ArchiveError, match="CRC-64"):
        walk_members(path, replaced(ours, data[1], []), "q")


def test_an_end_left_out(ours: tuple[Path, ArchiveFile]) -> None:
    path, file = ours
    data = [n for n, member in enumerate(file.members) if member.collection == "one"]
    shorter = replaced(ours, data[-1], [])
    with pytest.raises(ArchiveError, match="the end of all collections") as caught:
        walk_members(path, shorter, "q")
    assert caught.value.namespace == "q.one"


def test_a_document_of_sixteen_mebibytes(tmp_path: Path) -> None:
    collections = {"one": [*documents(2), bson.encode({"_id": 1, "b": bytes(16_000_000)}), *documents(2)]}
    path = tmp_path / "ours.gz"
    file = archive_file(path, *build(collections, compressed=True))
    assert read_all(open_members(path, file, "q")) == read_all(open_dump(path)) == expected(collections)


def test_a_walk_can_be_stopped(ours: tuple[Path, ArchiveFile]) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk_members(*ours, "q", check=stop)
