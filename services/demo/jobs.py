"""The demo's operations: real jobs, started as the command starts them, followed until they end."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from typing import Any

import msgspec

from services.errors import QuillkeepError
from services.jobs.events import Finished, Log, PhaseStarted
from services.jobs.journal import follow_events
from services.jobs.launch import start_job
from services.jobs.process import is_alive
from services.paths import Paths
from services.profile import Profile

Say = Callable[[str], None]
GOOD = ("ok", "warnings", "warn")


class JobFailed(QuillkeepError):
    """A job of the demo did not end well."""


class Ran(msgspec.Struct, frozen=True):
    """A job that ended, and its JSON document."""

    job: str
    verb: str
    status: str
    result: dict[str, Any]


class Runner:
    """Runs one job after another for one profile, and remembers them."""

    def __init__(self, profile: Profile, paths: Paths, say: Say) -> None:
        self.profile = profile
        self.paths = paths
        self._say = say
        self.done: list[Ran] = []

    def run(self, verb: str, plan: msgspec.Struct) -> Ran:
        """Starts a job, tells its phases and waits. Raises `JobFailed` unless it ends well."""
        started = start_job(verb, plan, self.profile, self.paths)
        finished: Finished | None = None
        phases: list[str] = []
        try:
            for event in follow_events(started.folder, process=started.process):
                if isinstance(event, PhaseStarted) and event.phase not in phases:
                    phases.append(event.phase)
                elif isinstance(event, Log) and event.level != "info":
                    self._say(f"! {event.text}")
                elif isinstance(event, Finished):
                    finished = event
        finally:
            if finished is None and is_alive(started.process):
                # The demo is being left: its servers are about to go, and nothing of them is kept.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(started.process.pid, signal.SIGKILL)
        if finished is None:
            raise JobFailed(f"The job {started.job} ({verb}) ended without a result.", touched="")
        if phases:
            self._say(f"job {started.job}: {', '.join(phases)}")
        ran = Ran(started.job, verb, finished.status, finished.result)
        self.done.append(ran)
        if finished.status not in GOOD:
            error = finished.result.get("error") or {}
            raise JobFailed(
                f"The demo's {verb} ended {finished.status}: {error.get('what', finished.result)}",
                cause=str(error.get("cause", "")),
                touched=str(error.get("touched", "")),
                next="Please report this: the demo runs on its own servers, so nothing of yours is involved.",
            )
        return ran
