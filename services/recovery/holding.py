"""A job that was suspended until its lock was broken: what it still may do, and what it says."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.errors import QuillkeepError
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock, read_lock
from services.jobs.locks import LockLost
from services.mongo.record import read_record
from services.recovery.application import Application
from services.recovery.session import Session

LOOK_SECONDS = 1.0


def holding(lock: DatabaseLock, check: Callable[[], None]) -> Callable[[], None]:
    """`check` that also looks at the lock once a second, so that a woken job stops before it goes on loading."""
    looked = time.monotonic()

    def both() -> None:
        nonlocal looked
        check()
        if time.monotonic() - looked >= LOOK_SECONDS:
            looked = time.monotonic()
            lock.assert_held()

    return both


def explain_lost(
    error: LockLost,
    ctx: JobContext,
    session: Session,
    application: Application,
    *,
    drop: Callable[[], list[str]] | None,
) -> None:
    """Says what a job leaves whose lock is another's now; only copies that nobody else can know are dropped.

    `drop` drops them and gives what stays; None when a record names them. The application is started again
    only while nobody else works on the database.
    """
    touched = ["No collection was renamed by this job."]
    try:
        if drop is not None:
            left = drop()
            touched.append(
                f"Copies that stay until the next job sweeps them: {'; '.join(left)}."
                if left
                else "The copies it had loaded were dropped."
            )
        elif read_record(session.database, ctx.job) is not None:
            touched.append("What it had put into the bucket stays, with the copies of what was there before.")
            error.next = f"Put it back with `quillkeep rollback {ctx.job}`, or go on with `quillkeep restore --finish {ctx.job}`."
        else:
            touched.append("What it had put into the bucket was put back by another job meanwhile.")
        if application.stopped_by_us:
            if read_lock(session.database) is None:
                touched += application.start_again()
            else:
                touched.append("The application was left stopped, since another job works on the database.")
    except QuillkeepError as trouble:
        touched.append(f"What is there now could not be looked at: {trouble.what}")
    error.touched = " ".join(touched)
