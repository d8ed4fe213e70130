"""The one lock of jobs that change a database or its bucket: a document every host can see."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec

from services.errors import QuillkeepError, Refused
from services.jobs.context import utc_now
from services.jobs.host import HostIdentity, Owner, life_of, this_host, this_owner
from services.jobs.locks import HEARTBEAT_SECONDS, SILENCE_SECONDS, Heartbeat, lock_lost, owner_in_words
from services.jobs.process import ProcessIdentity
from services.mongo.commands import outage_seconds
from services.names import JOBS_COLLECTION
from services.redact import redact

if TYPE_CHECKING:
    from pymongo.collection import Collection
    from pymongo.database import Database

T = TypeVar("T")
LOCK_ID = "lock"
OPERATION_SECONDS = 10.0
"""How long one operation on the lock may take before it counts as unanswered."""
ELECTION_SECONDS = 30.0
"""How long a look at the token goes on through an election or a network fault."""


class LockOwner(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a database's lock; `silent` is seconds since the heartbeat by the server's clock."""

    owner: Owner
    token: str
    started: datetime
    heartbeat: datetime
    silent: float

    @property
    def job(self) -> str:
        """The job's id."""
        return self.owner.job

    def describe(self) -> str:
        """One phrase: job, verb, user, host, since when, last sign of life."""
        return owner_in_words(self.owner, self.started, self.heartbeat)


class DatabaseLock:
    """A held lock; made by `acquire`, a context manager that releases it."""

    def __init__(self, locks: Collection[Any], owner: Owner, token: str, heartbeat_seconds: float) -> None:
        self._locks = locks
        self._mine = {"_id": LOCK_ID, "token": token}
        self.owner = owner
        self.token = token
        self.place = f"the database {locks.database.name}"
        self._heartbeat = Heartbeat(self._beat, heartbeat_seconds, f"heartbeat-{owner.job}")

    @classmethod
    def acquire(
        cls,
        database: Database[Any],
        *,
        job: str,
        verb: str,
        clock: Callable[[], datetime] = utc_now,
        check: Callable[[], None] = lambda: None,
        tell: Callable[[str], None] = lambda _: None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> DatabaseLock:
        """Takes the lock, clearing a dead one of this host first.

        After a reboot it waits until the old heartbeat stood still for `silence_seconds`, calling `check`
        (which may raise `Cancelled`) meanwhile and saying so once through `tell`. Errors: `Refused` naming
        the owner and the way on; `QuillkeepError` when the server does not answer or does not allow it.
        """
        owner = this_owner(job, verb)
        locks = jobs_documents(database)
        token = secrets.token_hex(16)
        told = False
        while True:
            if _try_insert(locks, owner, token, clock()):
                return cls(locks, owner, token, heartbeat_seconds)
            found = read_lock(database)
            if found is None:
                continue
            life = life_of(found.owner, this_host())
            if life in ("alive", "elsewhere"):
                raise _held(database.name, found, elsewhere=life == "elsewhere")
            if life == "rebooted" and found.silent < silence_seconds:
                if not told:
                    tell(
                        f"The lock on {database.name} is from before this host's restart: {found.describe()}. "
                        f"Waiting until it was silent for {silence_seconds:.0f} s."
                    )
                    told = True
                check()
                time.sleep(min(1.0, max(0.05, silence_seconds - found.silent)))
                continue
            seen = {"_id": LOCK_ID, "token": found.token, "heartbeat": found.heartbeat}
            with answered(database.name):
                locks.delete_one(seen)
            tell(f"Cleared the lock that a dead job left on {database.name}: {found.describe()}.")

    def assert_held(self) -> None:
        """Looks at the token on the primary; raises `LockLost` when it is not this job's any more.

        Rides out an election for up to 30 s; then raises `QuillkeepError`, the lock being unknown.
        """
        if self._heartbeat.lost.is_set():
            raise lock_lost(self.place, self.owner.job)
        if not patiently(self._locks.database, lambda: self._locks.find_one(self._mine, {"_id": 1})):
            raise lock_lost(self.place, self.owner.job)

    def release(self) -> None:
        """Gives the lock back; one that was broken meanwhile is left to its new owner.

        Errors: `QuillkeepError` when the server could not be told: the lock then stays until this host's
        next job finds its process gone.
        """
        self._heartbeat.stop()
        patiently(self._locks.database, lambda: self._locks.delete_one(self._mine))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.release()
        except QuillkeepError as trouble:
            if error is None:
                raise
            error.add_note(str(trouble))

    def _beat(self) -> bool:
        from pymongo.errors import PyMongoError

        try:
            with _short():
                result = self._locks.update_one(self._mine, {"$currentDate": {"heartbeat": True}})
        except PyMongoError:
            # The job's own operations and `assert_held` tell of a server that does not answer.
            return True
        return result.matched_count == 1


def read_lock(database: Database[Any]) -> LockOwner | None:
    """Who holds the lock on this database, None when it is free."""
    pipeline = [{"$match": {"_id": LOCK_ID}}, {"$addFields": {"now": "$$NOW"}}]
    with answered(database.name):
        found = list(jobs_documents(database).aggregate(pipeline))
    return _decode(dict(found[0])) if found else None


def break_lock(database: Database[Any], job: str) -> LockOwner:
    """Takes the lock away from the job named, whoever and wherever it is, and tells whose it was.

    The job notices at its next look. Errors: `Refused` when that job does not hold the lock.
    """
    found = read_lock(database)
    if found is None:
        raise Refused(
            f"No lock is held on the database {database.name}.", next="`quillkeep jobs` shows what runs."
        )
    if found.job != job:
        raise Refused(
            f"Job {job} does not hold the lock on the database {database.name}.",
            cause=f"It is held by {found.describe()}.",
            next=f"To take it from that job: `quillkeep unlock {found.job}`.",
        )
    with answered(database.name):
        jobs_documents(database).delete_one({"_id": LOCK_ID, "token": found.token})
    return found


def jobs_documents(database: Database[Any]) -> Collection[Any]:
    """Where locks and registrations lie: read from the primary, written by majority and journaled."""
    from bson.codec_options import CodecOptions
    from pymongo import ReadPreference
    from pymongo.read_concern import ReadConcern
    from pymongo.write_concern import WriteConcern

    options: CodecOptions[dict[str, Any]] = CodecOptions(document_class=dict, tz_aware=True, tzinfo=UTC)
    return database.get_collection(
        JOBS_COLLECTION,
        codec_options=options,
        read_preference=ReadPreference.PRIMARY,
        read_concern=ReadConcern("local"),
        write_concern=WriteConcern(w="majority", j=True, wtimeout=int(OPERATION_SECONDS * 1000)),
    )


def _try_insert(locks: Collection[Any], owner: Owner, token: str, now: datetime) -> bool:
    """An upsert on `_id` and the token: it may be sent twice, and the server's clock sets the heartbeat."""
    from pymongo.errors import DuplicateKeyError

    name = locks.database.name
    mine = {"_id": LOCK_ID, "token": token}
    document = msgspec.to_builtins(owner)
    document["started"] = now
    change = {"$setOnInsert": document, "$currentDate": {"heartbeat": True}}
    try:
        patiently(locks.database, lambda: locks.update_one(mine, change, upsert=True))
    except QuillkeepError as error:
        if isinstance(error.__cause__, DuplicateKeyError):
            return False
        try:
            with answered(name):
                locks.delete_one(mine)
        except QuillkeepError as trouble:
            error.add_note(f"The lock may have been taken all the same: {trouble}")
        raise
    return True


def _decode(document: dict[str, Any]) -> LockOwner:
    now, heartbeat = document["now"], document["heartbeat"]
    return LockOwner(
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
    )


def _held(database: str, found: LockOwner, *, elsewhere: bool) -> Refused:
    follow = f"`quillkeep jobs follow {found.job}` shows how far it is"
    unlock = f"`quillkeep unlock {found.job}`"
    where = f"on {found.owner.host.words}" if elsewhere else "here"
    return Refused(
        f"Another job works on the database {database}.",
        cause=f"The lock is held by {found.describe()}.",
        next=f"Wait for it ({follow} {where}). Only if it is certain to be dead or stuck: {unlock}.",
    )


@contextlib.contextmanager
def _short() -> Iterator[None]:
    import pymongo

    with pymongo.timeout(OPERATION_SECONDS):
        yield


@contextlib.contextmanager
def answered(database: str) -> Iterator[None]:
    """A driver's errors in an admin's words; one operation takes `OPERATION_SECONDS` at most."""
    from pymongo.errors import OperationFailure, PyMongoError

    try:
        with _short():
            yield
    except OperationFailure as error:
        if error.code != 13:
            raise _unanswered(database, error) from error
        raise Refused(
            f"This user may not write the lock in {JOBS_COLLECTION} of the database {database}.",
            cause=redact(str(error)),
            next=f"Grant the user in MONGODB_URI the role readWrite on {database}.",
        ) from error
    except PyMongoError as error:
        raise _unanswered(database, error) from error


def _unanswered(database: str, error: Exception) -> QuillkeepError:
    return QuillkeepError(
        f"The lock on the database {database} could not be read or written.",
        cause=redact(str(error)),
        touched="Nothing was changed by this step.",
        next="Check that MongoDB runs and has a primary, then try again.",
    )


def patiently(database: Database[Any], ask: Callable[[], T]) -> T:
    """Asks again through an election or a broken connection, for `ELECTION_SECONDS` at most.

    A connection direct to one member never sees a new primary, and waits shorter.
    """
    from pymongo.errors import ConnectionFailure

    started = time.monotonic()
    while True:
        try:
            with answered(database.name):
                return ask()
        except QuillkeepError as error:
            patience = min(ELECTION_SECONDS, outage_seconds(database))
            waited = time.monotonic() - started
            if not isinstance(error.__cause__, ConnectionFailure) or waited > patience:
                raise
            time.sleep(0.25)
