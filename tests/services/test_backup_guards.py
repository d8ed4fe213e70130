"""What a backup refuses, fails or warns of, each with its words and nothing left behind where it fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services import retention_lint
from services.catalog.find import newest_good
from services.catalog.manifest import CollectionEntry, ObjectsEntry
from services.catalog.scan import scan
from services.errors import QuillkeepError, Refused
from services.jobs.database_lock import DatabaseLock
from services.jobs.events import PhaseStarted
from services.operations import backup_space
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan, BackupResult
from services.operations.guards_suspicious import suspicious_collections, suspicious_objects
from services.profile import BucketTarget, Profile
from services.retention_sources import Script
from tests.services.test_backup import WHOLE, filled, names, put, rows, run
from tests.support import RecordingContext

Contexts = Callable[..., RecordingContext]
__all__ = ["filled", "rows"]
DATABASE = BackupPlan(only="database")


def fails(profile: Profile, contexts: Contexts, plan: BackupPlan = DATABASE) -> QuillkeepError:
    with pytest.raises(QuillkeepError) as caught:
        run(profile, contexts, plan)
    return caught.value


def test_a_database_without_collections_fails(
    profile: Profile, location: Path, make_context: Contexts, db: Database[Any]
) -> None:
    db["__quillkeep_jobs"].insert_one({"_id": "other"})
    error = fails(profile, make_context)
    assert (error.exit_code, names(location)) == (1, [])
    assert "no collections" in error.what and "restore latest" in error.next


def test_a_named_collection_that_is_missing_fails(
    rows: Profile, location: Path, make_context: Contexts
) -> None:
    error = fails(rows, make_context, BackupPlan(only="database", exclude=("logs",)))
    assert (error.exit_code, names(location)) == (1, [])
    assert "no collection logs" in error.what


def test_a_bucket_that_is_missing_fails(filled: Profile, location: Path, make_context: Contexts) -> None:
    assert filled.bucket is not None
    other = msgspec.structs.replace(filled.bucket, bucket="no-such-bucket")
    error = fails(msgspec.structs.replace(filled, bucket=other), make_context, BackupPlan())
    assert (error.exit_code, names(location)) == (1, [])
    assert "no-such-bucket" in error.what
    error = fails(msgspec.structs.replace(filled, bucket=None), make_context, BackupPlan())
    assert "--only database" in error.next


def test_a_restore_in_progress_refuses(
    rows: Profile, location: Path, make_context: Contexts, db: Database[Any]
) -> None:
    with DatabaseLock.acquire(db, job="r1", verb="restore"):
        error = fails(rows, make_context)
        assert (error.exit_code, names(location)) == (4, [])
        assert "r1" in error.cause and "jobs follow r1" in error.next
        own = make_context(rows, job="r1")
        assert backup(DATABASE, own).status == "ok"
    assert run(rows, make_context, DATABASE).status == "ok"


def test_a_restore_that_begins_meanwhile_fails_the_backup(
    rows: Profile, location: Path, make_context: Contexts, db: Database[Any]
) -> None:
    ctx = make_context(rows)
    report = ctx.report
    held: list[DatabaseLock] = []

    def begin(event: Any) -> None:
        report(event)
        if isinstance(event, PhaseStarted) and event.phase == "dump":
            held.append(DatabaseLock.acquire(db, job="r1", verb="restore"))

    ctx.report = begin
    try:
        with pytest.raises(QuillkeepError, match="A restore began") as caught:
            backup(DATABASE, ctx)
    finally:
        held[0].release()
    assert (caught.value.exit_code, names(location)) == (1, [])


@pytest.mark.parametrize("state", ["swapping", "proving"])
def test_a_half_done_swap_refuses_and_names_both_ways_on(
    state: str, rows: Profile, location: Path, make_context: Contexts, db: Database[Any]
) -> None:
    db["__quillkeep_jobs"].insert_one({"_id": "r1", "kind": "swap", "state": state})
    error = fails(rows, make_context)
    assert (error.exit_code, names(location)) == (4, [])
    assert "restore --finish r1" in error.next and "rollback r1" in error.next
    assert run(rows, make_context, BackupPlan(only="database", purpose="safety")).status == "ok"


def suspicious_run(profile: Profile, contexts: Contexts, plan: BackupPlan = WHOLE) -> BackupResult:
    result = run(profile, contexts, plan)
    assert result.status == "warnings" and result.suspicious
    return result


def test_what_fell_since_the_newest_good_backup_is_suspicious_until_accepted(
    filled: Profile, make_context: Contexts, db: Database[Any], bucket: BucketTarget
) -> None:
    from services.objects.bucket import open_bucket

    good = run(filled, make_context)
    db.chats.delete_many({"_id": {"$lt": 40}})
    db.users.delete_many({})
    for _night in range(2):
        result = suspicious_run(filled, make_context)
        assert any("chats fell by 50%" in line for line in result.suspicious)
        assert any("users is empty" in line for line in result.suspicious)
        assert not any("objects" in line for line in result.suspicious)
    paths = make_context(filled).paths
    found = scan(filled.locations, filled, paths)
    newest = newest_good(found, "database")
    assert newest is not None and newest.id == good.id
    newest = newest_good(found, "objects")
    assert newest is not None and newest.id == result.id
    open_bucket(bucket).delete("users/u/IMAGE/0_a.png")
    assert any("The objects fell" in line for line in suspicious_run(filled, make_context).suspicious)


def entry(documents: int, size: int | None = None, kind: str = "collection") -> CollectionEntry:
    return CollectionEntry(documents=documents, bytes=documents * 10 if size is None else size, kind=kind)


@pytest.mark.parametrize(
    ("before", "now", "suspicious"),
    [
        ({"chats": entry(100)}, {"chats": entry(70)}, False),
        ({"chats": entry(100)}, {"chats": entry(69)}, True),
        ({"chats": entry(100, 1000)}, {"chats": entry(100, 600)}, True),
        ({"chats": entry(49)}, {"chats": entry(1)}, False),
        ({"chats": entry(4)}, {"chats": entry(0)}, True),
        ({"chats": entry(4)}, {}, True),
        ({"empty": entry(0)}, {}, True),
        ({"empty": entry(0)}, {"empty": entry(0)}, False),
        ({"sessions": entry(60)}, {}, False),
        ({"verification_tokens": entry(60)}, {"verification_tokens": entry(0)}, False),
        ({"recent": entry(0, kind="view")}, {}, False),
        ({"logs": entry(90)}, {}, False),
        ({}, {"chats": entry(5)}, False),
    ],
)
def test_the_rule_of_what_is_suspicious(
    before: dict[str, CollectionEntry], now: dict[str, CollectionEntry], suspicious: bool
) -> None:
    found = suspicious_collections(now, before, excluded=("logs",), since="b")
    assert bool(found) is suspicious


def test_the_rule_for_objects() -> None:
    before = ObjectsEntry(count=10, bytes=1000)
    assert not suspicious_objects(ObjectsEntry(count=7, bytes=700), before, since="b")
    assert suspicious_objects(ObjectsEntry(count=6, bytes=1000), before, since="b")
    assert suspicious_objects(ObjectsEntry(count=10, bytes=600), before, since="b")
    assert not suspicious_objects(ObjectsEntry(count=0, bytes=0), ObjectsEntry(count=0, bytes=0), since="b")


def test_a_line_that_deletes_by_age_is_a_finding_until_it_is_gone(
    rows: Profile, location: Path, make_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f'find "{location}" -name "quilltap_mongo_*.gz" -mtime +7 -delete'
    scripts = [Script(source="/etc/cron.daily/backup", text=line)]
    # The machine's own schedules are not the tests' to change.
    monkeypatch.setattr(retention_lint, "scheduled_scripts", lambda: iter(scripts))
    result = run(rows, make_context, DATABASE)
    assert result.status == "warnings"
    assert line in result.warnings[0] and "/etc/cron.daily/backup" in result.warnings[0]
    scripts.clear()
    assert run(rows, make_context, DATABASE).status == "ok"


def test_too_little_space_is_refused_before_anything_is_written(
    filled: Profile, location: Path, make_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A filesystem that is really full needs a mount; tests/faults has one.
    monkeypatch.setattr(backup_space, "free_bytes", lambda _folder: 1 << 20)
    error = fails(filled, make_context, BackupPlan())
    assert isinstance(error, Refused)
    assert "1,048,576 are free" in error.what
    assert names(location) == []


def test_space_that_runs_out_on_the_way_ends_cleanly(
    filled: Profile, location: Path, make_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter([1 << 30])
    monkeypatch.setattr(backup_space, "free_bytes", lambda _folder: next(free, 1 << 20))
    monkeypatch.setattr(backup_space, "LOOK_SECONDS", 0.0)
    error = fails(filled, make_context, BackupPlan())
    assert error.exit_code == 1
    assert "became full" in error.what and "more bytes are needed" in error.cause
    assert "removed" in error.touched
    assert names(location) == []


def test_a_damaged_read_back_fails_and_removes_the_archive(
    rows: Profile, location: Path, make_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.operations import backup_database

    real = backup_database.walk_members

    def flipped(path: Path, *more: Any, **named: Any) -> Any:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        return real(path, *more, **named)

    monkeypatch.setattr(backup_database, "walk_members", flipped)
    error = fails(rows, make_context)
    assert "archive" in error.what
    assert "removed" in error.touched
    assert names(location) == []


def test_a_rotten_file_is_fetched_anew_and_noted_where_it_is_shared(
    filled: Profile, location: Path, make_context: Contexts, bucket: BucketTarget
) -> None:
    import os

    from services.catalog.notes import read_notes

    put(bucket, {"users/u/IMAGE/big.png": b"b" * 500})
    first = run(filled, make_context)
    stored = location / f"quilltap_s3_{first.id.removeprefix('quilltap_')}" / "users/u/IMAGE/0_a.png"
    kept = stored.stat()
    stored.chmod(0o600)
    stored.write_bytes(b"\x01" * 100)
    stored.chmod(0o400)
    os.utime(stored, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    for _night in range(7):
        result = run(filled, make_context)
        if result.warnings:
            break
    assert any("no longer what was written" in line for line in result.warnings)
    notes = read_notes(location, first.id, make_context(filled).paths)
    assert [bad.key for bad in notes.bad_objects] == ["users/u/IMAGE/0_a.png"]
    assert run(filled, make_context).status == "ok"
