"""Which backup a reference means, and the documents of `list` and `show`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.catalog import layout, listing
from services.catalog.find import Found, find_backup, newest_good
from services.catalog.manifest import Part, decode_manifest, encode_manifest
from services.catalog.notes import CheckNote, append_note
from services.catalog.scan import survey
from services.errors import QuillkeepError, Refused, UsageProblem
from services.objects.manifest import ObjectLine, write_lines
from services.operations.accept import AcceptPlan, accept
from services.operations.pin import PinPlan, pin
from services.paths import Paths
from services.profile import BucketTarget, Location, MongoTarget, Profile
from services.secret import Secret
from tests.fabric import HOST, NIGHT, make_backup
from tests.support import make_context

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


class Place:
    """A folder of backups with the profile that looks at it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = Paths(folder.parent / "state")
        self.profile = Profile(
            mongo=MongoTarget(uri=Secret(f"mongodb://ana:hunter22@{HOST}/"), database="quilltap"),
            bucket=BucketTarget(endpoint="http://minio:9000"),
            locations=(Location(name="disk", path=str(folder)),),
        )

    def find(self, ref: str, parts: Sequence[Part] = ()) -> Found:
        found = survey(self.profile.locations, self.profile, self.paths)
        return find_backup(ref, found.backups, self.profile, parts, paths=self.paths, problems=found.problems)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder = tmp_path / "backups"
    folder.mkdir()
    return Place(folder)


def night(number: int) -> Any:
    return NIGHT + timedelta(days=number)


def test_latest_names_every_newer_one_it_passed_over_and_why(place: Place) -> None:
    good = make_backup(place.folder, night(0))
    make_backup(place.folder, night(1), objects=None)
    suspicious = make_backup(place.folder, night(2), suspicious=("chats fell from 900 to 12",))
    other = make_backup(place.folder, night(3), database="staging")
    safety = make_backup(place.folder, night(4), purpose="safety")
    gone = make_backup(place.folder, night(5))
    (place.folder / layout.archive_name(gone.id)).unlink()
    failed = make_backup(place.folder, night(6))
    note = CheckNote(at=NIGHT, depth="full", status="fail", findings=("collection chats is cut",))
    append_note(place.folder, failed.id, note, place.paths)
    excluded = make_backup(place.folder, night(7), excluded=("chats",))
    torn = make_backup(place.folder, night(8))
    (place.folder / layout.manifest_name(torn.id)).write_bytes(b"{")
    shutil.copy(FIXTURES / "zoo.archive.gz", place.folder / "quilltap-20270101.gz")
    found = place.find("latest", ("database", "objects"))
    assert found.backup.id == good.id
    why = dict(found.passed_over)
    assert "cut off" in why[torn.id]
    assert "collection chats is cut" in why[failed.id]
    assert "is gone" in why[gone.id]
    assert "for safety" in why[safety.id]
    assert "staging" in why[other.id]
    assert "chats fell" in why[suspicious.id]
    assert "leaves out a collection" in why[excluded.id]
    assert "other tools" in why["quilltap-20270101.gz"]
    assert why[layout.backup_id(night(1))] == "has no objects part"
    assert list(why) == [id for id, _ in found.passed_over]


def test_latest_is_by_the_parts_asked_for(place: Place) -> None:
    both = make_backup(place.folder, night(0))
    database = make_backup(place.folder, night(1), objects=None)
    assert place.find("latest", ("database",)).backup.id == database.id
    assert place.find("latest", ("objects",)).backup.id == both.id
    assert place.find("latest").backup.id == database.id
    backups = survey(place.profile.locations, place.profile, place.paths).backups
    newest = newest_good(backups, "objects")
    assert newest is not None and newest.id == both.id
    assert newest_good([], "objects") is None


def test_without_a_good_one_latest_is_refused_naming_what_there_is(place: Place) -> None:
    with pytest.raises(Refused) as nothing:
        place.find("latest")
    assert "no backup at all" in nothing.value.cause
    other = make_backup(place.folder, database="staging")
    with pytest.raises(Refused) as refused:
        place.find("latest", ("database",))
    assert other.id in refused.value.cause and "staging" in refused.value.cause
    assert "quillkeep list" in refused.value.next


def test_latest_says_which_location_could_not_be_read(place: Place) -> None:
    gone = Location(name="nas", path=str(place.folder / "nas"))
    place.profile = msgspec.structs.replace(place.profile, locations=(gone,))
    with pytest.raises(Refused) as refused:
        place.find("latest")
    assert "does not exist" in refused.value.cause and "location nas" in refused.value.cause


def test_an_id_is_taken_whole_or_not_at_all(place: Place) -> None:
    made = make_backup(place.folder)
    assert place.find(made.id).backup.id == made.id
    with pytest.raises(UsageProblem) as unknown:
        place.find(made.id[:-2])
    assert f"Did you mean {made.id}" in unknown.value.cause
    for nonsense in ("", "no such thing", "quilltap\n\x1b[2J"):
        with pytest.raises(UsageProblem):
            place.find(nonsense)


def test_paths_to_anything_recognisable(place: Place, tmp_path: Path) -> None:
    made = make_backup(place.folder)
    for name in (layout.manifest_name, layout.archive_name, layout.objects_name, layout.sidecar_name):
        assert place.find(str(place.folder / name(made.id))).backup.id == made.id
    outside = tmp_path / "usb stick"
    outside.mkdir()
    copy = make_backup(outside, night(1))
    found = place.find(str(outside / layout.archive_name(copy.id))).backup
    assert found.id == copy.id and found.good and found.folder == outside
    for name in ("backup-20261101", "quilltap_mongo_20261101_020000.tar.gz", "s3_20261101_020000"):
        found = place.find(str(FIXTURES / name)).backup
        assert found.id == str(FIXTURES / name) and found.location == ""
    assert place.find(str(FIXTURES / "backup-20261101" / "quilltap")).backup.kind == "directory"
    assert place.find(str(FIXTURES / "corrupt" / "empty.gz")).backup.problem == "the file is empty"
    with pytest.raises(UsageProblem, match="no backup that Quillkeep knows"):
        place.find(str(FIXTURES / "README.md"))


def test_a_relative_path_within_a_location_and_a_file_of_a_group(place: Place) -> None:
    for name in ("quilltap_mongo_20261101_020000.tar.gz", "quilltap_s3_20261101_020000.tar.gz"):
        shutil.copy(FIXTURES / name, place.folder / name)
    (place.folder / "old").mkdir()
    shutil.copy(FIXTURES / "quilltap-20261101.gz", place.folder / "old" / "quilltap-20261101.gz")
    group = place.find("quilltap_s3_20261101_020000.tar.gz").backup
    assert group.id == "quilltap_mongo_20261101_020000.tar.gz" and group.kind == "group"
    assert place.find("old/quilltap-20261101.gz").backup.kind == "archive"
    assert place.find(str(place.folder / "old" / "quilltap-20261101.gz")).backup.location == "disk"


def test_a_path_that_this_user_may_not_read(place: Place) -> None:
    dangling = place.folder / "quilltap-mongo.gz"
    os.symlink("/nowhere/at/all", dangling)
    with pytest.raises(QuillkeepError, match="cannot be read"):
        place.find(str(dangling))


def test_of_copies_in_two_locations_the_good_one(place: Place, tmp_path: Path) -> None:
    made = make_backup(place.folder)
    nas = tmp_path / "nas"
    shutil.copytree(place.folder, nas)
    (place.folder / layout.archive_name(made.id)).unlink()
    both = (*place.profile.locations, Location(name="nas", path=str(nas)))
    place.profile = msgspec.structs.replace(place.profile, locations=both)
    assert place.find(made.id).backup.location == "nas"
    assert place.find("latest").backup.location == "nas"


def test_the_list_document(place: Place) -> None:
    make_backup(place.folder)
    shutil.copy(FIXTURES / "quilltap-20261101.gz.gpg", place.folder / "quilltap-20261101.gz.gpg")
    document = listing.list_backups(place.profile, place.paths)
    msgspec.json.encode(document)
    assert document["status"] == "ok" and document["warnings"] == []
    ours, foreign = document["backups"]
    assert ours["id"] == "quilltap_20261122_020000" and ours["created"] == "2026-11-22T02:00:00Z"
    assert (ours["complete"], ours["good"], ours["suspicious"], ours["encrypted"]) == (
        True,
        True,
        False,
        False,
    )
    assert ours["parts"] == ["database", "objects"] and ours["verified"] is None and ours["pinned"] is False
    assert (foreign["encrypted"], foreign["encrypted_with"], foreign["good"]) == (True, "gpg", False)
    gone = msgspec.structs.replace(place.profile, locations=(Location(name="nas", path="/nowhere/nas"),))
    empty = listing.list_backups(gone, place.paths)
    assert empty["status"] == "warnings" and "does not exist" in empty["warnings"][0]


def test_the_show_document_and_its_commands(place: Place) -> None:
    made = make_backup(place.folder)
    os.chmod(place.folder / layout.archive_name(made.id), 0o600)
    document = listing.show("latest", place.profile, place.paths)
    msgspec.json.encode(document)
    assert document["manifest"]["database"] == "quilltap"
    modes = {Path(file["path"]).name: file["mode"] for file in document["files"]}
    assert modes[layout.archive_name(made.id)] == "0600"
    checks = document["commands"]["verify"]
    for command in checks[:2]:
        subprocess.run(["bash", "-c", command], check=True, capture_output=True)
    (restore, objects) = document["commands"]["restore"]
    assert "mongorestore --config=mongo.yaml --nsInclude='quilltap.*' --drop --archive=" in restore
    assert "--gzip" in restore and "@" not in restore
    (aside,) = document["commands"]["aside"]
    assert "--nsFrom='quilltap.*' --nsTo='quilltap_restored.*'" in aside and "--drop" not in aside
    write, line = document["commands"]["prepare"]
    assert write == "(umask 077; cat > mongo.yaml)" and f"uri: mongodb://USER:PASSWORD@{HOST}/" in line
    assert "hunter22" not in str(document) and "ana" not in str(document["commands"])
    assert document["objects_inside"]["categories"] == {"other": {"count": 12, "bytes": 1266}}
    assert document["collections_inside"] is None
    assert {entry["indexes"] for entry in document["manifest"]["collections"].values()} == {0}
    assert "aws s3 cp --recursive" in objects and "sync" not in objects


@pytest.mark.parametrize(
    ("fixture", "expected"),
    [
        ("backup-20261101", "--drop {folder}/backup-20261101"),
        ("backup-20261101/quilltap", "--drop {folder}/backup-20261101"),
        ("backup-gz-20261101", "--drop --gzip {folder}/backup-gz-20261101"),
        ("quilltap-20261101.archive", "--archive={folder}/quilltap-20261101.archive"),
        ("quilltap-20261101.gz.gpg", "gpg --decrypt {folder}/quilltap-20261101.gz.gpg | mongorestore"),
        ("quilltap_mongo_20261101_020000.tar.gz", "tar -xf {folder}/quilltap_mongo_20261101_020000.tar.gz"),
        ("s3_20261101_020000", "aws s3 cp --recursive --endpoint-url http://minio:9000 {folder}/s3_20261101_020000"),
    ],
)  # fmt: skip
def test_stock_commands_of_every_form(place: Place, fixture: str, expected: str) -> None:
    document = listing.show(str(FIXTURES / fixture), place.profile, place.paths)
    commands = document["commands"]["restore"]
    assert any(expected.format(folder=FIXTURES) in command for command in commands), commands
    assert not any("/quilltap --" in command for command in commands)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (f"mongodb://{HOST}/", f"--uri=mongodb://{HOST}/ "),
        (f"mongodb://{HOST}/quilltap?replicaSet=rs0&appName=x", f"--uri='mongodb://{HOST}/?replicaset=rs0' "),
        (f"mongodb://b.example,{HOST}/?tls=true", f"--uri='mongodb://b.example:27017,{HOST}/?tls=true' "),
        (f"mongodb://ana:p%40w@{HOST}/users?tls=true", "--config=mongo.yaml "),
    ],
)
def test_the_commands_reach_the_same_server(place: Place, uri: str, expected: str) -> None:
    made = make_backup(place.folder, objects=None)
    mongo = MongoTarget(uri=Secret(uri), database="quilltap")
    profile = msgspec.structs.replace(place.profile, mongo=mongo)
    commands = listing.show(made.id, profile, place.paths)["commands"]
    assert expected in commands["restore"][0] and expected in commands["aside"][0]
    told = " ".join(commands["prepare"])
    assert ("USER:PASSWORD@db.example:27017/?tls=true&authsource=users" in told) == ("users" in uri)
    assert "p%40w" not in str(commands)


def test_objects_under_other_names_are_put_under_their_keys(place: Place) -> None:
    made = make_backup(place.folder)
    path = place.folder / layout.objects_list_name(made.id)
    lines = [ObjectLine(key="users/../it's\n", file="__quillkeep_names/0"), ObjectLine(key="a")]
    entry = write_lines(path, lines)
    manifest = decode_manifest((place.folder / layout.manifest_name(made.id)).read_bytes())
    files = tuple(entry if file.name == entry.name else file for file in manifest.files)
    changed = msgspec.structs.replace(manifest, files=files)
    (place.folder / layout.manifest_name(made.id)).write_bytes(encode_manifest(changed))
    document = listing.show(made.id, place.profile, place.paths)
    assert document["objects_inside"]["escaped"] == 1
    last = document["commands"]["restore"][-1]
    assert (
        last.startswith("cd ")
        and "put-object --endpoint-url http://minio:9000 --bucket quilltap-files" in last
    )
    assert any("1 keys cannot be file names" in note for note in document["commands"]["notes"])
    if shutil.which("jq"):
        stub = place.folder.parent / "bin" / "aws"
        stub.parent.mkdir()
        stub.write_text('#!/bin/sh\nfor word; do printf "%s|" "$word"; done >> "$OUT"\n')
        stub.chmod(0o755)
        out = place.folder.parent / "out"
        path = f"{stub.parent}:{os.environ['PATH']}"
        subprocess.run(["bash", "-c", last], check=True, env={"PATH": path, "OUT": str(out)})
        assert "--key|users/../it's\n|--body|__quillkeep_names/0|" in out.read_text()


@pytest.mark.parametrize(
    ("fixture", "names", "problem"),
    [
        ("backup-20261101", 15, ""),
        ("quilltap-20261101.gz", 15, ""),
        ("quilltap-20261101.gz.gpg", 0, "encrypted"),
        ("quilltap_mongo_20261101_020000.tar.gz", 0, "all of it is read"),
        ("s3_20261101_020000", 0, "no database part"),
    ],
)
def test_a_foreign_dump_names_its_collections(place: Place, fixture: str, names: int, problem: str) -> None:
    document = listing.show(str(FIXTURES / fixture), place.profile, place.paths)
    inside = document["collections_inside"]
    assert problem in inside["problem"] and len(inside["collections"]) == names
    if fixture.startswith("s3"):
        categories = document["objects_inside"]["categories"]
        assert sum(one["count"] for one in categories.values()) == 30


def test_pin_and_unpin_hold_for_every_copy(place: Place, tmp_path: Path) -> None:
    made = make_backup(place.folder)
    nas = tmp_path / "nas"
    shutil.copytree(place.folder, nas)
    both = (*place.profile.locations, Location(name="nas", path=str(nas)))
    place.profile = msgspec.structs.replace(place.profile, locations=both)
    context = make_context(place.profile, tmp_path / "state")
    assert pin(PinPlan(backup=made.id), context).pinned
    assert all(row["pinned"] for row in listing.list_backups(place.profile, place.paths)["backups"])
    assert not pin(PinPlan(backup="latest", unpin=True), context).pinned
    assert not any(row["pinned"] for row in listing.list_backups(place.profile, place.paths)["backups"])


def test_accept_names_what_it_accepts(place: Place, tmp_path: Path) -> None:
    made = make_backup(place.folder, suspicious=("sessions vanished",))
    context = make_context(place.profile, tmp_path / "state")
    with pytest.raises(UsageProblem, match="does not miss"):
        accept(AcceptPlan(backup=made.id, lost=("users/u1/x",)), context)
    result = accept(AcceptPlan(backup=made.id), context)
    assert result.good and result.suspicious == ("sessions vanished",) and result.lost == ()
    with pytest.raises(Refused, match="nothing to accept"):
        accept(AcceptPlan(backup=made.id), context)
