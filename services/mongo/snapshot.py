"""Reading collections for a dump: in one snapshot of a replica set, or as they are."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from services.errors import QuillkeepError
from services.mongo.dump_members import fitting_level
from services.mongo.dump_parts import Part
from services.mongo.dump_pipeline import Batch
from services.mongo.failures import error_code, translated
from services.mongo.live_sums import batch_documents
from services.mongo.raw_read import Reply, raw_replies, snapshot_time

if TYPE_CHECKING:
    from bson.timestamp import Timestamp
    from pymongo.database import Database

SNAPSHOT_GONE = {239, 246}
"""SnapshotTooOld and SnapshotUnavailable: the history is no longer there, or cannot be read."""
CURSOR_GONE = {43, 136, 175, 237, 11601}
"""CursorNotFound, CappedPositionLost, QueryPlanKilled (dropped or renamed), CursorKilled, Interrupted."""


class SnapshotLost(QuillkeepError):
    """The snapshot cannot be read to its end; `cause` says why."""


def fixed_time(database: Database[Any]) -> Timestamp:
    """The cluster time that all collections are read at, fixed when this returns.

    Errors: `SnapshotLost` where the server has no snapshot reads.
    """
    from pymongo.errors import PyMongoError

    try:
        found = snapshot_time(database)
    except PyMongoError as error:
        raise SnapshotLost("The server has no snapshot to read.", cause=str(error)) from error
    if found is None:
        raise SnapshotLost("The server has no snapshot to read.", cause="it is no replica set member")
    return found


class Reader:
    """The source of a dump's pipeline: every batch of every part, one cursor at a time.

    With a cluster time (`at`), a part is read at it, but for capped collections, which a snapshot cannot
    read (246): those come by majority reads. A cursor that dies raises `SnapshotLost`; without one its part
    is marked broken, to be read again. A short reading is never taken for the end.
    """

    def __init__(
        self,
        database: Database[Any],
        parts: Sequence[Part],
        *,
        at: Timestamp | None,
    ) -> None:
        self._database = database
        self._parts = parts
        self._at = at

    def batches(self) -> Generator[Batch, None, None]:
        """The source's generator; a view or an empty collection gives one batch without documents."""
        for part in self._parts:
            documents_seen = False
            for reply in self._read(part):
                size = len(reply)
                batch = Batch(part, reply, expected_next=size)
                if not documents_seen:
                    documents = reply.take()
                    part.level = fitting_level(documents)
                    batch = Batch(part, documents, expected_next=size)
                    del documents
                documents_seen = True
                # Nothing here may keep a batch alive while the next one is read.
                del reply
                yield batch
                del batch
            if part.broken is None:
                if not documents_seen:
                    yield Batch(part, b"")
                yield Batch(part, None)

    def _read(self, part: Part) -> Iterator[Reply]:
        from pymongo.errors import ConnectionFailure, PyMongoError, ServerSelectionTimeoutError

        if part.described.storage is None:
            return
        try:
            # A closed generator kills its cursor.
            with contextlib.closing(self._replies(part)) as replies:
                for reply in replies:
                    yield reply
                    del reply
        except PyMongoError as error:
            code = error_code(error)
            passing = code in CURSOR_GONE or (
                isinstance(error, ConnectionFailure) and not isinstance(error, ServerSelectionTimeoutError)
            )
            doing = f"Reading the collection {part.described.live}"
            if self._at is not None and (code in SNAPSHOT_GONE or passing):
                raise SnapshotLost(f"{doing} in the snapshot ended early.", cause=f"code {code}") from error
            if not passing:
                raise translated(doing, error) from error
            part.broken = f"{part.described.name}: its cursor died ({code or type(error).__name__})"

    def _replies(self, part: Part) -> Generator[Reply, None, None]:
        described = part.described
        return raw_replies(
            self._database,
            described.storage or described.live,
            batch_documents=batch_documents(described.stats.average),
            at=None if described.capped else self._at,
            majority=described.capped and self._at is not None,
        )


def counted(database: Database[Any], part: Part, at: Timestamp | None) -> int:
    """How many documents the server itself counts where the part was read; pymongo's errors are the caller's."""
    described = part.described
    if described.storage is None:
        return 0
    command: dict[str, Any] = {"aggregate": described.storage, "pipeline": [{"$count": "n"}], "cursor": {}}
    if at is not None and described.capped:
        command["readConcern"] = {"level": "majority"}
    elif at is not None:
        command["readConcern"] = {"level": "snapshot", "atClusterTime": at}
    rows = database.command(command)["cursor"]["firstBatch"]
    return int(rows[0]["n"]) if rows else 0
