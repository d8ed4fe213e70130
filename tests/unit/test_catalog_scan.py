"""The catalog over folders: ours whole and broken, foreign artefacts of every name, what cannot be read."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.catalog import layout
from services.catalog.manifest import PepperEntry, decode_manifest, encode_manifest
from services.catalog.model import Backup
from services.catalog.notes import AcceptNote, CheckNote, PinNote, append_note
from services.catalog.scan import Catalog, accepted_lost, known_salt, scan, survey
from services.errors import QuillkeepError
from services.paths import Paths
from services.profile import BucketTarget, Location, MongoTarget, Profile
from services.secret import Secret
from tests.fabric import HOST, NIGHT, as_nobody, make_backup, open_folder

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


def profile(*folders: Path) -> Profile:
    return Profile(
        mongo=MongoTarget(uri=Secret(f"mongodb://{HOST}/"), database="quilltap"),
        bucket=BucketTarget(),
        locations=tuple(Location(name=folder.name, path=str(folder)) for folder in folders),
    )


def look(folder: Path, *more: Path) -> Catalog:
    found = profile(folder, *more)
    return survey(found.locations, found, Paths(folder.parent / "state"))


def by_id(folder: Path) -> dict[str, Backup]:
    return {backup.id: backup for backup in look(folder).backups}


@pytest.fixture
def location(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


def test_ours_is_good_by_its_own_read_back(location: Path) -> None:
    made = make_backup(location)
    (backup,) = look(location).backups
    assert backup.id == made.id
    assert backup.ours and backup.complete and backup.good
    assert backup.parts == backup.good_parts == ("database", "objects")
    assert backup.created == NIGHT and backup.created_by == "manifest"
    assert backup.verified is None
    assert backup.bytes == sum(file.bytes for file in made.files) + made.objects.bytes  # type: ignore[union-attr]
    assert backup.objects_path == location / "quilltap_s3_20261122_020000"


def test_newest_first_over_several_locations_each_once(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("disk", "nas")]
    for hours, folder in enumerate(folders):
        folder.mkdir()
        make_backup(folder, NIGHT + timedelta(hours=hours))
    os.symlink(folders[0], tmp_path / "again")
    found = look(*folders, tmp_path / "again")
    assert [backup.location for backup in found.backups] == ["nas", "disk"]


@pytest.mark.parametrize(
    ("lose", "says", "part"),
    [
        (layout.archive_name, "is gone", "database"),
        (layout.objects_list_name, "is gone", "objects"),
        (layout.objects_name, "is gone", "objects"),
    ],
)
def test_a_manifest_without_its_files_is_incomplete(location: Path, lose: Any, says: str, part: str) -> None:
    made = make_backup(location)
    target = location / lose(made.id)
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    (backup,) = look(location).backups
    assert not backup.complete and not backup.good
    assert lose(made.id) in backup.missing[0] and says in backup.missing[0]
    assert backup.good_parts == tuple({"database", "objects"} - {part})


def test_a_file_of_another_size_is_incomplete_and_a_lost_sidecar_is_not(location: Path) -> None:
    made = make_backup(location)
    (location / layout.sidecar_name(made.id)).unlink()
    assert look(location).backups[0].good
    with open(location / layout.archive_name(made.id), "ab") as stream:
        stream.write(b"x")
    (backup,) = look(location).backups
    assert f"{made.files[0].bytes + 1:,} bytes instead of {made.files[0].bytes:,}" in backup.missing[0]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty"),
        (b"not json at all", "not JSON"),
        (b'{"schema": 1, "id": "quilltap_2026', "cut off"),
        (b'{"hello": 1}', "not a manifest"),
        (b'{"schema": 7, "id": {"new": true}}', "newer Quillkeep (schema 7"),
        (b'{"schema": 1, "id": 5}', "damaged"),
        (b"\xff\xfe\x00", "not JSON"),
        (b'{"schema": 1, "id": "quilltap_20200101_000000", "started": "2020-01-01T00:00:00Z", '
         b'"finished": "2020-01-01T00:00:00Z"}', "is that of 'quilltap_20200101_000000'"),
        (b'{"schema": 1, "id": "quilltap_20261122_020000", "started": "2020-01-01T00:00:00Z", '
         b'"finished": "2020-01-01T00:00:00Z", "files": [{"name": "../../etc/shadow", "bytes": 1, "sha256": ""}]}',
         "outside its folder"),
    ],
)  # fmt: skip
def test_a_broken_manifest_is_listed_and_its_archive_stays_usable(
    location: Path, content: bytes, problem: str
) -> None:
    made = make_backup(location)
    (location / layout.manifest_name(made.id)).write_bytes(content)
    found = by_id(location)
    broken = found[made.id]
    assert problem in broken.problem
    assert not broken.good and not broken.complete and not broken.ours
    rescued = found[layout.archive_name(made.id)]
    assert rescued.kind == "group" and rescued.parts == ("database", "objects")
    assert rescued.created == NIGHT and "UTC" in rescued.created_detail


def test_a_huge_manifest_is_not_read_into_memory(location: Path) -> None:
    made = make_backup(location)
    with open(location / layout.manifest_name(made.id), "r+b") as stream:
        stream.truncate(70 << 20)
    assert "larger than 64 MiB" in by_id(location)[made.id].problem


def test_no_permission_is_said_by_name(tmp_path: Path) -> None:
    with open_folder() as base:
        closed, half = base / "closed", base / "half"
        closed.mkdir(mode=0o700)
        half.mkdir(mode=0o755)
        made = make_backup(half)
        os.chmod(half, 0o755)
        os.chmod(half / layout.manifest_name(made.id), 0o600)
        shutil.copy(FIXTURES / "zoo.archive.gz", half / "quilltap-mongo.gz")
        os.chmod(half / "quilltap-mongo.gz", 0o600)
        (half / "old").mkdir(mode=0o700)
        (half / "lost+found").mkdir(mode=0o700)
        with as_nobody():
            found = look(closed, half)
            with pytest.raises(QuillkeepError, match="no permission"):
                scan(profile(closed).locations, profile(closed), Paths(tmp_path))
        said = {problem.path: problem.problem for problem in found.problems}
        assert said == {
            str(closed): "no permission to read it",
            str(half / "old"): "no permission to read it",
        }
        problems = {backup.id: backup.problem for backup in found.backups}
        assert problems[made.id] == "no permission to read the manifest"
        assert "no permission" in problems["quilltap-mongo.gz"]


def test_a_location_that_is_gone_is_said(location: Path) -> None:
    (problem,) = look(location / "unmounted").problems
    assert "does not exist" in problem.problem


def test_other_deployments_are_never_ours(location: Path) -> None:
    make_backup(location, database="staging")
    make_backup(location, NIGHT + timedelta(hours=1), host="localhost:27017")
    found = look(location).backups
    assert [backup.ours for backup in found] == [False, False]
    assert "database" in found[1].other_deployment
    assert "localhost:27017" in found[0].other_deployment


def test_missing_objects_until_they_are_accepted_here_or_in_another_night(location: Path) -> None:
    first = make_backup(location, objects=None)
    nights = [make_backup(location, NIGHT + timedelta(days=day)) for day in (1, 2)]
    for night in nights:
        assert night.objects is not None
        _rewrite(
            location, night.id, objects=msgspec.structs.replace(night.objects, missing=("users/u1/lost",))
        )
    found = by_id(location)
    assert found[first.id].good
    assert found[nights[0].id].good_parts == ("database",)
    assert "users/u1/lost" in found[nights[0].id].not_good["objects"]
    note = AcceptNote(at=NIGHT, lost=("users/u1/lost",))
    append_note(location, nights[0].id, note, Paths(location.parent / "state"))
    catalog = look(location)
    assert all(backup.good for backup in catalog.backups)
    assert accepted_lost(catalog.backups) == {"users/u1/lost"}


def _rewrite(folder: Path, id: str, **changes: Any) -> None:
    path = folder / layout.manifest_name(id)
    manifest = decode_manifest(path.read_bytes())
    path.write_bytes(encode_manifest(msgspec.structs.replace(manifest, **changes)))


def test_suspicion_is_of_its_part_and_ends_with_accept(location: Path) -> None:
    made = make_backup(
        location, suspicious=("chats fell from 900 to 12 documents",), suspicious_parts=("database",)
    )
    (backup,) = look(location).backups
    assert backup.suspicious and backup.good_parts == ("objects",)
    append_note(location, made.id, AcceptNote(at=NIGHT, suspicious=True), Paths(location.parent / "state"))
    (backup,) = look(location).backups
    assert not backup.suspicious and backup.good


def test_failed_verify_pin_and_purpose(location: Path) -> None:
    made = make_backup(location, purpose="safety")
    paths = Paths(location.parent / "state")
    append_note(location, made.id, PinNote(at=NIGHT), paths)
    append_note(
        location,
        made.id,
        CheckNote(at=NIGHT, depth="full", status="fail", parts={"database": "fail", "objects": "ok"}),
        paths,
    )
    (backup,) = look(location).backups
    assert backup.pinned and not backup.counted
    assert backup.good_parts == ("objects",)
    assert backup.verified is not None and backup.verified.status == "fail"


def test_one_that_excludes_a_known_collection_does_not_count_for_the_database(location: Path) -> None:
    make_backup(location, excluded=("chat_messages",))
    make_backup(location, NIGHT + timedelta(hours=1), excluded=("my_logs",))
    assert [backup.uncounted_parts for backup in look(location).backups] == [(), ("database",)]


def test_leftovers_and_trash_are_no_backups(location: Path) -> None:
    (location / "quilltap_mongo_20261122_020000.gz.quillkeep-partial-0a1b2c3d").write_bytes(b"x")
    (location / "quilltap_s3_20261122_020000.quillkeep-partial-0a1b2c3d").mkdir()
    (location / ".trash").mkdir()
    shutil.copy(FIXTURES / "zoo.archive.gz", location / ".trash" / "quilltap-mongo.gz")
    (location / ".quillkeep-writer").write_bytes(b"{}")
    assert look(location).backups == ()


def test_the_salt_of_the_newest_key_check_is_used_again(location: Path) -> None:
    make_backup(location, pepper=PepperEntry(salt="aabb", check="x", opened=1, tried=1))
    assert known_salt(look(location).backups) == b"\xaa\xbb"
    assert known_salt(()) is None


FORMS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "quilltap-20261101.gz": ("quilltap-20261101.gz", "archive", ("database",)),
    "quilltap-mongo.gz": ("quilltap-20261101.gz", "archive", ("database",)),
    "quilltap_mongo_20261101_020000.gz": ("quilltap-20261101.gz", "archive", ("database",)),
    "backup.gz": ("quilltap-20261101.gz", "archive", ("database",)),
    "nightly": ("quilltap-20261101.archive", "archive", ("database",)),
    "quilltap-20261101.archive": ("quilltap-20261101.archive", "archive", ("database",)),
    "backup-20261101": ("backup-20261101", "directory", ("database",)),
    "backup-gz-20261101": ("backup-gz-20261101", "directory", ("database",)),
    "mongo_20261101_020000": ("backup-20261101", "directory", ("database",)),
    "quilltap": ("backup-20261101/quilltap", "directory", ("database",)),
    "mongo-backup-20261101": ("backup-20261101", "directory", ("database",)),
    "quilltap_mongo_20261101_020000.tar.gz": ("quilltap_mongo_20261101_020000.tar.gz", "tar", ("database",)),
    "old-dump.tgz": ("quilltap_mongo_20261101_020000.tar.gz", "tar", ("database",)),
    "old-files.tgz": ("quilltap_s3_20261101_020000.tar.gz", "objects-tar", ("objects",)),
    "quilltap_s3_20261101_020000.tar.gz": ("quilltap_s3_20261101_020000.tar.gz", "objects-tar", ("objects",)),
    "s3_20261101_020000": ("s3_20261101_020000", "objects", ("objects",)),
    "s3-backup-20261101": ("s3_20261101_020000", "objects", ("objects",)),
    "quilltap-files": ("s3_20261101_020000", "objects", ("objects",)),
    "quilltap-mongo.gz.gpg": ("quilltap-20261101.gz.gpg", "archive", ("database",)),
    "quilltap-mongo.gz.enc": ("quilltap-20261101.gz.enc", "archive", ("database",)),
    "quilltap_s3_20261101_020000.tar.gz.gpg": ("quilltap-20261101.gz.gpg", "objects-tar", ("objects",)),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_name_of_the_guide(location: Path, name: str) -> None:
    fixture, kind, parts = FORMS[name]
    _copy(FIXTURES / fixture, location / name)
    (backup,) = look(location).backups
    assert (backup.id, backup.kind, backup.parts) == (name, kind, parts)
    assert not backup.ours and backup.complete and not backup.good and not backup.problem
    assert backup.bytes > 40_000
    assert bool(backup.encrypted) == name.endswith((".gpg", ".enc"))


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)


def test_what_docker_cp_leaves_several_databases_and_one_folder_too_many(location: Path) -> None:
    for inner in ("dump", "backup"):
        root = location / f"mongo-backup-2026110{len(inner)}" / inner
        _copy(FIXTURES / "backup-20261101", root)
        _copy(FIXTURES / "zoo-dump" / "zoo", root / "zoo")
    found = look(location).backups
    assert [backup.kind for backup in found] == ["directory", "directory"]
    assert {backup.database_path for backup in found} == {
        location / "mongo-backup-20261104" / "dump",
        location / "mongo-backup-20261106" / "backup",
    }


def test_what_one_run_of_the_script_made_is_one_backup(location: Path) -> None:
    for name in ("quilltap_mongo_20261101_020000.tar.gz", "quilltap_s3_20261101_020000.tar.gz"):
        _copy(FIXTURES / name, location / name)
    _copy(FIXTURES / "backup-20261101", location / "mongo_20261102_020000")
    _copy(FIXTURES / "s3_20261101_020000", location / "s3_20261102_020000")
    _copy(FIXTURES / "s3_20261101_020000", location / "s3_20261103_020000")
    _copy(FIXTURES / "quilltap-20261101.gz", location / "quilltap-20261103.gz")
    found = {backup.id: (backup.kind, backup.parts) for backup in look(location).backups}
    assert found == {
        "quilltap_mongo_20261101_020000.tar.gz": ("group", ("database", "objects")),
        "mongo_20261102_020000": ("group", ("database", "objects")),
        "s3_20261103_020000": ("objects", ("objects",)),
        "quilltap-20261103.gz": ("archive", ("database",)),
    }


def test_a_script_that_died_between_tar_and_rm_leaves_both(location: Path) -> None:
    _copy(FIXTURES / "backup-20261101", location / "mongo_20261101_020000")
    _copy(FIXTURES / "s3_20261101_020000", location / "s3_20261101_020000")
    (location / "quilltap_mongo_20261101_020000.tar.gz").write_bytes(b"")
    found = by_id(location)
    assert found["mongo_20261101_020000"].kind == "group"
    assert "empty" in found["quilltap_mongo_20261101_020000.tar.gz"].problem


def test_sidecars_belong_to_their_file_and_notes_are_read(location: Path) -> None:
    for name in ("quilltap-20261101.gz", "quilltap-20261101.gz.sha256"):
        _copy(FIXTURES / name, location / name)
    note = CheckNote(at=NIGHT, depth="full", status="ok", proof="content", parts={"database": "ok"})
    append_note(location, "quilltap-20261101.gz", note, Paths(location.parent / "state"))
    (backup,) = look(location).backups
    assert [path.name for path in backup.files] == ["quilltap-20261101.gz", "quilltap-20261101.gz.sha256"]
    assert backup.good
    structure = msgspec.structs.replace(note, proof="structure")
    append_note(location, "quilltap-20261101.gz", structure, Paths(location.parent / "state"))
    assert not look(location).backups[0].good


def test_damaged_artefacts_with_a_backups_name_are_listed_and_other_files_are_not(location: Path) -> None:
    (location / "quilltap-20261101.gz").write_bytes(b"")
    (location / "nightly.gz").write_bytes(b"<html>502</html>")
    (location / "backup.log").write_bytes(b"started")
    (location / "photos.gz").write_bytes(gzip.compress(b"something else"))
    (location / "backup-quilltap.sh").write_bytes(b"#!/bin/bash")
    (location / "lost+found").mkdir()
    found = by_id(location)
    assert set(found) == {"quilltap-20261101.gz", "nightly.gz"}
    assert found["quilltap-20261101.gz"].problem == "the file is empty"
    assert not found["nightly.gz"].complete


def test_folders_are_looked_into_and_ids_are_paths(location: Path) -> None:
    (location / "2026" / "november").mkdir(parents=True)
    _copy(FIXTURES / "quilltap-20261101.gz", location / "2026" / "november" / "quilltap-20261101.gz")
    make_backup(location / "2026")
    os.symlink(location, location / "2026" / "loop")
    found = by_id(location)
    assert set(found) == {"2026/november/quilltap-20261101.gz", "quilltap_20261122_020000"}
    assert found["quilltap_20261122_020000"].good


def test_hostile_names_are_listed_without_control_characters(location: Path) -> None:
    hostile = "quilltap\n\x1b[2J-20261101.gz"
    _copy(FIXTURES / "quilltap-20261101.gz", location / hostile)
    _copy(FIXTURES / "quilltap-20261101.gz", location / os.fsdecode(b"quilltap-caf\xe9.gz"))
    found = by_id(location)
    assert set(found) == {r"quilltap\x0a\x1b[2J-20261101.gz", r"quilltap-caf\xe9.gz"}
    msgspec.json.encode([backup.id for backup in found.values()])


def test_a_fifo_and_a_dangling_link_do_not_hang_the_list(location: Path) -> None:
    os.mkfifo(location / "quilltap-mongo.gz")
    os.mkfifo(location / "quilltap_20261122_020000.json")
    os.symlink("/nowhere", location / "quilltap-20261101.gz")
    found = by_id(location)
    assert "quilltap-mongo.gz" not in found
    assert "empty" in found["quilltap_20261122_020000"].problem


def test_a_thousand_manifests(location: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make_backup(location)
    manifest = (location / layout.manifest_name(made.id)).read_bytes()
    archive = location / layout.archive_name(made.id)
    listing = location / layout.objects_list_name(made.id)
    for number in range(1, 1000):
        when = NIGHT + timedelta(minutes=number)
        id = layout.backup_id(when)
        stamp = layout.stamp_of(id).encode()
        content = manifest.replace(b"20261122_020000", stamp)
        (location / layout.manifest_name(id)).write_bytes(content)
        os.link(archive, location / layout.archive_name(id))
        os.link(listing, location / layout.objects_list_name(id))
        (location / layout.objects_name(id)).mkdir()
    started = time.perf_counter()
    found = look(location)
    took = time.perf_counter() - started
    with capsys.disabled():
        print(f" [1,000 manifests surveyed in {took:.3f} s]", end="")
    assert len(found.backups) == 1000
    assert all(backup.good for backup in found.backups)
