"""Keys that no file name and no ordinary client can hold: snapshot and restore byte-exact, stock tools left alone."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.objects.filenames import FileNames, FolderTraits, can_be_path, escaped_name, probe_folder
from services.objects.manifest import read_lines
from services.objects.restore import plan_objects, prove_objects, release_objects, undo_objects
from services.objects.source import open_objects
from services.objects.verify import verify_snapshot
from tests.faults.s3server import FaultyS3
from tests.services.objects_support import contents, opened, paths, put, snapshot

ODD = [
    "/lead",
    "lead",
    "trail/",
    "trail",
    "a//b",
    "//x",
    "//",
    "..",
    "../../etc/passwd",
    "a/../b",
    "a/./b",
    ".",
    "tab\there",
    "new\nline",
    "del\x7f",
    "back\\slash",
    "folder",
    "folder/inside",
    "folder/inside/deeper",
    "x" * 255,
    "y" * 256,
    "z/" * 500 + "end",
    "ü" * 200,
    "space + % %20 %2F ? # * ~ \" ' < > { } [ ] ` ^ & =",
    "é",
    "e\u0301",
    "😀/\u00a0/\ufeff/\u0085",
    ".hidden/.file",
    "-rf",
]


@pytest.fixture
def s3() -> Iterator[FaultyS3]:
    server = FaultyS3()
    for number, key in enumerate(ODD):
        server.put(key, key.encode() + bytes([number]), content_type="x/y", x_amz_meta_number=str(number))
    yield server
    server.stop()


def test_odd_keys_survive_a_snapshot_and_a_restore(s3: FaultyS3, location: Path) -> None:
    store = opened(s3.target())
    before = {key: stored.data for key, stored in s3.objects.items()}
    assert contents(store) == before
    result = snapshot(store, location)
    assert (result.count, result.missing) == (len(ODD), ())
    folder, lines = paths(location, "1")
    files = {line.key: line.file for line in read_lines(lines)}
    assert files["/lead"] == escaped_name("/lead")
    assert [key for key in ODD if files[key] is None] == [
        "lead",
        "trail",
        "back\\slash",
        "folder",
        "x" * 255,
        "z/" * 500 + "end",
        "space + % %20 %2F ? # * ~ \" ' < > { } [ ] ` ^ & =",
        "é",
        "e\u0301",
        "😀/\u00a0/\ufeff/\u0085",
        ".hidden/.file",
        "-rf",
    ]
    assert sum(len(found) for _, _, found in os.walk(location)) == len(ODD) + 1
    verdict = verify_snapshot(folder, lines)
    assert (verdict.objects, verdict.bad, verdict.extra) == (len(ODD), (), ())
    assert snapshot(store, location, "2", previous="1").linked == len(ODD)
    s3.objects.clear()
    source = open_objects(folder)
    plan = plan_objects(store, source)
    restored = put(store, plan, source)
    assert (restored.put, restored.failed) == (len(ODD), ())
    assert {key: stored.data for key, stored in s3.objects.items()} == before
    assert s3.objects["a//b"].headers["content-type"] == "x/y"
    assert s3.objects["a//b"].headers["x-amz-meta-number"] == str(ODD.index("a//b"))
    assert prove_objects(store, plan, restored) == ()


def test_odd_keys_are_set_aside_put_back_and_removed(s3: FaultyS3, location: Path) -> None:
    store = opened(s3.target())
    snapshot(store, location)
    for key in ODD:
        s3.put(key, b"changed" + key.encode())
    s3.put("only//live", b"1")
    before = contents(store)
    source = open_objects(paths(location, "1")[0])
    result = put(store, plan_objects(store, source), source, exact=True)
    assert (result.put, result.removed, result.left) == (len(ODD), 1, ())
    undone = undo_objects(store, result.placements)
    assert (undone.put_back, undone.failed) == (len(ODD) + 1, ())
    assert contents(store) == before
    released = release_objects(store, "j1")
    assert (released.deleted, released.failed) == (len(ODD) + 1, ())
    assert contents(store) == before and len(s3.objects) == len(before)


def test_names_that_clash_where_case_or_unicode_are_not_told_apart(tmp_path: Path) -> None:
    names = FileNames(tmp_path, FolderTraits(case_sensitive=False, keeps_unicode=False, any_character=False))
    keys = ["a/File", "a/file", "A/other", "é", "e\u0301", "a:b", "dot.", "a\\b", "plain", "a/File/x"]
    assert [names.assign(key) is None for key in keys] == [
        True,
        False,
        False,
        True,
        False,
        False,
        False,
        False,
        True,
        False,
    ]
    assert probe_folder(tmp_path) == FolderTraits()
    assert list(tmp_path.iterdir()) == []


def test_no_two_keys_ever_share_a_file(tmp_path: Path) -> None:
    random.seed(5)
    pieces = ["a", "A", "b", "", ".", "..", "/", "//", "é", "\t", "x" * 130]
    keys = {"".join(random.choices(pieces, k=random.randint(1, 6))) for _ in range(3000)} - {""}
    ordered = sorted(keys)
    random.shuffle(ordered)
    names = FileNames(tmp_path, FolderTraits())
    files = [names.assign(key) or key for key in ordered]
    assert len(set(files)) == len(files)
    plain = [key for key, file in zip(ordered, files, strict=True) if key == file]
    assert len(plain) > 300 and all(can_be_path(key) for key in plain)
    folders = {key[:end] for key in plain for end in range(len(key)) if key[end] == "/"}
    assert folders.isdisjoint(plain)
