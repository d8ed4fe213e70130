"""How quick restores, verifications and backups of this deployment were, by the journals of its own jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.jobs.events import AnyEvent, Finished, PhaseStarted, Progress, Started
from services.jobs.journal import read_events
from services.jobs.listing import JobSummary, list_jobs
from services.paths import Paths
from services.profile import Profile
from services.status.model import Measured, Rates, Sizes

RESTORES = 5
VERIFIES = 5
BACKUPS = 21
"""Newest jobs of each kind that are read: three weeks of nights."""
LOADING = "loading aside"
PUTTING = "putting objects"
LEAST_BYTES = 1 << 10
"""Less work than this measures the start of a process, not a rate."""


def measure(profile: Profile, paths: Paths) -> Rates:
    """The newest measurement of each kind. Errors: `QuillkeepError` as `list_jobs`."""
    jobs = [job for job in list_jobs(paths) if job.profile == profile.name]
    loading = putting = reading = proving = None
    for job in _ended(jobs, "restore", RESTORES):
        events = _events(paths, job)
        putting = putting or measured_phase(job, events, PUTTING)
        loading = loading or measured_loading(job, events)
    for job in _ended(jobs, "verify", VERIFIES):
        reading = reading or measured_phase(job, _events(paths, job), "verify")
    sizes: dict[str, Sizes] = {}
    for job in _ended(jobs, "backup", BACKUPS):
        events = _events(paths, job)
        proving = proving or measured_phase(job, events, "prove")
        sizes.update(_sizes(events))
    return Rates(loading=loading, putting=putting, reading=reading, proving=proving, sizes=sizes)


def _ended(jobs: Sequence[JobSummary], verb: str, most: int) -> list[JobSummary]:
    return [job for job in jobs if job.verb == verb and job.state in ("succeeded", "warnings")][:most]


def _events(paths: Paths, job: JobSummary) -> list[AnyEvent]:
    try:
        return read_events(paths.jobs / job.id)
    except OSError:
        # Rotated or unreadable: one measurement less, which `None` tells.
        return []


def measured_phase(job: JobSummary, events: Sequence[AnyEvent], phase: str) -> Measured | None:
    """Bytes and seconds of one phase, None when it did not run or did too little to measure."""
    found = _phase(events, phase)
    if found is None:
        return None
    done, seconds, at = found
    if done < LEAST_BYTES or seconds <= 0:
        return None
    return Measured(verb=job.verb, job=job.id, at=at, bytes=done, seconds=seconds)


def measured_loading(job: JobSummary, events: Sequence[AnyEvent]) -> Measured | None:
    """The documents a restore loaded in all the time it took, but for the putting of objects."""
    found = _phase(events, LOADING)
    started = next((event for event in events if isinstance(event, Started)), None)
    finished = next((event for event in reversed(events) if isinstance(event, Finished)), None)
    if found is None or started is None or finished is None or found[0] < LEAST_BYTES:
        return None
    put = _phase(events, PUTTING)
    seconds = (finished.at - started.at).total_seconds() - (put[1] if put else 0.0)
    if seconds <= 0:
        return None
    return Measured(verb=job.verb, job=job.id, at=found[2], bytes=found[0], seconds=seconds)


def _phase(events: Sequence[AnyEvent], name: str) -> tuple[int, float, datetime] | None:
    """(bytes done, seconds, begun) of the last run of a phase; it ends where the next one begins."""
    begun: datetime | None = None
    result: tuple[int, float, datetime] | None = None
    done = 0
    for event in events:
        if isinstance(event, PhaseStarted | Finished):
            if begun is not None:
                result = (done, (event.at - begun).total_seconds(), begun)
                begun = None
            if isinstance(event, PhaseStarted) and event.phase == name and event.unit == "bytes":
                begun, done = event.at, 0
        elif isinstance(event, Progress) and event.phase == name and event.unit == "bytes":
            done = event.done
    return result


def _sizes(events: Sequence[AnyEvent]) -> dict[str, Sizes]:
    finished = next((event for event in reversed(events) if isinstance(event, Finished)), None)
    if finished is None or not isinstance(finished.result.get("id"), str):
        return {}
    database, objects = finished.result.get("database"), finished.result.get("objects")
    listed = database.get("collections") if isinstance(database, dict) else None
    entries = listed if isinstance(listed, dict) else {}
    return {
        str(finished.result["id"]): Sizes(
            documents_bytes=sum(_figure(entry, "bytes") for entry in entries.values()),
            collections={str(name): _figure(entry, "documents") for name, entry in entries.items()},
            objects_bytes=_figure(objects, "bytes"),
            objects=_figure(objects, "count"),
        )
    }


def _figure(entry: Any, key: str) -> int:
    value = entry.get(key) if isinstance(entry, dict) else None
    return value if isinstance(value, int) else 0
