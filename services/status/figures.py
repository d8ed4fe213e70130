"""The figures beside the verdict: the predicted restore, space in nights, the last fourteen days, the last of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from services.catalog.manifest import Part
from services.catalog.model import Backup
from services.jobs.listing import JobSummary
from services.looking.live import SwapSeen
from services.looking.locations import LocationsAnswer
from services.status.model import Day, Measured, Moment, Rates
from services.status.parts import PARTS, PartFound
from services.status.words import day, size

DAYS = 14
LOW_NIGHTS = 7.0
"""Fewer nights of space than this want attention: a week to do something about it."""


class Predicted(NamedTuple):
    """Minutes of a restore of everything (None: nothing was ever measured) and from what."""

    minutes: float | None
    detail: str


def predict(rates: Rates, found: Sequence[PartFound]) -> Predicted:
    """How long a restore of the newest good backup of both parts takes, by what this deployment measured.

    From its last restore where there was one; else from the bytes that its last full verification, or the
    read-back of its last backup, went through. Nothing is ever assumed: without any of these None.
    """
    backups = {one.status.part: one.backup for one in found if one.backup is not None}
    if not backups:
        return Predicted(None, "there is no good backup to restore")
    if rates.loading is not None:
        return _by_restore(rates, rates.loading, backups)
    total = sum(backup.bytes for backup in {backup.id: backup for backup in backups.values()}.values())
    for measured, word in ((rates.reading, "verification"), (rates.proving, "the backup's read-back")):
        if measured is not None:
            return Predicted(
                total / measured.rate / 60,
                f"reading alone, by {word} of {day(measured.at)}; no restore was ever measured",
            )
    return Predicted(None, "no restore, verification or backup was measured on this host yet")


def _by_restore(rates: Rates, loading: Measured, backups: dict[Part, Backup]) -> Predicted:
    seconds = 0.0
    notes = [f"by the restore of {day(loading.at)}"]
    if "database" in backups:
        sizes = rates.sizes.get(backups["database"].id)
        documents = sizes.documents_bytes if sizes is not None else 0
        if not documents:
            documents = loading.bytes
            notes.append("as large as then")
        seconds += documents / loading.rate
    if "objects" in backups:
        sizes = rates.sizes.get(backups["objects"].id)
        if rates.putting is None:
            notes.append("without objects: putting them was never measured")
        elif sizes is None:
            notes.append("without objects: their size is not known here")
        else:
            seconds += sizes.objects_bytes / rates.putting.rate
    return Predicted(seconds / 60, ", ".join(notes))


class Space(NamedTuple):
    """Nights that still fit (None: cannot be told) and how that is known."""

    nights: float | None
    detail: str


def nights_free(locations: LocationsAnswer, backups: Sequence[Backup]) -> Space:
    """How many more backups like the last one the first location holds; hard-linked objects cost nothing."""
    if not locations.locations:
        return Space(None, "no folder for backups is configured")
    seen = locations.locations[0]
    if seen.free is None:
        return Space(None, f"{seen.name}: {seen.problem}")
    free = f"{size(seen.free)} free in {seen.name}"
    newest = next((one for one in backups if one.ours and one.counted and one.location == seen.name), None)
    if newest is None:
        return Space(None, f"{free}; no backup there yet tells the growth")
    added = seen.last_added if newest.id == seen.last_backup else None
    if added is None and "objects" not in newest.parts:
        added = newest.bytes
    if not added:
        return Space(None, f"{free}; the second backup will tell the growth")
    return Space(seen.free / added, f"{free}, the last backup added {size(added)}")


def strip(backups: Sequence[Backup], jobs: Sequence[JobSummary], now: datetime) -> tuple[Day, ...]:
    """The last 14 days in UTC, as the ids of backups have it, oldest first; today is the last one.

    `ok` when the day's backups hold a good one of both parts, `warn` when they do not, `fail` when backups
    were tried and none came, `none` otherwise. `bytes` is the largest backup's size of the day.
    """
    today = now.astimezone(UTC).date()
    made: dict[object, list[Backup]] = {}
    for backup in backups:
        if backup.ours and backup.counted and backup.kind == "quillkeep":
            made.setdefault(backup.created.astimezone(UTC).date(), []).append(backup)
    tried = {
        job.started.astimezone(UTC).date()
        for job in jobs
        if job.verb == "backup" and job.started and job.state in ("failed", "refused", "lost")
    }
    days = []
    for back in reversed(range(DAYS)):
        date = today - timedelta(days=back)
        there = made.get(date, [])
        good: set[Part] = {part for backup in there for part in backup.good_parts}
        word: Literal["ok", "warn", "fail", "none"] = "none"
        if good.issuperset(PARTS):
            word = "ok"
        elif there:
            word = "warn"
        elif date in tried:
            word = "fail"
        size_of_day = max((backup.bytes for backup in there), default=0)
        days.append(Day(day=date, status=word, backups=len(there), bytes=size_of_day))
    return tuple(days)


def last_backup(backups: Sequence[Backup], jobs: Sequence[JobSummary]) -> Moment | None:
    """The newest backup of ours, good or not."""
    newest = next((one for one in backups if one.ours and one.counted and one.kind == "quillkeep"), None)
    if newest is None:
        return None
    made = next((job for job in jobs if job.verb == "backup" and job.summary.startswith(newest.id)), None)
    if newest.missing:
        status = "incomplete"
    elif newest.suspicious:
        status = "suspicious"
    else:
        status = "good" if newest.good else "not good"
    return Moment(at=newest.created, subject=newest.id, status=status, seconds=_seconds(made))


def last_verification(backups: Sequence[Backup]) -> Moment | None:
    """The newest verification of any backup."""
    checked = [one for one in backups if one.verified is not None]
    if not checked:
        return None
    newest = max(checked, key=lambda one: (one.verified.at if one.verified else one.created, one.id))
    assert newest.verified is not None
    return Moment(
        at=newest.verified.at,
        subject=newest.id,
        status=newest.verified.status,
        left=f"{newest.verified.depth}, by {newest.verified.proof}",
    )


def last_restore(jobs: Sequence[JobSummary], swaps: Sequence[SwapSeen]) -> Moment | None:
    """The newest restore, rollback or finish that was let begin, and the copies it left.

    One that was refused restored nothing: it stands in Jobs and History, never in front of one that did.
    """
    job = next(
        (
            one
            for one in jobs
            if one.verb in ("restore", "rollback", "finish")
            and one.state not in ("running", "cancelling", "refused")
        ),
        None,
    )
    swap = swaps[0] if swaps else None
    if job is None or job.started is None:
        if swap is None:
            return None
        word = "interrupted" if swap.state in ("unfinished", "loading") else "done"
        at = swap.finished or swap.started
        return Moment(at=at, subject=f"{swap.verb} {swap.job}", status=word, left=_left(swap))
    own = next((one for one in swaps if one.job == job.id), swap)
    return Moment(
        at=job.finished or job.started,
        subject=f"{job.verb} {job.id}",
        status=job.state,
        seconds=_seconds(job),
        left=_left(own, named=own.job != job.id) if own is not None else "",
    )


def _left(swap: SwapSeen, *, named: bool = False) -> str:
    """The copies a swap holds; `named` where it is another job than the one told of."""
    if swap.state == "holds copies":
        until = f" until {day(swap.until)}" if swap.until else ""
        of = f" of {swap.job}" if named else ""
        return f"rollback copies{of} {size(swap.bytes)}{until}"
    return ""


def _seconds(job: JobSummary | None) -> float | None:
    if job is None or job.started is None or job.finished is None:
        return None
    return (job.finished - job.started).total_seconds()
