"""Verifying objects: ours by sha256 with each inode once, foreign ones by structure, hostile tars refused."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from services.errors import QuillkeepError
from services.objects.manifest import ObjectLine, read_lines, write_lines
from services.objects.source import open_objects
from services.objects.verify import SeenInodes, verify_foreign, verify_snapshot
from services.profile import BucketTarget, Limits
from tests.services.objects_support import fill, opened, paths, snapshot

KEYS = {f"users/u/IMAGE/{n:02d}.png": bytes([n]) * (100 + n) for n in range(10)}


def test_a_good_snapshot_passes_and_linked_files_are_read_once(bucket: BucketTarget, location: Path) -> None:
    store = opened(bucket)
    fill(store, KEYS)
    snapshot(store, location)
    snapshot(store, location, "2", previous="1")
    seen: SeenInodes = {}
    first = verify_snapshot(*paths(location, "1"), seen=seen)
    assert (first.objects, first.bad, first.extra) == (10, (), ())
    assert first.read == first.bytes == sum(map(len, KEYS.values()))
    second = verify_snapshot(*paths(location, "2"), seen=seen)
    assert (second.objects, second.bad, second.read) == (10, (), 0)


def test_every_kind_of_damage_is_named(bucket: BucketTarget, location: Path) -> None:
    store = opened(bucket)
    fill(store, KEYS)
    snapshot(store, location)
    folder, lines = paths(location, "1")
    names = sorted(KEYS)
    (folder / names[0]).unlink()
    for name, data in ((names[1], b"short"), (names[2], b"\xff" * 102)):
        (folder / name).chmod(0o600)
        (folder / name).write_bytes(data)
    (folder / names[3]).unlink()
    (folder / names[3]).symlink_to("/etc/passwd")
    (folder / "users/stray").write_bytes(b"")
    found = verify_snapshot(folder, lines)
    assert [(bad.key, bad.why) for bad in found.bad] == [
        (names[0], "its file is gone"),
        (names[1], "has 5 bytes instead of 101"),
        (names[2], "its bytes are not those of its sha256"),
        (names[3], "is no regular file"),
    ]
    assert found.bad[2].inode == (folder / names[2]).stat().st_ino
    assert found.extra == ("users/stray",)
    quick = verify_snapshot(folder, lines, full=False)
    assert [bad.key for bad in quick.bad] == [names[0], names[1], names[3]]
    assert quick.read == 0


def test_an_object_manifest_cut_or_flipped_anywhere_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.objects.jsonl.gz"
    lines = [ObjectLine(key=f"k{n}", size=n, metadata={"a": "é"}) for n in range(2000)]
    write_lines(path, lines)
    assert list(read_lines(path)) == lines
    raw = path.read_bytes()
    for place in range(0, len(raw), len(raw) // 40):
        path.write_bytes(raw[:place])
        if place:
            with pytest.raises(QuillkeepError, match="damaged after line"):
                list(read_lines(path))
        if place > 10:
            path.write_bytes(raw[:place] + bytes([raw[place] ^ 4]) + raw[place + 1 :])
            with pytest.raises(QuillkeepError, match="damaged after line"):
                list(read_lines(path))


def test_an_object_manifest_cannot_name_files_outside(tmp_path: Path) -> None:
    lines = tmp_path / "s.objects.jsonl.gz"
    (tmp_path / "s").mkdir()
    for number, file in enumerate(("../../etc/passwd", "/etc/passwd", "a/../../x")):
        write_lines(lines, [ObjectLine(key=f"k{number}", file=file, size=1)])
        assert "no path inside" in verify_snapshot(tmp_path / "s", lines).bad[0].why
        with pytest.raises(QuillkeepError, match="outside its snapshot"):
            list(open_objects(tmp_path / "s", lines).entries())


def test_foreign_folder_and_tar_are_checked_by_structure(fixtures_dir: Path, tmp_path: Path) -> None:
    folder = verify_foreign(fixtures_dir / "s3_20261101_020000")
    tar = verify_foreign(fixtures_dir / "quilltap_s3_20261101_020000.tar.gz")
    assert (folder.objects, folder.bytes, folder.proof) == (tar.objects, tar.bytes, "structure")
    assert folder.objects == 30
    raw = (fixtures_dir / "quilltap_s3_20261101_020000.tar.gz").read_bytes()
    for name, data in (("cut", raw[: len(raw) // 2]), ("flip", raw[:400] + b"\0\0\0" + raw[403:])):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(QuillkeepError, match="cannot be used"):
            verify_foreign(tmp_path / name)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "cut").unlink()
    assert verify_foreign(tmp_path).odd == ("fifo",)


def _tar(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"\0" * member.size))
    return path


def _member(name: str, size: int = 1, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size if kind == tarfile.REGTYPE else 0
    member.type = kind
    member.linkname = "/etc/passwd"
    return member


def test_hostile_tars_are_refused(tmp_path: Path) -> None:
    for name in ("../x", "/x", "a/../../x"):
        with pytest.raises(QuillkeepError, match=r"a relative name|without `..`"):
            verify_foreign(_tar(tmp_path / "t", _member(name)))
    with pytest.raises(QuillkeepError, match="each member once"):
        verify_foreign(_tar(tmp_path / "t", _member("a"), _member("./a")))
    with pytest.raises(QuillkeepError, match="at most 3 members"):
        verify_foreign(
            _tar(tmp_path / "t", *(_member(str(n)) for n in range(5))), limits=Limits(max_members=3)
        )
    for limits in (Limits(max_bytes=4000), Limits(max_bytes=5001)):
        with pytest.raises(QuillkeepError, match="at most"):
            verify_foreign(_tar(tmp_path / "t", _member("a", 5000)), limits=limits)
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        with pytest.raises(QuillkeepError, match="regular files and folders only"):
            verify_foreign(_tar(tmp_path / "t", _member("odd", kind=kind)))
