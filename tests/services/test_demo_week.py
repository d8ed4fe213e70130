"""The demo's week: real backups with their own dates, what was done to them, and everything gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from services.catalog.model import Backup
from services.catalog.scan import survey
from services.demo.compare import live_content
from services.demo.console import RunningDemo
from services.demo.week import nights_before
from services.errors import QuillkeepError, Refused
from services.jobs.journal import read_events
from services.jobs.listing import list_jobs
from services.jobs.process import identify
from services.looking.child import look
from tests.support import ROOT

SCALE = 0.003
SAYS: list[str] = []


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """A demo with a small sample; what it said is in `SAYS`."""
    SAYS.clear()
    with RunningDemo(parent=tmp_path_factory.mktemp("demo"), scale=SCALE, say=SAYS.append) as running:
        yield running


def backups_of(demo: RunningDemo) -> list[Backup]:
    return list(survey(demo.profile.locations, demo.profile, demo.paths).backups)


def test_nights() -> None:
    """Seven at 02:00 UTC, the newest over at least ten minutes ago, whatever the hour."""
    for now in (
        datetime(2026, 3, 1, 1, 59, tzinfo=UTC),
        datetime(2026, 3, 1, 2, 5, tzinfo=UTC),
        datetime(2026, 3, 1, 2, 11, tzinfo=UTC),
        datetime(2026, 3, 1, 23, 59, tzinfo=UTC),
    ):
        nights = nights_before(now)
        assert len(nights) == 7 and all(each.hour == 2 and each.minute == 0 for each in nights)
        assert timedelta(minutes=10) <= now - nights[-1] <= timedelta(hours=24, minutes=10)
        assert {later - sooner for sooner, later in pairwise(nights)} == {timedelta(days=1)}


def test_seven_good_backups_with_their_dates(demo: RunningDemo) -> None:
    """Each differs from the one before, shares its unchanged objects by hard links, and counts as good."""
    ours = [each for each in backups_of(demo) if each.ours]
    assert [each.created.hour for each in ours] == [2] * 7
    assert all(each.good and not each.suspicious for each in ours)
    assert len({each.bytes for each in ours}) == 7
    assert [each.pinned for each in ours] == [False] * 6 + [True]
    newest = Path(demo.profile.locations[0].path) / f"quilltap_s3_{ours[0].id.removeprefix('quilltap_')}"
    links = [path.stat().st_nlink for path in newest.rglob("*") if path.is_file()]
    assert max(links) >= 6 and min(links) == 1


def test_a_foreign_dump_lies_beside_them(demo: RunningDemo) -> None:
    """One archive in the guide's form, older than the week."""
    foreign = [each for each in backups_of(demo) if not each.ours]
    assert len(foreign) == 1 and foreign[0].created < min(
        each.created for each in backups_of(demo) if each.ours
    )


def test_the_past_of_the_jobs(demo: RunningDemo) -> None:
    """Seven backups, a verify and a pin, each with a journal from its night."""
    jobs = list_jobs(demo.paths)
    assert [each.verb for each in jobs].count("backup") == 7
    assert {each.verb for each in jobs} == {"backup", "verify", "pin"}
    assert all(each.state in ("succeeded", "warnings") and each.started for each in jobs)
    events = read_events(demo.paths.jobs / jobs[0].id)
    assert events[0].at <= events[-1].at < events[0].at + timedelta(minutes=1)
    assert jobs[0].id.endswith("_020000")


def test_the_app_can_be_stopped_and_started(demo: RunningDemo) -> None:
    """By its commands, and what they say is so."""
    from services.app_control import AppController

    assert demo.profile.app is not None
    controller = AppController(demo.profile.app)
    assert controller.state() == "running"
    assert controller.stop() and controller.state() == "stopped"
    assert controller.start() and controller.state() == "running"


def test_a_line_for_every_step(demo: RunningDemo) -> None:
    """Nobody thinks that it hangs."""
    steps = [each for each in SAYS if not each.startswith(" ")]
    assert len(steps) == 3 and len(SAYS) >= 11


def test_each_break_does_what_it_says(demo: RunningDemo) -> None:
    """And with the database down nothing else is broken, until it is up again with what it held."""
    before = live_content(demo.profile)
    assert "Dropped characters" in demo.do("drop")
    assert "nothing of it was left" in demo.do("drop")
    assert "memories" in demo.do("alter")
    assert "sizes kept" in demo.do("corrupt")
    after = live_content(demo.profile)
    assert "characters" in before.collections and "characters" not in after.collections
    assert before.collections["memories"].split(":")[0] == after.collections["memories"].split(":")[0]
    assert before.collections["memories"] != after.collections["memories"]
    assert before.objects.keys() == after.objects.keys() and before.objects != after.objects
    assert "Deleted" in demo.do("empty")
    assert live_content(demo.profile).objects == {}
    assert "is down" in demo.do("down")
    with pytest.raises(Refused, match="is down"):
        demo.do("drop")
    with pytest.raises(QuillkeepError, match="nothing listens there"):
        look("live", demo.profile, demo.paths)
    assert "up again" in demo.do("up")
    assert live_content(demo.profile).collections == after.collections


OWNER = """
import sys, time
from pathlib import Path
from services.demo.console import RunningDemo
from services.jobs.launch import start_job
from services.operations.selftest import SelftestPlan
running = RunningDemo(parent=Path(sys.argv[1]), scale=0.001, replica_set=True)
plan = SelftestPlan(steps=600, seconds=0.1, stop_app=True)
print(start_job("selftest", plan, running.profile, running.paths).process.pid, flush=True)
time.sleep(60)
"""


def test_everything_goes_with_its_owner(short_path: Path) -> None:
    """Killed, with a job that runs: no process and no folder is left."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(short_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    job = int(owner.stdout.readline())
    assert identify(job) and processes_below(short_path) and any(short_path.iterdir())
    owner.kill()
    owner.wait(10)
    owner.stdout.close()
    deadline = time.monotonic() + 15
    while (processes_below(short_path) or any(short_path.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_below(short_path) == []
    assert not any(short_path.iterdir())
    assert identify(job) is None


@pytest.mark.parametrize("begun", ["*", "*/mongod/member0/*"])
def test_left_while_it_starts(short_path: Path, begun: str) -> None:
    """Killed before it is ready, as soon as a certain file is there: the same."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(short_path)], cwd=ROOT)
    deadline = time.monotonic() + 15
    while not list(short_path.glob(begun)) and time.monotonic() < deadline:
        time.sleep(0.002)
    owner.kill()
    owner.wait(10)
    deadline = time.monotonic() + 15
    while (processes_below(short_path) or any(short_path.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(short_path.iterdir())
    assert processes_below(short_path) == []


def processes_below(folder: Path) -> list[int]:
    """Whoever has this folder in its arguments, but those that were told to watch it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and any(f"{folder}/" in each for each in process.cmdline()):
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found
