"""What an operation is given besides its plan."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.errors import Cancelled
from services.jobs.events import AnyEvent, Checkpoint, Level, Log, PhaseStarted, Progress
from services.paths import Paths
from services.profile import Profile

PROGRESS_SECONDS = 0.25
"""Progress is reported at most this often (4 Hz)."""
RATE_WINDOW_SECONDS = 10.0


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class JobContext:
    """Carries `report`, `cancel`, the clock, the paths and the deployment into an operation.

    `report` is thread-safe and durable for checkpoints: it returns when the line is on disk.
    `folder` is the job's own folder (0700) for artefacts such as rejected documents.
    """

    def __init__(
        self,
        *,
        job: str,
        profile: Profile,
        paths: Paths,
        folder: Path,
        report: Callable[[AnyEvent], None],
        cancel: threading.Event | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.job = job
        self.profile = profile
        self.paths = paths
        self.folder = folder
        self.report = report
        self.cancel = cancel or threading.Event()
        self.committed = threading.Event()
        self._deciding = threading.Lock()
        self.clock = clock

    def check(self) -> None:
        """Raises `Cancelled` when a cancel was asked for and it is not too late."""
        if self.cancel.is_set() and not self.committed.is_set():
            raise Cancelled("Cancelled.")

    def commit(self) -> None:
        """From here on a cancel is answered with `too late: finishing`; one asked before still counts."""
        with self._deciding:
            self.check()
            self.committed.set()

    def request_cancel(self) -> bool:
        """Asks the operation to stop; False when it is too late."""
        with self._deciding:
            if self.committed.is_set():
                return False
            self.cancel.set()
            return True

    def log(self, text: str, level: Level = "info") -> None:
        """A sentence for the admin, in the journal."""
        self.report(Log(at=self.clock(), level=level, text=text))

    def checkpoint(self, name: str, **data: Any) -> None:
        """A fact on disk before the step it announces."""
        self.report(Checkpoint(at=self.clock(), name=name, data=data))

    def phase(self, name: str, detail: str = "", *, total: int | None = None, unit: str = "bytes") -> Phase:
        """Begins a named stretch of work and gives its progress counter."""
        self.report(PhaseStarted(at=self.clock(), phase=name, detail=detail, total=total, unit=unit))
        return Phase(self, name, total, unit)


class Phase:
    """Counts the work of one phase and reports it at most four times a second; thread-safe."""

    def __init__(self, ctx: JobContext, name: str, total: int | None, unit: str) -> None:
        self._ctx = ctx
        self.name = name
        self.total = total
        self.unit = unit
        self.done = 0
        self._lock = threading.Lock()
        self._reported = 0.0
        self._samples: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def advance(self, amount: int, detail: str = "") -> None:
        """Adds measured work."""
        with self._lock:
            self.done += amount
            now = time.monotonic()
            if now - self._reported < PROGRESS_SECONDS:
                return
            self._reported = now
            event = self._progress(now, detail)
        self._ctx.report(event)

    def finish(self, detail: str = "") -> None:
        """Reports the final count."""
        with self._lock:
            event = self._progress(time.monotonic(), detail)
        self._ctx.report(event)

    def _progress(self, now: float, detail: str) -> Progress:
        self._samples.append((now, self.done))
        while len(self._samples) > 2 and now - self._samples[0][0] > RATE_WINDOW_SECONDS:
            self._samples.popleft()
        then, before = self._samples[0]
        rate = (self.done - before) / (now - then) if now > then else None
        eta = None
        if rate and self.total is not None and self.total >= self.done:
            eta = (self.total - self.done) / rate
        return Progress(
            at=self._ctx.clock(),
            phase=self.name,
            done=self.done,
            total=self.total,
            unit=self.unit,
            rate=rate,
            eta=eta,
            detail=detail,
        )
