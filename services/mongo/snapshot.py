"""Reading collections for a dump: in one snapshot of a replica set, or as they are."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from services.archive.documents import crc64_xz
from services.errors import QuillkeepError
from services.mongo.dump_members import fitting_level
from services.mongo.dump_parts import Part
from services.mongo.dump_pipeline import Batch
from services.mongo.failures import error_code, translated
from services.mongo.live_sums import batch_documents
from services.names import OURS

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.client_session import ClientSession
    from pymongo.database import Database

SNAPSHOT_GONE = {239, 246}
"""SnapshotTooOld and SnapshotUnavailable: the history is no longer there, or cannot be read."""
CURSOR_GONE = {43, 136, 175, 237, 11601}
"""CursorNotFound, CappedPositionLost, QueryPlanKilled (dropped or renamed), CursorKilled, Interrupted."""
PROBE = f"{OURS}snapshot_probe"
"""A name that never exists: reading it fixes a session's cluster time."""


class SnapshotLost(QuillkeepError):
    """The snapshot cannot be read to its end; `cause` says why."""


@contextlib.contextmanager
def snapshot_session(client: MongoClient[Any], database: Database[Any]) -> Iterator[ClientSession]:
    """A session whose reads all see one cluster time, fixed when this returns.

    Errors: `SnapshotLost` where the server has no snapshot reads.
    """
    from pymongo.errors import PyMongoError

    with client.start_session(snapshot=True) as session:
        try:
            database[PROBE].find_one({}, session=session)
        except PyMongoError as error:
            raise SnapshotLost("The server has no snapshot to read.", cause=str(error)) from error
        yield session


class Reader:
    """The source of a dump's pipeline: every batch of every part, one cursor at a time.

    With a session, a part is read at its cluster time, but for capped collections, which a snapshot cannot
    read (246): those come by majority reads. A cursor that dies raises `SnapshotLost`; without a session its part
    is marked broken, to be read again. A short reading is never taken for the end.
    """

    def __init__(
        self,
        database: Database[Any],
        parts: Sequence[Part],
        *,
        session: ClientSession | None,
    ) -> None:
        self._database = database
        self._parts = parts
        self._session = session

    def batches(self) -> Generator[Batch, None, None]:
        """The source's generator; a view or an empty collection gives one batch without documents."""
        for part in self._parts:
            documents_seen = False
            crc64 = 0
            for data in self._read(part):
                if not documents_seen:
                    part.level = fitting_level(data)
                documents_seen = True
                crc64 = crc64_xz(data, crc64)
                size = len(data)
                batch = Batch(part, data, expected_next=size)
                # Nothing here may keep a batch alive while the next one is read.
                del data
                yield batch
                del batch
            if part.broken is None:
                if not documents_seen:
                    yield Batch(part, b"")
                part.sums.crc64 = crc64
                yield Batch(part, None, crc64)

    def _read(self, part: Part) -> Iterator[bytes]:
        from pymongo.errors import ConnectionFailure, PyMongoError, ServerSelectionTimeoutError

        if part.described.storage is None:
            return
        try:
            with self._cursor(part) as cursor:
                for data in cursor:
                    if data:
                        yield data
                    del data
        except PyMongoError as error:
            code = error_code(error)
            passing = code in CURSOR_GONE or (
                isinstance(error, ConnectionFailure) and not isinstance(error, ServerSelectionTimeoutError)
            )
            doing = f"Reading the collection {part.described.live}"
            if self._session is not None and (code in SNAPSHOT_GONE or passing):
                raise SnapshotLost(f"{doing} in the snapshot ended early.", cause=f"code {code}") from error
            if not passing:
                raise translated(doing, error) from error
            part.broken = f"{part.described.name}: its cursor died ({code or type(error).__name__})"

    def _cursor(self, part: Part) -> Any:
        from pymongo.read_concern import ReadConcern

        described = part.described
        collection = self._database[described.storage or described.live]
        session = self._session
        if session is not None and described.capped:
            session = None
            collection = collection.with_options(read_concern=ReadConcern("majority"))
        return collection.find_raw_batches(
            batch_size=batch_documents(described.stats.average), session=session
        )


def counted(database: Database[Any], part: Part, session: ClientSession | None) -> int:
    """How many documents the server itself counts where the part was read; pymongo's errors are the caller's."""
    from pymongo.read_concern import ReadConcern

    described = part.described
    if described.storage is None:
        return 0
    collection = database[described.storage]
    if session is not None and described.capped:
        session = None
        collection = collection.with_options(read_concern=ReadConcern("majority"))
    rows = list(collection.aggregate([{"$count": "n"}], session=session))
    return int(rows[0]["n"]) if rows else 0
