"""Backups as jobs of their own that are killed: what they leave is swept, and the application runs again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services.catalog.scan import scan
from services.jobs.launch import start_job
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.paths import Paths
from services.profile import Profile
from tests.services.test_backup import App, rows
from tests.support import RecordingContext

Contexts = Callable[..., RecordingContext]
__all__ = ["rows"]
SECONDS = 20.0
PLAN = BackupPlan(only="database")


def wait_for(folder: Path, text: str) -> bool:
    """Whether the journal says so before the job ends."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        journal = (folder / "journal.jsonl").read_text()
        if text in journal:
            return True
        if '"event":"finished"' in journal:
            return False
        time.sleep(0.002)
    raise AssertionError(f"the journal never said {text}")


def gone(pid: int) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.01)
    raise AssertionError("the job would not die")


@pytest.mark.parametrize("phase", ["prepare", "dump", "prove", "publish"])
def test_a_killed_backup_is_swept_by_the_next_which_is_good(
    phase: str, rows: Profile, location: Path, make_context: Contexts, db: Database[Any], tmp_path: Path
) -> None:
    db.blobs.insert_many([{"_id": n, "data": os.urandom(200_000)} for n in range(100)])
    job = start_job("backup", PLAN, rows, Paths(tmp_path / "jobs-state"))
    reached = wait_for(job.folder, f'"phase":"{phase}"')
    assert reached
    os.kill(job.process.pid, signal.SIGKILL)
    gone(job.process.pid)
    complete = len(list(location.glob("*.json")))
    ctx = make_context(rows)
    result = backup(PLAN, ctx)
    assert result.status == "ok"
    left = sorted(path.name for path in location.iterdir())
    assert not [name for name in left if "partial" in name]
    found = scan(rows.locations, rows, ctx.paths)
    assert len(found) == complete + 1
    assert all(one.good for one in found)


def test_the_app_of_a_killed_backup_runs_again(rows: Profile, tmp_path: Path) -> None:
    app = App(tmp_path)
    deadly = msgspec.structs.replace(app.control, stop=f"{app.control.stop}; kill -9 $PPID")
    job = start_job(
        "backup",
        BackupPlan(only="database", stop_app=True),
        msgspec.structs.replace(rows, app=deadly),
        Paths(tmp_path / "jobs-state"),
    )
    gone(job.process.pid)
    deadline = time.monotonic() + SECONDS
    while app.log.read_text() != "stop\nstart\n" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert app.log.read_text() == "stop\nstart\n"
    assert app.file.exists()
