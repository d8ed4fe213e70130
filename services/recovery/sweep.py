"""What a dead job left before it changed anything: swept by the next job that holds the lock."""

from __future__ import annotations

from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock
from services.jobs.giving_way import clear_registered
from services.jobs.registered import read_registered
from services.mongo.record import delete_record, read_records
from services.names import JOBS_COLLECTION
from services.recovery.series import drop_created
from services.recovery.session import Session
from services.recovery.steps import drop_asides


def make_room(session: Session, ctx: JobContext) -> None:
    """For a job that holds the lock: those that work aside give way, and what the dead left there goes."""
    clear_registered(session.database, job=ctx.job, cancel=True, check=ctx.check, log=ctx.log)


def leftovers(session: Session, ctx: JobContext) -> None:
    """Drops the copies of jobs that died while loading; their process is gone, since the lock was free."""
    clear_registered(session.database, job=ctx.job, cancel=False, log=ctx.log)
    for record in read_records(session.database):
        if record.state != "loading" or record.job == ctx.job:
            continue
        left = [*drop_asides(session, record.job), *drop_created(session, record)]
        if left:
            ctx.log(f"Copies of the dead job {record.job} could not be dropped: {'; '.join(left)}", "warning")
            continue
        delete_record(session.database, record.job)
        ctx.log(f"Dropped the copies that the dead job {record.job} had loaded; it had changed nothing.")
    session.database[JOBS_COLLECTION].delete_many({"_id": {"$regex": "^durable-"}})


def sweep_dead(session: Session, ctx: JobContext) -> list[str]:
    """For a job that holds no lock: sweeps when there is something to sweep and nobody works here; warnings."""
    try:
        dead = any(entry.dead for entry in read_registered(session.database))
        if not dead and not any(record.state == "loading" for record in read_records(session.database)):
            return []
        with DatabaseLock.acquire(
            session.database, job=ctx.job, verb="sweep", clock=ctx.clock, check=ctx.check
        ):
            leftovers(session, ctx)
    except Refused:
        # A job works here: the copies may be its own.
        return []
    except QuillkeepError as trouble:
        return [f"Copies that a dead job loaded were not dropped: {trouble.what} {trouble.cause}".strip()]
    return []
