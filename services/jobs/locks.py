"""What all locks share: the error of a lost one, its owner in words, and its heartbeat."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from services.errors import QuillkeepError
from services.jobs.host import Owner

HEARTBEAT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
"""After a reboot a lock of this machine is dead once its heartbeat stood still this long."""


class LockLost(QuillkeepError):
    """The lock this job held is another's now, or nobody's: it must not change anything any more."""


def lock_lost(place: str, job: str) -> LockLost:
    """The error of a job that finds its lock broken."""
    return LockLost(
        f"Job {job} no longer holds the lock on {place}.",
        cause="It was broken by `quillkeep unlock`, or cleared after this job had seemed dead.",
        touched="This job stopped before its next change; what it did before stays as it was.",
        next="`quillkeep jobs` shows who works there now and what this job left.",
    )


def owner_in_words(owner: Owner, started: datetime | None, heartbeat: datetime | None) -> str:
    """Job, verb, host, user, since when, last sign of life: what an admin needs to decide on a lock."""
    since = f", since {_time(started)}" if started else ""
    beat = f", last sign of life {_time(heartbeat)}" if heartbeat else ""
    return (
        f"job {owner.job} ({owner.verb or 'unknown verb'}) of {owner.user} on {owner.host.words}, "
        f"process {owner.process.pid}{since}{beat}"
    )


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


class Heartbeat:
    """Calls `beat` every `seconds` in a daemon thread until stopped; a beat that raises ends it."""

    def __init__(self, beat: Callable[[], bool], seconds: float, name: str) -> None:
        self._beat = beat
        self._seconds = seconds
        self._stopped = threading.Event()
        self.lost = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and waits for the beat under way."""
        self._stopped.set()
        self._thread.join(timeout=15.0)

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            if not self._beat():
                self.lost.set()
                return
