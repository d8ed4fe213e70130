"""The watcher of a job that has the application stopped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.jobs.cancel import cancel_job
from services.jobs.events import (
    LOST,
    WATCHED,
    Checkpoint,
    Log,
)
from services.jobs.journal import follow_events, read_events
from services.jobs.launch import StartedJob
from services.paths import Paths
from services.profile import AppControl, Profile
from services.secret import Secret
from tests.services.jobs_support import (
    SECRETS,
    Start,
    only,
    result_of,
    starting,
    wait_for,
)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "state")


@pytest.fixture
def start(paths: Paths) -> Iterator[Start]:
    with starting(paths) as begin:
        yield begin


def application(folder: Path) -> tuple[Profile, Path]:
    """An application that runs while a file is there, and is told the number of its starts."""
    flag = folder / "running"
    flag.touch()
    app = AppControl(
        stop=f"rm -f {flag}", start=f"touch {flag}; echo x >> {folder}/starts", status=f"test -e {flag}"
    )
    return Profile(name="prod", app=app, pepper=Secret(SECRETS["pepper"])), flag


def watcher_of(job: StartedJob) -> int:
    event = wait_for(job, lambda event: isinstance(event, Checkpoint) and event.name == WATCHED)
    assert isinstance(event, Checkpoint)
    return int(event.data["pid"])


def wait_stopped(flag: Path) -> None:
    deadline = time.monotonic() + 10
    while flag.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_watcher_starts_the_application_of_a_job_killed_with_its_group(
    start: Start, paths: Paths, tmp_path: Path
) -> None:
    profile, flag = application(tmp_path)
    job = start(profile, steps=1_000, seconds=0.02, stop_app=True)
    watcher = watcher_of(job)
    wait_stopped(flag)
    assert os.getsid(watcher) == watcher
    seen = Path(f"/proc/{watcher}/environ").read_bytes() + Path(f"/proc/{watcher}/cmdline").read_bytes()
    assert b"secret-4711" not in seen
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        os.kill(watcher, number)
    os.killpg(job.process.pid, signal.SIGKILL)
    events = list(follow_events(job.folder))
    lost = next(event for event in events if isinstance(event, Checkpoint) and event.name == LOST)
    assert flag.exists() and lost.data["app"] == "started" and lost.data["way_on"] == []
    assert (tmp_path / "starts").read_text() == "x\n"
    assert only(paths).state == "lost" and "still stopped" not in only(paths).summary


def test_after_the_first_rename_the_watcher_keeps_it_stopped_and_names_the_two_commands(
    start: Start, paths: Paths, tmp_path: Path
) -> None:
    profile, flag = application(tmp_path)
    job = start(profile, steps=1_000, seconds=0.02, stop_app=True, renaming_at=2)
    wait_for(job, lambda event: isinstance(event, Checkpoint) and event.name == "renaming")
    os.killpg(job.process.pid, signal.SIGKILL)
    events = list(follow_events(job.folder))
    commands = [f"quillkeep restore --finish {job.job}", f"quillkeep rollback {job.job}"]
    said = [event.text for event in events if isinstance(event, Log) and event.level == "error"]
    assert all(command in said[-1] for command in commands) and "stays stopped" in said[0]
    assert not flag.exists()
    summary = only(paths)
    assert summary.state == "lost" and list(summary.way_on) == commands
    assert "still stopped" in summary.summary


def test_the_watcher_of_a_job_that_ends_by_itself_leaves_quietly(
    start: Start, paths: Paths, tmp_path: Path
) -> None:
    profile, flag = application(tmp_path)
    job = start(profile, steps=2, seconds=0.02, stop_app=True)
    watcher = watcher_of(job)
    assert result_of(job).status == "ok" and flag.exists()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{watcher}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not any(isinstance(event, Checkpoint) and event.name == LOST for event in read_events(job.folder))
    assert (tmp_path / "starts").read_text() == "x\n"


def test_cancelled_while_the_application_is_stopped_it_is_started_again(
    start: Start, paths: Paths, tmp_path: Path
) -> None:
    profile, flag = application(tmp_path)
    job = start(profile, steps=1_000, seconds=0.02, stop_app=True)
    wait_stopped(flag)
    cancel_job(paths, job.job)
    assert result_of(job).status == "cancelled" and flag.exists()
