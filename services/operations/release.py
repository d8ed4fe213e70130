"""`release`: lets the rollback copies of a restore go, after saying what exists nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from services.counted import counted
from services.errors import Refused
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock
from services.jobs.giving_way import clear_registered
from services.mongo.aside import drop_aside
from services.mongo.connect import list_live
from services.mongo.live_sums import batch_documents
from services.mongo.placements import delete_placements, read_placements
from services.mongo.record import UNFINISHED, SwapRecord, delete_record, read_record, read_records
from services.names import is_ours
from services.operations.restore_model import ReleasePlan
from services.recovery.choose import database_of, holding
from services.recovery.session import Session, open_session

if TYPE_CHECKING:
    from pymongo.database import Database

IDS_AT_ONCE = 1_000


class ReleasedCollection(msgspec.Struct, frozen=True, kw_only=True):
    """One copy: its documents, how many of them are nowhere else in the live collection, and bytes freed."""

    copy: str
    name: str
    documents: int
    only_here: int
    bytes: int


class ReleaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """What went (or, in a dry run, would go)."""

    status: Literal["ok", "warnings"]
    job: str
    released: bool
    collections: tuple[ReleasedCollection, ...]
    objects: int
    bytes: int
    warnings: tuple[str, ...] = ()


def release(plan: ReleasePlan, ctx: JobContext) -> ReleaseResult:
    """Counts, then drops the copies of one restore, rollback or undo, late ones and objects included.

    Errors: `Refused` for an unknown job, an interrupted one, or a READ-ONLY profile.
    """
    if ctx.profile.read_only and not plan.dry_run:
        raise Refused(
            "This profile is READ-ONLY: nothing live may be changed.",
            next="Run it without --read-only, and with a profile that has no read_only=true.",
        )
    name = plan.to_database or database_of(ctx, plan.job)
    with open_session(ctx.profile, name, writing=not plan.dry_run, ctx=ctx) as session:
        if plan.dry_run:
            return _release(plan, ctx, session, drop=False)
        with DatabaseLock.acquire(
            session.database, job=ctx.job, verb="release", clock=ctx.clock, check=ctx.check, tell=ctx.log
        ):
            clear_registered(session.database, job=ctx.job, cancel=False, log=ctx.log)
            return _release(plan, ctx, session, drop=True)


def _find(session: Session, job: str) -> SwapRecord:
    record = read_record(session.database, job)
    if record is None:
        there = ", ".join(entry.job for entry in holding(session.database)) or "none"
        raise Refused(
            f"No restore or rollback {job} holds copies in {session.database.name}.",
            cause=f"These do: {there}.",
            next="`quillkeep jobs` lists the jobs; name one that holds copies.",
        )
    if record.state in (*UNFINISHED, "loading"):
        raise Refused(
            f"The {record.verb} {job} is not finished; its copies may be the only whole ones.",
            next=f"Finish it with `quillkeep restore --finish {job}` or undo it with `quillkeep rollback {job}`.",
        )
    return record


def _copies(record: SwapRecord, session: Session) -> list[tuple[str, str]]:
    """(copy, live name) of everything this record still holds."""
    live = list_live(session.database)
    found = []
    for pair in record.pairs:
        aside = pair.aside if record.state == "failed" else None
        for name in (aside, pair.old, *pair.late):
            if name is not None and name in live and is_ours(name):
                found.append((name, pair.name))
    return found


def _release(plan: ReleasePlan, ctx: JobContext, session: Session, *, drop: bool) -> ReleaseResult:
    from services.objects.undo import copies_of, release_objects
    from services.recovery.objects_part import open_target

    record = _find(session, plan.job)
    copies = _copies(record, session)
    phase = ctx.phase("counting what exists nowhere else", total=len(copies), unit="collections")
    released = []
    for copy, name in copies:
        released.append(_count(session, copy, name, ctx))
        phase.advance(1)
    phase.finish()
    objects = size = 0
    if record.objects is not None:
        bucket = open_target(ctx, record.objects.bucket)
        objects, size = copies_of(bucket, record.job, check=ctx.check)
    warnings: list[str] = []
    if drop:
        ctx.commit()
        ctx.phase("releasing")
        for copy, _ in copies:
            drop_aside(session.database, copy)
        if record.objects is not None:
            gone = release_objects(open_target(ctx, record.objects.bucket), record.job)
            if gone.failed:
                warnings.append(
                    f"{counted(len(gone.failed), 'copies')} in the bucket could not be deleted; release again later."
                )
        if not warnings:
            if read_placements(session.database, record.job):
                delete_placements(session.database, record.job)
            delete_record(session.database, record.job)
            _forget_chain(session.database, record)
    return ReleaseResult(
        status="warnings" if warnings else "ok",
        job=record.job,
        released=drop,
        collections=tuple(released),
        objects=objects,
        bytes=size + sum(entry.bytes for entry in released),
        warnings=tuple(warnings),
    )


def _forget_chain(database: Database[Any], record: SwapRecord) -> None:
    """A record that was rolled back by the released one, and holds nothing, goes with it."""
    live = list_live(database)
    for other in read_records(database):
        if other.rolled_back_by == record.job and not any(
            name in live for pair in other.pairs for name in (pair.old, *pair.late) if name
        ):
            delete_record(database, other.job)


def _count(session: Session, copy: str, name: str, ctx: JobContext) -> ReleasedCollection:
    """Documents of a copy whose bytes the live collection does not have under the same `_id`."""
    from bson.raw_bson import RawBSONDocument

    raw = session.fast[session.database.name]
    documents = only = size = 0
    batch: list[RawBSONDocument] = []

    def compare() -> int:
        ids = [document["_id"] for document in batch]
        held = {bytes(found.raw) for found in raw[name].find({"_id": {"$in": ids}})}
        return sum(1 for document in batch if bytes(document.raw) not in held)

    for document in raw[copy].find({}, batch_size=batch_documents(4096)):
        documents += 1
        size += len(document.raw)
        batch.append(document)
        if len(batch) == IDS_AT_ONCE:
            ctx.check()
            only += compare()
            batch.clear()
    if batch:
        only += compare()
    return ReleasedCollection(copy=copy, name=name, documents=documents, only_here=only, bytes=size)
