"""From the first rename to the last proof: what a restore, a finish and a rollback have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from msgspec.structs import replace

from services.counted import counted
from services.errors import NOTHING_TOUCHED, QuillkeepError
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock
from services.jobs.events import RENAMING
from services.jobs.locks import LockLost
from services.mongo.commands import CommandFailed
from services.mongo.failures import translated
from services.mongo.record import SwapRecord
from services.mongo.rename import ConnectionLost, count_of, listing, name_of
from services.recovery.application import Application
from services.recovery.session import Session
from services.recovery.steps import make_swapper, prove_live, store


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What is live now; `counts` are documents and index names by collection, `set_aside` documents of copies."""

    warnings: list[str]
    counts: dict[str, tuple[int, list[str]]]
    holds_copies: bool
    set_aside: dict[str, int]


def ways_on(job: str) -> str:
    """The two commands that lead out of an interrupted swap."""
    return f"Finish it with `quillkeep restore --finish {job}`, or undo it with `quillkeep rollback {job}`."


@contextmanager
def leading_on(job: str) -> Iterator[None]:
    """Whatever breaks between the first rename and the end names the two commands that go on.

    An error that already says what it touched keeps its words.
    """
    from pymongo.errors import PyMongoError

    touched = "Some collections may be swapped and others not; nothing is lost."
    try:
        yield
    except ConnectionLost as error:
        error.touched = touched
        error.next = f"Start MongoDB, then: {ways_on(job)}"
        raise
    except LockLost as error:
        error.next = f"{error.next} {ways_on(job)}"
        raise
    except PyMongoError as error:
        raise translated("Finishing the swap", error, touched=touched, next=ways_on(job)) from error
    except QuillkeepError as error:
        if not error.next or error.touched == NOTHING_TOUCHED:
            error.touched = touched
            error.next = ways_on(job)
        raise


def put_live(
    record: SwapRecord,
    ctx: JobContext,
    session: Session,
    lock: DatabaseLock,
    application: Application,
    warnings: list[str],
) -> Ended:
    """Renames, proves by UUID, builds TTL indexes, records `done`, starts the application.

    If one collection cannot go live, everything is put back and the error says that the old state is
    whole. Errors: `CommandFailed`, `ConnectionLost` and `QuillkeepError` with the ways on.
    """
    with leading_on(record.job):
        return _put_live(record, ctx, session, lock, application, warnings)


def _put_live(
    record: SwapRecord,
    ctx: JobContext,
    session: Session,
    lock: DatabaseLock,
    application: Application,
    warnings: list[str],
) -> Ended:
    swapper = make_swapper(session, record, ctx, lock, warnings)
    if record.pairs:
        ctx.checkpoint(RENAMING, job=record.job, pairs=len(record.pairs))
        phase = ctx.phase(
            "swapping", counted(len(record.pairs), "collections"), total=len(record.pairs), unit="collections"
        )
        try:
            swapper.put_live(phase.advance)
        except CommandFailed as error:
            _put_back(swapper.record, ctx, session, lock, application, warnings, error)
            raise
        phase.finish()
    record = replace(swapper.record, state="proving")
    store(session, record, ctx)
    ctx.phase("proving what is live")
    problems, found, counts = prove_live(session, record)
    warnings += found
    if problems:
        raise QuillkeepError(
            "The restored collections are live, but the proof failed.",
            cause="; ".join(problems),
            touched="What was live before is kept beside it; the application stays stopped.",
            next=ways_on(record.job),
        )
    swapper.record = record
    swapper.build_incoming_ttl()
    copies = any(pair.old or pair.late for pair in record.pairs)
    objects = record.objects
    holds = copies or any(pair.aside_uuid or pair.view for pair in record.pairs) or objects is not None
    record = replace(record, state="done", finished=ctx.clock())
    store(session, record, ctx)
    warnings += application.start_again(leave_stopped=record.leave_app_stopped)
    if record.app_stopped_by_us and not application.stopped_by_us:
        # Only while this stands does a later finish or rollback start what was stopped here.
        record = replace(record, app_stopped_by_us=False)
        store(session, record, ctx)
    warnings += _health(ctx, application, record)
    return Ended(warnings=warnings, counts=counts, holds_copies=holds, set_aside=_set_aside(record, session))


def _set_aside(record: SwapRecord, session: Session) -> dict[str, int]:
    """Documents of what is not live any more: of a restore what nothing replaced, of a rollback everything."""
    live = listing(session.database)
    found = {}
    for pair in record.pairs:
        if pair.outgoing == "collection" and (record.verb == "rollback" or pair.incoming == "absent"):
            where = name_of(live, pair.old_uuid)
            if where is not None and where != pair.name:
                found[pair.name] = count_of(session.database, where)
    return found


def _health(ctx: JobContext, application: Application, record: SwapRecord) -> list[str]:
    if not ctx.profile.health_url or record.leave_app_stopped or not application.concerned:
        return []
    from services.app_health import probe_health

    health = probe_health(ctx.profile.health_url)
    if health.healthy:
        return []
    ill = ", ".join(f"{name} {word}" for name, word in health.services.items() if word != "healthy")
    return [
        f"The application's health URL says {health.status_code or health.state}: {ill or health.detail}."
    ]


def _put_back(
    record: SwapRecord,
    ctx: JobContext,
    session: Session,
    lock: DatabaseLock,
    application: Application,
    warnings: list[str],
    error: CommandFailed,
) -> None:
    """One collection could not go live: every pair goes back, and the error says how that ended."""
    ctx.log(f"{error.what} Putting everything back.", "error")
    swapper = make_swapper(session, record, ctx, lock, warnings)
    try:
        swapper.put_back()
    except (CommandFailed, ConnectionLost) as trouble:
        error.touched = (
            f"Putting back stopped as well: {trouble.what} Some collections may be swapped and others not."
        )
        error.next = ways_on(record.job)
        return
    store(session, replace(swapper.record, state="failed", finished=ctx.clock()), ctx)
    words = ["Every collection is live as it was before."]
    if record.objects is not None and (record.objects.replaced or record.objects.added):
        words.append("The objects that were put stay.")
    if record.series:
        words.append(f"The time series that were created stay: {', '.join(p.name for p in record.series)}.")
    words += application.start_again()
    error.touched = " ".join(words)
    error.next = f"`quillkeep rollback {record.job}` puts replaced objects back and drops the loaded copies."
