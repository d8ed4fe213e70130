"""The lock on a database, one writer per location, marks of readers: dead, elsewhere, rebooted, broken."""

from __future__ import annotations

import errno
import os
import signal
import stat
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from pymongo.database import Database

from services.demo.servers import Mongod
from services.errors import Cancelled, Refused
from services.jobs.database_lock import LOCK_ID, DatabaseLock, break_lock, read_lock
from services.jobs.events import Finished, Log, Progress
from services.jobs.host import Owner, this_host, this_owner
from services.jobs.journal import follow_events, read_events
from services.jobs.launch import start_job
from services.jobs.location_lock import (
    READING,
    WRITER,
    Mark,
    is_being_read,
    list_readers,
    read_writer,
    reading,
    writing,
)
from services.jobs.locks import LockLost
from services.jobs.process import is_alive, this_process
from services.names import JOBS_COLLECTION
from services.operations.selftest import SelftestPlan
from services.operations.unlock import UnlockPlan, unlock
from services.paths import Paths
from tests import support

Db = Database[Any]


def dead(owner: Owner) -> Owner:
    return replace(owner, process=replace(this_process(), started="1"))


def elsewhere(owner: Owner) -> Owner:
    return replace(owner, host=replace(owner.host, machine_id="another", hostname="nas"), user="ann")


def rebooted(owner: Owner) -> Owner:
    return replace(owner, host=replace(owner.host, boot_id="before"))


def plant(db: Db, owner: Owner, *, age: float = 0.0) -> None:
    """A lock as another process left it, its heartbeat `age` seconds old by the server's clock."""
    document = msgspec.to_builtins(owner)
    now = datetime.now(UTC)
    document |= {
        "_id": LOCK_ID,
        "token": "theirs",
        "started": now,
        "heartbeat": now - timedelta(seconds=age),
    }
    db[JOBS_COLLECTION].insert_one(document)


def acquire(db: Db, job: str = "mine", **more: Any) -> DatabaseLock:
    return DatabaseLock.acquire(db, job=job, verb="restore", **more)


def test_one_job_at_a_time_and_the_refusal_names_the_owner(db: Db) -> None:
    with acquire(db, "20261122_020000") as lock:
        lock.assert_held()
        owner = read_lock(db)
        assert owner is not None and owner.job == "20261122_020000" and owner.silent < 5
        with pytest.raises(Refused) as caught:
            acquire(db, "other")
        text = str(caught.value)
        for word in (
            "20261122_020000",
            "restore",
            this_host().hostname,
            str(os.getpid()),
            "since",
            "last sign of life",
        ):
            assert word in text
        assert "quillkeep unlock 20261122_020000" in caught.value.next
    assert read_lock(db) is None
    acquire(db).release()


def test_of_many_at_once_one_wins(db: Db) -> None:
    barrier = threading.Barrier(6)
    won: list[DatabaseLock] = []
    refused: list[Refused] = []

    def race(number: int) -> None:
        barrier.wait()
        try:
            won.append(acquire(db, f"j{number}"))
        except Refused as error:
            refused.append(error)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and len(refused) == 5
    won[0].assert_held()
    won[0].release()


def test_it_works_on_a_replica_set(mongod_rs: Mongod, database: str) -> None:
    with mongod_rs.client() as client:
        with acquire(client[database]) as lock:
            lock.assert_held()
            with pytest.raises(Refused):
                acquire(client[database], "other")
        client.drop_database(database)


def test_a_lock_outlives_an_election_and_the_server_that_was_primary(
    mongod_rs3: Mongod, database: str
) -> None:
    with mongod_rs3.client() as client:
        with acquire(client[database], heartbeat_seconds=0.1) as lock:
            mongod_rs3.step_down()
            lock.assert_held()
            with pytest.raises(Refused):
                acquire(client[database], "other")
        assert read_lock(client[database]) is None
        client.drop_database(database)


def test_the_heartbeat_moves(db: Db) -> None:
    with acquire(db, heartbeat_seconds=0.05):
        first = read_lock(db)
        time.sleep(0.3)
        second = read_lock(db)
    assert first is not None and second is not None and second.heartbeat > first.heartbeat


def test_a_dead_process_of_this_host_loses_its_lock_at_once(db: Db) -> None:
    plant(db, dead(this_owner("old", "backup")))
    told: list[str] = []
    with acquire(db, tell=told.append):
        assert len(told) == 1 and "old" in told[0]


def test_another_hosts_lock_stays_however_old(db: Db) -> None:
    plant(db, elsewhere(dead(this_owner("theirs", "restore"))), age=86_400)
    with pytest.raises(Refused) as caught:
        acquire(db)
    assert "ann on nas" in caught.value.cause and "quillkeep unlock theirs" in caught.value.next


def test_after_a_reboot_a_silent_lock_is_cleared(db: Db) -> None:
    plant(db, rebooted(this_owner("old", "restore")), age=61)
    acquire(db).release()


def test_after_a_reboot_a_young_heartbeat_is_waited_for(db: Db) -> None:
    plant(db, rebooted(this_owner("old", "restore")))
    told: list[str] = []
    begun = time.monotonic()
    acquire(db, silence_seconds=0.6, tell=told.append).release()
    assert time.monotonic() - begun >= 0.5 and "restart" in told[0]


def test_a_heartbeat_that_moves_under_a_cloned_machine_id_is_never_cleared(db: Db) -> None:
    plant(db, rebooted(this_owner("twin", "restore")))
    stop = threading.Event()
    looks = 0

    def beat() -> None:
        while not stop.wait(0.05):
            db[JOBS_COLLECTION].update_one({"_id": LOCK_ID}, {"$currentDate": {"heartbeat": True}})

    def check() -> None:
        nonlocal looks
        looks += 1
        if looks > 4:
            raise Cancelled("Cancelled.")

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        with pytest.raises(Cancelled):
            acquire(db, silence_seconds=0.4, check=check)
    finally:
        stop.set()
        thread.join()
    held = read_lock(db)
    assert held is not None and held.job == "twin"


def test_a_broken_lock_is_noticed_and_its_new_owner_is_left_alone(db: Db) -> None:
    lock = acquire(db, "first")
    with pytest.raises(Refused, match="does not hold"):
        break_lock(db, "other")
    assert break_lock(db, "first").job == "first"
    with acquire(db, "second") as second:
        with pytest.raises(LockLost) as caught:
            lock.assert_held()
        assert "first" in caught.value.what
        lock.release()
        second.assert_held()
    with pytest.raises(Refused, match="No lock is held"):
        break_lock(db, "first")


def test_a_user_who_may_not_write_is_told_the_role(mongod_auth: Mongod, database: str) -> None:
    uri = mongod_auth.create_user("reader", [{"role": "read", "db": database}], database=database)
    from services.mongo.connect import connect
    from services.profile import MongoTarget
    from services.secret import Secret

    client = connect(MongoTarget(uri=Secret(uri), database=database))
    with pytest.raises(Refused) as caught:
        acquire(client[database])
    assert "readWrite" in caught.value.next
    client.close()


def test_a_suspended_job_whose_lock_was_broken_notices_when_woken(
    mongod: Mongod, db: Db, tmp_path: Path, make_context: Callable[..., Any]
) -> None:
    profile = support.make_profile(mongod.uri, db.name)
    plan = SelftestPlan(steps=1_000, seconds=0.05, lock_database=True)
    job = start_job("selftest", plan, profile, Paths(tmp_path / "jobs-state"))
    for event in follow_events(job.folder, poll=0.02):
        if isinstance(event, Progress):
            break
    os.kill(job.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(Refused):
            acquire(db)
        result = unlock(UnlockPlan(job=job.job), make_context(profile))
        assert [lock.kind for lock in result.unlocked] == ["database"]
        assert "still has a process" in result.warnings[0]
        with acquire(db) as mine:
            os.kill(job.process.pid, signal.SIGCONT)
            last = list(follow_events(job.folder))[-1]
            mine.assert_held()
    finally:
        if is_alive(job.process):
            os.kill(job.process.pid, signal.SIGKILL)
    assert isinstance(last, Finished) and last.status == "failed"
    assert "no longer holds the lock" in last.result["error"]["what"]


def test_a_killed_jobs_locks_are_cleared_by_the_next(mongod: Mongod, db: Db, tmp_path: Path) -> None:
    folder, paths = tmp_path / "backups", Paths(tmp_path / "jobs-state")
    folder.mkdir()
    profile = support.make_profile(mongod.uri, db.name)
    plan = SelftestPlan(steps=1_000, seconds=0.02, lock_database=True, lock_location=str(folder))
    first = start_job("selftest", plan, profile, paths)
    for event in follow_events(first.folder, poll=0.02):
        if isinstance(event, Progress):
            break
    os.kill(first.process.pid, signal.SIGKILL)
    list(follow_events(first.folder))
    second = start_job("selftest", replace(plan, steps=1), profile, paths)
    last = list(follow_events(second.folder))[-1]
    assert isinstance(last, Finished) and last.status == "ok"
    said = [event.text for event in read_events(second.folder) if isinstance(event, Log)]
    assert first.job in said[0]
    assert read_lock(db) is None and read_writer(folder) is None


def mark(
    folder: Path, owner: Owner, *, age: float = 0.0, name: str = WRITER, backup: str | None = None
) -> Path:
    path = folder / name
    path.write_bytes(
        msgspec.json.encode(Mark(owner=owner, token="t", started=datetime.now(UTC), backup=backup))
    )
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_one_writer_per_location(location: Path) -> None:
    before = os.umask(0)
    try:
        with writing(location, "first", verb="backup") as lock:
            lock.assert_held()
            assert stat.S_IMODE((location / WRITER).stat().st_mode) == 0o600
            with pytest.raises(Refused) as caught, writing(location, "second"):
                pass
    finally:
        os.umask(before)
    assert "first" in caught.value.cause and "quillkeep unlock first" in caught.value.next
    assert os.listdir(location) == []


def test_dead_writers_are_cleared_and_others_are_not(location: Path) -> None:
    owner = this_owner("old", "backup")
    mark(location, dead(owner))
    with writing(location, "mine"):
        pass
    mark(location, rebooted(owner), age=61)
    with writing(location, "mine"):
        pass
    mark(location, elsewhere(owner), age=86_400)
    with pytest.raises(Refused, match="Another job writes"), writing(location, "mine"):
        pass


def test_a_mark_cut_short_by_a_crash_is_cleared_once_it_stands_still(location: Path) -> None:
    (location / WRITER).write_bytes(b'{"owner"')
    begun = time.monotonic()
    with writing(location, "mine", silence_seconds=0.3):
        assert time.monotonic() - begun >= 0.2


def test_a_writer_whose_mark_was_broken_notices(location: Path) -> None:
    with writing(location, "mine", heartbeat_seconds=0.05) as lock:
        (location / WRITER).unlink()
        with writing(location, "other") as other:
            with pytest.raises(LockLost):
                lock.assert_held()
            lock.release()
            other.assert_held()


def test_racing_to_clear_a_dead_writer_lets_one_in_at_a_time(location: Path) -> None:
    mark(location, dead(this_owner("old", "backup")))
    inside, most = 0, 0
    guard, barrier = threading.Lock(), threading.Barrier(5)

    def race(number: int) -> None:
        nonlocal inside, most
        barrier.wait()
        try:
            with writing(location, f"j{number}") as lock:
                with guard:
                    inside += 1
                    most = max(most, inside)
                lock.assert_held()
                time.sleep(0.02)
                with guard:
                    inside -= 1
        except Refused:
            return

    threads = [threading.Thread(target=race, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_backup_being_read_is_known_and_dead_readers_are_swept(location: Path) -> None:
    with reading(location, "quilltap_20261122_020000", "verify-job", verb="verify") as path:
        assert path is not None and path.name.startswith(READING)
        found = is_being_read(location, "quilltap_20261122_020000")
        assert found is not None and found.job == "verify-job"
        assert is_being_read(location, "another") is None
    assert is_being_read(location, "quilltap_20261122_020000") is None
    gone = dead(this_owner("old", "verify"))
    path = mark(location, gone, name=f"{READING}old", backup="b")
    assert is_being_read(location, "b") is None and not path.exists()
    mark(location, elsewhere(gone), name=f"{READING}old", backup="b", age=86_400)
    assert is_being_read(location, "b") is not None


def test_a_location_that_cannot_be_written_is_read_without_a_mark(
    location: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def read_only(path: Any, flags: int, *more: Any) -> int:
        # A read-only mount, which a test cannot make without rights of its own.
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, "Read-only file system")
        return real(path, flags, *more)

    monkeypatch.setattr(os, "open", read_only)
    with reading(location, "b", "j") as path:
        assert path is None


def test_unlock_takes_what_one_job_holds_and_names_others(
    mongod: Mongod, db: Db, location: Path, make_context: Callable[..., Any]
) -> None:
    profile = support.make_profile(mongod.uri, db.name, location=location)
    theirs = elsewhere(this_owner("theirs", "backup"))
    plant(db, theirs)
    mark(location, theirs)
    mark(location, theirs, name=f"{READING}theirs-1", backup="b")
    mark(location, elsewhere(this_owner("third", "verify")), name=f"{READING}third-1", backup="b")
    with pytest.raises(Refused) as caught:
        unlock(UnlockPlan(job="nobody"), make_context(profile))
    assert "theirs" in caught.value.cause and "third" in caught.value.cause
    with pytest.raises(Refused, match="READ-ONLY"):
        unlock(UnlockPlan(job="theirs"), make_context(replace(profile, read_only=True)))
    result = unlock(UnlockPlan(job="theirs"), make_context(profile))
    assert sorted(lock.kind for lock in result.unlocked) == ["database", "location", "reading"]
    assert result.status == "ok" and read_lock(db) is None and read_writer(location) is None
    assert [holder.job for holder in list_readers(location)] == ["third"]
