"""The real console in tmux on a deployment that can be held: a restore by keys, and jobs stopped where a test wants."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from services.jobs.database_lock import LOCK_ID
from services.jobs.events import WATCHED, Checkpoint, Started
from services.jobs.journal import process_of, read_events
from services.jobs.launch import StartedJob
from services.jobs.listing import list_jobs
from services.jobs.process import boot_id, identify, is_alive
from services.names import JOBS_COLLECTION
from tests.faults.deployment import DATABASE, Deployment, Job, wait_for
from tests.tmux import Tmux

HOLD_MS = 400
"""How long the server keeps a command back: long enough to stop the job meanwhile."""
BEFORE = "00000000-0000-0000-0000-000000000000"
"""The id of an earlier boot."""
TYPED = f"kills/{DATABASE}"


class Console(Tmux):
    """The console of a deployment in a pane of 80x24, started again as often as it is killed."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(folder, deployment.environ)
        self.deployment = deployment

    def open(self) -> None:
        """Closes the terminal, whatever is left in it, and opens the console in a new one."""
        self._run("respawn-pane", "-k", "-t", "q", "sh")
        self.start("--profile", "kills")

    def close(self) -> None:
        """Closes the terminal under the console."""
        self._run("respawn-pane", "-k", "-t", "q", "sh")

    @property
    def flat(self) -> str:
        """The pane's words in one line."""
        return " ".join(self.text.split())

    def said(self, text: str, seconds: float = 40.0) -> None:
        """Waits for words, wherever they are wrapped."""
        try:
            self.until(lambda: text in self.flat, seconds)
        except AssertionError as error:
            raise AssertionError(f"never said: {text}\n{self.text}") from error

    def restore(self) -> Job:
        """The wizard from its first step to the job, by the keys that it names; gives the job."""
        before = {job.id for job in list_jobs(self.deployment.paths)}
        self.keys("3")
        self.said("What happened")
        self.said("fits what is seen")
        for _ in range(12):
            if re.search(r"> .*Everything is gone", self.text):
                break
            self.keys("Down")
            time.sleep(0.15)
        self.keys("Enter")
        self.said("Proposed:")
        self.keys("Enter")
        self.said("Everything: database and objects")
        self.keys("Enter")
        self.said("it can be restored")
        self.keys("Enter")
        self.said("EFFECT")
        self.keys("Enter")
        self.said(f"Type {TYPED}")
        while "to accept: space takes the one in focus" in self.flat:
            self.keys("Space", "Tab")
            time.sleep(0.3)
        self.type(TYPED)
        self.said("Right. Enter goes to the button")
        self.keys("Enter")
        # The button works once the first Enter was let go.
        self.said("Enter does it.")
        self.keys("Enter")
        return self.begun("restore", before)

    def backup(self) -> Job:
        """A backup by its keys; gives the job."""
        before = {job.id for job in list_jobs(self.deployment.paths)}
        self.keys("2")
        self.said("[2 Archives]")
        self.said("quilltap_")
        self.keys("b")
        self.said("Start this backup?")
        self.keys("2")
        self.said("2 before an upgrade")
        self.keys("y")
        return self.begun("backup", before)

    def begun(self, verb: str, before: set[str]) -> Job:
        """The job of this verb that was not there before."""
        return wait_for(lambda: newest(self.deployment, verb, before), f"a {verb} begins")


def newest(deployment: Deployment, verb: str, before: set[str]) -> Job | None:
    """The newest job of a verb, unless it was there before."""
    for found in list_jobs(deployment.paths):
        if found.verb == verb and found.id not in before:
            folder = deployment.paths.jobs / found.id
            first = read_events(folder)[0]
            assert isinstance(first, Started)
            return Job(StartedJob(job=found.id, folder=folder, process=process_of(first)), verb)
    return None


class Stopping:
    """A job that is stopped at a command; `stops` says which one."""

    def __init__(self) -> None:
        self.job: Job | None = None

    def stops(self, job: Job) -> Job:
        """This one."""
        self.job = job
        return job


@contextlib.contextmanager
def stopping(deployment: Deployment, command: str, **hold: Any) -> Iterator[Stopping]:
    """Lets the block begin a job or let it go on, and stops it (SIGSTOP) while its next such command is at the server."""
    stop = Stopping()
    with deployment.held(command, late=True, ms=HOLD_MS, **hold) as held:
        yield stop
        held.wait()
        assert stop.job is not None
        stop.job.signal(signal.SIGSTOP)


def gone(pid: int) -> bool:
    """Whether a process ended, reaped or not."""
    found = identify(pid)
    return found is None


def reboot(deployment: Deployment, job: Job) -> None:
    """Kills a job and its watcher at once, and makes journal and lock those of an earlier boot, a minute ago."""
    watchers = [
        event.data["pid"] for event in job.events if isinstance(event, Checkpoint) and event.name == WATCHED
    ]
    for pid in watchers:
        os.kill(pid, signal.SIGKILL)
    job.kill_now()
    wait_for(lambda: not is_alive(job.process), "the job is gone")
    journal = job.folder / "journal.jsonl"
    now = boot_id()
    journal.write_text(journal.read_text().replace(now, BEFORE))
    locks = deployment.db[JOBS_COLLECTION]
    held = locks.find_one({"_id": LOCK_ID})
    assert held is not None
    held["host"]["boot_id"] = held["process"]["boot_id"] = BEFORE
    held["heartbeat"] -= timedelta(seconds=61)
    locks.replace_one({"_id": LOCK_ID}, held)
