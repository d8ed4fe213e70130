"""Jobs that work aside in a live database without holding its lock: they register, and give way to those that do.

A document per job beside the lock in `__quillkeep_jobs`. A job that takes the lock marks them cancelled, waits
for them, and drops what stays; they look at their document once a second.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from services.errors import Cancelled, QuillkeepError, Refused
from services.jobs.context import utc_now
from services.jobs.database_lock import answered, jobs_documents, patiently, read_lock
from services.jobs.host import HostIdentity, Owner, life_of, this_host, this_owner
from services.jobs.locks import HEARTBEAT_SECONDS, SILENCE_SECONDS, Heartbeat, owner_in_words
from services.jobs.process import ProcessIdentity

if TYPE_CHECKING:
    from pymongo.database import Database

KIND = "aside"


class GaveWay(Cancelled):
    """A job ended because another one needs the database: nothing of it is left there."""


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A job that works aside; `silent` is seconds since its heartbeat by the server's clock."""

    owner: Owner
    token: str
    started: datetime
    heartbeat: datetime
    silent: float
    cancelled_by: str = ""

    @property
    def dead(self) -> bool:
        """Whether its process is gone; after a reboot only once it was silent for a minute."""
        life = life_of(self.owner, this_host())
        return life == "dead" or (life == "rebooted" and self.silent >= SILENCE_SECONDS)

    def describe(self) -> str:
        """One phrase: job, verb, user, host, since when, last sign of life."""
        return owner_in_words(self.owner, self.started, self.heartbeat)


class Registration:
    """This job's own entry; made by `enter`, ended by `leave`."""

    def __init__(self, database: Database[Any], owner: Owner, token: str, heartbeat_seconds: float) -> None:
        self._documents = jobs_documents(database)
        self._mine = {"_id": entry_id(owner.job), "token": token}
        self.owner = owner
        self._heartbeat = Heartbeat(self._beat, heartbeat_seconds, f"registered-{owner.job}")

    @classmethod
    def enter(
        cls,
        database: Database[Any],
        *,
        job: str,
        verb: str,
        clock: Callable[[], datetime] = utc_now,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> Registration:
        """Registers, then looks at the lock: whoever comes second sees the other.

        Errors: `Refused` naming the owner when another job holds the lock; `QuillkeepError` when the server
        does not answer or does not allow it.
        """
        owner = this_owner(job, verb)
        token = secrets.token_hex(16)
        documents = jobs_documents(database)
        mine = {"_id": entry_id(job), "token": token}
        document = msgspec.to_builtins(owner) | {"kind": KIND, "started": clock(), "cancelled_by": ""}
        change = {"$setOnInsert": document, "$currentDate": {"heartbeat": True}}
        patiently(database, lambda: documents.update_one(mine, change, upsert=True))
        entry = cls(database, owner, token, heartbeat_seconds)
        try:
            holder = read_lock(database)
            if holder is not None and life_of(holder.owner, this_host()) != "dead":
                raise Refused(
                    f"Another job works on the database {database.name}.",
                    cause=f"The lock is held by {holder.describe()}.",
                    next=f"Wait for it: `quillkeep jobs follow {holder.job}`. Then run this again.",
                )
        except BaseException:
            with contextlib.suppress(QuillkeepError):
                entry.leave()
            raise
        return entry

    def look(self) -> None:
        """Raises `GaveWay` once another job asked for it, or took the entry away."""
        found = patiently(
            self._documents.database, lambda: self._documents.find_one(self._mine, {"cancelled_by": 1})
        )
        if found is not None and not found.get("cancelled_by"):
            return
        by = found.get("cancelled_by") if found else ""
        raise GaveWay(
            f"Gave way to job {by}." if by else "Gave way: another job took this one's registration away.",
            touched="Nothing live was changed, and the copies this job had loaded were dropped.",
            next="Run it again when that job has ended"
            + (f": `quillkeep jobs follow {by}` shows it." if by else "."),
        )

    def leave(self) -> None:
        """Removes the entry; the job's copies must be gone by then."""
        self._heartbeat.stop()
        patiently(self._documents.database, lambda: self._documents.delete_one(self._mine))

    def stop(self) -> None:
        """Leaves the entry for a later job, since copies stay: without heartbeats it counts as dead."""
        self._heartbeat.stop()

    def _beat(self) -> bool:
        from pymongo.errors import PyMongoError

        try:
            result = self._documents.update_one(self._mine, {"$currentDate": {"heartbeat": True}})
        except PyMongoError:
            return True
        return result.matched_count == 1


def read_registered(database: Database[Any]) -> list[Registered]:
    """Every job that is registered in this database, alive or not, oldest first."""
    pipeline: list[Mapping[str, Any]] = [
        {"$match": {"kind": KIND}},
        {"$addFields": {"now": "$$NOW"}},
        {"$sort": {"started": 1}},
    ]
    with answered(database.name):
        found = list(jobs_documents(database).aggregate(pipeline))
    return [entry for document in found if (entry := _decode(dict(document))) is not None]


def entry_id(job: str) -> str:
    """The `_id` of a job's registration."""
    return f"{KIND}-{job}"


def _decode(document: dict[str, Any]) -> Registered | None:
    """None for an entry of another shape: a restore must not fail for it."""
    try:
        now, heartbeat = document["now"], document["heartbeat"]
        return Registered(
            owner=Owner(
                job=document["job"],
                verb=document["verb"],
                host=msgspec.convert(document["host"], HostIdentity),
                process=msgspec.convert(document["process"], ProcessIdentity),
                user=document["user"],
            ),
            token=document["token"],
            started=document["started"],
            heartbeat=heartbeat,
            silent=max(0.0, (now - heartbeat).total_seconds()),
            cancelled_by=document.get("cancelled_by") or "",
        )
    except (KeyError, TypeError, AttributeError, msgspec.ValidationError):
        return None
