"""kill -9, hangups and closed terminals of the console in each phase of a restore and during a backup, in tmux."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from services.jobs.events import Finished
from tests.faults.deployment import Deployment, Job, wait_for
from tests.faults.wizard_keys import Console, gone, reboot, stopping

JOBS = "quilltap_kills.__quillkeep_jobs"
PHASES: dict[str, tuple[str, dict[str, Any]]] = {
    "load beside the live data": ("insert", {"skip": 1}),
    "proving what was loaded": ("update", {}),
    "put objects": ("insert", {"namespace": JOBS}),
    "before the first rename": ("renameCollection", {}),
    "between two renames": ("renameCollection", {}),
    "prove what is live": ("createIndexes", {}),
}
"""A command that the job sends in each phase, counted from where the phase before was held."""
FIRST_RENAME = tuple(PHASES).index("before the first rename")
DUMP: dict[str, Any] = {"namespace": "quilltap_kills.characters"}


@pytest.fixture(scope="module")
def terminal(killed: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """One tmux server for the module; every `open` is a new terminal in it."""
    with Console(killed, tmp_path_factory.mktemp("tmux")) as opened:
        yield opened


@pytest.fixture
def console(terminal: Console, deployment: Deployment) -> Console:
    """The same, over the damaged deployment."""
    return terminal


def adopted(console: Console, job: Job, *, renaming: bool) -> None:
    """A new console says that a job runs, and its wizard stands at it."""
    console.open()
    console.said("1 job")
    console.keys("3")
    console.said(f"job {job.id}")
    console.said("[7 of 9 Restore]", 5)
    console.said("Touched right now")
    told = "Too late to cancel: the first rename has begun" if renaming else "as they were until the first"
    assert told in console.flat, console.text


def ended_well(job: Job) -> Finished:
    finished = job.wait()
    assert finished.exit_code in (0, 3), finished
    return finished


def test_a_restore_by_keys_outlives_a_console_killed_in_each_of_its_phases(
    console: Console, deployment: Deployment
) -> None:
    console.open()
    console.said("[1 Health]")
    job: Job | None = None
    for number, (phase, (command, hold)) in enumerate(PHASES.items()):
        with stopping(deployment, command, **hold) as held:
            if job is None:
                job = held.stops(console.restore())
            else:
                held.stops(job).signal(signal.SIGCONT)
        assert job.process is not None
        console.signal_console(signal.SIGKILL)
        console.until("ended:137")
        assert not job.ended, phase
        adopted(console, job, renaming=number >= FIRST_RENAME)
    assert job is not None
    # The last one sees it to its end; the data was counted by the job before anything says "restored".
    job.signal(signal.SIGCONT)
    ended_well(job)
    console.said("Restored, ")
    deployment.assert_whole(old=False)
    assert deployment.running.exists(), "the application runs again"


def test_a_restore_that_ended_while_nobody_looked_is_told_of(
    console: Console, deployment: Deployment
) -> None:
    with stopping(deployment, "renameCollection", skip=1) as held:
        job = held.stops(deployment.start())
    adopted(console, job, renaming=True)
    console.signal_console(signal.SIGKILL)
    console.until("ended:137")
    job.signal(signal.SIGCONT)
    ended_well(job)
    deployment.assert_whole(old=False)
    console.open()
    console.said(f"restore {job.id}, ")
    console.keys("6")
    console.until(
        lambda: [line for line in console.text.splitlines() if job.id in line and "restore" in line]
    )
    console.keys("7")
    console.until(lambda: [line for line in console.text.splitlines() if "restore" in line and "ok" in line])
    console.keys("3")
    console.said("What happened")
    assert "interrupted" not in console.flat


@pytest.mark.parametrize("cut", ["SIGHUP", "SIGTERM", "closed"])
def test_a_restore_outlives_a_connection_that_is_cut(
    cut: str, console: Console, deployment: Deployment
) -> None:
    job: Job | None = None
    for phase in ("load beside the live data", "between two renames"):
        command, hold = PHASES[phase]
        with stopping(deployment, command, **hold) as held:
            if job is None:
                job = held.stops(deployment.start())
            else:
                held.stops(job).signal(signal.SIGCONT)
        adopted(console, job, renaming=phase == "between two renames")
        process = console.console
        if cut == "closed":
            console.close()
        else:
            number = signal.Signals[cut]
            console.signal_console(number)
            console.until(f"ended:{128 + number}")
        wait_for(lambda process=process: gone(process), "the console ends", 10)
        assert not job.ended
    assert job is not None
    job.signal(signal.SIGCONT)
    ended_well(job)
    deployment.assert_whole(old=False)


@pytest.mark.parametrize("end", ["kill", "reboot"])
def test_when_both_are_gone_the_next_console_opens_on_it_and_finishes_it(
    end: str, console: Console, deployment: Deployment
) -> None:
    with stopping(deployment, "renameCollection", skip=1) as held:
        job = held.stops(deployment.start())
    adopted(console, job, renaming=True)
    console.signal_console(signal.SIGKILL)
    console.until("ended:137")
    if end == "reboot":
        reboot(deployment, job)
    else:
        job.kill()
    assert not deployment.running.exists(), "half restored, so it stays stopped"
    console.open()
    console.said("A restore was interrupted")
    console.said("WHERE IT STANDS")
    assert "f Finish it (recommended)" in console.flat and "still stopped" in console.flat
    console.keys("f")
    console.said(f"Finish the interrupted job {job.id}?")
    # Enter is no.
    console.keys("Enter")
    console.until(lambda: "Finish the interrupted job" not in console.flat)
    console.keys("f")
    console.said(f"Finish the interrupted job {job.id}?")
    console.keys("y")
    console.said("Finished, ", 60)
    deployment.assert_whole(old=False)
    assert deployment.running.exists()
    console.keys("1")
    console.said("[1 Health]")
    deployment.assert_tidy_after_the_next_run()


@pytest.mark.parametrize("both", [False, True], ids=["console", "console and job"])
def test_a_backup_by_keys(both: bool, console: Console, deployment: Deployment) -> None:
    console.open()
    console.said("[1 Health]")
    with stopping(deployment, "find", **DUMP) as held:
        job = held.stops(console.backup())
    console.signal_console(signal.SIGKILL)
    console.until("ended:137")
    if both:
        job.kill()
    console.open()
    if both:
        console.said("[1 Health]")
        console.keys("6")
        console.until(
            lambda: [line for line in console.text.splitlines() if job.id in line and "lost" in line]
        )
        again = console.backup()
        ended_well(again)
        made = again.wait().result["id"]
    else:
        console.said("1 job")
        console.keys("6")
        console.until(
            lambda: [line for line in console.text.splitlines() if job.id in line and "running" in line]
        )
        job.signal(signal.SIGCONT)
        made = ended_well(job).result["id"]
    console.keys("Escape", "2")
    console.said(str(made))
    deployment.assert_whole(old=True)
    deployment.assert_tidy_after_the_next_run()
