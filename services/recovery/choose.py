"""Which earlier restore or rollback an admin means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from services.errors import Refused
from services.jobs.context import JobContext
from services.mongo.record import HOLDS_COPIES, UNFINISHED, SwapRecord, read_records

if TYPE_CHECKING:
    from pymongo.database import Database


class _Request(msgspec.Struct):
    to_database: str | None = None


class _Plan(msgspec.Struct):
    request: _Request | None = None
    to_database: str | None = None


class _FirstLine(msgspec.Struct):
    plan: _Plan


def database_of(ctx: JobContext, job: str | None) -> str | None:
    """The database a job of this host worked on when it was not the profile's, by the first line of its journal."""
    if job is None or "/" in job:
        return None
    journal = Path(ctx.paths.jobs) / job / "journal.jsonl"
    try:
        with journal.open("rb") as stream:
            first = msgspec.json.decode(stream.readline(), type=_FirstLine)
    except (OSError, msgspec.DecodeError):
        return None
    plan = first.plan
    return plan.to_database or (plan.request.to_database if plan.request else None)


def waiting(database: Database[Any], job: str) -> SwapRecord:
    """The record of a job that `restore --finish` is asked for. Errors: `Refused` naming what there is."""
    records = read_records(database)
    found = next((record for record in records if record.job == job), None)
    if found is not None:
        return found
    interrupted = [record.job for record in records if record.state in UNFINISHED]
    raise Refused(
        f"No restore {job} is known in the database {database.name}.",
        cause=f"Interrupted and waiting: {', '.join(interrupted)}." if interrupted else "None is waiting.",
        next="`quillkeep jobs` lists the jobs of this host.",
    )


def to_roll_back(database: Database[Any], job: str | None) -> SwapRecord:
    """The record to roll back: the job named, else the newest that holds copies or waits.

    Errors: `Refused` for an unknown job, one without copies, and an older one while a newer stands.
    """
    records = read_records(database)
    standing = [record for record in records if record.state in ("done", "failed", *UNFINISHED)]
    if job is None:
        if not standing:
            raise Refused(
                f"There is nothing to roll back in the database {database.name}.",
                next="`quillkeep jobs` lists the jobs of this host.",
            )
        return standing[-1]
    found = next((record for record in records if record.job == job), None)
    if found is not None and found.state == "loading":
        # Its process is gone, since the lock was free; undoing it drops what it had loaded.
        return found
    if found is None:
        raise Refused(
            f"No restore or rollback {job} is known in the database {database.name}.",
            cause=f"These can be rolled back: {', '.join(record.job for record in standing) or 'none'}.",
            next="`quillkeep jobs` lists the jobs; `quillkeep rollback` without JOB takes the newest.",
        )
    if found not in standing:
        words = {
            "rolled-back": f"was rolled back already by {found.rolled_back_by}",
            "released": "has been released: its copies are gone",
            "undone": "was an undo of an interrupted restore, which cannot be rolled back",
        }
        raise Refused(
            f"{found.verb.capitalize()} {job} {words.get(found.state, 'holds no copies')}.",
            cause=f"These can be rolled back: {', '.join(record.job for record in standing) or 'none'}.",
            next="`quillkeep rollback` without JOB takes the newest of these.",
        )
    newer = [record.job for record in standing if record.started > found.started]
    if newer:
        raise Refused(
            f"A newer one stands on top of {job}: {newer[-1]}.",
            next=f"Roll that back first: quillkeep rollback {newer[-1]}",
        )
    return found


def holding(database: Database[Any]) -> list[SwapRecord]:
    """Records whose copies still take space, oldest first."""
    return [
        record
        for record in read_records(database)
        if record.state in (*HOLDS_COPIES, "rolled-back", "failed")
    ]
