"""Reading a collection as raw replies: the server's bytes are taken apart later, by whoever has the time.

A driver's raw batches make an object of every document (measured: a third of a dump's reading). Here `find`
and `getMore` are ordinary commands whose reply is kept as it came.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from services.archive.elements import ARRAY, DOCUMENT, elements
from services.archive.model import ArchiveError

if TYPE_CHECKING:
    from bson.timestamp import Timestamp
    from pymongo.client_session import ClientSession
    from pymongo.database import Database


class Reply:
    """One batch as the server sent it; `len` is the bytes of its array, a little more than its documents'."""

    __slots__ = ("_end", "_raw", "_start", "cursor")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._start = self._end = 0
        self.cursor = 0
        for kind, name, value, _ in elements(raw):
            if kind == DOCUMENT and raw.startswith(b"cursor\0", name):
                self._look(value)
                return
        raise ArchiveError("a reply with a cursor")

    def _look(self, start: int) -> None:
        raw = self._raw
        for kind, name, value, end in elements(raw, start):
            if kind == ARRAY and raw.startswith((b"firstBatch\0", b"nextBatch\0"), name):
                self._start, self._end = value + 4, end - 1
            elif raw.startswith(b"id\0", name):
                self.cursor = int.from_bytes(raw[value:end], "little", signed=True)

    def __len__(self) -> int:
        return self._end - self._start

    def take(self) -> bytes:
        """The documents one after another, once: the reply lets go of its bytes.

        Errors: `ArchiveError` when the array is not one of documents.
        """
        raw, at, end = self._raw, self._start, self._end
        self._raw = b""
        view = memoryview(raw)
        from_bytes = int.from_bytes
        pieces = []
        place, width, next_width = 0, 3, 10
        while at < end:
            if place == next_width:
                width, next_width = width + 1, next_width * 10
            at += width
            stop = at + from_bytes(view[at : at + 4], "little")
            if raw[at - width] != DOCUMENT or raw[at - 1] or not at + 5 <= stop <= end:
                raise ArchiveError("a BSON document from the server", found="something else in its reply")
            pieces.append(view[at:stop])
            at = stop
            place += 1
        return b"".join(pieces) if len(pieces) > 1 else bytes(pieces[0])


def raw_replies(
    database: Database[Any],
    name: str,
    *,
    batch_documents: int,
    at: Timestamp | None = None,
    majority: bool = False,
    projection: Mapping[str, int] | None = None,
    sort: Mapping[str, int] | None = None,
) -> Generator[Reply, None, None]:
    """Every batch of a collection in the server's natural order, from the primary; an absent one gives nothing.

    `projection` and `sort` are find's own. `at` reads the snapshot of that cluster time, `majority` what a majority of the replica set has. The
    iteration ends only when the server said that the cursor is exhausted; otherwise pymongo's errors come.
    """
    from bson.raw_bson import DEFAULT_RAW_BSON_OPTIONS

    read_concern: dict[str, Any] = {}
    if at is not None:
        read_concern = {"readConcern": {"level": "snapshot", "atClusterTime": at}}
    elif majority:
        read_concern = {"readConcern": {"level": "majority"}}
    with database.client.start_session(causal_consistency=False) as session:

        def ask(command: dict[str, Any]) -> Reply:
            reply = database.command(command, codec_options=DEFAULT_RAW_BSON_OPTIONS, session=session)
            return Reply(bytes(reply.raw))

        shaped: dict[str, Any] = {}
        if projection is not None:
            shaped["projection"] = dict(projection)
        if sort is not None:
            shaped["sort"] = dict(sort)
        reply = ask({"find": name, "batchSize": batch_documents, **shaped, **read_concern})
        cursor = reply.cursor
        try:
            while True:
                if len(reply):
                    yield reply
                # Nothing here may keep a reply alive while the next one is read.
                del reply
                if not cursor:
                    return
                reply = ask({"getMore": _long(cursor), "collection": name, "batchSize": batch_documents})
                cursor = reply.cursor
        finally:
            if cursor:
                _kill(database, name, cursor, session)


def snapshot_time(database: Database[Any]) -> Timestamp | None:
    """The cluster time of now: a read at it sees every write acknowledged before; None on a standalone.

    Errors: pymongo's.
    """
    found: Timestamp | None = database.command("ping").get("operationTime")
    return found


def _long(cursor: int) -> Any:
    from bson.int64 import Int64

    return Int64(cursor)


def _kill(database: Database[Any], name: str, cursor: int, session: ClientSession) -> None:
    from pymongo.errors import PyMongoError

    with contextlib.suppress(PyMongoError):  # A cursor that cannot be killed times out by itself.
        database.command({"killCursors": name, "cursors": [_long(cursor)]}, session=session)
