"""What a job says of itself: the lines of its journal."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Level = Literal["info", "warning", "error"]

DEEP = "deep"
"""Checkpoint of a deep verify before it loads: `where` is `embedded` or `live`."""
RENAMING = "renaming"
"""Checkpoint right before the first rename: from here on only `restore --finish` and `rollback` go on."""
APP = "app"
"""Checkpoint on the application: `state` found-stopped, stopping, stopped, starting or started, and `found`."""
WATCHED = "watched"
"""Checkpoint that a watcher process looks after this job; `pid`."""
LOST = "lost"
"""Checkpoint of the watcher: the job ended without a result; `way_on` lists the commands that go on."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """One journal line; `at` is UTC."""

    at: datetime


class Started(Event, frozen=True, kw_only=True, tag="started"):
    """The first line: what runs, for whom, as which process."""

    job: str
    verb: str
    plan: dict[str, Any]
    profile: str | None
    pid: int
    process_started: str
    boot_id: str
    host: str
    machine_id: str
    pid_namespace: str = ""
    user: str
    version: str


class PhaseStarted(Event, frozen=True, kw_only=True, tag="phase"):
    """A named stretch of work begins; `total` in `unit` when it is known."""

    phase: str
    detail: str = ""
    total: int | None = None
    unit: str = "bytes"


class Progress(Event, frozen=True, kw_only=True, tag="progress"):
    """How far the phase is, measured; `rate` in units per second over the last seconds, `eta` in seconds."""

    phase: str
    done: int
    total: int | None = None
    unit: str = "bytes"
    rate: float | None = None
    eta: float | None = None
    detail: str = ""


class Log(Event, frozen=True, kw_only=True, tag="log"):
    """A sentence for the admin."""

    level: Level
    text: str


class Checkpoint(Event, frozen=True, kw_only=True, tag="checkpoint"):
    """A fact fsynced before the step it announces."""

    name: str
    data: dict[str, Any] = {}


class CancelRequested(Event, frozen=True, kw_only=True, tag="cancel"):
    """Somebody asked the job to stop; `accepted` is False once it was too late."""

    by: str
    accepted: bool
    answer: str


class Finished(Event, frozen=True, kw_only=True, tag="finished"):
    """The last line: how it ended and the verb's JSON document."""

    status: str
    exit_code: int
    result: dict[str, Any]


AnyEvent = Started | PhaseStarted | Progress | Log | Checkpoint | CancelRequested | Finished
