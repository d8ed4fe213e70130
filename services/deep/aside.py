"""Loading beside the live collections, under names of ours, registered and giving way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from services.deep.target import Paced
from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.mongo.space import (
    ABORT_BYTES,
    DATA_FACTOR,
    INDEX_SHARE,
    OPLOG_FACTOR,
    SAFETY_BYTES,
    Space,
    free_bytes,
    oplog_max_bytes,
)
from services.names import aside_name

if TYPE_CHECKING:
    from pymongo.database import Database

    from services.jobs.registered import Registration
    from services.recovery.contents import DatabaseContents
    from services.recovery.session import Session


class AsideTarget:
    """The profile's live server: copies under names of our own, registered, and dropped at the end.

    Errors of the constructor: `Refused` when another job holds the lock, rights or space are missing.
    """

    own = False

    def __init__(self, ctx: JobContext, session: Session, registration: Registration) -> None:
        self._ctx = ctx
        self._session = session
        self._registration = registration
        self.fast = session.fast
        self.version = session.server.version
        self.guard = session.guard
        rights = session.rights
        name = session.database.name
        self.bypass = rights.bypass_validation
        self.series = (
            ""
            if rights.system_buckets
            else "this user may not write time series; " + rights.grant("readWriteAnyDatabase", "admin")
        )
        self.not_validated = (
            ""
            if rights.may("validate")
            else f"the user {rights.user} may not run validate on {name}; grant it: {rights.grant('dbAdmin', name)}"
        )
        self._paced = Paced(ctx, self._look)

    def database(self, name: str) -> Database[Any]:
        """The live database, whatever the backup's is called."""
        return self._session.database

    def name_of(self, ordinal: int, name: str) -> str:
        """`__quillkeep_new_<job>_<n>`."""
        return aside_name(self._ctx.job, ordinal)

    def metadata(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing may expire while it is looked at: the live server's TTL monitor sees the copies, too."""
        changed = dict(metadata)
        options = dict(changed.get("options") or {})
        if options.pop("expireAfterSeconds", None) is not None:
            changed["options"] = options
        if changed.get("indexes"):
            changed["indexes"] = [
                {key: value for key, value in dict(index).items() if key != "expireAfterSeconds"}
                for index in changed["indexes"]
            ]
        return changed

    def watch(self) -> None:
        """Raises `GaveWay` when a job wants the database, and when its disk is nearly full."""
        self._paced()

    def confirm(self) -> None:
        """Looks now."""
        self._paced.now()

    def _look(self) -> None:
        self._registration.look()
        left = free_bytes(self._session.database)
        if left is not None and left < ABORT_BYTES:
            raise QuillkeepError(
                "The server's disk is nearly full, so the load was stopped before it could take MongoDB down.",
                cause=f"{left:,} bytes are left.",
                touched="Nothing live was changed; the copies are dropped.",
                next="Free space on the server, or verify where the embedded server is installed.",
            )

    def close(self) -> None:
        """Drops every copy, then the registration; what stays is left to the next writing job, and said."""
        from services.jobs.giving_way import end_operations
        from services.mongo.aside import drop_copies, forget_durable

        database, job = self._session.database, self._ctx.job
        try:
            end_operations(database, job)
            left = drop_copies(database, job)
            forget_durable(database, job)
            if not left:
                self._registration.leave()
                return
            words = "; ".join(left)
        except QuillkeepError as error:
            words = error.cause or error.what
        self._registration.stop()
        self._ctx.log(
            f"Copies of this job stay in {database.name} until the next restore or deep verify: {words}",
            "warning",
        )


def assert_room(session: Session, contents: Sequence[DatabaseContents]) -> None:
    """Space for the copies, and for a restore beside them. Errors: `Refused`, also where it cannot be told.

    A dropped copy may keep its disk space for the five minutes of a replica set's history, and a restore
    that comes meanwhile must not be refused for it.
    """
    from services.recovery.guards import space_words

    data = sum(one.bytes for one in contents)
    sizes = [one.index_bytes for one in contents]
    indexes = data * INDEX_SHARE if None in sizes else sum(size for size in sizes if size is not None)
    needed = 2 * (data * DATA_FACTOR + indexes)
    if session.server.replica_set is not None:
        limit = oplog_max_bytes(session.database)
        growth = 2 * data * OPLOG_FACTOR
        needed += growth if limit is None else min(growth, limit)
    space = Space(free=free_bytes(session.database), needed=int(needed) + SAFETY_BYTES)
    if not space.enough:
        raise Refused(
            f"Too little space to load aside in the live server: {space_words(space)}.",
            cause="That much keeps room for a restore beside the copies.",
            next="Free space on the server, or verify where the embedded server is installed.",
        )


def refuse_cluster(session: Session) -> None:
    """Errors: `Refused` on mongos, where a copy would lie unsharded on one shard."""
    if session.server.mongos:
        raise Refused(
            "The live server is a sharded cluster (mongos), where nothing is loaded aside.",
            next="Verify where the embedded server is installed: pipx install 'quillkeep[demo]'.",
        )
