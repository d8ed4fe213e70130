"""Real job processes: started, followed, cancelled, killed, and what is left of them."""

from __future__ import annotations

import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from services.errors import QuillkeepError, Refused, UsageProblem
from services.jobs.cancel import cancel_job
from services.jobs.events import (
    CancelRequested,
    Finished,
    PhaseStarted,
    Progress,
    Started,
)
from services.jobs.host import this_host
from services.jobs.journal import JOURNAL, LOG, Journal, follow_events, read_events
from services.jobs.launch import make_job_folder, start_job
from services.jobs.listing import list_jobs
from services.jobs.process import this_process
from services.operations.registry import VERBS, load
from services.operations.selftest import SelftestPlan
from services.paths import Paths
from services.profile import Profile
from tests.services.jobs_support import (
    PROFILE,
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


def test_a_job_runs_in_a_process_and_session_of_its_own_and_leaves_its_result(
    start: Start, paths: Paths
) -> None:
    job = start(steps=4, seconds=0.05)
    assert os.getsid(job.process.pid) == job.process.pid != os.getsid(0)
    assert os.readlink(f"/proc/{job.process.pid}/cwd") == "/"
    finished = result_of(job)
    assert (finished.status, finished.exit_code, finished.result["counted"]) == ("ok", 0, 4)
    events = read_events(job.folder)
    assert isinstance(events[0], Started) and events[0].plan["steps"] == 4 and events[0].profile == "prod"
    assert [event.done for event in events if isinstance(event, Progress)][-1] == 4
    summary = only(paths)
    assert (summary.id, summary.verb, summary.state) == (job.job, "selftest", "succeeded")
    assert (summary.summary, summary.profile) == ("counted to 4", "prod")


@pytest.mark.parametrize(
    ("outcome", "status", "code", "state"),
    [
        ("warnings", "warnings", 3, "warnings"),
        ("failed", "failed", 1, "failed"),
        ("refused", "refused", 4, "refused"),
        ("crash", "failed", 1, "failed"),
    ],
)
def test_every_end_has_its_status_code_and_document(
    start: Start, paths: Paths, outcome: str, status: str, code: int, state: str
) -> None:
    job = start(steps=1, outcome=outcome, text=f"It said {SECRETS['pepper']} aloud.")
    finished = result_of(job)
    assert (finished.status, finished.exit_code) == (status, code)
    assert finished.result["status"] == status and isinstance(finished.result["warnings"], list)
    if status != "warnings":
        error = finished.result["error"]
        assert set(error) == {"what", "cause", "touched", "next"} and all(error.values())
    assert only(paths).state == state
    log = (job.folder / LOG).read_text()
    assert ("ZeroDivisionError" in log and "in selftest" in log) == (outcome == "crash")
    assert SECRETS["pepper"] not in log + (job.folder / JOURNAL).read_text()


def test_a_verb_nobody_knows_fails_in_words(paths: Paths) -> None:
    job = start_job("no-such-verb", SelftestPlan(), PROFILE, paths)
    finished = result_of(job)
    assert finished.exit_code == 2 and "no-such-verb" in finished.result["error"]["what"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_cancel_is_answered_and_ends_it(
    start: Start, paths: Paths, number: signal.Signals, code: int
) -> None:
    job = start(steps=1_000, seconds=0.02)
    answer = cancel_job(paths, job.job, number=number)
    assert answer.accepted is True and "Cancelling" in answer.answer
    finished = result_of(job)
    assert (finished.status, finished.exit_code) == ("cancelled", code)
    asked = [event for event in read_events(job.folder) if isinstance(event, CancelRequested)]
    assert [(event.by, event.accepted) for event in asked] == [(number.name, True)]
    assert only(paths).state == "cancelled"
    with pytest.raises(Refused, match="does not run any more"):
        cancel_job(paths, job.job)


def test_a_job_that_was_asked_to_stop_is_listed_as_cancelling(start: Start, paths: Paths) -> None:
    job = start(steps=2, seconds=0.7)
    wait_for(job, lambda event: isinstance(event, PhaseStarted))
    time.sleep(0.1)
    cancel_job(paths, job.job)
    assert only(paths).state == "cancelling"
    assert result_of(job).status == "cancelled"


def test_after_the_commit_a_cancel_is_too_late_and_the_job_ends_as_what_it_became(
    start: Start, paths: Paths
) -> None:
    job = start(steps=10, seconds=0.05, commit_at=0)
    wait_for(job, lambda event: isinstance(event, Progress))
    answer = cancel_job(paths, job.job)
    assert answer.accepted is False and answer.answer.startswith("Too late")
    assert only(paths).state == "running"
    assert result_of(job).status == "ok"


def test_hangup_does_not_touch_a_job(start: Start) -> None:
    job = start(steps=5, seconds=0.05)
    for _ in range(3):
        os.kill(job.process.pid, signal.SIGHUP)
        time.sleep(0.02)
    assert result_of(job).status == "ok"


def test_a_killed_job_is_lost_and_its_reader_ends(start: Start, paths: Paths) -> None:
    job = start(steps=1_000, seconds=0.02)
    wait_for(job, lambda event: isinstance(event, Progress))
    assert only(paths).state == "running" and only(paths).progress is not None
    os.kill(job.process.pid, signal.SIGKILL)
    followed = list(follow_events(job.folder))
    assert not isinstance(followed[-1], Finished)
    summary = only(paths)
    assert summary.state == "lost" and "without a result" in summary.summary


def test_a_reused_pid_is_never_signalled(paths: Paths) -> None:
    me = this_process()
    job, folder = make_job_folder(paths, datetime(2026, 11, 22, tzinfo=UTC))
    host = this_host()
    journal = Journal(folder)
    journal.write(
        Started(
            at=datetime.now(UTC),
            job=job,
            verb="backup",
            plan={},
            profile=None,
            pid=me.pid,
            process_started="1",
            boot_id=me.boot_id,
            host=host.hostname,
            machine_id=host.machine_id,
            pid_namespace=host.pid_namespace,
            user="ann",
            version="0",
        )
    )
    journal.close()
    with pytest.raises(Refused, match="does not run any more"):
        cancel_job(paths, job)
    assert only(paths).state == "lost" and only(paths).way_on == ("quillkeep backup",)


@pytest.mark.parametrize("works", [True, False])
def test_under_systemd_run_the_job_is_the_same_process_and_without_it_it_starts_plainly(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    # There is no systemd in a test: this stands in for `systemd-run --scope`, which execs the command.
    tool = tmp_path / "bin" / "systemd-run"
    tool.parent.mkdir()
    body = 'echo "$@" > "$0.args"; while [ "$1" != -- ]; do shift; done; shift; exec "$@"'
    tool.write_text(f"#!/bin/sh\n{body if works else 'echo Failed to connect to bus >&2; exit 1'}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.setattr("services.jobs.launch.wants_scope", lambda: True)
    job = start_job("selftest", SelftestPlan(), PROFILE, paths)
    assert result_of(job).status == "ok"
    if works:
        arguments = (tool.parent / "systemd-run.args").read_text()
        assert arguments.startswith("--scope --quiet --collect") and f"quillkeep-job-{job.job}" in arguments


def test_every_verb_of_the_registry_can_be_loaded() -> None:
    for verb in VERBS:
        plan, operation = load(verb)
        assert issubclass(plan, msgspec.Struct) and callable(operation), verb


def test_unknown_jobs_and_jobs_of_other_hosts_are_not_signalled(paths: Paths, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem):
        cancel_job(paths, "20200101_000000")
    with pytest.raises(UsageProblem):
        cancel_job(paths, "..")
    me = this_process()
    job, folder = make_job_folder(paths, datetime(2026, 11, 22, tzinfo=UTC))
    journal = Journal(folder)
    journal.write(
        Started(
            at=datetime.now(UTC),
            job=job,
            verb="backup",
            plan={},
            profile=None,
            pid=me.pid,
            process_started=me.started,
            boot_id=me.boot_id,
            host="nas",
            machine_id="another",
            user="ann",
            version="0",
        )
    )
    journal.close()
    with pytest.raises(Refused, match="runs on nas, not here"):
        cancel_job(paths, job)
    assert only(paths).state == "running"


def test_nothing_secret_is_seen_of_a_job(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGODB_URI", SECRETS["uri"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRETS["secret"])
    monkeypatch.setenv("HTTPS_PROXY", "http://user:proxy-secret-4711@127.0.0.1:1")
    job = start(steps=10, seconds=0.05)
    seen = b"".join(
        Path(f"/proc/{job.process.pid}/{name}").read_bytes() for name in ("cmdline", "environ")
    ).decode()
    assert "secret-4711" not in seen and "MONGODB_URI" not in seen
    assert "-P\0-m\0services.jobs.runner" in seen and "MALLOC_ARENA_MAX=1" in seen
    result_of(job)
    for path in job.folder.iterdir():
        assert b"secret-4711" not in path.read_bytes(), path.name


def test_everything_is_private_from_creation_under_umask_zero(start: Start, paths: Paths) -> None:
    before = os.umask(0)
    try:
        job = start(steps=3, seconds=0.05)
        created = {path: stat.S_IMODE(path.stat().st_mode) for path in job.folder.iterdir()}
        result_of(job)
    finally:
        os.umask(before)
    created |= {path: stat.S_IMODE(path.stat().st_mode) for path in job.folder.iterdir()}
    assert {path.name for path in created} >= {JOURNAL, LOG} and set(created.values()) == {0o600}
    for folder in (paths.state, paths.jobs, job.folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_two_jobs_of_one_second_get_different_ids(paths: Paths) -> None:
    now = datetime(2026, 11, 22, 2, 0, 59, 900_000, tzinfo=UTC)
    assert [make_job_folder(paths, now)[0] for _ in range(3)] == [
        "20261122_020059",
        "20261122_020100",
        "20261122_020101",
    ]


def test_a_state_folder_that_cannot_be_written_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(QuillkeepError, match="no job can be started"):
        start_job("selftest", SelftestPlan(), PROFILE, Paths(tmp_path / "file" / "state"))


def test_a_process_that_does_not_come_up_shows_its_log(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.jobs.launch.RUNNER", "services.jobs.no_such_module")
    with pytest.raises(QuillkeepError) as caught:
        start_job("selftest", SelftestPlan(), PROFILE, paths)
    assert "No module named" in caught.value.cause


def test_jobs_with_large_plans_and_results_are_listed_newest_first(paths: Paths) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    me = this_process()
    for _ in range(3):
        job, folder = make_job_folder(paths, now)
        journal = Journal(folder)
        journal.write(
            Started(
                at=now,
                job=job,
                verb="backup",
                plan={"exclude": ["x" * 20_000]},
                profile=None,
                pid=me.pid,
                process_started="1",
                boot_id="before",
                host="h",
                machine_id="m",
                user="u",
                version="0",
            )
        )
        big = {
            "status": "ok",
            "id": f"quilltap_{job}",
            "collections": {str(n): "y" * 40 for n in range(2_000)},
        }
        journal.write(Finished(at=now, status="ok", exit_code=0, result=big))
        journal.close()
    assert [summary.state for summary in list_jobs(paths)] == ["succeeded"] * 3
    assert list_jobs(paths)[0].summary == "quilltap_20261122_000002"
    assert list_jobs(Paths(paths.state / "nowhere")) == []


def test_a_front_end_that_dies_takes_no_job_with_it(start: Start) -> None:
    job = start(steps=10, seconds=0.03)
    threads = [thread for thread in threading.enumerate() if thread.name == f"reaper-{job.process.pid}"]
    assert threads, "nobody waits for the job, which would leave a zombie"
    assert os.getpgid(job.process.pid) != os.getpgid(0)
    assert result_of(job).status == "ok"
    threads[0].join(5)
    assert not Path(f"/proc/{job.process.pid}").exists()


def test_a_full_disk_of_the_state_folder_leaves_no_job_that_never_began(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.jobs import launch

    def full(command: list[str], folder: Path, payload: bytes) -> None:
        (folder / LOG).touch()

    real = os.statvfs
    monkeypatch.setattr(launch, "_spawn", full)
    monkeypatch.setattr(
        launch.os,
        "statvfs",
        lambda path: os.statvfs_result((*tuple(real(path))[:4], 0, *tuple(real(path))[5:])),
    )
    with pytest.raises(QuillkeepError, match="did not start") as raised:
        start_job("selftest", SelftestPlan(), Profile(name="prod"), paths)
    assert "is full" in raised.value.cause and "Free space" in raised.value.next
    assert list_jobs(paths) == []
