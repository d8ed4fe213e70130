"""Two jobs at once, a dead job's lock, a job woken after its lock was broken, and reboots."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.jobs.listing import list_jobs
from services.operations.restore import RestorePlan
from services.recovery.request import RestoreRequest
from tests.faults.deployment import Deployment, Job, wait_for

OBJECTS = RestorePlan(request=RestoreRequest(backup="latest", only="objects"), allow=("writers",))
OTHER_BOOT = "00000000-0000-4000-8000-000000000000"


def test_a_second_restore_and_a_backup_are_refused_while_one_runs(deployment: Deployment) -> None:
    with deployment.held("insert", skip=1, late=True, ms=2000) as held:
        first = deployment.start()
        held.wait()
        second, third = deployment.start(plan=OBJECTS), deployment.start("backup")
        for job in (second, third):
            finished = job.wait()
            error = finished.result["error"]
            assert (finished.status, finished.exit_code) == ("refused", 4)
            assert first.id in error["cause"] and f"quillkeep jobs follow {first.id}" in error["next"]
            assert "process" in error["cause"], "it names the owner"
        deployment.assert_whole(old=True)
    assert first.wait().exit_code in (0, 3)
    deployment.assert_whole(old=False)


@pytest.mark.parametrize("plan", [None, OBJECTS])
def test_a_restore_that_began_and_ended_meanwhile_fails_the_backup(
    plan: RestorePlan | None, deployment: Deployment
) -> None:
    with deployment.held("find", namespace="quilltap_kills.characters", late=True, ms=100) as held:
        backup = deployment.start("backup")
        held.wait()
        backup.signal(signal.SIGSTOP)
    restore = deployment.start(plan=plan)
    assert restore.wait().exit_code in (0, 3)
    backup.signal(signal.SIGCONT)
    finished = backup.wait()
    assert (finished.status, finished.exit_code) == ("failed", 1)
    error = finished.result["error"]
    assert "A restore began while the backup was made" in error["what"] and restore.id in error["cause"]
    assert "removed" in error["touched"]
    assert len(list(deployment.location.glob("quilltap_????????_??????.json"))) == 1
    deployment.assert_backups_whole()


def test_a_dead_jobs_lock_clears_itself_and_its_copies_go(deployment: Deployment) -> None:
    with deployment.held("insert", skip=1) as held:
        dead = deployment.start()
        held.wait()
        dead.kill()
    again = deployment.quillkeep("restore", "latest", "--yes", "--allow", "writers")
    assert again.returncode in (0, 3), again.stderr
    assert "Cleared the lock that a dead job left" in again.stderr
    assert f"Dropped the copies that the dead job {dead.id} had loaded" in again.stderr
    deployment.assert_whole(old=False)
    assert not [name for name in deployment.ours() if dead.id in name]


def suspended(deployment: Deployment, **hold: Any) -> Job:
    """A job that is stopped at a command, whose lock is then broken."""
    with deployment.held(**hold, late=True, ms=100) as held:
        job = deployment.start()
        held.wait()
        job.signal(signal.SIGSTOP)
    refused = deployment.start(plan=OBJECTS).error()
    assert f"quillkeep unlock {job.id}" in refused["next"]
    unlocked = deployment.quillkeep("unlock", job.id, "--yes")
    assert unlocked.returncode == 3 and "still has a process" in unlocked.stderr, unlocked.stderr
    return job


def woken(job: Job) -> dict[str, str]:
    """Its error once it runs again."""
    job.signal(signal.SIGCONT)
    error = dict(job.error())
    assert "no longer holds the lock" in error["what"], error
    return error


def test_woken_while_loading_it_leaves_the_other_restore_alone(deployment: Deployment) -> None:
    job = suspended(deployment, command="insert", skip=1)
    other = deployment.start()
    assert other.wait().exit_code in (0, 3)
    deployment.assert_whole(old=False)
    error = woken(job)
    assert "No collection was renamed by this job." in error["touched"]
    deployment.assert_whole(old=False)
    assert not [name for name in deployment.ours() if job.id in name]
    deployment.assert_tidy_after_the_next_run()


@pytest.mark.parametrize(
    "hold",
    [
        {"command": "insert", "namespace": "quilltap_kills.__quillkeep_jobs"},
        {"command": "renameCollection", "skip": 1},
        {"command": "renameCollection", "skip": 3},
    ],
)
def test_woken_after_somebody_rolled_it_back_it_changes_nothing(
    hold: dict[str, Any], deployment: Deployment
) -> None:
    job = suspended(deployment, **hold)
    back = deployment.quillkeep("rollback", job.id, "--yes")
    assert back.returncode in (0, 3), back.stderr
    deployment.assert_whole(old=True)
    woken(job)
    deployment.assert_whole(old=True)
    assert deployment.ours() <= {"__quillkeep_jobs"}
    deployment.assert_tidy_after_the_next_run()


def reboot(deployment: Deployment, job: Job) -> None:
    """Everything as a restart of the host two minutes ago leaves it."""
    then = datetime.now(UTC) - timedelta(minutes=2)
    for event in job.events:
        if getattr(event, "name", "") == "watched":
            os.kill(event.data["pid"], signal.SIGKILL)  # type: ignore[union-attr]
    job.signal(signal.SIGKILL)
    wait_for(lambda: list_jobs(deployment.paths)[0].state == "lost", "it is gone")
    boot = {"host.boot_id": OTHER_BOOT, "process.boot_id": OTHER_BOOT, "heartbeat": then}
    deployment.db["__quillkeep_jobs"].update_one({"_id": "lock"}, {"$set": boot})
    journal = job.folder / "journal.jsonl"
    first, _, rest = journal.read_bytes().partition(b"\n")
    started = json.loads(first)
    started["boot_id"] = OTHER_BOOT
    journal.write_bytes(json.dumps(started).encode() + b"\n" + rest)
    writer = deployment.location / ".quillkeep-writer"
    if writer.exists():
        mark = json.loads(writer.read_bytes())
        mark["owner"]["host"]["boot_id"] = mark["owner"]["process"]["boot_id"] = OTHER_BOOT
        writer.write_bytes(json.dumps(mark).encode())
        os.utime(writer, (then.timestamp(), then.timestamp()))


def test_a_reboot_in_the_middle_of_a_restore(deployment: Deployment) -> None:
    with deployment.held("renameCollection", skip=1) as held:
        job = deployment.start()
        held.wait()
        reboot(deployment, job)
    listed = deployment.quillkeep("jobs")
    assert "lost" in listed.stdout and f"quillkeep restore --finish {job.id}" in listed.stdout, listed.stdout
    night = deployment.quillkeep("backup")
    assert night.returncode == 4 and f"quillkeep restore --finish {job.id}" in night.stderr, night.stderr
    done = deployment.quillkeep("restore", "--finish", job.id)
    assert done.returncode in (0, 3), done.stderr
    deployment.assert_whole(old=False)
    assert deployment.running.exists()
    deployment.assert_tidy_after_the_next_run()


def test_a_reboot_in_the_middle_of_a_backup(deployment: Deployment) -> None:
    with deployment.held("find", namespace="quilltap_kills.characters") as held:
        job = deployment.start("backup")
        held.wait()
        reboot(deployment, job)
    assert "lost" in deployment.quillkeep("jobs").stdout
    night = deployment.quillkeep("backup")
    assert night.returncode in (0, 3) and "Swept what an unfinished run left" in night.stderr, night.stderr
    deployment.assert_backups_whole()
    deployment.assert_tidy_after_the_next_run()
