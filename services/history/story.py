"""One journal told from its beginning: phases with what was measured, the log, and how it ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from services.history.words import clean
from services.jobs.events import (
    LOST,
    AnyEvent,
    CancelRequested,
    Checkpoint,
    Finished,
    Log,
    PhaseStarted,
    Progress,
    Started,
)
from services.jobs.way_on import Remains, remains_of
from services.operations.result import job_state

LOG_LINES = 20_000
"""Lines a reader keeps in memory; the journal keeps all of them."""


class PhaseTold:
    """One phase: `done` of `total` in `unit` as last measured; `rate` in units per second, `eta` in seconds."""

    __slots__ = ("began", "detail", "done", "ended", "eta", "key", "name", "rate", "total", "unit")

    def __init__(self, event: PhaseStarted) -> None:
        self.key = event.phase
        self.name = clean(event.phase)
        self.detail = clean(event.detail)
        self.began = event.at
        self.ended: datetime | None = None
        self.done: int | None = None
        self.total = event.total
        self.unit = event.unit
        self.rate: float | None = None
        self.eta: float | None = None

    def measure(self, event: Progress) -> None:
        """What was measured last; a phase without a total never gets a share of it."""
        self.done, self.rate, self.eta = event.done, event.rate, event.eta
        self.total = event.total if event.total is not None else self.total
        self.unit = event.unit
        self.detail = clean(event.detail) if event.detail else self.detail

    @property
    def share(self) -> float | None:
        """0..1 of the total, None where either is unknown."""
        if not self.total or self.done is None:
            return None
        return min(1.0, self.done / self.total)

    def seconds(self, until: datetime | None = None) -> float | None:
        """How long it took, or has taken `until` now; None when neither is known."""
        end = self.ended or until
        return max(0.0, (end - self.began).total_seconds()) if end is not None else None


class LogLine:
    """A sentence of the journal: its time, level (`info`, `warning`, `error`) and text."""

    __slots__ = ("at", "level", "text")

    def __init__(self, at: datetime, level: str, text: str) -> None:
        self.at, self.level, self.text = at, level, text


class Story:
    """Grows by `add`, one event after another; everything it tells comes from the events alone."""

    def __init__(self, events: Iterable[AnyEvent] = ()) -> None:
        self.started: Started | None = None
        self.finished: Finished | None = None
        self.ended = False
        """Nothing more will come, with or without a result."""
        self.phases: list[PhaseTold] = []
        self.marks: list[Checkpoint] = []
        self.cancel: CancelRequested | None = None
        self.log: deque[LogLine] = deque(maxlen=LOG_LINES)
        self.logged = 0
        self.last: datetime | None = None
        for event in events:
            self.add(event)

    def add(self, event: AnyEvent) -> None:
        """The next line of the journal."""
        self.last = event.at
        if isinstance(event, Started):
            self.started = event
        elif isinstance(event, PhaseStarted):
            self._close_phase(event.at)
            self.phases.append(PhaseTold(event))
        elif isinstance(event, Progress):
            self._measure(event)
        elif isinstance(event, Log):
            self._say(event.at, event.level, event.text)
        elif isinstance(event, Checkpoint):
            self.marks.append(event)
        elif isinstance(event, CancelRequested):
            self.cancel = event
            self._say(event.at, "warning", f"Asked to cancel ({event.by}). {event.answer}")
        else:
            self._close_phase(event.at)
            self.finished = event
            self.ended = True

    def end(self) -> None:
        """Nothing more will come: what has no result by now never gets one."""
        self.ended = True
        if self.finished is None and self.last is not None:
            self._close_phase(self.last)

    @property
    def state(self) -> str:
        """A job's state word; `unknown` when its journal could not be read at all."""
        if self.finished is not None:
            return job_state(self.finished.status)
        if self.ended:
            return "lost" if self.started is not None or not self.log else "unknown"
        return "cancelling" if self.cancel is not None and self.cancel.accepted else "running"

    @property
    def phase(self) -> PhaseTold | None:
        """The phase that runs, or ran last."""
        return self.phases[-1] if self.phases else None

    @property
    def warnings(self) -> list[LogLine]:
        """The warnings and errors among the lines kept."""
        return [line for line in self.log if line.level != "info"]

    @property
    def remains(self) -> Remains:
        """What a job without a result left, and the commands that go on; its watcher's word comes first."""
        events: list[AnyEvent] = [*([self.started] if self.started else []), *self.marks]
        found = remains_of(events)
        told = next((mark for mark in reversed(self.marks) if mark.name == LOST), None)
        if told is None or "left" not in told.data:
            return found
        from msgspec.structs import replace

        return replace(found, left=str(told.data["left"]))

    def seconds(self, until: datetime | None = None) -> float | None:
        """How long it ran, or has run `until` now."""
        if self.started is None:
            return None
        end = self.finished.at if self.finished else self.last if self.ended else until
        return max(0.0, (end - self.started.at).total_seconds()) if end is not None else None

    def _measure(self, event: Progress) -> None:
        for phase in reversed(self.phases):
            if phase.key == event.phase:
                phase.measure(event)
                return

    def _close_phase(self, at: datetime) -> None:
        if self.phases and self.phases[-1].ended is None:
            self.phases[-1].ended = at

    def _say(self, at: datetime, level: str, text: str) -> None:
        for line in clean(text).split("\n"):
            self.log.append(LogLine(at, level, line))
            self.logged += 1
