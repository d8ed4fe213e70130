"""Three workers that share one cursor: read, sum, compress, write in order, with bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from services.archive.format import encode_end
from services.mongo.dump_members import ArchiveWriter, compressed, compressed_block
from services.mongo.dump_parts import Part, Walked, walk_batch
from services.mongo.raw_read import Reply

WORKERS = 2
"""Three were no faster on two cores (measured)."""
IN_FLIGHT_BYTES = 8 << 20
"""Uncompressed bytes read and not yet written; a batch that does not fit waits until all others are out."""
LARGE_BATCH = 4 << 20
"""Batches from here on are compressed only when it is their turn, straight into the file."""
JOIN_SECONDS = 10.0
WAKE_SECONDS = 0.1


class Batch(NamedTuple):
    """Whole documents of one part, as the server sent them or joined, or its end (`data` is None)."""

    part: Part
    data: Reply | bytes | None
    expected_next: int = 0
    """Bytes the next batch will probably have."""


class Pipeline:
    """Runs batches of a source through the workers into a writer.

    The source is a generator that reads the server; it runs under a lock, one worker at a time, so its
    order is the archive's. `check` is asked in the calling thread ten times a second and may raise.
    """

    def __init__(
        self,
        writer: ArchiveWriter,
        source: Iterator[Batch],
        *,
        check: Callable[[], None],
        advance: Callable[[int], None],
        workers: int = WORKERS,
    ) -> None:
        self._writer = writer
        self._source = source
        self._check = check
        self._advance = advance
        self._workers = workers
        self._reading = threading.Lock()
        self._state = threading.Condition()
        self._tickets = 0
        self._turn = 0
        self._in_flight = 0
        self._expected = 0
        self._exhausted = False
        self._error: BaseException | None = None

    def run(self) -> None:
        """Returns when everything is written; raises the first error of any worker, or what `check` raises."""
        threads = [
            threading.Thread(target=self._work, name=f"dump-{number}", daemon=True)
            for number in range(self._workers)
        ]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                self._check()
                for thread in threads:
                    thread.join(WAKE_SECONDS / self._workers)
            self._check()
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            for thread in threads:
                thread.join(JOIN_SECONDS)
        if self._error is not None:
            raise self._error

    def _fail(self, error: BaseException) -> None:
        with self._state:
            if self._error is None:
                self._error = error
            self._state.notify_all()

    def _work(self) -> None:
        try:
            # A name for what was taken would keep a batch alive while the next one is waited for.
            while self._handle(self._take()):
                pass
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            self._fail(error)

    def _take(self) -> tuple[int, Batch] | None:
        with self._reading:
            with self._state:
                self._state.wait_for(self._may_read)
                if self._error is not None or self._exhausted:
                    return None
            batch = next(self._source, None)
            with self._state:
                if batch is None:
                    self._exhausted = True
                    return None
                ticket = self._tickets
                self._tickets += 1
                self._in_flight += len(batch.data or b"")
                self._expected = batch.expected_next
            return ticket, batch

    def _may_read(self) -> bool:
        fits = self._in_flight + self._expected <= IN_FLIGHT_BYTES
        return self._error is not None or self._in_flight == 0 or fits

    def _handle(self, taken: tuple[int, Batch] | None) -> bool:
        """Whether there was anything to do."""
        if taken is None:
            return False
        ticket, batch = taken
        part, data = batch.part, batch.data
        if data is None:
            self._await_turn(ticket)
            end = compressed(encode_end(part.stream, part.sums.crc64))
            part.members.append(self._writer.write_member(part.stream.collection, end))
            part.ended = True
            self._pass_turn(0)
            return True
        room = len(data)
        del batch, taken
        if isinstance(data, Reply):
            data = data.take()
        walked = walk_batch(data, str(part.stream))
        members: list[list[bytes]] | None = None
        if len(data) < LARGE_BATCH:
            members = [list(pieces) for pieces in _members(part, data, walked)]
        self._await_turn(ticket)
        for pieces in members if members is not None else _members(part, data, walked):
            part.members.append(self._writer.write_member(part.stream.collection, pieces))
        part.add(data, walked)
        self._pass_turn(room)
        self._advance(len(data))
        return True

    def _await_turn(self, ticket: int) -> None:
        with self._state:
            self._state.wait_for(lambda: self._turn == ticket or self._error is not None)
            if self._error is not None:
                raise self._error

    def _pass_turn(self, written: int) -> None:
        with self._state:
            self._turn += 1
            self._in_flight -= written
            self._state.notify_all()


def _members(part: Part, data: bytes, walked: Walked) -> Iterator[Iterator[bytes]]:
    view = memoryview(data)
    start = 0
    for end in walked.cuts:
        yield compressed_block(part.header, view[start:end], part.level)
        start = end
