"""Artefacts of the stock tools: every form of the same data reads the same, the damaged ones are refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from services.archive.model import ArchiveError, EncryptedDump, Namespace
from services.archive.source import open_dump
from services.archive.walk import Walked, walk_dump

QUILLTAP = (
    "quilltap-20261101.gz",
    "quilltap-20261101.archive",
    "backup-20261101",
    "backup-20261101/quilltap",
    "backup-gz-20261101",
    "backup-gz-20261101/quilltap",
    "quilltap_mongo_20261101_020000.tar.gz",
)


def figures(walked: Walked) -> dict[str, tuple[int, int, int, int]]:
    """Everything that proves equality, by namespace."""
    return {
        str(name): (sums.documents, sums.bytes, sums.crc64, sums.content)
        for name, sums in walked.collections.items()
    }


@pytest.fixture
def reference(fixtures_dir: Path) -> Walked:
    """The archive with its checksums."""
    return walk_dump(fixtures_dir / QUILLTAP[0])


@pytest.mark.parametrize("name", QUILLTAP)
def test_every_form_holds_the_same(fixtures_dir: Path, reference: Walked, name: str) -> None:
    walked = walk_dump(fixtures_dir / name)
    assert figures(walked) == figures(reference)
    assert {entry.namespace: entry.document() for entry in walked.prelude.collections} == {
        entry.namespace: entry.document() for entry in reference.prelude.collections
    }
    assert walked.crc_checked is ("backup" not in name and "tar" not in name)
    assert walked.prelude.server_version == "6.0.5"
    assert walked.server_would_change == []


def test_the_reference_is_what_the_tool_dumped(reference: Walked) -> None:
    assert reference.collections[Namespace("quilltap", "memories")].documents == 300
    assert reference.collections[Namespace("quilltap", "sessions")].documents == 0
    assert reference.collections[Namespace("quilltap", "connection_profiles")].crc64 == 0xDB250C8DCDEA82DF


def test_files_are_hashed_while_they_are_read(fixtures_dir: Path) -> None:
    for name in ("quilltap-20261101.gz", "quilltap_mongo_20261101_020000.tar.gz"):
        data = (fixtures_dir / name).read_bytes()
        walked = walk_dump(fixtures_dir / name)
        assert (walked.sha256, walked.bytes) == (hashlib.sha256(data).hexdigest(), len(data))


def test_progress_adds_up_to_the_file(fixtures_dir: Path) -> None:
    steps: list[int] = []
    path = fixtures_dir / "quilltap-20261101.gz"
    walk_dump(path, advance=steps.append)
    assert sum(steps) == path.stat().st_size


def test_a_walk_can_be_stopped(fixtures_dir: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk_dump(fixtures_dir / "quilltap-20261101.gz", check=stop)


def test_the_zoo_as_archive_and_as_folder(fixtures_dir: Path) -> None:
    theirs, folder = walk_dump(fixtures_dir / "zoo.archive.gz"), walk_dump(fixtures_dir / "zoo-dump")
    assert figures(theirs) == figures(folder)
    kinds = {entry.namespace.collection: entry.kind for entry in theirs.prelude.collections}
    assert kinds == {entry.namespace.collection: entry.kind for entry in folder.prelude.collections}
    assert (kinds["v_even"], kinds["weather"], kinds["capped"]) == ("view", "timeseries", "collection")
    assert {"a/b", "sp ace", "odd%name", "ünï", "with.dots"} <= kinds.keys()
    assert theirs.collections[Namespace("zoo", "system.buckets.weather")].documents == 3
    assert Namespace("zoo", "v_even") not in theirs.collections


def test_the_zoo_packed_into_a_tar(fixtures_dir: Path, tmp_path: Path) -> None:
    for leading, compressed in (("zoo-dump/zoo", False), ("zoo", True), ("deep/below/zoo", True)):
        path = tmp_path / "zoo.tar"
        with tarfile.open(path, "w") as tar:
            tar.add(fixtures_dir / "zoo-dump" / "zoo", leading)
        if compressed:
            path.write_bytes(gzip.compress(path.read_bytes()))
        assert figures(walk_dump(path)) == figures(walk_dump(fixtures_dir / "zoo-dump"))
        source = open_dump(path)
        names = [entry.namespace for entry in source.prelude().collections]
        assert Namespace("zoo", "ünï") in names
        weather = {item.namespace.collection for item in source.read([Namespace("zoo", "weather")])}
        assert weather == {"system.buckets.weather"}


def test_a_full_dump_says_what_it_leaves_alone(fixtures_dir: Path) -> None:
    walked = walk_dump(fixtures_dir / "full-oplog.archive.gz")
    assert {name.database for name in walked.collections} == {"quilltap", "zoo"}
    assert set(walked.prelude.left_alone) == {Namespace("", "oplog"), Namespace("admin", "system.version")}
    assert "The dump holds an oplog; it is not replayed." in walked.prelude.notes
    assert any("admin.system.version" in note for note in walked.prelude.notes)
    source = open_dump(fixtures_dir / "full-oplog.archive.gz")
    assert source.notes == walked.prelude.notes
    assert {item.namespace for item in source.read([Namespace("", "oplog")])} == {Namespace("", "oplog")}


@pytest.mark.parametrize(
    ("name", "collection", "words"),
    [
        ("truncated.gz", "quilltap.memories", "truncated"),
        ("bitflip-in-gzip.gz", "quilltap.memories", "CRC-64"),
        ("not-gzip.gz", "", "not gzip"),
        ("empty.gz", "", "empty file"),
        ("trailing-garbage.gz", "", "trailing bytes"),
        ("valid-gzip-cut-archive.gz", "quilltap.memories", "the archive is cut"),
        ("valid-gzip-wrong-crc64.gz", "quilltap.connection_profiles", "the CRC-64 db250c8dcdea82df"),
    ],
)
def test_the_corrupt_seven(fixtures_dir: Path, name: str, collection: str, words: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        walk_dump(fixtures_dir / "corrupt" / name)
    assert caught.value.namespace == collection
    assert words in str(caught.value)
    assert name in str(caught.value)
    assert "Nothing was changed." in str(caught.value)


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("quilltap-20261101.gz.gpg", "gpg"),
        ("quilltap-20261101.gz.enc", "openssl"),
        ("quilltap-20261101.md5.gz.enc", "openssl"),
        ("quilltap-20261101.pbkdf2.gz.enc", "openssl"),
    ],
)
def test_encrypted_ones_name_their_tool(fixtures_dir: Path, name: str, tool: str) -> None:
    with pytest.raises(EncryptedDump) as caught:
        open_dump(fixtures_dir / name)
    assert caught.value.tool == tool
    assert name in str(caught.value)


def test_objects_are_no_dump(fixtures_dir: Path) -> None:
    with pytest.raises(ArchiveError, match=r"no \.bson file"):
        open_dump(fixtures_dir / "s3_20261101_020000")
    with pytest.raises(ArchiveError, match=r"no \.bson file"):
        walk_dump(fixtures_dir / "quilltap_s3_20261101_020000.tar.gz")


def test_one_collection_alone(fixtures_dir: Path) -> None:
    for name in QUILLTAP:
        source = open_dump(fixtures_dir / name)
        found = {item.namespace for item in source.read([Namespace("quilltap", "tags")])}
        assert found == {Namespace("quilltap", "tags")}
        assert source.bytes_read() == source.total_bytes() or name.startswith("backup")


def test_a_sources_pass_starts_over(fixtures_dir: Path) -> None:
    for name in (QUILLTAP[0], QUILLTAP[2], QUILLTAP[6]):
        source = open_dump(fixtures_dir / name)
        next(iter(source.read()))
        assert sum(1 for _ in source.read()) == sum(1 for _ in source.read())


def test_the_fixture_tar_is_a_tar(fixtures_dir: Path) -> None:
    data = (fixtures_dir / QUILLTAP[6]).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert len(tar.getnames()) > 30
