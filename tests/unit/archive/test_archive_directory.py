"""Directory dumps and tars of them, as mongodump lays them out and as they arrive damaged or hostile."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from services.archive.metadata import base64url_sha1
from services.archive.model import ArchiveError, Namespace
from services.archive.source import open_dump
from services.archive.walk import walk_dump
from services.profile import Limits
from tests.unit.archive.builders import documents, dump_folder, expected, metadata, read_all

COLLECTIONS = {"one": documents(5), "two": documents(3, 90), "empty": []}


def packed(folder: Path, *, name: str = "t.tar", leading: str = "dump", mode: str = "w") -> Path:
    """A tar of a folder of databases."""
    path = folder.parent / name
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        tar.add(folder, leading)
    return path


@pytest.mark.parametrize("compressed", [False, True])
def test_root_folder_and_tar(tmp_path: Path, compressed: bool) -> None:
    root = tmp_path / "dump"
    folder = dump_folder(root, COLLECTIONS, compressed=compressed)
    for path in (root, folder, packed(root), packed(root, name="t.tgz", mode="w:gz")):
        source = open_dump(path)
        assert read_all(source) == expected(COLLECTIONS)
        assert {entry.namespace.collection for entry in source.prelude().collections} == set(COLLECTIONS)
        assert read_all(source, [Namespace("q", "two")]) == {"q.two": COLLECTIONS["two"]}
    assert open_dump(root).total_bytes() == sum(
        path.stat().st_size for path in folder.iterdir() if ".bson" in path.name
    )


def test_the_folder_may_be_named_by_a_link(tmp_path: Path) -> None:
    dump_folder(tmp_path / "dump", COLLECTIONS)
    (tmp_path / "latest").symlink_to(tmp_path / "dump")
    assert read_all(open_dump(tmp_path / "latest")) == expected(COLLECTIONS)


def test_links_and_special_files_inside_are_refused(tmp_path: Path) -> None:
    folder = dump_folder(tmp_path / "dump", COLLECTIONS)
    (folder / "x.bson").symlink_to("/etc/passwd")
    with pytest.raises(ArchiveError, match=r"the symbolic link x\.bson"):
        open_dump(folder).prelude()
    (folder / "x.bson").unlink()
    os.mkfifo(folder / "x.bson")
    with pytest.raises(ArchiveError, match=r"the special file x\.bson"):
        open_dump(tmp_path / "dump").prelude()
    (folder / "x.bson").unlink()
    (tmp_path / "dump" / "other").symlink_to("/")
    with pytest.raises(ArchiveError, match="the symbolic link other"):
        open_dump(tmp_path / "dump").prelude()


def test_a_file_swapped_for_a_link_after_the_listing_is_refused(tmp_path: Path) -> None:
    folder = dump_folder(tmp_path / "dump", COLLECTIONS)
    source = open_dump(folder)
    source.prelude()
    (folder / "one.bson").rename(tmp_path / "elsewhere")
    (folder / "one.bson").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArchiveError, match="symbolic link"):
        read_all(source)


def test_legacy_metadata(tmp_path: Path) -> None:
    folder = dump_folder(tmp_path / "dump", {"none": documents(1), "zero": documents(2), "old": documents(3)})
    (folder / "none.metadata.json").unlink()
    (folder / "zero.metadata.json").write_bytes(b"")
    (folder / "old.metadata.json").write_text(
        '{"options":{"capped":true,"size":1024},"indexes":[{"v":1,"key":{"_id":1},"name":"_id_","ns":"q.old"}]}'
    )
    (folder / "old.bson").rename(folder / "old.bin")
    source = open_dump(folder)
    assert read_all(source) == {"q.none": documents(1), "q.zero": documents(2), "q.old": documents(3)}
    found = {entry.namespace.collection: entry for entry in source.prelude().collections}
    assert (found["none"].document(), found["zero"].document()) == ({}, {})
    assert found["old"].document()["options"] == {"capped": True, "size": 1024}


def test_names_are_unescaped(tmp_path: Path) -> None:
    folder = tmp_path / "dump" / "q"
    folder.mkdir(parents=True)
    for name in ("a b", "c/d", "e%f", "ünï", "g+h", "dots.and.more"):
        (folder / f"{quote_plus(name)}.bson").write_bytes(b"".join(documents(1)))
        (folder / f"{quote_plus(name)}.metadata.json").write_text(metadata(name))
    for path in (folder, packed(tmp_path / "dump")):
        assert set(read_all(open_dump(path))) == {
            f"q.{n}" for n in ("a b", "c/d", "e%f", "ünï", "g+h", "dots.and.more")
        }


def test_a_long_name_stands_in_the_metadata(tmp_path: Path) -> None:
    name = "é" * 100
    stem = quote_plus(name)[:208] + "%24" + base64url_sha1(name)
    assert len(stem) == 238
    folder = tmp_path / "dump" / "q"
    folder.mkdir(parents=True)
    (folder / f"{stem}.bson").write_bytes(b"".join(documents(2)))
    with pytest.raises(ArchiveError, match="the true name of a long one"):
        open_dump(folder).prelude()
    (folder / f"{stem}.metadata.json").write_text(metadata(name))
    assert read_all(open_dump(folder)) == {f"q.{name}": documents(2)}
    data_first = tmp_path / "t.tar"
    with tarfile.open(data_first, "w") as tar:
        for suffix in (".bson", ".metadata.json"):
            tar.add(folder / f"{stem}{suffix}", f"q/{stem}{suffix}")
    assert read_all(open_dump(data_first)) == {f"q.{name}": documents(2)}
    (folder / f"{stem}.metadata.json").write_text(metadata("another"))
    with pytest.raises(ArchiveError, match="the true name of a long one"):
        open_dump(folder).prelude()


@pytest.mark.parametrize(
    "file", ["bad%zz.bson", "system.foo.bson", ".lead.bson", "a%00b.bson", "bad%24name.bson"]
)
def test_bad_names_are_refused(tmp_path: Path, file: str) -> None:
    folder = dump_folder(tmp_path / "dump", COLLECTIONS)
    (folder / file).write_bytes(b"")
    for path in (folder, packed(tmp_path / "dump")):
        with pytest.raises(ArchiveError):
            open_dump(path).prelude()
        with pytest.raises(ArchiveError):
            walk_dump(path)


def test_a_type_that_none_knows_is_shown(tmp_path: Path) -> None:
    folder = dump_folder(tmp_path / "dump", COLLECTIONS)
    (folder / "two.metadata.json").write_text('{"indexes": [], "type": "colle?tion"}')
    with pytest.raises(ArchiveError, match=r"q\.two: expected the type collection.*, found colle\?tion"):
        open_dump(folder).prelude()


def test_users_and_roles_and_the_oplog_are_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "dump"
    folder = dump_folder(root, COLLECTIONS)
    for name in ("users", "roles", "version"):
        (folder / f"$admin.system.{name}.bson").write_bytes(b"".join(documents(1)))
        (folder / f"$admin.system.{name}.metadata.json").write_text(metadata(f"$admin.system.{name}"))
    admin = root / "admin"
    admin.mkdir()
    (admin / "system.users.bson").write_bytes(b"".join(documents(2)))
    (admin / "system.users.metadata.json").write_text(metadata("system.users"))
    (root / "oplog.bson").write_bytes(gzip.compress(b"".join(documents(4))))
    for path in (root, packed(root)):
        walked = walk_dump(path)
        assert {str(name) for name in walked.collections} == {"q.one", "q.two", "q.empty"}
        assert "The dump holds an oplog; it is not replayed." in walked.prelude.notes
        assert "Users and roles are in this dump; they are left alone." in walked.prelude.notes
        source = open_dump(path)
        source.prelude()
        assert read_all(source) == expected(COLLECTIONS)
    (root / "oplog.bson").write_bytes(gzip.compress(b"".join(documents(4)))[:-3])
    with pytest.raises(ArchiveError, match="truncated"):
        walk_dump(root)


def test_a_collection_called_oplog_is_one(tmp_path: Path) -> None:
    dump_folder(tmp_path / "dump", {"oplog": documents(2), "one": documents(1)})
    for path in (tmp_path / "dump", packed(tmp_path / "dump")):
        assert {str(name) for name in walk_dump(path).collections} == {"q.oplog", "q.one"}
        assert not open_dump(path).notes


def test_missing_and_doubled_data(tmp_path: Path) -> None:
    folder = dump_folder(tmp_path / "dump", COLLECTIONS)
    (folder / "one.bson").rename(tmp_path / "one.bson")
    for path in (folder, packed(tmp_path / "dump")):
        with pytest.raises(ArchiveError, match="its data file beside the metadata") as caught:
            walk_dump(path)
        assert caught.value.namespace == "q.one"
    for name in ("one.bson", "one.bson.gz"):
        (folder / name).write_bytes(gzip.compress(b"") if name.endswith("gz") else b"")
    for path in (folder, packed(tmp_path / "dump")):
        with pytest.raises(ArchiveError, match="one data file of a collection"):
            walk_dump(path)


def test_a_time_series_needs_its_buckets(tmp_path: Path) -> None:
    folder = dump_folder(tmp_path / "dump", COLLECTIONS)
    raw = metadata("weather", "timeseries", {"timeseries": {"timeField": "at"}})
    (folder / "weather.metadata.json").write_text(raw)
    with pytest.raises(ArchiveError, match="its data file"):
        open_dump(folder).prelude()
    (folder / "system.buckets.weather.bson").write_bytes(b"".join(documents(2)))
    assert read_all(open_dump(folder))["q.system.buckets.weather"] == documents(2)
    (folder / "weather.metadata.json").unlink()
    with pytest.raises(ArchiveError, match="the time series that these buckets belong to"):
        open_dump(folder).prelude()


def test_damaged_data_names_collection_and_offset(tmp_path: Path) -> None:
    folder = dump_folder(tmp_path / "dump", COLLECTIONS)
    whole = b"".join(documents(5))
    (folder / "one.bson").write_bytes(whole[:-3])
    for path in (folder, packed(tmp_path / "dump")):
        with pytest.raises(ArchiveError, match="the file is cut") as caught:
            walk_dump(path)
        assert (caught.value.namespace, caught.value.offset) == ("q.one", len(whole) * 4 // 5)
    (folder / "one.bson").write_bytes(whole + b"\0")
    with pytest.raises(ArchiveError, match="the file is cut"):
        walk_dump(folder)


def test_what_no_checksum_covers_is_walked_as_bson(tmp_path: Path) -> None:
    folder = dump_folder(tmp_path / "dump", COLLECTIONS)
    data = bytearray(b"".join(documents(5)))
    data[data.index(b"text") - 1] = 0x2A
    (folder / "one.bson").write_bytes(data)
    for path in (folder, packed(tmp_path / "dump")):
        with pytest.raises(ArchiveError, match="unknown type 42") as caught:
            walk_dump(path)
        assert caught.value.namespace == "q.one"


def test_what_is_no_part_of_a_dump_is_named(tmp_path: Path) -> None:
    root = tmp_path / "dump"
    folder = dump_folder(root, COLLECTIONS)
    (folder / "README").write_text("x")
    (root / "notes.txt").write_text("x")
    (root / "s3").mkdir()
    (root / "s3" / "picture.png").write_text("x")
    notes = open_dump(root).notes
    assert {note.split(" is no part")[0] for note in notes} == {"q/README", "notes.txt", "s3/"}
    assert read_all(open_dump(root)) == expected(COLLECTIONS)


def test_versions_from_beside_and_above(tmp_path: Path) -> None:
    root = tmp_path / "dump"
    folder = dump_folder(root, COLLECTIONS)
    (root / "prelude.json").write_text('{"ServerVersion":"7.0.1","ToolVersion":"100.9"}')
    for path in (root, folder, packed(root)):
        assert open_dump(path).prelude().server_version == "7.0.1"
    (root / "prelude.json").write_text("{")
    with pytest.raises(ArchiveError, match=r"prelude\.json"):
        open_dump(root).prelude()


def test_bombs_in_a_directory(tmp_path: Path) -> None:
    folder = dump_folder(tmp_path / "dump", {"one": documents(500)}, compressed=True)
    with pytest.raises(ArchiveError, match="it may be a bomb"):
        read_all(open_dump(folder, limits=Limits(max_bytes=1000)))
    many = dump_folder(tmp_path / "many", {f"c{n}": [] for n in range(30)})
    with pytest.raises(ArchiveError, match="at most 20 collections"):
        open_dump(many, limits=Limits(max_members=20)).prelude()


def test_two_dumps_in_one_tar(tmp_path: Path) -> None:
    root = tmp_path / "all"
    for name in ("monday", "tuesday"):
        dump_folder(root / name, COLLECTIONS)
    with pytest.raises(ArchiveError, match="one dump in the tar"):
        open_dump(packed(root)).prelude()


def test_a_tar_without_the_databases_name(tmp_path: Path) -> None:
    path = tmp_path / "t.tar"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("./one.bson")
        tar.addfile(info, io.BytesIO())
    with pytest.raises(ArchiveError, match="a folder named after the database"):
        open_dump(path).prelude()


def test_a_database_folder_without_permission(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="cannot be read"):
        open_dump(tmp_path / "nothing")
