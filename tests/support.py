"""What tests share beside the fixtures of conftest.py."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from pathlib import Path
from typing import Any, TypeVar

from services.jobs.context import JobContext
from services.jobs.events import AnyEvent, Checkpoint, Log, PhaseStarted
from services.paths import Paths
from services.profile import BucketTarget, Location, MongoTarget, Profile
from services.secret import Secret

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
FIXTURE_PEPPER = "Zm9yLXRlc3RzLW9ubHktcGVwcGVyLW5vdC1hLXNlY3JldA=="
FIXTURE_PASSPHRASE = "correct horse battery staple"
PEER_TOOLS = ("mongodump", "mongorestore")

E = TypeVar("E")


class RecordingContext(JobContext):
    """A job context whose events end up in `events`, in order."""

    events: list[AnyEvent]

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def logs(self) -> list[str]:
        """The sentences for the admin."""
        return [event.text for event in self.of(Log)]

    @property
    def warnings(self) -> list[str]:
        """The sentences logged as warnings."""
        return [event.text for event in self.of(Log) if event.level == "warning"]

    @property
    def phases(self) -> list[str]:
        """The names of the phases begun."""
        return [event.phase for event in self.of(PhaseStarted)]

    @property
    def checkpoints(self) -> list[str]:
        """The names of the checkpoints."""
        return [event.name for event in self.of(Checkpoint)]


def make_context(profile: Profile, state: Path, *, job: str | None = None, **more: Any) -> RecordingContext:
    """A context in `state` whose `events` collects what the operation reports; `more` goes to `JobContext`."""
    name = job or f"t{secrets.token_hex(4)}"
    paths = Paths(state)
    folder = paths.jobs / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    events: list[AnyEvent] = []
    lock = threading.Lock()

    def report(event: AnyEvent) -> None:
        with lock:
            events.append(event)

    context = RecordingContext(job=name, profile=profile, paths=paths, folder=folder, report=report, **more)
    context.events = events
    return context


def make_profile(
    uri: str,
    database: str,
    bucket: BucketTarget | None = None,
    *,
    location: Path | None = None,
    **more: Any,
) -> Profile:
    """A profile of a test's own database, bucket and backup folder."""
    return Profile(
        production=False,
        mongo=MongoTarget(uri=Secret(uri), database=database),
        bucket=bucket,
        locations=(Location(name="backups", path=str(location)),) if location else (),
        **more,
    )


def find_peer(tool: str) -> Path | None:
    """A stock MongoDB tool: in QUILLKEEP_PEERS (as it was when the suite started), ../shared/peers or on PATH."""
    folders = [Path(named)] if (named := os.environ.get("QUILLKEEP_PEERS")) else []
    for folder in [*folders, ROOT.parent / "shared" / "peers"]:
        if os.access(folder / tool, os.X_OK):
            return folder / tool
    found = shutil.which(tool)
    return Path(found) if found else None
