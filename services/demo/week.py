"""A week of nightly backups for the demo: made by the real operations, with a clock that stands at each night.

What they leave is what a week of cron leaves: archives, hard-linked snapshots, manifests, notes, and the
journals of the jobs. Only their hour is arranged.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from services import __version__
from services.demo.days import Days
from services.errors import QuillkeepError
from services.files import open_new
from services.jobs.context import JobContext
from services.jobs.events import Finished, Started
from services.jobs.host import this_host, user_name
from services.jobs.journal import LOG, Journal
from services.jobs.launch import make_job_folder
from services.jobs.process import this_process
from services.jobs.spec import conceal
from services.operations.backup_model import BackupPlan
from services.operations.pin import PinPlan
from services.operations.registry import load
from services.operations.result import exit_code
from services.operations.verify import VerifyPlan
from services.paths import Paths
from services.profile import Profile

NIGHTS = 7
HOUR_OF_NIGHT = 2
FRESH = timedelta(minutes=10)
"""The newest night is at least so long ago."""
FOREIGN_NIGHT = 1
Say = Callable[[str], None]


def nights_before(now: datetime) -> list[datetime]:
    """02:00 UTC of the last seven nights, the oldest first."""
    last = (now.astimezone(UTC) - FRESH).replace(hour=HOUR_OF_NIGHT, minute=0, second=0, microsecond=0)
    if last > now - FRESH:
        last -= timedelta(days=1)
    return [last - timedelta(days=back) for back in reversed(range(NIGHTS))]


class NightClock:
    """A clock that was set to `start` when it was made, and goes on from there."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._made = time.monotonic()

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._made)


class Week:
    """Makes the week on a filled deployment; `backups` are the ids so far."""

    def __init__(self, profile: Profile, paths: Paths, days: Days, *, now: datetime) -> None:
        self.profile = profile
        self.paths = paths
        self.backups: list[str] = []
        self.nights = nights_before(now)
        self._days = days

    def make(self, say: Say) -> None:
        """Every day's writes and night's backup; then what was done by hand, and the writes since the last night.

        Raises `QuillkeepError` when an operation does not end well.
        """
        for day, night in enumerate(self.nights):
            self._days.live(day, night)
            result = self.run("backup", BackupPlan(reason="routine"), night)
            self.backups.append(str(result["id"]))
            self._date(night)
            size = sum(each["bytes"] for each in result["database"]["collections"].values())
            say(f"{night:%a %d %b %H:%M} UTC: {result['id']}, {size / 1e6:.1f} MB of documents")
        first = self.backups[0]
        self.run("verify", VerifyPlan(backup=first, depth="full"), self.nights[0] + timedelta(hours=6))
        self.run("pin", PinPlan(backup=first), self.nights[0] + timedelta(hours=6, minutes=5))
        self._leave_foreign()
        self._days.live(NIGHTS, self.nights[-1] + timedelta(days=1))

    def run(self, verb: str, plan: msgspec.Struct, at: datetime) -> dict[str, Any]:
        """Runs an operation in this process as the job of a night, journal and all; gives its document.

        Raises `QuillkeepError` unless it ends well.
        """
        clock = NightClock(at)
        job, folder = make_job_folder(self.paths, at)
        open_new(folder / LOG).close()
        journal = Journal(folder)
        ctx = JobContext(
            job=job, profile=self.profile, paths=self.paths, folder=folder, report=journal.write, clock=clock
        )
        process, host = this_process(), this_host()
        try:
            journal.write(
                Started(
                    at=clock(),
                    job=job,
                    verb=verb,
                    plan=msgspec.to_builtins(plan, enc_hook=conceal),
                    profile=self.profile.name,
                    pid=process.pid,
                    process_started=process.started,
                    boot_id=process.boot_id,
                    host=host.hostname,
                    machine_id=host.machine_id,
                    pid_namespace=host.pid_namespace,
                    user=user_name(),
                    version=__version__,
                )
            )
            _, operation = load(verb)
            document: dict[str, Any] = msgspec.to_builtins(operation(plan, ctx), enc_hook=conceal)
            status = str(document["status"])
            journal.write(Finished(at=clock(), status=status, exit_code=exit_code(status), result=document))
        finally:
            journal.close()
        if exit_code(status) not in (0, 3):
            raise QuillkeepError(
                f"The demo's {verb} of {at:%d %b} ended {status}.",
                touched="",
                next="Please report this: the demo runs on its own servers, so nothing of yours is involved.",
            )
        return document

    def _date(self, night: datetime) -> None:
        """Gives the files of the newest backup the time of its night; objects keep theirs, which links depend on."""
        stamp = self.backups[-1].removeprefix("quilltap_")
        for path in self._folder.iterdir():
            if stamp in path.name and path.is_file():
                os.utime(path, (night.timestamp(), night.timestamp()))

    def _leave_foreign(self) -> None:
        """A colleague's dump from before, in the guide's form: one archive, no manifest."""
        before = self.nights[0] - timedelta(days=2)
        stamp = self.backups[FOREIGN_NIGHT].removeprefix("quilltap_")
        archive = next(self._folder.glob(f"*mongo_{stamp}.gz"))
        copy = self._folder / f"quilltap-{before:%Y%m%d}.gz"
        shutil.copyfile(archive, copy)
        copy.chmod(0o600)
        os.utime(copy, (before.timestamp(), before.timestamp()))

    @property
    def _folder(self) -> Path:
        return Path(self.profile.locations[0].path)
