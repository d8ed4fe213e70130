"""Verify on real artefacts: the stock tools' fixtures, the corrupt ones, and backups of ours with every damage."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.catalog import layout, listing
from services.catalog.notes import read_notes
from services.catalog.scan import survey
from services.errors import Cancelled
from services.operations.verify import VerifyPlan, VerifyResult, verify
from services.paths import Paths
from services.profile import BucketTarget, Location, MongoTarget, Profile
from services.secret import Secret
from services.streams.files import READ_BYTES
from tests.fabric import HOST, NIGHT, OBJECTS, as_nobody, make_backup, open_folder
from tests.support import FIXTURES, ROOT, RecordingContext, make_context


@pytest.fixture
def location(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def context(location: Path, tmp_path: Path) -> RecordingContext:
    return context_of(location, tmp_path / "state")


def context_of(folder: Path, state: Path) -> RecordingContext:
    profile = Profile(
        mongo=MongoTarget(uri=Secret(f"mongodb://{HOST}/"), database="quilltap"),
        bucket=BucketTarget(),
        locations=(Location(name="disk", path=str(folder)),),
    )
    return make_context(profile, state)


def failed(result: VerifyResult) -> dict[str, str]:
    return {check.name: check.detail for check in result.checks if check.status == "fail"}


GOOD = {
    "quilltap-20261101.gz": ("content", 15),
    "quilltap-20261101.archive": ("content", 15),
    "full-oplog.archive.gz": ("content", None),
    "zoo.archive.gz": ("content", 13),
    "zoo-dump": ("structure", 13),
    "backup-20261101": ("structure", 15),
    "backup-gz-20261101": ("structure", 15),
    "quilltap_mongo_20261101_020000.tar.gz": ("structure", 15),
    "quilltap_s3_20261101_020000.tar.gz": ("structure", 0),
    "s3_20261101_020000": ("structure", 0),
}


@pytest.mark.parametrize("name", GOOD)
def test_every_good_fixture_passes(context: RecordingContext, name: str) -> None:
    proof, collections = GOOD[name]
    result = verify(VerifyPlan(backup=_copied(context, name)), context)
    assert (result.status, result.proof) == ("ok", proof), result.checks
    assert collections is None or len(result.collections) == collections
    if name in ("quilltap-20261101.gz", "backup-20261101"):
        assert result.collections["chat_messages"].documents == 80
        assert result.collections["chat_messages"].crc64 == "0620e3942a6e4816"
    document = msgspec.to_builtins(result)
    assert {"status", "warnings", "checks", "collections"} <= set(document)
    assert {"name", "status", "detail", "next"} <= set(document["checks"][0])


def _copied(context: RecordingContext, name: str) -> str:
    """A copy in the location, so that notes do not fall into the fixtures; its id."""
    folder = Path(context.profile.locations[0].path)
    source = FIXTURES / name
    target = folder / source.name
    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    return target.name


CORRUPT = {
    "truncated.gz": ("truncated", "quilltap.memories"),
    "bitflip-in-gzip.gz": ("", "quilltap.memories"),
    "not-gzip.gz": ("not gzip", ""),
    "empty.gz": ("empty", ""),
    "trailing-garbage.gz": ("trailing", ""),
    "valid-gzip-cut-archive.gz": ("cut", "quilltap.memories"),
    "valid-gzip-wrong-crc64.gz": ("CRC-64", "quilltap.connection_profiles"),
}


@pytest.mark.parametrize("name", CORRUPT)
def test_the_corrupt_ones_fail_with_the_reason_and_the_collection(
    context: RecordingContext, name: str
) -> None:
    reason, collection = CORRUPT[name]
    result = verify(VerifyPlan(backup=_copied(context, f"corrupt/{name}")), context)
    assert result.status == "fail"
    assert reason in failed(result)["archive"] and collection in failed(result)["archive"]
    (check,) = [check for check in result.checks if check.name == "archive"]
    assert "quillkeep list" in check.next
    (backup,) = survey(context.profile.locations, context.profile, context.paths).backups
    assert backup.verified is not None and backup.verified.status == "fail" and not backup.good


@pytest.mark.parametrize(
    "name",
    ["quilltap-20261101.gz.gpg", "quilltap-20261101.gz.enc", "quilltap-20261101.pbkdf2.gz.enc", "quilltap-20261101.md5.gz.enc"],
)  # fmt: skip
def test_encrypted_ones_are_skipped_and_say_so(context: RecordingContext, name: str) -> None:
    result = verify(VerifyPlan(backup=_copied(context, name)), context)
    assert result.status == "skipped"
    skipped = {check.name: check for check in result.checks if check.status == "skipped"}
    assert "encrypted with" in skipped["encryption"].detail and "passphrase" in skipped["encryption"].next


def test_an_encrypted_file_against_its_checksum_file(context: RecordingContext, location: Path) -> None:
    name = _copied(context, "quilltap-20261101.gz.gpg")
    (location / f"{name}.sha256").write_text(f"{'0' * 64}  {name}\n")
    assert "sha256" in failed(verify(VerifyPlan(backup=name), context))


def test_a_group_is_verified_as_one(context: RecordingContext, location: Path) -> None:
    id = _copied(context, "quilltap_mongo_20261101_020000.tar.gz")
    objects = location / _copied(context, "quilltap_s3_20261101_020000.tar.gz")
    result = verify(VerifyPlan(backup=id), context)
    assert result.status == "ok" and result.parts == {"database": "ok", "objects": "ok"}
    objects.write_bytes(objects.read_bytes()[:-4000])
    result = verify(VerifyPlan(backup=id), context)
    assert result.parts == {"database": "ok", "objects": "fail"}


def test_a_checksum_file_that_contradicts(context: RecordingContext, location: Path) -> None:
    name = _copied(context, "quilltap-20261101.gz")
    (location / f"{name}.sha256").write_text(f"{'0' * 64}  /old/place/{name}\r\n")
    result = verify(VerifyPlan(backup=name), context)
    assert "says " + "0" * 64 in failed(result)["sha256"]
    assert "archive" not in failed(result)


def test_a_directory_cut_inside_a_document_fails(context: RecordingContext, location: Path) -> None:
    name = _copied(context, "backup-20261101")
    cut = location / name / "quilltap" / "chats.bson"
    cut.write_bytes(cut.read_bytes()[:-3])
    assert "chats" in failed(verify(VerifyPlan(backup=name), context))["archive"]


def test_ours_is_proven_by_content(context: RecordingContext, location: Path) -> None:
    made = make_backup(location)
    result = verify(VerifyPlan(backup="latest"), context)
    assert (result.status, result.proof, result.id) == ("ok", "content", made.id), result.checks
    assert {name: found.content for name, found in result.collections.items()} == {
        name: entry.content for name, entry in made.collections.items()
    }
    assert result.collections["chats"].crc64 == made.collections["chats"].crc64
    notes = read_notes(location, made.id, context.paths)
    assert [(check.depth, check.status, check.job) for check in notes.checks] == [("full", "ok", context.job)]
    (row,) = listing.list_backups(context.profile, context.paths)["backups"]
    assert row["verified"]["status"] == "ok" and row["verified"]["proof"] == "content"
    assert "verify" in context.phases
    assert not [name for name in os.listdir(location) if "reading" in name]


def test_any_flipped_bit_in_our_archive_is_found(context: RecordingContext, location: Path) -> None:
    made = make_backup(location, objects=None)
    archive = location / layout.archive_name(made.id)
    whole = archive.read_bytes()
    for at in range(5, len(whole), max(1, len(whole) // 40)):
        archive.write_bytes(whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :])
        result = verify(VerifyPlan(backup=made.id), context)
        assert "sha256" in failed(result), at
    archive.write_bytes(whole)
    assert verify(VerifyPlan(backup=made.id), context).status == "ok"
    assert survey(context.profile.locations, context.profile, context.paths).backups[0].good


@pytest.mark.parametrize("field", ["documents", "bytes", "content", "crc64"])
def test_a_manifest_of_other_documents_names_the_collection(
    context: RecordingContext, location: Path, field: str
) -> None:
    made = make_backup(location, objects=None)
    entry = made.collections["chats"]
    wrong: Any = {"documents": 59, "bytes": 12, "content": "0" * 15 + "1", "crc64": "0" * 15 + "1"}[field]
    changed = {**made.collections, "chats": msgspec.structs.replace(entry, **{field: wrong})}
    _write_manifest(location, msgspec.structs.replace(made, collections=changed))
    result = verify(VerifyPlan(backup=made.id), context)
    name = "counts" if field in ("documents", "bytes") else "content"
    assert "chats" in failed(result)[name]
    missing = {**made.collections, "tags": msgspec.structs.replace(entry, documents=5)}
    _write_manifest(location, msgspec.structs.replace(made, collections=missing))
    assert "tags is not in the archive" in failed(verify(VerifyPlan(backup=made.id), context))["counts"]


def _write_manifest(folder: Path, manifest: Any) -> None:
    from services.catalog.manifest import encode_manifest

    (folder / layout.manifest_name(manifest.id)).write_bytes(encode_manifest(manifest))


def test_bit_rot_in_a_linked_object_names_every_snapshot_that_shares_it(
    context: RecordingContext, location: Path
) -> None:
    first = make_backup(location)
    second = make_backup(location, NIGHT + timedelta(days=1), link_to=first.id)
    apart = make_backup(location, NIGHT + timedelta(days=2))
    key = next(iter(OBJECTS))
    rotten = location / layout.objects_name(first.id) / key
    status = rotten.stat()
    with open(rotten, "r+b") as stream:
        stream.write(b"\xff")
    os.utime(rotten, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert verify(VerifyPlan(backup=second.id, depth="quick"), context).status == "ok"
    result = verify(VerifyPlan(backup=second.id), context)
    assert result.status == "fail" and result.parts == {"database": "ok", "objects": "fail"}
    assert key in failed(result)["objects"]
    assert [(bad.key, bad.inode) for bad in result.bad_objects] == [(key, status.st_ino)]
    assert result.shared_with == (first.id,)
    found = {
        backup.id: backup
        for backup in survey(context.profile.locations, context.profile, context.paths).backups
    }
    assert found[apart.id].good
    assert found[first.id].good_parts == found[second.id].good_parts == ("database",)
    assert second.id in found[first.id].not_good["objects"]
    notes = read_notes(location, first.id, context.paths)
    assert [bad.inode for bad in notes.bad_objects] == [status.st_ino]


def test_quick_looks_at_names_and_sizes_only(context: RecordingContext, location: Path) -> None:
    made = make_backup(location)
    key = next(iter(OBJECTS))
    path = location / layout.objects_name(made.id) / key
    result = verify(VerifyPlan(backup=made.id, depth="quick"), context)
    assert result.status == "ok" and result.collections == {}
    path.unlink()
    result = verify(VerifyPlan(backup=made.id, depth="quick"), context)
    assert key in failed(result)["object-sizes"] and "gone" in failed(result)["object-sizes"]
    (backup,) = survey(context.profile.locations, context.profile, context.paths).backups
    assert backup.good_parts == ("database",)


@pytest.mark.parametrize(
    ("name", "check"),
    [
        (layout.archive_name, "database-files"),
        (layout.objects_list_name, "objects-files"),
        (layout.objects_name, "objects-files"),
    ],
)
def test_quick_names_what_is_gone(context: RecordingContext, location: Path, name: Any, check: str) -> None:
    made = make_backup(location)
    path = location / name(made.id)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    for depth in ("quick", "full"):
        result = verify(msgspec.convert({"backup": made.id, "depth": depth}, VerifyPlan), context)
        assert "gone" in failed(result)[check]


def test_a_damaged_object_manifest_fails(context: RecordingContext, location: Path) -> None:
    made = make_backup(location)
    path = location / layout.objects_list_name(made.id)
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[:-1])))
    found = failed(verify(VerifyPlan(backup=made.id), context))
    assert "sha256" in found["object-manifest"] and "11 objects" in found["objects"]
    path.write_bytes(b"\x1f\x8b garbage")
    assert "objects" in failed(verify(VerifyPlan(backup=made.id), context))


def test_a_lost_checksum_file_is_a_warning_and_a_wrong_one_a_failure(
    context: RecordingContext, location: Path
) -> None:
    made = make_backup(location, objects=None)
    sidecar = location / layout.sidecar_name(made.id)
    sidecar.write_text(f"{'0' * 64}  {layout.archive_name(made.id)}\n")
    assert "checksum-file" in failed(verify(VerifyPlan(backup=made.id, depth="quick"), context))
    sidecar.unlink()
    result = verify(VerifyPlan(backup=made.id), context)
    assert result.status == "warn"
    assert survey(context.profile.locations, context.profile, context.paths).backups[0].good


def test_what_this_user_may_not_read_is_unknown_and_takes_nothing_away(tmp_path: Path) -> None:
    with open_folder() as base:
        made = make_backup(base)
        (base / "state").mkdir()
        for path in (base, base / "state", *base.rglob("*")):
            os.chmod(path, 0o777 if path.is_dir() else 0o644)
        context = context_of(base, base / "state")
        for folder in (base / "state" / "jobs", context.folder):
            os.chmod(folder, 0o777)
        os.chmod(base / layout.archive_name(made.id), 0o600)
        key = next(iter(OBJECTS))
        os.chmod(base / layout.objects_name(made.id) / key, 0o600)
        with as_nobody():
            result = verify(VerifyPlan(backup=made.id), context)
        if os.geteuid() == 0:
            statuses = {check.name: check.status for check in result.checks}
            assert statuses["archive"] == statuses["objects"] == result.status == "unknown", result.checks
            (backup,) = survey(context.profile.locations, context.profile, context.paths).backups
            assert backup.good


def test_a_manifest_that_cannot_be_used(context: RecordingContext, location: Path) -> None:
    made = make_backup(location)
    (location / layout.manifest_name(made.id)).write_bytes(b'{"schema": 9}')
    assert verify(VerifyPlan(backup=made.id), context).status == "unknown"
    (location / layout.manifest_name(made.id)).write_bytes(b'{"schema": 1')
    assert "cut off" in failed(verify(VerifyPlan(backup=made.id), context))["manifest"]
    rescued = verify(VerifyPlan(backup=layout.archive_name(made.id)), context)
    assert (rescued.status, rescued.proof) == ("ok", "content"), rescued.checks


def test_a_cancel_leaves_no_verdict(context: RecordingContext, location: Path) -> None:
    made = make_backup(location)
    context.cancel.set()
    with pytest.raises(Cancelled):
        verify(VerifyPlan(backup=made.id), context)
    assert read_notes(location, made.id, context.paths).entries == ()
    assert not [name for name in os.listdir(location) if "reading" in name]


def test_verify_needs_no_driver(location: Path, tmp_path: Path) -> None:
    make_backup(location)
    shutil.copy(FIXTURES / "quilltap_mongo_20261101_020000.tar.gz", location)
    code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from services.operations.verify import VerifyPlan, verify
from tests.services.test_verify import context_of
context = context_of(Path({str(location)!r}), Path({str(tmp_path / "state")!r}))
for ref in ("latest", "quilltap_mongo_20261101_020000.tar.gz"):
    assert verify(VerifyPlan(backup=ref), context).status == "ok"
print([name for name in ("pymongo", "boto3", "botocore", "obstore", "textual") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_notes_of_a_folder_that_cannot_be_written_go_to_the_state(tmp_path: Path) -> None:
    with open_folder() as base:
        closed = base / "backups"
        closed.mkdir()
        shutil.copy(FIXTURES / "quilltap-20261101.gz", closed)
        os.chmod(closed / "quilltap-20261101.gz", 0o644)
        os.chmod(closed, 0o555)
        (base / "state").mkdir()
        context = context_of(closed, base / "state")
        for folder in (base / "state", base / "state" / "jobs", context.folder):
            os.chmod(folder, 0o777)
        with as_nobody():
            assert verify(VerifyPlan(backup="quilltap-20261101.gz"), context).status == "ok"
            (backup,) = survey(context.profile.locations, context.profile, Paths(base / "state")).backups
        assert backup.verified is not None and backup.verified.status == "ok"


@pytest.mark.parametrize("name", ["quilltap\n\x1b[2J.gz", os.fsdecode(b"quilltap-caf\xe9.gz")])
def test_hostile_names_do_not_reach_the_document(
    context: RecordingContext, location: Path, name: str
) -> None:
    shutil.copy(FIXTURES / "corrupt" / "truncated.gz", location / name)
    (row,) = listing.list_backups(context.profile, context.paths)["backups"]
    for ref in (row["id"], str(location / name)):
        result = verify(VerifyPlan(backup=ref), context)
        text = msgspec.json.encode(msgspec.to_builtins(result)).decode()
        assert result.status == "fail" and "\\u001b" not in text and "\\n" not in text, text
    assert listing.show(row["id"], context.profile, context.paths)["checks"]


def test_a_disk_that_gives_no_bytes_is_unknown_not_damage(
    context: RecordingContext, location: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reads fail by a patched system call: no real disk can be made to answer EIO on demand."""
    made = make_backup(location, objects=None)
    foreign = _copied(context, "quilltap-20261101.gz")
    real_read, real_pread = os.read, os.pread
    archive = location / layout.archive_name(made.id)

    def broken_pread(handle: int, size: int, offset: int) -> bytes:
        if os.path.sameopenfile(handle, held.fileno()):
            raise OSError(errno.EIO, "Input/output error")
        return real_pread(handle, size, offset)

    def broken_read(handle: int, size: int) -> bytes:
        if size == READ_BYTES:
            raise OSError(errno.EIO, "Input/output error")
        return real_read(handle, size)

    monkeypatch.setattr(os, "pread", broken_pread)
    monkeypatch.setattr(os, "read", broken_read)
    with open(archive, "rb") as held:
        for ref in (made.id, foreign):
            result = verify(VerifyPlan(backup=ref), context)
            assert result.status == "unknown", result.checks
            (check,) = [check for check in result.checks if check.name == "archive"]
            assert "Input/output error" in check.detail and "disk" in check.next
    monkeypatch.undo()
    assert survey(context.profile.locations, context.profile, context.paths).backups[0].good
