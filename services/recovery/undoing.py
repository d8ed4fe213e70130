"""Undoing an interrupted swap: what was live is live again by UUID, and copies that never went live are dropped."""

from __future__ import annotations

from msgspec.structs import replace

from services.archive.documents import hex64
from services.errors import QuillkeepError
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock
from services.jobs.events import RENAMING
from services.mongo.commands import INDEX_NOT_FOUND, CommandFailed, run_again
from services.mongo.live_sums import live_sums
from services.mongo.record import Pair, SwapRecord, delete_record, load_spec, read_record, save_record
from services.mongo.rename import listing, name_of, rename_by_uuid
from services.names import old_name
from services.recovery.ending import ways_on
from services.recovery.objects_part import open_target, undo_job
from services.recovery.series import drop_created
from services.recovery.session import Session
from services.recovery.steps import drop_asides, make_swapper, store


def undo(
    record: SwapRecord, ctx: JobContext, session: Session, lock: DatabaseLock, warnings: list[str]
) -> dict[str, tuple[int, list[str]]]:
    """Puts everything back and proves by UUID that it is; gives {name: (documents, indexes)} of what is live.

    A collection that went live and was written since is kept as a copy of this job. Cannot itself be
    rolled back. Errors: `QuillkeepError` with the ways on when something could not be put back.
    """
    lock.assert_held()
    ctx.commit()
    ctx.checkpoint(RENAMING, job=record.job, pairs=len(record.pairs))
    if record.objects is not None:
        # From here on the bucket is neither old nor new: a finish has to put the objects again.
        record = replace(record, state="objects")
        store(session, record, ctx)
    ctx.phase("putting back", total=len(record.pairs), unit="collections")
    if record.objects is not None:
        bucket = open_target(ctx, record.objects.bucket)
        undone = undo_job(bucket, session.database, record.job)
        for words in undone.words:
            ctx.log(words)
        if not undone.complete:
            raise QuillkeepError(
                "Not every replaced object could be put back.",
                cause=" ".join(undone.words),
                touched="No collection was touched.",
                next=ways_on(record.job),
            )
    swapper = make_swapper(session, record, ctx, lock, warnings)
    try:
        swapper.put_back()
    except QuillkeepError as error:
        error.touched = "Some collections may be put back and others not; nothing is lost."
        error.next = ways_on(record.job)
        raise
    record = read_record(session.database, record.job) or record
    if record.verb == "restore":
        _keep_written(record, ctx, session)
        left = drop_asides(session, record.job)
        if left:
            warnings.append(f"Could not be dropped and will be by the next restore: {'; '.join(left)}")
        kept_series = drop_created(session, record)
        if kept_series:
            warnings.append(f"Stays live: {'; '.join(kept_series)}")
    problems = _prove(record, session)
    if problems:
        raise QuillkeepError(
            "Putting back ended, but not everything is as it was.",
            cause="; ".join(problems),
            touched="",
            next=ways_on(record.job),
        )
    _settle(record, ctx, session)
    return _counts(record, session)


def _keep_written(record: SwapRecord, ctx: JobContext, session: Session) -> None:
    """Copies that are not what was proven were written while they were live: they are kept under this job.

    Told by their content, since an undo that was interrupted itself leaves nothing else to tell by; named in
    a record before they get the name.
    """
    live = listing(session.database)
    kept = [
        replace(
            pair, old=old_name(ctx.job, pair.ordinal), old_uuid=pair.aside_uuid, aside=None, aside_uuid=None
        )
        for pair in record.pairs
        if pair.content and pair.aside and name_of(live, pair.aside_uuid) == pair.aside
        if _was_written(pair, pair.aside, session)
    ]
    if not kept:
        return
    now = ctx.clock()
    save_record(
        session.database,
        SwapRecord(
            job=ctx.job,
            verb="rollback",
            state="undone",
            database=session.database.name,
            started=now,
            finished=now,
            backup=record.backup,
            of=record.job,
            pairs=tuple(kept),
        ),
    )
    for pair in kept:
        assert pair.old_uuid is not None and pair.old is not None
        rename_by_uuid(session.database, pair.old_uuid, pair.old, guard=session.guard, on_wait=ctx.log)
        for text in pair.ttl:
            _drop_ttl(session, pair.old, str(load_spec(text)["name"]))
        ctx.log(f"{pair.name} was written while it was live; that copy is kept as {pair.old}.", "warning")


def _was_written(pair: Pair, name: str, session: Session) -> bool:
    held = live_sums(session.database, name)
    return (held.documents, held.bytes, hex64(held.content)) != (pair.documents, pair.bytes, pair.content)


def _drop_ttl(session: Session, name: str, index: str) -> None:
    """Nothing may expire in a copy while it waits."""
    try:
        run_again(session.database, {"dropIndexes": name, "index": index}, f"drop the TTL index of {name}")
    except CommandFailed as error:
        if error.code != INDEX_NOT_FOUND:
            raise


def _prove(record: SwapRecord, session: Session) -> list[str]:
    live = listing(session.database)
    problems = []
    for pair in record.pairs:
        current = live.get(pair.name)
        if pair.outgoing == "absent":
            if current is not None:
                problems.append(f"{pair.name} should not be there")
        elif pair.outgoing == "view":
            if current is None or current.kind != "view":
                problems.append(f"the view {pair.name} is not back")
        elif current is None or current.uuid != pair.old_uuid:
            problems.append(f"{pair.name} is not the collection that was live before")
    return problems


def _settle(record: SwapRecord, ctx: JobContext, session: Session) -> None:
    if any(pair.late for pair in record.pairs):
        save_record(session.database, replace(record, state="undone", finished=ctx.clock()))
    else:
        delete_record(session.database, record.job)


def _counts(record: SwapRecord, session: Session) -> dict[str, tuple[int, list[str]]]:
    counts = {}
    for pair in record.pairs:
        if pair.outgoing == "collection":
            indexes = sorted(str(index["name"]) for index in session.database[pair.name].list_indexes())
            counts[pair.name] = (session.database[pair.name].count_documents({}), indexes)
    return counts
