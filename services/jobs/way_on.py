"""What a job that ended without a result left behind, read from its journal, and the commands that go on."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.jobs.events import APP, DEEP, LOST, RENAMING, AnyEvent, Checkpoint, Started

RECORD = "record"
"""Checkpoint of the swap record: its `job` is whose swap this is, its `state` how far it was meant to go."""
CHANGES_LIVE = frozenset({"restore", "rollback", "finish"})


class Remains(msgspec.Struct, frozen=True, kw_only=True):
    """What a lost job left: `renaming` when it had begun to swap, `app_to_start` when it holds the app stopped."""

    job: str
    verb: str
    renaming: bool
    app_to_start: bool
    left: str
    way_on: tuple[str, ...]


def remains_of(events: Sequence[AnyEvent]) -> Remains:
    """What the journal of a lost job tells of the state it left."""
    started = next((event for event in events if isinstance(event, Started)), None)
    job, verb = (started.job, started.verb) if started else ("", "")
    marks = [event for event in events if isinstance(event, Checkpoint)]
    renaming = any(mark.name == RENAMING for mark in marks)
    app_to_start = holds_app(marks)
    return Remains(
        job=job,
        verb=verb,
        renaming=renaming,
        app_to_start=app_to_start,
        left=_deep_left(marks)
        or _left(verb, renaming, app_to_start, loaded=recorded_state(marks) == "loading"),
        way_on=_way_on(_swap_of(started, marks), verb, renaming, recorded=recorded_state(marks)),
    )


def _swap_of(started: Started | None, marks: Sequence[Checkpoint]) -> str:
    """The job whose swap it is: a `finish`, or the undo of an interrupted one, goes on with another job's."""
    for mark in reversed(marks):
        if mark.name in (RENAMING, RECORD) and "job" in mark.data:
            return str(mark.data["job"])
    if started is None:
        return ""
    return str(started.plan.get("job") or started.job) if started.verb == "finish" else started.job


def recorded_state(marks: Sequence[Checkpoint]) -> str:
    """The last record's state: `loading` while only copies are loaded, empty without a record."""
    states = [str(mark.data.get("state", "objects")) for mark in marks if mark.name == RECORD]
    return states[-1] if states else ""


def holds_app(marks: Sequence[Checkpoint]) -> bool:
    """The last word on the application counts; one found stopped is nobody's to start."""
    holds = False
    for mark in marks:
        if mark.name == APP:
            state = mark.data.get("state")
            if state in ("stopping", "stopped"):
                holds = mark.data.get("found") != "stopped"
            elif state in ("started", "found-stopped"):
                holds = False
        elif mark.name == LOST and mark.data.get("app") == "started":
            holds = False
    return holds


def _deep_left(marks: Sequence[Checkpoint]) -> str:
    """What a deep verify leaves; empty for anything else."""
    where = next((str(mark.data.get("where")) for mark in reversed(marks) if mark.name == DEEP), "")
    if where == "live":
        return (
            "No live collection was touched. What it had loaded aside in the live server is dropped by the next "
            "deep verify, backup or restore."
        )
    return "Its embedded server ended with it, and its data was removed." if where else ""


def _left(verb: str, renaming: bool, app_to_start: bool, *, loaded: bool) -> str:
    stopped = " The application is still stopped." if app_to_start else ""
    if renaming:
        return f"It had begun to rename collections: the live data may be old and new mixed.{stopped}"
    if verb == "finish":
        return f"The swap it was to finish may still be half done.{stopped}"
    if verb in CHANGES_LIVE:
        beside = " What it had loaded beside them is dropped by the next job." if loaded else ""
        return f"No collection was renamed: the live collections are as they were.{beside}{stopped}"
    if verb == "backup":
        return f"The backup has no manifest and so does not count; the next one sweeps what is left.{stopped}"
    if verb in ("delete", "trash-restore"):
        return "The backup may be partly in the trash. Nothing is lost, and the list of the trash says how to go on."
    if verb == "trash-empty":
        return "What was not emptied yet is still in the trash."
    return f"It ended without a result.{stopped}"


def _way_on(job: str, verb: str, renaming: bool, *, recorded: str) -> tuple[str, ...]:
    if renaming or verb == "finish":
        return (f"quillkeep restore --finish {job}", f"quillkeep rollback {job}")
    if verb in CHANGES_LIVE and recorded == "loading":
        return (f"quillkeep rollback {job}",)
    if verb in CHANGES_LIVE and recorded:
        return (f"quillkeep rollback {job}", f"quillkeep restore --finish {job}")
    if verb in ("delete", "trash-restore", "trash-empty"):
        return ("quillkeep trash list",)
    return (f"quillkeep {verb}",) if verb in ("backup", "verify", "validate", "pairs") else ()
