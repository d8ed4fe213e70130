"""Deleting a backup: what is refused, what moves, what a crash leaves, what emptying the trash really frees."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services.catalog.manifest import decode_manifest, encode_manifest
from services.catalog.model import Backup
from services.catalog.notes import CheckNote, append_note
from services.catalog.scan import scan, survey
from services.catalog.trash import RECORD, TRASH, read_trash
from services.errors import Cancelled, QuillkeepError, Refused, UsageProblem
from services.files import PARTIAL
from services.jobs.location_lock import reading, writing
from services.mongo.record import SwapRecord, save_record
from services.objects.bucket import open_bucket
from services.objects.keys import Headers
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.delete import DeletePlan, DeleteResult, delete
from services.operations.pin import PinPlan, pin
from services.operations.trash import (
    TrashEmptyPlan,
    TrashRestorePlan,
    trash_document,
    trash_empty,
    trash_restore,
)
from services.operations.verify import VerifyPlan, verify
from services.paths import Paths
from services.profile import BucketTarget, Location, Profile
from tests.services.command_support import Command, at_a_terminal, environment
from tests.support import FIXTURES, ROOT, RecordingContext

Contexts = Callable[..., RecordingContext]
NIGHT = datetime(2026, 11, 20, 2, 0, 0, tzinfo=UTC)
OLD, NEW = "quilltap_20261120_020000", "quilltap_20261121_020000"
_jobs = itertools.count(1)


@pytest.fixture
def nights(profile: Profile, db: Database[Any], bucket: BucketTarget, make_context: Contexts) -> Profile:
    """Two nights of a small deployment: four objects shared by both, one replaced between them."""
    db.chats.insert_many([{"_id": number, "title": "t" * 50} for number in range(20)])
    db.users.insert_many([{"_id": number} for number in range(3)])
    opened = open_bucket(bucket)
    for number in range(4):
        opened.put(f"users/u/{number}.png", b"%d" % number * 9_000, size=9_000, headers=Headers())
    opened.put("users/u/changed.png", b"a" * 20_000, size=20_000, headers=Headers())
    backup(BackupPlan(), make_context(profile, clock=lambda: NIGHT))
    opened.put("users/u/changed.png", b"b" * 20_000, size=20_000, headers=Headers())
    backup(BackupPlan(), make_context(profile, clock=lambda: NIGHT + timedelta(days=1)))
    return profile


def run(profile: Profile, make_context: Contexts, ref: str = OLD, **more: Any) -> DeleteResult:
    return delete(DeletePlan(backup=ref, **more), make_context(profile, job=f"d{next(_jobs)}"))


def refusal(profile: Profile, make_context: Contexts, ref: str = OLD, **more: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        run(profile, make_context, ref, **more)
    assert caught.value.next
    return caught.value


def rows(profile: Profile, make_context: Contexts) -> dict[str, Backup]:
    return {row.id: row for row in scan(profile.locations, profile, make_context(profile).paths)}


def names(folder: Path) -> set[str]:
    return {name for name in os.listdir(folder) if name != TRASH and not name.startswith(".quillkeep-")}


def used(folder: Path) -> int:
    """Bytes of disk below a folder, every inode once."""
    seen: dict[int, int] = {}
    for where, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            status = os.lstat(os.path.join(where, name))
            seen[status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


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


def test_the_trash_is_no_backup_for_anything(
    nights: Profile, bucket: BucketTarget, location: Path, make_context: Contexts
) -> None:
    run(nights, make_context)
    assert set(rows(nights, make_context)) == {NEW}
    third = backup(BackupPlan(), make_context(nights, clock=lambda: NIGHT + timedelta(days=2)))
    assert third.status == "ok" and third.objects is not None and third.objects.linked == 5
    manifest = decode_manifest((location / f"{third.id}.json").read_bytes())
    assert manifest.previous == NEW
    assert verify(VerifyPlan(backup=third.id), make_context(nights)).verdict == "ok"


def test_what_emptying_frees_is_counted_by_last_links_and_is_true(
    nights: Profile, location: Path, make_context: Contexts
) -> None:
    looked = run(nights, make_context, dry_run=True)
    assert not looked.deleted and OLD in rows(nights, make_context)
    result = run(nights, make_context)
    assert looked.frees == result.frees and result.frees is not None
    # Four objects of 9,000 bytes are linked by the newer night, too, and free nothing.
    assert result.frees.shared == 4 * 12_288
    document = trash_document(nights)
    assert document["frees"] == result.frees.bytes == document["trash"][0]["frees"]
    entry = location / TRASH / result.entry
    record = sum(path.stat().st_blocks * 512 for path in (entry, entry / RECORD, entry / "files"))
    before = used(location)
    emptied = trash_empty(TrashEmptyPlan(), make_context(nights))
    assert emptied.freed == result.frees.bytes == before - used(location) - record
    assert emptied.emptied == (OLD,) and os.listdir(location / TRASH) == []
    assert verify(VerifyPlan(backup=NEW), make_context(nights)).verdict == "ok"


def test_links_between_two_trashed_backups_free_once(nights: Profile, make_context: Contexts) -> None:
    third = backup(BackupPlan(), make_context(nights, clock=lambda: NIGHT + timedelta(days=2)))
    alone = run(nights, make_context, OLD)
    both = run(nights, make_context, NEW)
    assert alone.frees and both.frees and both.trash_frees
    assert both.trash_frees.bytes == alone.frees.bytes + both.frees.bytes
    assert both.trash_frees.shared == 4 * 12_288 + 20_480
    assert third.id in rows(nights, make_context)


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


KILLER = """
import os, signal, sys
from services.jobs.context import JobContext
from services.operations import delete as module, trash
from services.paths import Paths
from services.secret import decode_from_pipe
from services.profile import Profile
from pathlib import Path

profile = decode_from_pipe(sys.stdin.buffer.read(), Profile)
at, verb, state = int(sys.argv[1]), sys.argv[2], sys.argv[3]
calls = 0
for name in ("rename", "replace", "mkdir"):
    def hook(*arguments, real=getattr(os, name), **more):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **more)
    setattr(os, name, hook)
ctx = JobContext(job="killed", profile=profile, paths=Paths(Path(state)), folder=Path(state), report=lambda _: None)
if verb == "delete":
    module.delete(module.DeletePlan(backup=sys.argv[4]), ctx)
else:
    trash.trash_restore(trash.TrashRestorePlan(entry=sys.argv[4]), ctx)
print(calls)
"""


def killed(profile: Profile, state: Path, at: int, verb: str, id: str) -> bool:
    """Runs the verb in a process that is killed at its `at`-th change of the file system; False when it lived."""
    from services.secret import encode_for_pipe

    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(at), verb, str(state), id],
        input=encode_for_pipe(profile),
        cwd=ROOT,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode != 0


@pytest.mark.parametrize("finish", ["delete", "restore"])
def test_a_kill_between_any_two_steps(
    nights: Profile, location: Path, tmp_path: Path, make_context: Contexts, finish: str
) -> None:
    """Whatever is left is whole, or reads as incomplete, and one command finishes or undoes it."""
    verify(VerifyPlan(backup=OLD), make_context(nights))
    before = names(location)
    states = []
    step = 1 if finish == "delete" else 2
    for at in range(step, 40, step):
        if not killed(nights, tmp_path, at, "delete", OLD):
            break
        found = rows(nights, make_context)
        row = found.get(OLD)
        whole = names(location) == before
        states.append("whole" if whole else "incomplete" if row is not None else "gone")
        if row is not None and not whole:
            assert not row.good and row.missing, (at, row)
        if row is not None and whole:
            assert row.good
        assert set(found) <= {OLD, NEW}, "no part of it may look like a backup of its own"
        if finish == "delete" or whole:
            if states[-1] != "gone" or read_trash(nights).entries[0].state == "moving":
                assert run(nights, make_context).deleted
            assert not any("20261120" in name for name in os.listdir(location))
        trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
        assert names(location) == before and rows(nights, make_context)[OLD].good
        assert [name for name in os.listdir(location / TRASH) if PARTIAL not in name] == []
    else:
        pytest.fail("it never came to its end")
    assert {"whole", "incomplete", "gone"} <= set(states), states
    trash_empty(TrashEmptyPlan(), make_context(nights))
    assert os.listdir(location / TRASH) == [], "leftovers of killed runs are swept"


def test_a_kill_on_the_way_back(
    nights: Profile, location: Path, tmp_path: Path, make_context: Contexts
) -> None:
    before = names(location)
    for at in range(1, 40):
        run(nights, make_context)
        if not killed(nights, tmp_path, at, "restore", OLD):
            break
        row = rows(nights, make_context).get(OLD)
        assert row is None or not row.good or names(location) == before
        left = read_trash(nights).entries
        if left and left[0].state == "restoring":
            assert "trash restore" in refusal(nights, make_context).next
            assert trash_document(nights)["status"] == "warnings"
            assert "partly" in trash_empty(TrashEmptyPlan(), make_context(nights)).warnings[0]
        if left:
            trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
        assert names(location) == before and rows(nights, make_context)[OLD].good
    else:
        pytest.fail("it never came to its end")


def test_an_error_in_the_middle_puts_everything_back(
    nights: Profile, location: Path, make_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real = names(location), os.rename

    def failing(source: Any, target: Any) -> None:
        # A disk that fails in the middle of the moves, which no real one does on demand.
        if str(source).endswith(f"{OLD}.json"):
            raise OSError(5, "Input/output error")
        real(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(QuillkeepError) as caught:
        run(nights, make_context)
    assert "Input/output error" in caught.value.cause and "put back" in caught.value.touched
    assert names(location) == before and os.listdir(location / TRASH) == []


def test_a_trash_that_is_something_else(
    nights: Profile, location: Path, tmp_path: Path, make_context: Contexts
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (location / TRASH).symlink_to(elsewhere)
    assert "is no folder" in refusal(nights, make_context).what
    assert os.listdir(elsewhere) == [] and rows(nights, make_context)[OLD].good
    (location / TRASH).unlink()
    trash = location / TRASH
    trash.mkdir(mode=0o755)
    (trash / "holiday.jpg").write_bytes(b"mine")
    planted = trash / "20261123T000000Z_planted"
    (planted / "files").mkdir(parents=True)
    (planted / "files" / "passwd").write_bytes(b"x")
    record = b'{"id":"x","kind":"archive","folder":"../..","names":["passwd"],"state":"trashed",'
    record += b'"deleted":"2026-11-23T00:00:00Z","by":"","job":"","created":"2026-11-23T00:00:00Z"}'
    (planted / RECORD).write_bytes(record)
    assert run(nights, make_context).deleted and stat.S_IMODE(trash.stat().st_mode) == 0o700
    document = trash_document(nights)
    assert [row["id"] for row in document["trash"]] == [OLD] and len(document["warnings"]) == 2
    trash_empty(TrashEmptyPlan(), make_context(nights))
    assert (trash / "holiday.jpg").exists() and planted.exists()


def test_back_from_the_trash_never_over_anything(
    nights: Profile, location: Path, make_context: Contexts
) -> None:
    run(nights, make_context)
    (location / f"{OLD}.json").write_bytes(b"{}")
    with pytest.raises(Refused, match="cannot go back"):
        trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
    (location / f"{OLD}.json").unlink()
    # Notes of a verify that had begun before the deletion stay beside the older ones.
    ctx = make_context(nights)
    append_note(location, OLD, CheckNote(at=NIGHT, depth="quick", status="ok"), ctx.paths)
    trash_restore(TrashRestorePlan(entry=OLD), ctx)
    assert rows(nights, make_context)[OLD].good
    run(nights, make_context)
    shutil.copytree(location / TRASH, location / "copy")
    with pytest.raises(UsageProblem, match="in the trash"):
        trash_restore(TrashRestorePlan(entry="nothing"), make_context(nights))


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


def test_emptying_can_be_stopped_and_goes_on(nights: Profile, location: Path, make_context: Contexts) -> None:
    run(nights, make_context)
    ctx = make_context(nights)
    unlink, gone = os.unlink, []

    def counting(*arguments: Any, **more: Any) -> None:
        unlink(*arguments, **more)
        if "dir_fd" in more:
            gone.append(arguments[0])
            if len(gone) == 3:
                ctx.request_cancel()

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Cancelled) as caught:
        patch.setattr(os, "unlink", counting)
        trash_empty(TrashEmptyPlan(), ctx)
    assert "no whole backup" in caught.value.touched
    assert trash_document(nights)["trash"][0]["state"] == "emptying"
    with pytest.raises(Refused, match="half gone"):
        trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
    assert trash_empty(TrashEmptyPlan(), make_context(nights)).emptied == (OLD,)
    assert trash_empty(TrashEmptyPlan(), make_context(nights)).emptied == ()


def test_only_what_was_confirmed_is_emptied(nights: Profile, make_context: Contexts) -> None:
    backup(BackupPlan(), make_context(nights, clock=lambda: NIGHT + timedelta(days=2)))
    run(nights, make_context, OLD)
    shown = tuple(row["key"] for row in trash_document(nights)["trash"])
    run(nights, make_context, NEW)
    assert trash_empty(TrashEmptyPlan(entries=shown), make_context(nights)).emptied == (OLD,)
    assert [row["id"] for row in trash_document(nights)["trash"]] == [NEW]
    again = trash_empty(TrashEmptyPlan(entries=shown), make_context(nights))
    assert again.emptied == () and "no longer in the trash" in again.warnings[0]


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


def test_marks_of_killed_readers_are_swept_by_the_next_writer(
    nights: Profile, location: Path, make_context: Contexts
) -> None:
    from services.jobs.host import this_owner
    from services.jobs.location_lock import READING, Mark

    owner = this_owner("killed", "restore")
    dead = msgspec.structs.replace(owner, process=msgspec.structs.replace(owner.process, started="1"))
    mark = Mark(owner=dead, token="t", started=NIGHT, backup=OLD)
    (location / f"{READING}killed").write_bytes(msgspec.json.encode(mark))
    with reading(location, NEW, "alive"), writing(location, "next"):
        left = [name for name in os.listdir(location) if name.startswith(READING)]
        assert len(left) == 1 and "alive" in left[0]
    assert run(nights, make_context).deleted


def test_one_in_the_trash_can_be_verified_and_read_there(
    nights: Profile, location: Path, make_context: Contexts
) -> None:
    files = location / TRASH / run(nights, make_context).entry / "files"
    manifest = str(files / f"{OLD}.json")
    assert verify(VerifyPlan(backup=manifest), make_context(nights)).verdict == "ok"
    with reading(files, OLD, "restoring-from-there", verb="restore"):
        with pytest.raises(Refused, match="being read in the trash"):
            trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
        stays = trash_empty(TrashEmptyPlan(), make_context(nights))
        assert stays.emptied == () and "stays in the trash" in stays.warnings[0]
    assert "in no location" in refusal(nights, make_context, manifest).what
    trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
    assert rows(nights, make_context)[OLD].verified is not None and os.listdir(location / TRASH) == []


def test_a_look_into_the_trash(nights: Profile, tmp_path: Path, make_context: Contexts) -> None:
    from services.looking.child import look
    from services.looking.trash import TrashRequest

    result = run(nights, make_context)
    quick = look("trash", nights, Paths(tmp_path)).document
    assert [(row["id"], row["frees"]) for row in quick["trash"]] == [(OLD, None)] and quick["frees"] is None
    measured = look("trash", nights, Paths(tmp_path), TrashRequest(measure=True)).document
    assert result.frees is not None and measured["frees"] == result.frees.bytes


def test_what_a_killed_job_of_these_left_is_told() -> None:
    from services.jobs.events import Started
    from services.jobs.if_cancelled import if_cancelled
    from services.jobs.way_on import remains_of

    for verb in ("delete", "trash-restore", "trash-empty"):
        started = Started(
            at=NIGHT,
            job="j",
            verb=verb,
            plan={},
            profile=None,
            pid=1,
            process_started="1",
            boot_id="b",
            host="h",
            machine_id="m",
            user="u",
            version="0",
        )
        remains = remains_of([started])
        assert "trash" in remains.left and remains.way_on == ("quillkeep trash list",)
        assert if_cancelled("j", verb, "", ()).possible


def test_nothing_of_it_needs_more_than_one_catalog(nights: Profile, make_context: Contexts) -> None:
    """A location that cannot be read is said, since a newer good one may lie there."""
    gone = msgspec.structs.replace(
        nights, locations=(*nights.locations, Location(name="nas", path="/nowhere/at/all"))
    )
    result = run(gone, make_context, dry_run=True)
    assert any("nas" in warning for warning in result.warnings)
    assert survey(gone.locations, gone, make_context(gone).paths).problems
