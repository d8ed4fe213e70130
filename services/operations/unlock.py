"""`unlock`: takes the locks and reading marks of one job away, for a job that is certainly dead or stuck."""

from __future__ import annotations

from pathlib import Path

import msgspec

from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.jobs.database_lock import break_lock, read_lock
from services.jobs.host import Owner, life_of
from services.jobs.location_lock import READING, Holder, break_marks, list_readers, read_writer


class UnlockPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The job whose locks are broken; `database` where it is not the profile's."""

    job: str
    database: str | None = None


class BrokenLock(msgspec.Struct, frozen=True, kw_only=True):
    """One lock or mark that is gone now: on what, and whose it was, in words."""

    kind: str
    where: str
    owner: str


class UnlockResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was unlocked; `warnings` name a job that still runs."""

    status: str
    warnings: tuple[str, ...] = ()
    job: str
    unlocked: tuple[BrokenLock, ...] = ()
    summary: str = ""


def unlock(plan: UnlockPlan, ctx: JobContext) -> UnlockResult:
    """Breaks the job's lock on the database and its marks in the profile's locations.

    Errors: `Refused` when the job holds nothing, naming who does, and for the database of a READ-ONLY
    profile; `QuillkeepError` when database or location cannot be reached (what was unlocked before stays so).
    """
    unlocked: list[BrokenLock] = []
    owners: list[Owner] = []
    others: list[str] = []
    warnings: list[str] = []
    _unlock_database(plan, ctx, unlocked, owners, others, warnings)
    for location in ctx.profile.locations:
        folder = Path(location.path)
        if not folder.is_dir():
            warnings.append(f"The location {location.path} is not there, so its marks were not looked at.")
            continue
        broken = break_marks(folder, plan.job)
        unlocked += [_told(holder) for holder in broken]
        owners += [holder.mark.owner for holder in broken if holder.mark]
        others += [
            f"{location.path}: {holder.describe()}"
            for holder in [read_writer(folder), *list_readers(folder)]
            if holder is not None
        ]
    if not unlocked:
        raise Refused(
            f"Job {plan.job} holds no lock.",
            cause=f"Held now: {'; '.join(others)}." if others else "No other job holds one either.",
            next=" ".join([*warnings, "`quillkeep jobs` lists the jobs."]),
        )
    if any(life_of(owner) == "alive" for owner in owners):
        warnings.append(
            f"Job {plan.job} still has a process ({owners[0].process.pid}); it stops before its next change."
        )
    for lock in unlocked:
        ctx.log(f"Unlocked {lock.where}, which was held by {lock.owner}.", "warning")
    return UnlockResult(
        status="warnings" if warnings else "ok",
        warnings=tuple(warnings),
        job=plan.job,
        unlocked=tuple(unlocked),
        summary=f"{len(unlocked)} of job {plan.job} unlocked",
    )


def _unlock_database(
    plan: UnlockPlan,
    ctx: JobContext,
    unlocked: list[BrokenLock],
    owners: list[Owner],
    others: list[str],
    warnings: list[str],
) -> None:
    if ctx.profile.mongo is None:
        return
    from services.mongo.connect import connect

    try:
        client = connect(ctx.profile.mongo)
    except QuillkeepError as error:
        warnings.append(f"The database's lock was not looked at. {error}")
        return
    try:
        database = client[plan.database or ctx.profile.mongo.database]
        held = read_lock(database)
        if held is None:
            return
        if held.job != plan.job:
            others.append(f"the database {database.name}: {held.describe()}")
            return
        if ctx.profile.read_only:
            raise Refused(
                "This profile is READ-ONLY: the lock in its database may not be broken.",
                next="Use a profile that is not.",
            )
        broken = break_lock(database, plan.job)
        unlocked.append(
            BrokenLock(kind="database", where=f"the database {database.name}", owner=broken.describe())
        )
        owners.append(broken.owner)
    finally:
        client.close()


def _told(holder: Holder) -> BrokenLock:
    kind = "reading" if holder.path.name.startswith(READING) else "location"
    return BrokenLock(kind=kind, where=f"the location {holder.path.parent}", owner=holder.describe())
