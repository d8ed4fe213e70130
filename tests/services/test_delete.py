"""Deleting a backup: what is refused and what moves."""

from __future__ import annotations

import os
import shutil
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services.catalog.manifest import decode_manifest, encode_manifest
from services.catalog.notes import CheckNote, append_note
from services.catalog.scan import survey
from services.catalog.trash import RECORD, TRASH
from services.errors import Refused, UsageProblem
from services.jobs.location_lock import reading, writing
from services.mongo.record import SwapRecord, save_record
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.delete import DeletePlan, delete
from services.operations.pin import PinPlan, pin
from services.operations.trash import (
    TrashEmptyPlan,
    TrashRestorePlan,
    trash_document,
    trash_empty,
    trash_restore,
)
from services.operations.verify import VerifyPlan, verify
from services.profile import BucketTarget, Location, Profile
from tests.services.command_support import Command, at_a_terminal, environment
from tests.services.delete_support import (
    NEW,
    NIGHT,
    OLD,
    Contexts,
    names,
    refusal,
    rows,
    run,
    two_nights,
)
from tests.support import FIXTURES


@pytest.fixture
def nights(profile: Profile, db: Database[Any], bucket: BucketTarget, make_context: Contexts) -> Profile:
    return two_nights(profile, db, bucket, make_context)


def test_every_file_moves_and_comes_back(nights: Profile, location: Path, make_context: Contexts) -> None:
    verify(VerifyPlan(backup=OLD), make_context(nights))
    before = {name for name in os.listdir(location) if "20261120" in name}
    assert len(before) == 6, before
    result = run(nights, make_context)
    assert result.deleted and result.status == "ok" and set(result.files) == before
    assert names(location) == {name for name in os.listdir(location) if "20261121" in name}
    trash = location / TRASH
    assert stat.S_IMODE(trash.stat().st_mode) == 0o700
    entry = trash / result.entry
    assert OLD in result.entry and set(os.listdir(entry / "files")) == before
    assert stat.S_IMODE((entry / RECORD).stat().st_mode) == 0o600
    assert set(rows(nights, make_context)) == {NEW}
    document = trash_document(nights)
    assert [(row["id"], row["state"], row["deleted"][:4]) for row in document["trash"]] == [
        (OLD, "trashed", "2026")
    ]
    trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
    assert {name for name in os.listdir(location) if "20261120" in name} == before
    back = rows(nights, make_context)[OLD]
    assert back.good and back.verified is not None and os.listdir(trash) == []


def test_the_newest_good_one_of_each_part_stays(nights: Profile, make_context: Contexts) -> None:
    error = refusal(nights, make_context, NEW)
    assert "newest good backup of the database" in error.what and "quillkeep backup" in error.next
    backup(BackupPlan(only="database"), make_context(nights, clock=lambda: NIGHT + timedelta(days=2)))
    assert "newest good backup of the objects" in refusal(nights, make_context, NEW).what
    # A damaged one is not the newest good: the one before it is.
    note = CheckNote(at=NIGHT, depth="full", status="fail", parts={"objects": "fail"}, findings=("rot",))
    ctx = make_context(nights)
    append_note(Path(nights.locations[0].path), NEW, note, ctx.paths)
    assert "newest good backup of the objects" in refusal(nights, make_context, OLD).what
    assert run(nights, make_context, NEW).deleted


def test_a_good_copy_elsewhere_lets_the_newest_go(
    nights: Profile, location: Path, tmp_path: Path, make_context: Contexts
) -> None:
    other = tmp_path / "nas"
    shutil.copytree(location, other)
    profile = msgspec.structs.replace(
        nights, locations=(*nights.locations, Location(name="nas", path=str(other)))
    )
    error = refusal(profile, make_context, NEW)
    assert "lies in 2 places" in error.what and "--location" in error.next
    result = run(profile, make_context, NEW, location="nas")
    assert result.location == "nas" and NEW in rows(profile, make_context)
    assert "newest good" in refusal(profile, make_context, NEW, location="backups").what
    with pytest.raises(UsageProblem, match="no location 'nowhere'"):
        run(profile, make_context, OLD, location="nowhere")
    by_path = run(profile, make_context, str(other / f"{OLD}.json"))
    assert by_path.location == "nas" and (location / f"{OLD}.json").exists()


def test_a_pinned_one_and_one_being_read_stay(
    nights: Profile, location: Path, make_context: Contexts
) -> None:
    pin(PinPlan(backup=OLD), make_context(nights))
    assert f"quillkeep unpin {OLD}" in refusal(nights, make_context).next
    pin(PinPlan(backup=OLD, unpin=True), make_context(nights))
    with reading(location, OLD, "20261123_000001", verb="restore"):
        error = refusal(nights, make_context)
        assert "being read" in error.what and "20261123_000001" in error.cause
    with writing(location, "20261123_000002", verb="backup"):
        for dry in (False, True):
            assert "Another job writes" in refusal(nights, make_context, dry_run=dry).what
    assert run(nights, make_context).deleted


def test_a_reader_that_began_meanwhile_gets_it_back(
    nights: Profile, location: Path, make_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, opened = os.rename, []

    def slow(source: Any, target: Any) -> None:
        real(source, target)
        if not opened and "files" in str(target):
            opened.append(reading(location, OLD, "late-reader", verb="verify"))
            opened[0].__enter__()

    monkeypatch.setattr(os, "rename", slow)
    before = names(location)
    error = refusal(nights, make_context)
    opened[0].__exit__(None, None, None)
    assert "put back" in error.touched and names(location) == before
    assert rows(nights, make_context)[OLD].good and os.listdir(location / TRASH) == []


def test_read_only_latest_and_unknown_names(nights: Profile, tmp_path: Path, make_context: Contexts) -> None:
    locked = msgspec.structs.replace(nights, read_only=True)
    for dry in (False, True):
        assert "READ-ONLY" in refusal(locked, make_context, dry_run=dry).what
    with pytest.raises(Refused, match="READ-ONLY"):
        trash_empty(TrashEmptyPlan(), make_context(locked))
    with pytest.raises(UsageProblem, match="never as `latest`"):
        run(nights, make_context, "latest")
    with pytest.raises(UsageProblem, match="no backup"):
        run(nights, make_context, "quilltap_20260101_000000")
    stray = tmp_path / "quilltap-20261101.gz"
    shutil.copy(FIXTURES / "quilltap-20261101.gz", stray)
    assert "in no location" in refusal(nights, make_context, str(stray)).what
    assert stray.exists()


def test_what_a_restore_still_needs_stays(
    nights: Profile, db: Database[Any], make_context: Contexts, location: Path
) -> None:
    record = SwapRecord(
        job="20261121_100000",
        verb="restore",
        state="swapping",
        database=db.name,
        started=NIGHT,
        backup=OLD,
    )
    save_record(db, record)
    assert "--finish 20261121_100000" in refusal(nights, make_context).next
    save_record(db, msgspec.structs.replace(record, state="done", backup="", safety=OLD))
    error = refusal(nights, make_context)
    assert "safety backup of job 20261121_100000" in error.what and "release" in error.next
    save_record(db, msgspec.structs.replace(record, state="released", safety=OLD))
    _purpose(location, OLD, "before-release")
    assert "kept for 90 days" in refusal(nights, make_context).what
    later = make_context(nights, clock=lambda: NIGHT + timedelta(days=91))
    assert delete(DeletePlan(backup=OLD), later).deleted


def _purpose(location: Path, id: str, purpose: str) -> None:
    path = location / f"{id}.json"
    manifest = decode_manifest(path.read_bytes())
    os.chmod(path, 0o600)
    path.write_bytes(encode_manifest(msgspec.structs.replace(manifest, purpose=purpose)))


def test_with_a_dead_database_a_backup_may_go_and_a_safety_copy_may_not(
    nights: Profile, location: Path, make_context: Contexts
) -> None:
    from services.profile import MongoTarget
    from services.secret import Secret

    assert nights.mongo is not None
    target = MongoTarget(
        uri=Secret("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200"), database=nights.mongo.database
    )
    dead = msgspec.structs.replace(nights, mongo=target)
    _purpose(location, OLD, "safety")
    error = refusal(dead, make_context)
    assert "cannot be told" in error.what and "127.0.0.1:1" in error.cause
    _purpose(location, OLD, "backup")
    # Its deployment cannot be told apart any more, since hosts decide; it goes all the same, and says so.
    result = run(dead, make_context)
    assert result.deleted and any("trash restore" in warning for warning in result.warnings)


def test_another_deployments_goes_only_by_its_id_and_says_whose(
    nights: Profile, make_context: Contexts
) -> None:
    from services.profile import MongoTarget

    assert nights.mongo is not None
    mongo = MongoTarget(uri=nights.mongo.uri, database="another_deployment")
    other = msgspec.structs.replace(nights, mongo=mongo)
    looked = run(other, make_context, NEW, dry_run=True)
    assert looked.whose and any("newest good backup of that deployment" in text for text in looked.warnings)
    result = run(other, make_context, OLD)
    assert result.whose == looked.whose and len(result.warnings) == 1


def test_a_foreign_one_goes_by_its_path_and_stays_while_it_is_all_there_is(
    profile: Profile, location: Path, make_context: Contexts
) -> None:
    deep = location / "2026" / "november"
    deep.mkdir(parents=True)
    shutil.copy(FIXTURES / "quilltap-20261101.gz", deep)
    shutil.copytree(FIXTURES / "backup-20261101", location / "backup-20261101")
    dump, archive = "backup-20261101", "2026/november/quilltap-20261101.gz"
    assert set(rows(profile, make_context)) == {dump, archive}
    verify(VerifyPlan(backup=archive), make_context(profile))
    assert "newest proven backup" in refusal(profile, make_context, archive).what
    shutil.copy(deep / "quilltap-20261101.gz", location / dump / "another.gz")
    assert "another.gz" in refusal(profile, make_context, dump).what
    (location / dump / "another.gz").unlink()
    result = run(profile, make_context, dump)
    assert set(rows(profile, make_context)) == {archive}
    assert (location / TRASH / result.entry / "files" / dump).is_dir()
    trash_restore(TrashRestorePlan(entry=dump), make_context(profile))
    assert set(rows(profile, make_context)) == {dump, archive}
    (deep / "quilltap-20261101.gz.notes.jsonl").unlink()
    run(profile, make_context, archive)
    shutil.rmtree(location / "2026")
    trash_restore(TrashRestorePlan(entry=archive), make_context(profile))
    assert set(rows(profile, make_context)) == {dump, archive}


HOSTILE = [
    "mongo_[x]\x1b[31m\n.gz",
    "mongo_\u202egz.tar.gz",
    "mongo_%s.gz" % ("x" * 246),
    "mongo_\udcff\udcfe.gz",
    "mongo_..gz",
    "mongo_ -rf * ;$(reboot).gz",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names(profile: Profile, location: Path, make_context: Contexts, name: str) -> None:
    shutil.copy(FIXTURES / "quilltap-20261101.gz", location / name)
    (id,) = rows(profile, make_context)
    result = run(profile, make_context, id)
    assert result.deleted and names(location) == set()
    assert msgspec.json.encode(result) and msgspec.json.encode(trash_document(profile))
    assert all(char.isprintable() for char in result.entry)
    trash_restore(TrashRestorePlan(entry=id), make_context(profile))
    assert names(location) == {name}
    run(profile, make_context, id)
    trash_empty(TrashEmptyPlan(), make_context(profile))
    assert os.listdir(location / TRASH) == []


def test_damage_found_meanwhile_is_not_forgotten(
    nights: Profile, location: Path, make_context: Contexts
) -> None:
    run(nights, make_context)
    shared = location / f"quilltap_s3_{NEW[9:]}" / "users/u/1.png"
    os.chmod(shared, 0o600)
    data = shared.read_bytes()
    shared.write_bytes(b"x" + data[1:])
    assert verify(VerifyPlan(backup=NEW), make_context(nights)).status == "fail"
    result = trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
    assert "shares 1 damaged object" in result.warnings[0]
    assert not rows(nights, make_context)[OLD].good


def test_an_incomplete_and_an_unreadable_one_may_go(
    nights: Profile, location: Path, make_context: Contexts
) -> None:
    (location / f"quilltap_mongo_{OLD[9:]}.gz").unlink()
    (location / f"{OLD}.json").chmod(0o600)
    (location / f"{OLD}.json").write_bytes(b"{")
    result = run(nights, make_context)
    assert result.deleted and "cannot be told" in result.warnings[0]
    assert not any(OLD[9:] in name for name in names(location))


def test_the_command(nights: Profile, db: Database[Any], location: Path, tmp_path: Path) -> None:
    assert nights.mongo is not None
    environ = environment(tmp_path, nights.mongo.uri.reveal(), db.name, location, nights.bucket)
    environ.pop("ENCRYPTION_MASTER_PEPPER")
    command = Command(environ)
    assert "--yes" in command.failure("delete", OLD, code=4)["next"]
    assert "newest good" in command.failure("delete", NEW, "--yes", code=4)["what"]
    code, shown = at_a_terminal(environ, "delete", OLD, answer="quilltap")
    assert code == 4 and "Not confirmed" in shown and "would move" in shown and "frees" in shown
    assert (location / f"{OLD}.json").exists()
    code, shown = at_a_terminal(environ, "delete", OLD, answer=OLD)
    assert code == 0 and "trash restore" in shown and not (location / f"{OLD}.json").exists()
    listed = command.json("trash", "list")
    assert [row["id"] for row in listed["trash"]] == [OLD]
    assert "Emptying the trash frees" in command.run("trash", "list").stdout
    assert command.json("trash", "restore", OLD)["id"] == OLD
    assert command.json("delete", OLD, "--yes")["deleted"] is True
    code, shown = at_a_terminal(environ, "trash", "empty", answer="empty 2")
    assert code == 4 and "empty 1" in shown
    assert "READ-ONLY" in command.failure("--read-only", "trash", "empty", "--yes", code=4)["what"]
    code, shown = at_a_terminal(environ, "trash", "empty", answer="empty 1")
    assert code == 0 and "Gone for good" in shown
    assert command.json("trash", "empty", "--yes")["emptied"] == []
    assert command.run("trash", "list").stdout == "The trash is empty.\n"


def test_nothing_of_it_needs_more_than_one_catalog(nights: Profile, make_context: Contexts) -> None:
    """A location that cannot be read is said, since a newer good one may lie there."""
    gone = msgspec.structs.replace(
        nights, locations=(*nights.locations, Location(name="nas", path="/nowhere/at/all"))
    )
    result = run(gone, make_context, dry_run=True)
    assert any("nas" in warning for warning in result.warnings)
    assert survey(gone.locations, gone, make_context(gone).paths).problems
