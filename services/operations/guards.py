"""Whether a backup may be made now: nobody restores, and no half-done swap waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.errors import QuillkeepError, Refused

if TYPE_CHECKING:
    from pymongo.database import Database


def disturbance(database: Database[Any], job: str) -> tuple[str, str] | None:
    """(what, the next command) of whatever makes the live data neither old nor new; None when nothing does.

    A lock held by this very job does not count, nor one whose process is known to be gone: what it left
    half done is told by its record. Errors: `QuillkeepError` when the server does not answer.
    """
    from pymongo.errors import PyMongoError

    from services.jobs.database_lock import read_lock
    from services.jobs.host import life_of, this_host
    from services.jobs.locks import SILENCE_SECONDS
    from services.mongo.failures import translated
    from services.mongo.record import UNFINISHED
    from services.names import JOBS_COLLECTION

    owner = read_lock(database)
    if owner is not None and owner.job != job:
        life = life_of(owner.owner, this_host())
        if life in ("alive", "elsewhere") or (life == "rebooted" and owner.silent < SILENCE_SECONDS):
            return (
                f"A job is changing {database.name}: {owner.describe()}.",
                f"Wait for it: `quillkeep jobs follow {owner.job}`.",
            )
    try:
        query = {"kind": "swap", "state": {"$in": list(UNFINISHED)}, "_id": {"$ne": job}}
        unfinished = database[JOBS_COLLECTION].find_one(query, {"_id": 1})
    except PyMongoError as error:
        raise translated("Reading the jobs' records", error) from error
    if unfinished is not None:
        other = unfinished["_id"]
        return (
            f"The half-done swap of job {other} waits in {database.name}.",
            f"Go on with it: `quillkeep restore --finish {other}`, or undo it: `quillkeep rollback {other}`.",
        )
    return None


def changes_of(database: Database[Any], job: str) -> dict[str, str]:
    """{job: state} of every restore and rollback that the database knows of, but this job's own."""
    from pymongo.errors import PyMongoError

    from services.mongo.failures import translated
    from services.names import JOBS_COLLECTION

    try:
        found = list(database[JOBS_COLLECTION].find({"kind": "swap", "_id": {"$ne": job}}, {"state": 1}))
    except PyMongoError as error:
        raise translated("Reading the jobs' records", error) from error
    return {str(document["_id"]): str(document["state"]) for document in found}


def refuse_if_disturbed(database: Database[Any], job: str) -> None:
    """Before a backup: `Refused` (4)."""
    found = disturbance(database, job)
    if found is not None:
        raise Refused(
            "No backup is made while the live data is being changed.", cause=found[0], next=found[1]
        )


def fail_if_disturbed(database: Database[Any], job: str, before: dict[str, str]) -> None:
    """After the data was read: failed (1), since what was read may be half of each.

    `before` is what `changes_of` gave when the backup began: a restore may have begun and ended since.
    """
    found = disturbance(database, job)
    if found is None:
        now = changes_of(database, job)
        passed = sorted(other for other, state in now.items() if before.get(other) != state != "loading")
        if passed:
            found = f"Job {passed[-1]} changed {database.name} meanwhile.", "Run the backup again."
    if found is not None:
        raise QuillkeepError(
            "A restore began while the backup was made, so it may hold half of each state.",
            cause=found[0],
            touched="What was written of this backup was removed; earlier backups are as they were.",
            next=found[1],
        )
