"""Names from a dump: refused, left alone or loaded, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.archive.format import TERMINATOR, encode_end, encode_header, encode_prelude
from services.archive.model import ArchiveError, CollectionMetadata, Namespace, Prelude
from services.archive.names import use_of
from services.archive.source import open_dump
from services.archive.walk import walk_dump
from tests.unit.archive.builders import archive, documents, entry, prelude, read_all

TIME_SERIES = {"timeseries": {"timeField": "at"}}


@pytest.mark.parametrize(
    ("database", "collection"),
    [
        ("q", ""),
        ("q", ".lead"),
        ("q", "a$b"),
        ("q", "$cmd"),
        ("q", "nul\0inside"),
        ("q", "system.users"),
        ("q", "system.foo"),
        ("q", "system.buckets."),
        ("", "x"),
        ("a.b", "x"),
        ("a/b", "x"),
        ("a\\b", "x"),
        ("a b", "x"),
        ('a"b', "x"),
        ("a$b", "x"),
        ("d" * 64, "x"),
        ("../etc", "x"),
    ],
)
def test_names_that_may_not_be(tmp_path: Path, database: str, collection: str) -> None:
    described = Prelude(collections=(CollectionMetadata(namespace=Namespace(database, collection)),))
    (tmp_path / "a").write_bytes(encode_prelude(described))
    with pytest.raises(ArchiveError) as caught:
        open_dump(tmp_path / "a").prelude()
    assert "the name" in caught.value.found
    assert "\0" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["with.dots", "a..b", "sp ace", "ünï", "quote'\"", "new\nline", "trailing.", "-x", "/", "__x"]
)
def test_awkward_names_are_fine(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_bytes(archive({name: documents(2)}))
    assert read_all(open_dump(tmp_path / "a")) == {f"q.{name}": documents(2)}


def test_buckets_need_their_time_series(tmp_path: Path) -> None:
    declared = Prelude(collections=(entry("weather", "timeseries", TIME_SERIES),))
    buckets = Namespace("q", "system.buckets.weather")
    body = encode_header(buckets) + TERMINATOR + encode_end(buckets, 0)
    (tmp_path / "a").write_bytes(encode_prelude(declared) + body)
    assert read_all(open_dump(tmp_path / "a"), [Namespace("q", "weather")]) == {
        "q.system.buckets.weather": []
    }
    assert set(walk_dump(tmp_path / "a").collections) == {buckets}
    plain = Prelude(collections=(entry("weather"),))
    (tmp_path / "a").write_bytes(encode_prelude(plain) + body)
    with pytest.raises(ArchiveError, match="a collection that the prelude names"):
        read_all(open_dump(tmp_path / "a"))
    alone = Prelude(collections=(CollectionMetadata(namespace=buckets),))
    (tmp_path / "a").write_bytes(encode_prelude(alone) + body)
    with pytest.raises(ArchiveError, match="the time series that these buckets belong to"):
        open_dump(tmp_path / "a").prelude()


def test_a_time_series_under_its_own_name(tmp_path: Path) -> None:
    declared = Prelude(collections=(entry("weather", "timeseries", TIME_SERIES),))
    (tmp_path / "a").write_bytes(archive({"weather": documents(2)}, described=declared))
    assert read_all(open_dump(tmp_path / "a")) == {"q.weather": documents(2)}


def test_ours_are_checked_and_not_yielded(tmp_path: Path) -> None:
    collections = {"one": documents(3), "__quillkeep_old_x_1": documents(2)}
    (tmp_path / "a").write_bytes(archive(collections))
    source = open_dump(tmp_path / "a")
    assert read_all(source) == {"q.one": documents(3)}
    ours = Namespace("q", "__quillkeep_old_x_1")
    assert source.prelude().left_alone == (ours,)
    assert any("__quillkeep_old_x_1" in note for note in source.notes)
    assert read_all(source, [ours]) == {str(ours): documents(2)}
    assert set(walk_dump(tmp_path / "a").collections) == {Namespace("q", "one")}
    data = bytearray(archive(collections))
    data[data.rindex(b"xxxx")] ^= 1
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(ArchiveError, match="CRC-64"):
        read_all(open_dump(tmp_path / "a"))


@pytest.mark.parametrize(
    ("namespace", "use"),
    [
        (Namespace("", "oplog"), "oplog"),
        (Namespace("admin", "system.users"), "users-and-roles"),
        (Namespace("admin", "system.roles"), "users-and-roles"),
        (Namespace("q", "$admin.system.users"), "users-and-roles"),
        (Namespace("admin", "anything"), "server"),
        (Namespace("config", "settings"), "server"),
        (Namespace("local", "oplog.rs"), "server"),
        (Namespace("q", "system.profile"), "server"),
        (Namespace("q", "system.views"), "server"),
        (Namespace("q", "system.js"), "load"),
        (Namespace("q", "system.buckets.x"), "buckets"),
        (Namespace("q", "oplog"), "load"),
        (Namespace("q", "__quillkeep_jobs"), "ours"),
    ],
)
def test_what_is_recognised(namespace: Namespace, use: str) -> None:
    assert use_of(namespace) == use


def test_a_name_too_long_is_flagged(tmp_path: Path) -> None:
    name = "é" * 127
    (tmp_path / "a").write_bytes(archive({name: documents(1), "short": []}))
    notes = open_dump(tmp_path / "a").notes
    assert len(notes) == 1
    assert "longer than the server allows" in notes[0]


def test_several_databases(tmp_path: Path) -> None:
    described = Prelude(collections=(entry("one", database="a"), entry("one", database="b")))
    parts = [encode_prelude(described)]
    for database in "ab":
        namespace = Namespace(database, "one")
        parts += [encode_header(namespace), TERMINATOR, encode_end(namespace, 0)]
    (tmp_path / "a").write_bytes(b"".join(parts))
    source = open_dump(tmp_path / "a")
    assert read_all(source) == {"a.one": [], "b.one": []}
    assert read_all(source, [Namespace("b", "one")]) == {"b.one": []}


def test_views_end_without_documents(tmp_path: Path) -> None:
    described = Prelude(
        collections=(entry("v", "view", {"viewOn": "one", "pipeline": []}), *prelude("one").collections)
    )
    (tmp_path / "a").write_bytes(archive({"v": [], "one": documents(1)}, described=described))
    assert read_all(open_dump(tmp_path / "a")) == {"q.v": [], "q.one": documents(1)}
    assert set(walk_dump(tmp_path / "a").collections) == {Namespace("q", "one")}
