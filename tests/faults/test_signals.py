"""SIGHUP, SIGINT and SIGTERM in each phase: cancelled with everything as it was, or too late and finished."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from services.jobs.events import CancelRequested
from services.jobs.listing import list_jobs
from tests.faults.deployment import Deployment, Job, wait_for

MS = 400
BEFORE: dict[str, tuple[signal.Signals, dict[str, Any]]] = {
    "loading": (signal.SIGINT, {"command": "insert", "skip": 1}),
    "proving": (signal.SIGTERM, {"command": "update", "skip": 3}),
    "objects": (signal.SIGINT, {"command": "insert", "namespace": "quilltap_kills.__quillkeep_jobs"}),
}
AFTER: dict[str, tuple[signal.Signals, dict[str, Any]]] = {
    "swapping": (signal.SIGTERM, {"command": "renameCollection", "skip": 1}),
    "views": (signal.SIGINT, {"command": "create", "skip": 4}),
    "TTL": (signal.SIGTERM, {"command": "createIndexes", "skip": 2}),
}
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


def signalled(
    deployment: Deployment, number: signal.Signals, hold: dict[str, Any], verb: str = "restore"
) -> Job:
    """A job that got SIGHUP and then this signal while its command was held."""
    with deployment.held(**hold, late=True, ms=MS) as held:
        job = deployment.start(verb)
        held.wait()
        job.signal(signal.SIGHUP)
        job.signal(number)
    return job


@pytest.mark.parametrize("phase", BEFORE)
def test_a_restore_cancelled_before_the_first_rename(phase: str, deployment: Deployment) -> None:
    number, hold = BEFORE[phase]
    job = signalled(deployment, number, hold)
    finished = job.wait()
    assert (finished.status, finished.exit_code) == ("cancelled", CODES[number])
    error = finished.result["error"]
    assert error["what"] == "The restore was cancelled before anything live was changed."
    assert "Live data is as it was." in error["touched"]
    deployment.assert_whole(old=True)
    assert deployment.ours() <= {"__quillkeep_jobs"} and not deployment.our_keys()
    assert deployment.running.exists()
    assert not list(deployment.db["__quillkeep_jobs"].find())


@pytest.mark.parametrize("phase", AFTER)
def test_too_late_a_restore_ends_as_what_it_became(phase: str, deployment: Deployment) -> None:
    number, hold = AFTER[phase]
    job = signalled(deployment, number, hold)
    finished = job.wait()
    assert finished.status in ("ok", "warnings") and finished.exit_code in (0, 3)
    answers = [event for event in job.events if isinstance(event, CancelRequested)]
    assert [(answer.accepted, answer.answer) for answer in answers] == [(False, "Too late: finishing.")]
    deployment.assert_whole(old=False)
    assert deployment.running.exists()


@pytest.mark.parametrize(
    ("number", "hold"),
    [
        (signal.SIGINT, {"command": "listCollections", "skip": 1}),
        (signal.SIGTERM, {"command": "find", "namespace": "quilltap_kills.characters"}),
    ],
)
def test_a_backup_cancelled(number: signal.Signals, hold: dict[str, Any], deployment: Deployment) -> None:
    before = sorted(os.listdir(deployment.location))
    job = signalled(deployment, number, hold, "backup")
    finished = job.wait()
    assert (finished.status, finished.exit_code) == ("cancelled", CODES[number])
    assert sorted(os.listdir(deployment.location)) == before
    deployment.assert_backups_whole()


def front(deployment: Deployment) -> subprocess.Popen[str]:
    """`restore latest` at a front end of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tui", "restore", "latest", "--yes", "--allow", "writers"],
        env=deployment.environ,
        cwd=deployment.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_front_end_passes_a_signal_on_and_a_hangup_ends_only_itself(deployment: Deployment) -> None:
    with deployment.held("insert", skip=1, late=True, ms=MS) as held:
        process = front(deployment)
        held.wait()
        process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 143, errors
    assert "cancelled before anything live was changed" in errors
    deployment.assert_whole(old=True)
    with deployment.held("renameCollection", late=True, ms=MS) as held:
        process = front(deployment)
        held.wait()
        process.send_signal(signal.SIGHUP)
        assert process.wait(10) == -signal.SIGHUP
    process.communicate()
    wait_for(lambda: list_jobs(deployment.paths)[0].state == "warnings", "the job ends by itself")
    deployment.assert_whole(old=False)
