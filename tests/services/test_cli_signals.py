"""A front end that is interrupted, hung up or left: what becomes of its job, and what it prints."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.jobs.listing import JobSummary, list_jobs
from services.paths import Paths
from tests.support import ROOT

WAIT = """
import sys
from services.operations.selftest import SelftestPlan
from services.settings.flags import Flags
from tui.follow import run_job
from tui.session import Session
from tui.output import report_failure
from services.errors import QuillkeepError
try:
    code = run_job(Session(Flags()), "selftest", SelftestPlan({plan}), present=lambda _, result: ["counted"])
except QuillkeepError as error:
    code = report_failure(error, as_json=False)
sys.exit(code)
"""


class Front:
    """A waiting front end of a job that counts."""

    def __init__(self, state: Path, plan: str) -> None:
        self.paths = Paths(state)
        self.process = subprocess.Popen(
            [sys.executable, "-c", WAIT.format(plan=plan)],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(state),
                "PYTHONPATH": str(ROOT),
                "QUILLKEEP_STATE_DIR": str(state),
                "QUILLKEEP_CONFIG": "/dev/null",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=state,
        )

    def job(self) -> JobSummary:
        jobs = list_jobs(self.paths)
        assert jobs
        return jobs[0]

    def wait_for(self, *states: str) -> JobSummary:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            jobs = list_jobs(self.paths)
            if jobs and jobs[0].verb and jobs[0].state in states:
                return jobs[0]
            time.sleep(0.05)
        raise AssertionError(f"never {states}: {list_jobs(self.paths)}")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def started(front: Front) -> None:
    front.wait_for("running")
    time.sleep(0.4)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_cancels_and_waits(state: Path, number: int, code: int) -> None:
    front = Front(state, "steps=200, seconds=0.1")
    started(front)
    front.process.send_signal(number)
    _, errors = front.process.communicate(timeout=20)
    assert front.process.returncode == code, errors
    assert front.job().state == "cancelled"
    assert "A second signal leaves" in errors


def test_too_late_the_job_ends_as_what_it_became(state: Path) -> None:
    front = Front(state, "steps=15, seconds=0.1, commit_at=1")
    started(front)
    front.process.send_signal(signal.SIGINT)
    output, errors = front.process.communicate(timeout=20)
    assert front.process.returncode == 0, errors
    assert "too late" in errors.lower()
    assert output == "counted\n"
    assert front.job().state == "succeeded"


def test_the_second_signal_leaves_and_says_how_to_follow(state: Path) -> None:
    front = Front(state, "steps=25, seconds=0.1, commit_at=1")
    started(front)
    front.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    front.process.send_signal(signal.SIGINT)
    _, errors = front.process.communicate(timeout=20)
    assert front.process.returncode == 130
    job = front.job()
    assert f"quillkeep jobs follow {job.id}" in errors
    assert front.wait_for("succeeded").id == job.id


def test_a_hangup_ends_the_front_end_only(state: Path) -> None:
    front = Front(state, "steps=15, seconds=0.1")
    started(front)
    front.process.send_signal(signal.SIGHUP)
    assert front.process.wait(10) == -signal.SIGHUP
    assert front.job().state == "running"
    front.wait_for("succeeded")


def test_a_job_that_dies_is_told_with_its_way_on(state: Path) -> None:
    front = Front(state, "steps=3, seconds=0.1, outcome='crash'")
    _, errors = front.process.communicate(timeout=20)
    assert front.process.returncode == 1
    assert "process is gone" in errors or "error it was not made for" in errors
    assert "Next:" in errors


def test_jobs_follow_and_cancel_from_another_terminal(state: Path) -> None:
    front = Front(state, "steps=200, seconds=0.1")
    started(front)
    job = front.job().id
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "QUILLKEEP_STATE_DIR": str(state),
        "HOME": str(state),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tui", *arguments], env=environ, capture_output=True, text=True, timeout=30
        )

    listed = run("jobs")
    assert job in listed.stdout and "running" in listed.stdout
    cancelled = run("jobs", "cancel", job)
    assert cancelled.returncode == 0, cancelled.stderr
    front.process.communicate(timeout=20)
    followed = run("jobs", "follow", job, "--json")
    lines = followed.stdout.splitlines()
    assert lines[0].startswith('{"event":"started"') and lines[-1].startswith('{"event":"finished"')
    assert followed.returncode == front.process.returncode == 143
    assert run("jobs", "cancel", job).returncode == 4
    assert run("jobs", "follow", "no-such-job").returncode == 2
