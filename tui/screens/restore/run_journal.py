"""A job's journal as the wizard shows it: which phases are done, what is touched right now and what is not yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.jobs.events import (
    APP,
    LOST,
    RENAMING,
    AnyEvent,
    CancelRequested,
    Checkpoint,
    Finished,
    Log,
    PhaseStarted,
    Progress,
    Started,
)

TITLES = {
    "reading the backup": "read the backup to its end",
    "comparing with what is live": "compare with what is live",
    "comparing objects": "compare the objects",
    "loading aside": "load beside the live data",
    "proving again": "prove the loaded copies",
    "putting objects": "put objects",
    "proving objects": "prove the objects",
    "putting objects back": "put objects back",
    "swapping": "rename into place",
    "putting back": "put back what was live",
    "proving what is live": "prove what is live",
    "comparing rows with objects": "compare rows with objects",
    "reading the rollback copies": "read the rollback copies",
    "looking at what was written since": "look for what was written since",
    "counting what exists nowhere else": "count what exists nowhere else",
    "releasing": "drop the copies",
}
"""What a phase of the journal is called on the screen; others keep their own name."""

IN_PLACE_PROOFS = (
    "proving what is live",
    "putting objects",
    "proving objects",
    "comparing rows with objects",
)
"""Phases of a restore in place that replace no collection."""


@dataclass
class PhaseSeen:
    """One phase; `done` and `total` are measured, in `unit`."""

    name: str
    began: datetime
    state: str = "running"
    unit: str = "bytes"
    done: int = 0
    total: int | None = None
    rate: float | None = None
    eta: float | None = None
    detail: str = ""
    moved: datetime | None = None
    """When it was last heard of."""

    @property
    def share(self) -> float | None:
        """0..1 where the total is known."""
        return min(1.0, self.done / self.total) if self.total else None


@dataclass
class RunJournal:
    """What the events so far say; `feed` takes them in their order."""

    started: Started | None = None
    finished: Finished | None = None
    phases: list[PhaseSeen] = field(default_factory=list)
    renaming: bool = False
    in_place: bool = False
    app: str = ""
    """The last word on the application: found-stopped, stopping, stopped, starting, started."""
    app_at: datetime | None = None
    record: str = ""
    """How far the swap record was last meant to go."""
    swap_job: str = ""
    """The job whose swap it is: a finish goes on with another one's."""
    proven: frozenset[str] = frozenset()
    """Collections whose loaded copies were proven by content."""
    logs: list[Log] = field(default_factory=list)
    cancels: list[CancelRequested] = field(default_factory=list)
    lost: Checkpoint | None = None
    ended: bool = False
    """Nothing more will come."""

    def feed(self, events: Sequence[AnyEvent]) -> None:
        """Takes what is new."""
        for event in events:
            match event:
                case Started():
                    self.started = event
                case PhaseStarted():
                    self._begin(event)
                case Progress():
                    self._advance(event)
                case Log():
                    self.logs.append(event)
                case CancelRequested():
                    self.cancels.append(event)
                case Checkpoint():
                    self._note(event)
                case Finished():
                    self._end(event)

    @property
    def current(self) -> PhaseSeen | None:
        """The phase that runs."""
        last = self.phases[-1] if self.phases else None
        return last if last is not None and last.state == "running" else None

    @property
    def cancelling(self) -> bool:
        """A cancel was accepted."""
        return any(event.accepted for event in self.cancels)

    @property
    def result(self) -> dict[str, Any] | None:
        """The job's document, with its status in it."""
        if self.finished is None:
            return None
        return {"status": self.finished.status, **self.finished.result}

    @property
    def said(self) -> str:
        """The newest sentence of its log that is no warning, empty for none."""
        return next((entry.text for entry in reversed(self.logs) if entry.level == "info"), "")

    def reached(self, *names: str) -> bool:
        """Whether one of these phases began."""
        return any(phase.name in names for phase in self.phases)

    def _begin(self, event: PhaseStarted) -> None:
        if self.phases and self.phases[-1].state == "running":
            self.phases[-1].state = "done"
        self.phases.append(
            PhaseSeen(
                event.phase, event.at, unit=event.unit, total=event.total, detail=event.detail, moved=event.at
            )
        )

    def _advance(self, event: Progress) -> None:
        phase = next((one for one in reversed(self.phases) if one.name == event.phase), None)
        if phase is None:
            return
        phase.done, phase.total, phase.unit = event.done, event.total, event.unit
        phase.rate, phase.eta, phase.moved = event.rate, event.eta, event.at
        phase.detail = event.detail or phase.detail

    def _note(self, event: Checkpoint) -> None:
        data = event.data
        if event.name == RENAMING:
            self.renaming = True
            self.in_place = self.in_place or bool(data.get("in_place"))
        elif event.name == APP:
            self.app, self.app_at = str(data.get("state", "")), event.at
        elif event.name == "record":
            self.record = str(data.get("state", ""))
        elif event.name == "proven":
            self.proven = frozenset(str(name) for name in data.get("collections") or ())
        elif event.name == LOST:
            self.lost = event
            if data.get("app") == "started":
                self.app, self.app_at = "started", event.at
        if event.name in (RENAMING, "record") and data.get("job"):
            self.swap_job = str(data["job"])

    def _end(self, event: Finished) -> None:
        self.finished = event
        last = self.phases[-1] if self.phases else None
        if last is not None and last.state == "running":
            last.state = "done" if event.exit_code in (0, 3) else "fail"


def touched_now(run: RunJournal) -> str:
    """What the job changes at this moment, in words."""
    phase = run.current
    name = phase.name if phase else ""
    if run.app == "stopping":
        return "the application: it is being stopped; no data"
    if run.app == "starting":
        return "the application: it is being started; no data"
    if run.in_place and name not in IN_PLACE_PROOFS:
        return "live collections: dropped and loaded again, behind a proven safety backup"
    return {
        "loading aside": "only copies, loaded beside the live collections",
        "putting objects": "the bucket: missing objects are added; of replaced ones a copy is kept",
        "putting objects back": "the bucket: replaced objects are put back",
        "swapping": "live collections: each is renamed aside, its proven copy takes its name",
        "putting back": "live collections: what was live before takes its name back",
        "releasing": "the rollback copies: they are dropped",
        "dump": "nothing live: a safety backup is written",
    }.get(name, "nothing: it only reads")


def untouched_yet(run: RunJournal, verb: str) -> str:
    """What is still as it was, or that the point of no return has passed."""
    if run.renaming:
        if run.in_place:
            return (
                "Too late to cancel: live data is being replaced. The safety backup holds the state before."
            )
        if verb == "rollback":
            return "Too late to cancel: the first rename has begun. What was live is set aside, not dropped."
        return "Too late to cancel: the first rename has begun. What was live is kept as rollback copies."
    if verb == "release":
        if run.reached("releasing"):
            return "Too late to cancel: the copies are being dropped. What is live is not touched."
        return "Not touched yet: the copies are still there. What is live is not touched at all."
    if verb == "finish":
        return "Not touched yet: collections are as the interrupted job left them."
    bucket = (
        " The bucket has been written to."
        if run.reached("putting objects", "putting objects back")
        else " So is the bucket."
    )
    return f"Not touched yet: the live collections are as they were until the first rename.{bucket}"


def application_words(run: RunJournal, *, controlled: bool) -> str:
    """Where the application stands."""
    at = f" at {run.app_at:%H:%M:%S} UTC" if run.app_at else ""
    words = {
        "found-stopped": "was stopped already; it stays so",
        "stopping": f"being stopped since{at.removeprefix(' at')}",
        "stopped": f"stopped by this job{at}",
        "starting": "being started again",
        "started": f"started again{at}",
    }
    if run.app:
        return words.get(run.app, run.app)
    if controlled:
        return "not touched yet"
    return "Quillkeep does not control it: keep it stopped until this is over"


def cancel_leaves(run: RunJournal, verb: str) -> str:
    """What a cancel would leave if it came at this moment."""
    app = " The application is started again." if run.app in ("stopping", "stopped") else ""
    if verb == "finish":
        return (
            f"What the interrupted job left stays as it is: it still has to be finished or rolled back.{app}"
        )
    if run.reached("putting objects", "putting objects back"):
        return (
            "No collection was renamed. Objects that were replaced are put back from their copies and proven; "
            f"added ones stay, named. Copies loaded so far are dropped.{app}"
        )
    if run.reached("loading aside"):
        return f"The copies loaded so far are dropped. The live data and the bucket are as they were.{app}"
    return f"Nothing was changed so far: the live data and the bucket are as they were.{app}"


def expected_phases(verb: str, plan: dict[str, Any] | None) -> tuple[str, ...]:
    """Phases that will come for certain, in their order; none where nobody can tell."""
    if verb == "finish":
        return ("proving again", "swapping", "proving what is live")
    if plan is None or plan.get("strategy") == "in place":
        return ()
    rows = plan.get("collections") or ()
    moved = [row for row in rows if row.get("action") in ("replace", "create", "set aside")]
    if verb == "rollback":
        return ("reading the rollback copies", "swapping", "proving what is live") if moved else ()
    loaded = [
        row
        for row in moved
        if row.get("action") != "set aside" and row.get("kind", "collection") == "collection"
    ]
    objects = plan.get("objects") is not None
    parts = (
        (bool(rows), ("reading the backup", "comparing with what is live")),
        (objects, ("comparing objects",)),
        (bool(loaded), ("loading aside",)),
        (objects, ("putting objects", "proving objects")),
        (bool(moved), ("swapping",)),
        (True, ("proving what is live",)),
    )
    return tuple(name for wanted, names in parts if wanted for name in names)
