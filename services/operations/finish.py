"""`restore --finish`: goes on where an interrupted restore or rollback stopped, deciding by UUIDs."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from msgspec.structs import replace

from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock
from services.mongo.insert import Rejected
from services.mongo.record import ObjectsRecord, SwapRecord
from services.objects.keys import old_folder
from services.operations.restore import unallowed
from services.operations.restore_model import (
    ROLLBACK_HOURS,
    FinishPlan,
    RestoredCollection,
    RestoredObjects,
    RestoreResult,
    in_words,
)
from services.recovery import ending, guards
from services.recovery.application import Application
from services.recovery.choose import database_of, waiting
from services.recovery.in_place import finish_in_place
from services.recovery.objects_part import ObjectsDone, draft_objects, open_target
from services.recovery.pairs_proof import proof_of_record
from services.recovery.pepper_proof import pepper_of_record
from services.recovery.request import RestoreRequest
from services.recovery.reversal import roll_objects, settle
from services.recovery.session import Session, open_session
from services.recovery.steps import prove_asides, store
from services.recovery.stragglers import wait_for_renames
from services.recovery.sweep import make_room
from services.recovery.watching import watched


def finish(plan: FinishPlan, ctx: JobContext) -> RestoreResult:
    """Proves every copy that is still aside again, then swaps the rest and proves what is live.

    Answers `ok` when nothing is left to do. Errors: `Refused` when the job had changed nothing or is not
    known; as `restore` otherwise.
    """
    if ctx.profile.read_only:
        raise Refused(
            "This profile is READ-ONLY: nothing live may be changed.",
            next="Run it without --read-only, and with a profile that has no read_only=true.",
        )
    name = plan.to_database or database_of(ctx, plan.job)
    with (
        watched(ctx) as ready,
        open_session(ctx.profile, name, writing=True, ctx=ctx) as session,
        DatabaseLock.acquire(
            session.database, job=ctx.job, verb="finish", clock=ctx.clock, check=ctx.check, tell=ctx.log
        ) as lock,
    ):
        make_room(session, ctx)
        record = waiting(session.database, plan.job)
        if record.state in ("done", "rolled-back", "released"):
            return _after_all(record, ctx, session)
        if record.state not in ("objects", "swapping", "proving"):
            raise Refused(
                f"{record.verb.capitalize()} {record.job} ended before it changed anything.",
                next=f"Start the restore again. `quillkeep rollback {record.job}` drops what this one had loaded.",
            )
        ready()
        return _go_on(record, ctx, session, lock)


def _after_all(record: SwapRecord, ctx: JobContext, session: Session) -> RestoreResult:
    """The swap is done and proven; its job may have died before its last small steps."""
    ctx.log(f"{record.verb.capitalize()} {record.job} is finished already; nothing was left to swap.")
    warnings: list[str] = []
    if record.state == "done":
        if record.verb == "rollback" and record.of is not None:
            settle(session, record.of, record.job, ctx)
        if not record.leave_app_stopped:
            application = Application(ctx, session, concerned=_concerned(ctx, session))
            warnings += application.as_found(record.app_was_running, record.app_stopped_by_us)
    return _result(record, {}, None, warnings, {}, ctx)


def _concerned(ctx: JobContext, session: Session) -> bool:
    return ctx.profile.mongo is not None and session.database.name == ctx.profile.mongo.database


def _go_on(record: SwapRecord, ctx: JobContext, session: Session, lock: DatabaseLock) -> RestoreResult:
    warnings: list[str] = []
    application = Application(ctx, session, concerned=_concerned(ctx, session))
    try:
        wait_for_renames(session, ctx)
        writers = application.stop()
        if record.app_stopped_by_us:
            application.adopt(record.app_was_running, True)
        risks, words = guards.writers(writers, session, replace(ctx.profile, app=None))
        warnings += words
        unallowed(risks, record.allowed)
        prove_asides(session, record, ctx)
        objects = None
        counts: dict[str, tuple[int, list[str]]] = {}
        if record.in_place and record.state != "objects":
            rejected = Rejected(ctx.folder / f"{ctx.job}.rejected.bson")
            counts = finish_in_place(record, ctx, session, rejected)
            warnings += [f"Not restored: {word}; kept in {rejected.path}" for word in rejected.words()]
            record = _with_objects(record, ctx)
            store(session, record, ctx)
        if record.state == "objects":
            objects, record = _objects_again(record, ctx, session, lock)
            warnings += objects.warnings
        lock.assert_held()
        ctx.commit()
        record = replace(record, state="swapping")
        store(session, record, ctx)
    except QuillkeepError as error:
        if record.in_place:
            raise
        error.touched = "What the interrupted job left is unchanged."
        error.next = f"{error.next} {ending.ways_on(record.job)}".strip()
        raise
    ended = ending.put_live(record, ctx, session, lock, application, warnings)
    if record.verb == "rollback" and record.of is not None:
        settle(session, record.of, record.job, ctx)
    told = proof_of_record(ctx, session.database, record)
    pepper, more = pepper_of_record(ctx, session.database, record)
    warnings = [*ended.warnings, *told.warnings, *more]
    result = _result(record, {**counts, **ended.counts}, objects, warnings, ended.set_aside, ctx)
    return replace(result, pairs=told.proof, pepper=pepper)


def _with_objects(record: SwapRecord, ctx: JobContext) -> SwapRecord:
    """The record of an in-place job whose collections are live, going on to the objects where there are any."""
    if record.verb == "rollback":
        return record if record.objects is None else replace(record, state="objects")
    from services.recovery.draft import choose_backup

    request = replace(msgspec.convert(record.request, RestoreRequest), backup=record.backup)
    if "objects" not in choose_backup(request, ctx)[1]:
        return record
    bucket = open_target(ctx, request.to_bucket)
    fresh = ObjectsRecord(bucket=bucket.name, prefix=old_folder(bucket.prefix, record.job))
    return replace(record, state="objects", objects=record.objects or fresh)


def _objects_again(
    record: SwapRecord, ctx: JobContext, session: Session, lock: DatabaseLock
) -> tuple[ObjectsDone, SwapRecord]:
    if record.verb == "rollback":
        assert record.of is not None
        done = roll_objects(session, record.of, record.job, ctx, lock)
        return done, record
    from services.recovery.draft import choose_backup

    request = msgspec.convert(record.request, RestoreRequest)
    found, _ = choose_backup(
        request if request.backup == record.backup else replace(request, backup=record.backup), ctx
    )
    draft = draft_objects(request, ctx, found.backup)
    if draft.refusals:
        raise Refused(draft.refusals[0], next=f"Then run `quillkeep restore --finish {record.job}` again.")
    done = draft.put(
        ctx, lock, session.database, allow_loss="possible-loss" in record.allowed, job=record.job
    )
    assert record.objects is not None
    return done, replace(
        record,
        objects=replace(
            record.objects,
            replaced=record.objects.replaced + done.replaced,
            added=record.objects.added + done.added,
            bytes=record.objects.bytes + done.replaced_bytes,
        ),
    )


def _result(
    record: SwapRecord,
    counts: dict[str, tuple[int, list[str]]],
    objects: ObjectsDone | None,
    warnings: list[str],
    set_aside: dict[str, int],
    ctx: JobContext,
) -> RestoreResult:
    return RestoreResult(
        status="warnings" if warnings else "ok",
        job=record.job,
        strategy="swap",
        backup=record.backup,
        collections={
            name: RestoredCollection(documents=documents, indexes=tuple(indexes))
            for name, (documents, indexes) in counts.items()
        },
        objects=RestoredObjects(
            put=objects.added + objects.replaced,
            kept=objects.kept,
            replaced=objects.replaced,
            bytes=objects.bytes,
        )
        if objects
        else None,
        rollback_until=(ctx.clock() + timedelta(hours=ROLLBACK_HOURS)).isoformat(),
        warnings=tuple(dict.fromkeys(warnings)),
        set_aside=set_aside,
        summary=in_words(
            record.verb,
            {name: documents for name, (documents, _) in counts.items()},
            (objects.added + objects.replaced, objects.kept) if objects else None,
            set_aside,
        )
        or f"{record.verb} {record.job} was finished already; nothing was left to swap",
    )
