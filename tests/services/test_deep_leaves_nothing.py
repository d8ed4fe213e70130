"""A deep verify gives way, is cancelled, killed, loses its server or its disk: nothing of it is left behind."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo.database import Database

from services.catalog.scan import survey
from services.checks.evidence import Evidence
from services.deep.model import DeepOptions
from services.deep.scratch import sweep
from services.demo.servers import Mongod, start_mongod
from services.errors import Cancelled
from services.jobs.events import PhaseStarted
from services.jobs.giving_way import clear_registered
from services.jobs.journal import read_events
from services.jobs.launch import start_job
from services.jobs.registered import GaveWay, Registration, read_registered
from services.jobs.way_on import remains_of
from services.operations.backup import backup as backup_of
from services.operations.backup_model import BackupPlan
from services.operations.verify_model import VerifyPlan
from services.paths import Paths
from tests.deep_support import DEEP, PEOPLE, Made, Place, detail, ends, make_place
from tests.services.restore_support import ours, run_restore
from tests.support import RecordingContext

LOADING, LOADED = "loading for the deep check", "inspecting what was loaded"
ROUNDS = (2, pytest.param(40, marks=pytest.mark.soak))


@pytest.fixture
def place(mongod: Mongod, database: str) -> Iterator[Place]:
    made = make_place(mongod.target(database))
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)


def at_phase(context: RecordingContext, phase: str, act: Callable[[], None]) -> RecordingContext:
    """Calls `act` in the job's own thread when a phase begins."""
    tell = context.report

    def report(event: Any) -> None:
        tell(event)
        if isinstance(event, PhaseStarted) and event.phase == phase:
            act()

    context.report = report
    return context


def wait_for(true: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


class Running:
    """A deep verify in a thread of its own."""

    def __init__(self, place: Place, backup: str, context: RecordingContext, **more: Any) -> None:
        self.error: BaseException | None = None
        self.result: Any = None

        def work() -> None:
            try:
                self.result = place.deep(backup, context=context, **more)
            except BaseException as error:  # noqa: BLE001 - looked at by the test
                self.error = error

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def end(self, seconds: float = 60.0) -> None:
        self._thread.join(seconds)
        assert not self._thread.is_alive()


def test_it_gives_way_to_a_restore(place: Place, db: Database[Any]) -> None:
    backup = place.put("quilltap-20261101.gz")
    loaded = threading.Event()

    def hold() -> None:
        loaded.set()
        wait_for(lambda: any(entry.cancelled_by for entry in read_registered(db)))

    context = at_phase(place.context(), LOADED, hold)
    running = Running(place, backup, context, on="live")
    assert loaded.wait(30)
    assert len(ours(db)) > 10 and [entry.owner.verb for entry in read_registered(db)] == ["verify"]
    began = time.monotonic()
    result, restoring = run_restore(place.profile, place.state)
    assert time.monotonic() - began < 25, "it did not wait for its time to run out"
    running.end()
    assert isinstance(running.error, GaveWay) and isinstance(running.error, Cancelled)
    assert restoring.job in running.error.what and "jobs follow" in running.error.next
    assert result.status in ("ok", "warnings") and result.collections["chat_messages"].documents == 80
    assert not [name for name in ours(db) if "_new_" in name] and not read_registered(db)
    assert any("give way" in line for line in restoring.logs)


def test_one_that_hangs_loses_its_copies_and_ends_when_it_wakes(place: Place, db: Database[Any]) -> None:
    backup = place.put("quilltap-20261101.gz")
    loaded, woken = threading.Event(), threading.Event()

    def hold() -> None:
        loaded.set()
        woken.wait(60)

    running = Running(place, backup, at_phase(place.context(), LOADED, hold), on="live")
    assert loaded.wait(30)
    said: list[str] = []
    left = clear_registered(
        db, job="the-restore", cancel=True, log=lambda text, level: said.append(text), wait_seconds=0.5
    )
    assert not left and not ours(db) and "did not give way" in said[-1]
    assert [entry.cancelled_by for entry in read_registered(db)] == ["the-restore"], "told when it wakes"
    woken.set()
    running.end()
    assert isinstance(running.error, GaveWay)
    assert not ours(db) and not read_registered(db)


def test_what_was_loaded_is_read_only_as_long_as_it_is_there(place: Place, db: Database[Any]) -> None:
    name = place.put("quilltap-20261101.gz")
    context = place.context()
    (backup,) = survey(place.profile.locations, place.profile, context.paths).backups
    assert backup.id == name
    options = DeepOptions(on="live", confirmed=True)
    evidence = Evidence(backup, depth="deep", ctx=context, deep_options=options)
    taken: list[int] = []

    def take(collection: str, data: Any) -> None:
        taken.append(len(data))

    try:
        side = evidence.loaded
        assert side is not None and not side.live and side.collections()["chat_messages"] == "collection"
        side.read({"chat_messages": ()}, take, check=context.check, advance=lambda amount: None)
        assert sum(taken) > 10_000
        clear_registered(db, job="the-restore", cancel=True, wait_seconds=0)
        with pytest.raises(GaveWay):
            side.read({"chat_messages": ()}, take, check=context.check, advance=lambda amount: None)
    finally:
        evidence.close()
    assert not ours(db) and not read_registered(db)


def test_a_reader_never_asks_the_living_to_go(db: Database[Any]) -> None:
    registration = Registration.enter(db, job="living", verb="verify")
    assert clear_registered(db, job="another", cancel=False) == []
    registration.look()
    registration.leave()
    with pytest.raises(GaveWay):
        registration.look()


def test_an_entry_of_another_shape_is_in_nobodys_way(db: Database[Any]) -> None:
    db["__quillkeep_jobs"].insert_one({"_id": "aside-future", "kind": "aside", "job": 7})
    assert read_registered(db) == [] and clear_registered(db, job="another", cancel=True) == []


@pytest.mark.parametrize("on", ["embedded", "live"])
@pytest.mark.parametrize("phase", [LOADING, LOADED])
def test_a_cancel_leaves_nothing(place: Place, db: Database[Any], on: str, phase: str) -> None:
    context = place.context()
    at_phase(context, phase, lambda: context.cancel.set())
    with pytest.raises(Cancelled):
        place.deep(place.put("quilltap-20261101.gz"), context=context, on=on)
    assert not ours(db) and not list(db["__quillkeep_jobs"].find())
    place.assert_nothing_left()


def killed(place: Place, backup: str, seen: Callable[[], bool], seconds: float, **more: Any) -> str:
    """A job of its own process, killed so long after something is seen of it; what it is said to have left."""
    plan = VerifyPlan(backup=backup, depth="deep", confirmed=True, **more)
    job = start_job("verify", plan, place.profile, Paths(place.state))
    wait_for(lambda: seen() or not psutil.pid_exists(job.process.pid))
    time.sleep(seconds)
    process = psutil.Process(job.process.pid) if psutil.pid_exists(job.process.pid) else None
    if process is not None:
        process.kill()
        process.wait(10)
    return remains_of(read_events(job.folder)).left


def servers(place: Place) -> list[int]:
    """The pids of embedded servers of this place, and of their keepers."""
    return [
        one.info["pid"]
        for one in psutil.process_iter(["pid", "cmdline"])
        if one.info["pid"] != os.getpid() and str(place.state) in str(one.info["cmdline"])
    ]


def slow(place: Place) -> str:
    """An archive that takes a second to load and index."""
    rows = [{"_id": number, "words": [f"w{number % 97}", "x" * 200], "n": number} for number in range(12_000)]
    indexes = [{"v": 2, "key": {key: 1}, "name": f"{key}_1"} for key in ("n", "words")]
    return place.archive({f"c{number}": Made(rows[:: number + 1], indexes=indexes) for number in range(3)})


@pytest.mark.parametrize("rounds", ROUNDS)
def test_killed_aside_at_random_moments(place: Place, db: Database[Any], rounds: int) -> None:
    dice = random.Random(4)
    db.users.insert_one({"_id": 1})
    backup = slow(place)
    for round_ in range(rounds):
        left = killed(place, backup, lambda: bool(ours(db)), dice.uniform(0, 0.8), on="live")
        assert "No live collection was touched" in left
        if round_ == 0:
            backup_of(BackupPlan(only="database"), place.context())
        elif round_ == rounds - 1:
            run_restore(place.profile, place.state)
        else:
            assert ends(place.deep(backup, on="live")) == dict.fromkeys(DEEP, "ok")
        assert not [name for name in ours(db) if "_new_" in name]
        assert not read_registered(db) and not list(
            db["__quillkeep_jobs"].find({"_id": {"$regex": "^durable"}})
        )


@pytest.mark.parametrize("rounds", ROUNDS)
def test_killed_embedded_at_random_moments(place: Place, rounds: int) -> None:
    dice = random.Random(5)
    backup = slow(place)
    for _ in range(rounds):
        killed(
            place,
            backup,
            lambda: bool(list((place.state / "deep").glob("*/data/mongod/*"))),
            dice.uniform(0, 1),
        )
        wait_for(lambda: not servers(place))
        # Killed before its keeper had its order: nothing was loaded yet, and the next run removes the folder.
        if list((place.state / "deep").glob("*/data/mongod/member0/*.wt")):
            wait_for(lambda: not list((place.state / "deep").glob("*")))
        assert sweep(Paths(place.state)) == []
        place.assert_nothing_left()


def test_a_folder_whose_keeper_was_killed_too_is_swept_by_the_next_run(place: Place) -> None:
    from services.deep.scratch import MARK, PREFIX

    place.deep(place.archive({"people": PEOPLE}), on="embedded")
    owner = subprocess_owner()
    elsewhere = Path("/dev/shm") / f"{PREFIX}dead-{os.getpid()}"
    elsewhere.mkdir(mode=0o700)
    (elsewhere / "collection.wt").write_bytes(b"plain")
    home = place.state / "deep" / elsewhere.name
    home.mkdir()
    (home / MARK).write_bytes(b'{"owner":%s,"folder":"%s"}' % (owner, str(elsewhere).encode()))
    foreign = place.state / "deep" / f"{PREFIX}foreign"
    foreign.mkdir()
    (foreign / MARK).write_bytes(b'{"owner":%s,"folder":"%s"}' % (owner, str(place.location).encode()))
    context = place.context()
    place.deep("made.gz", on="embedded", context=context)
    assert not elsewhere.exists() and not home.exists()
    assert place.location.is_dir() and any("not one of ours" in line for line in context.warnings)
    shutil.rmtree(foreign)


def subprocess_owner() -> bytes:
    """A process of this host that has ended, as an owner in JSON."""
    import msgspec
    from msgspec.structs import replace

    from services.jobs.host import this_owner

    owner = this_owner("dead", "verify")
    return msgspec.json.encode(replace(owner, process=replace(owner.process, started="1")))


def test_the_embedded_server_dying_is_unknown_not_a_bad_backup(place: Place) -> None:
    context = place.context()

    def kill() -> None:
        (server,) = servers(place)
        os.kill(server, signal.SIGKILL)

    for phase in (LOADING, LOADED):
        began = time.monotonic()
        context = at_phase(place.context(), phase, kill)
        result = place.deep(place.put("quilltap-20261101.gz"), context=context, on="embedded")
        assert ends(result) == {"deep-load": "unknown"} and result.status == "unknown"
        assert "embedded server ended" in detail(result, "deep-load") and time.monotonic() - began < 12
        place.assert_nothing_left()


def test_the_live_server_coming_back_within_the_load(short_path: Path) -> None:
    server = start_mongod(short_path / "mongod", sweep=(short_path,))
    place = make_place(server.target("quilltap"))
    try:

        def outage() -> None:
            server.kill()
            threading.Timer(1.0, server.restart).start()

        context = at_phase(place.context(), LOADING, outage)
        result = place.deep(place.put("quilltap-20261101.gz"), context=context, on="live")
        assert set(ends(result).values()) <= {"ok", "unknown"}, result.checks
        with server.client() as client:
            assert not ours(client["quilltap"]) or result.status == "unknown"
            assert place.deep("quilltap-20261101.gz", on="live").status == "ok"
            assert not ours(client["quilltap"]) and not read_registered(client["quilltap"])
    finally:
        server.kill()
        shutil.rmtree(place.folder, ignore_errors=True)
