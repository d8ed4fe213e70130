"""Journals for tests: events with a clock of their own, written as a job writes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from services.jobs.events import (
    AnyEvent,
    CancelRequested,
    Checkpoint,
    Finished,
    Level,
    Log,
    PhaseStarted,
    Progress,
    Started,
)
from services.jobs.host import this_host
from services.jobs.journal import JOURNAL

BEGAN = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)
JOB = "20261122_030000"


def at(seconds: float) -> datetime:
    """So many seconds after the job began."""
    return BEGAN + timedelta(seconds=seconds)


def started(verb: str = "backup", job: str = JOB, plan: dict[str, Any] | None = None, **more: Any) -> Started:
    """The first line, of a process of this machine that ended with an earlier boot."""
    facts: dict[str, Any] = {
        "pid": 4_000_000,
        "process_started": "1",
        "boot_id": "another boot",
        "host": "vm7",
        "machine_id": this_host().machine_id,
        "user": "quill",
        "version": "0.1.0",
        "profile": "prod",
    }
    return Started(at=BEGAN, job=job, verb=verb, plan=plan or {}, **{**facts, **more})


def phase(name: str, seconds: float, **more: Any) -> PhaseStarted:
    """A phase begins."""
    return PhaseStarted(at=at(seconds), phase=name, **more)


def progress(name: str, seconds: float, done: int, **more: Any) -> Progress:
    """So much of it is done."""
    return Progress(at=at(seconds), phase=name, done=done, **more)


def log(text: str, seconds: float = 1, level: Level = "info") -> Log:
    """A sentence."""
    return Log(at=at(seconds), level=level, text=text)


def mark(name: str, seconds: float = 1, **data: Any) -> Checkpoint:
    """A checkpoint."""
    return Checkpoint(at=at(seconds), name=name, data=data)


def cancel(accepted: bool, answer: str, seconds: float = 5) -> CancelRequested:
    """Somebody asked."""
    return CancelRequested(at=at(seconds), by="SIGTERM", accepted=accepted, answer=answer)


def finished(seconds: float, status: str = "ok", code: int = 0, **result: Any) -> Finished:
    """The last line."""
    return Finished(
        at=at(seconds), status=status, exit_code=code, result={"status": status, "warnings": [], **result}
    )


BACKUP_RESULT: dict[str, Any] = {
    "id": "quilltap_20261122_030000",
    "path": "/backups/quilltap/quilltap_20261122_030000.json",
    "consistency": "quiet",
    "database": {
        "collections": {"a": {"documents": 100, "bytes": 4_000_000}, "b": {"documents": 1, "bytes": 1_000}}
    },
    "objects": {"count": 20, "bytes": 6_000_000, "fetched": 2, "linked": 18, "missing": []},
}


def write(folder: Path, events: Iterable[AnyEvent], *, torn: bytes = b"") -> Path:
    """A job's folder with a journal of these events; `torn` ends it without a line break."""
    folder.mkdir(parents=True, mode=0o700)
    lines = b"".join(msgspec.json.encode(event) + b"\n" for event in events)
    (folder / JOURNAL).write_bytes(lines + torn)
    return folder
