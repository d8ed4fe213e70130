"""What a dead job left before it changed anything: swept by the next job that holds the lock."""

from __future__ import annotations

from services.jobs.context import JobContext
from services.mongo.record import delete_record, read_records
from services.names import JOBS_COLLECTION
from services.recovery.series import drop_created
from services.recovery.session import Session
from services.recovery.steps import drop_asides


def leftovers(session: Session, ctx: JobContext) -> None:
    """Drops the copies of jobs that died while loading; their process is gone, since the lock was free."""
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
