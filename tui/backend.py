"""What the console asks of the machine it runs on: looks, jobs and the clock; every call may block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from services.paths import Paths
from services.profile import Profile

if TYPE_CHECKING:
    from services.history.model import History
    from services.history.read import Known as KnownOperations
    from services.jobs.cancel import CancelAnswer
    from services.jobs.events import AnyEvent
    from services.jobs.launch import StartedJob
    from services.jobs.listing import JobSummary, Known


class Backend(Protocol):
    """The real machine, or a recorded one for pictures of the screens."""

    paths: Paths

    def now(self) -> datetime:
        """The wall clock, UTC."""

    def look(
        self,
        name: str,
        profile: Profile,
        request: msgspec.Struct | None = None,
        *,
        seconds: float | None = None,
    ) -> Any:
        """`services.looking.child.look`."""

    def start_job(self, verb: str, plan: msgspec.Struct, profile: Profile) -> StartedJob:
        """`services.jobs.launch.start_job`."""

    def cancel_job(self, job: str) -> CancelAnswer:
        """`services.jobs.cancel.cancel_job`."""

    def list_jobs(self) -> list[JobSummary]:
        """`services.jobs.listing.list_jobs`."""

    def history(self) -> History:
        """`services.history.read.read_history`."""

    def follow(self, folder: Path, *, idle: Callable[[], None]) -> Iterator[AnyEvent]:
        """`services.jobs.journal.follow_events` from the start."""


class Machine:
    """The machine itself."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self._known_jobs: Known = {}
        self._known_operations: KnownOperations = {}

    def now(self) -> datetime:
        return datetime.now(UTC)

    def look(
        self,
        name: str,
        profile: Profile,
        request: msgspec.Struct | None = None,
        *,
        seconds: float | None = None,
    ) -> Any:
        from services.looking.child import look

        return look(name, profile, self.paths, request, seconds=seconds)

    def start_job(self, verb: str, plan: msgspec.Struct, profile: Profile) -> StartedJob:
        from services.jobs.launch import start_job

        return start_job(verb, plan, profile, self.paths)

    def cancel_job(self, job: str) -> CancelAnswer:
        from services.jobs.cancel import cancel_job

        return cancel_job(self.paths, job)

    def list_jobs(self) -> list[JobSummary]:
        from services.jobs.listing import list_jobs

        return list_jobs(self.paths, self._known_jobs)

    def history(self) -> History:
        from services.history.read import read_history

        return read_history(self.paths, self._known_operations)

    def follow(self, folder: Path, *, idle: Callable[[], None]) -> Iterator[AnyEvent]:
        from services.jobs.journal import follow_events

        return follow_events(folder, idle=idle)
