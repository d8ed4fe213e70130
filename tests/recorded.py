"""A machine that answers from what was recorded, with a clock that stands still: for pictures of the screens.

What cannot be had in a picture is the real machine: its clock, process ids and temporary paths differ in
every run. Everything that works is tested on real servers; this only draws.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakSet

import msgspec

from services.errors import QuillkeepError
from services.history.model import History
from services.history.read import operation_of
from services.history.story import Story
from services.jobs.cancel import CancelAnswer
from services.jobs.events import LOST, AnyEvent, Checkpoint, Finished
from services.jobs.journal import read_events
from services.jobs.launch import StartedJob
from services.jobs.listing import JobSummary
from services.jobs.process import ProcessIdentity
from services.looking.registry import entry_of, type_of
from services.paths import Paths
from services.profile import Profile
from tui import bridge

NOW = datetime(2026, 11, 22, 3, 14, 0, tzinfo=UTC)


RESTING: WeakSet[threading.Thread] = WeakSet()
"""Threads that will never say anything more: a picture need not wait for them."""


class Silent:
    """A look that never answers while the picture is taken."""


class RecordedBackend:
    """`looks` maps a look's name to its answer, its error, `Silent`, or a function of the request.

    `journals` maps a verb, or a job's id, to the events that a job of it, once started, is read to have
    written; without a `Finished` at their end the job goes on for ever; those that ended are the history,
    unless `history` is given; other jobs' journals are read from `kept`. `afterwards` are
    looks' answers once a restore was started. `started` collects what was started.
    """

    def __init__(
        self,
        paths: Paths | None = None,
        *,
        now: datetime = NOW,
        looks: Mapping[str, Any] | None = None,
        jobs: list[JobSummary] | None = None,
        journals: Mapping[str, list[AnyEvent]] | None = None,
        history: History | None = None,
        kept: Path | None = None,
        afterwards: Mapping[str, Any] | None = None,
    ) -> None:
        self.paths = paths or Paths(Path("/var/lib/quillkeep"))
        self._kept = kept or self.paths.jobs
        self._afterwards = dict(afterwards or {})
        self._named: dict[str, str] = {}
        self.started: list[tuple[str, msgspec.Struct, Profile]] = []
        self.cancelled: list[str] = []
        self.silenced = 0
        """How many looks will never answer."""
        self._now = now
        self._looks = dict(looks or {})
        self._jobs = list(jobs or [])
        self._journals = dict(journals or {})
        self._history = history

    def now(self) -> datetime:
        return self._now

    def look(
        self,
        name: str,
        profile: Profile,
        request: msgspec.Struct | None = None,
        *,
        seconds: float | None = None,
    ) -> Any:
        if name not in self._looks:
            raise QuillkeepError(f"Nothing was recorded for the look {name}.")
        answer = self._looks[name]
        if answer is Silent:
            RESTING.add(threading.current_thread())
            self.silenced += 1
            threading.Event().wait()
        if isinstance(answer, Callable):  # type: ignore[arg-type]
            entry = entry_of(name)
            answer = answer(request if request is not None else type_of(entry, entry.request)())
        if isinstance(answer, QuillkeepError):
            raise answer
        return answer

    def start_job(self, verb: str, plan: msgspec.Struct, profile: Profile) -> StartedJob:
        self.started.append((verb, plan, profile))
        if verb == "restore":
            self._looks.update(self._afterwards)
        job = self._now.strftime("%Y%m%d_%H%M%S")
        name = self._named[job] = self._journal_of(verb, plan)
        return StartedJob(
            job=job,
            folder=self.paths.jobs / name,
            process=ProcessIdentity(pid=1, started="1", boot_id="recorded"),
        )

    def _journal_of(self, verb: str, plan: msgspec.Struct) -> str:
        """One that only counts (`dry_run`) has a journal of its own where there is one."""
        counted = f"{verb}-counted"
        return counted if getattr(plan, "dry_run", False) and counted in self._journals else verb

    def cancel_job(self, job: str) -> CancelAnswer:
        self.cancelled.append(job)
        return CancelAnswer(
            job=job, accepted=True, answer="Cancelling: the job stops at the next safe point."
        )

    def list_jobs(self) -> list[JobSummary]:
        return list(self._jobs)

    def history(self) -> History:
        if self._history is not None:
            return self._history
        told = {
            one.id: one
            for name, events in self._journals.items()
            if events and isinstance(events[-1], Finished)
            for one in [operation_of(self.paths.jobs / name, Story(events))]
        }
        return History(operations=tuple(told[job] for job in sorted(told, reverse=True)))

    def follow(self, folder: Path, *, idle: Callable[[], None]) -> Iterator[AnyEvent]:
        name = self._named.get(folder.name, folder.name)
        events = self._journals.get(name) or read_events(self._kept / name)
        yield from events
        if not events or not _over(events[-1]):
            heard = time.monotonic() + 2 * bridge.FLUSH_SECONDS
            while True:
                idle()
                if time.monotonic() > heard:
                    RESTING.add(threading.current_thread())
                time.sleep(0.02)


def _over(last: AnyEvent) -> bool:
    """Whether nothing follows: it finished, or its watcher saw that its process is gone."""
    return isinstance(last, Finished) or (isinstance(last, Checkpoint) and last.name == LOST)
