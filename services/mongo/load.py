"""Loading a dump aside: one reader, two inserting threads, two that index and prove what is complete.

The layout is the fastest one found (`speed.md`): raw `insert_many` with w:1, one createIndexes command per
index in parallel, and the full read-back of a collection overlapping the load of the others.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from services.archive.documents import MASK64, Sums, hex64, split_documents, sum_documents
from services.archive.model import Block, DumpSource, End, Namespace
from services.archive.quirks import scan_block
from services.archive.transform import REFUSED, UPSERTED, as_server_holds
from services.errors import Cancelled, QuillkeepError
from services.mongo.aside import (
    Incoming,
    Proof,
    ProofFailed,
    build_indexes,
    create_aside,
    drop_aside,
    make_durable,
    prove,
    server_identity,
)
from services.mongo.commands import CommandFailed, again
from services.mongo.insert import OutcomeUnknown, Rejected, insert_batch, upsert_literal
from services.mongo.loading import Loading

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.database import Database

T = TypeVar("T")
Failed = Callable[[Incoming, str, QuillkeepError], None]
"""Told of a collection what failed: `create`, `content`, or the name of an index behind `index `."""
LOADERS = 2
FINISHERS = 2
QUEUED_BATCHES = 3
BATCH_DOCUMENTS = 5_000
BATCH_BYTES = 4 << 20
"""A batch ends at either; 2 MiB cost mongod more, 8 MiB gained nothing (measured)."""
STOP_SECONDS = 2.0
"""How long a proof under way is waited for, so that it writes no marker after the load has ended."""
RELOADS = 3
"""How often a collection whose outcome is unknown is dropped and loaded again."""


class Loader:
    """Loads collections of one dump aside and proves them; `run` gives the proofs.

    `fast` is a client with w:1 whose documents are raw, `database` one with majority reads. `advance` and
    `proven` get bytes sent and read back. With `failed` a load that only looks goes on: a collection that
    cannot be created, an index that cannot be built and a content that differs are told, the rest is
    loaded, and TTL indexes are built too. Errors: `ArchiveError`, `CommandFailed`, `ProofFailed`,
    `Cancelled`; the copies are then the caller's to drop.
    """

    def __init__(
        self,
        fast: MongoClient[Any],
        database: Database[Any],
        source: DumpSource,
        incoming: Sequence[Incoming],
        *,
        job: str,
        bypass: bool,
        guard: bool,
        rejected: Rejected,
        check: Callable[[], None],
        advance: Callable[[int], None],
        proven: Callable[[int], None],
        log: Callable[[str], None],
        failed: Failed | None = None,
    ) -> None:
        self._failed = failed
        self._fast = fast[database.name]
        self._database = database
        self._source = source
        self._incoming = list(incoming)
        self._job = job
        self._bypass = bypass
        self._guard = guard
        self.rejected = rejected
        self._check = check
        self._advance = advance
        self._proven = proven
        self._log = log
        self.stream_sums: dict[Namespace, Sums] = {}

    def run(self) -> dict[str, Proof]:
        """Proofs by live name."""
        proofs: dict[str, Proof] = {}
        todo = self._incoming
        for attempt in range(RELOADS + 1):
            done, again = self._pass(todo)
            proofs.update(done)
            if not again:
                return proofs
            if attempt == RELOADS:
                break
            names = ", ".join(item.name for item in again)
            self._log(f"The server's answer to some writes was lost; loading {names} again.")
            for item in again:
                self.rejected.forget(item.name)
                self._drop(item)
            todo = again
        raise CommandFailed(
            f"Loading {', '.join(item.name for item in again)} broke off {RELOADS + 1} times.",
            code=None,
            cause="the connection to MongoDB keeps breaking, or its primary keeps changing",
            unknown=False,
        )

    def _create(self, incoming: Incoming) -> str:
        return again(self._database, lambda: create_aside(self._database, incoming))

    def _drop(self, incoming: Incoming) -> None:
        drop_aside(self._database, incoming.target)

    def _pass(self, incoming: list[Incoming]) -> tuple[dict[str, Proof], list[Incoming]]:
        server = server_identity(self._database)
        loading = {}
        for item in incoming:
            try:
                loading[item.stream] = Loading(item, self._create(item), server)
            except CommandFailed as error:
                if self._failed is None or error.unknown:
                    raise
                self._failed(item, "create", error)
        work = _Work(self, loading)
        try:
            work.read()
        finally:
            work.stop()
        if work.failure is not None:
            raise work.failure
        again = [state.incoming for state in loading.values() if state.broken]
        return work.proofs, again


class _Work:
    """The threads of one pass; daemons, so that none keeps a failed process alive."""

    def __init__(self, loader: Loader, loading: dict[Namespace, Loading]) -> None:
        self._loader = loader
        self._loading = loading
        self.proofs: dict[str, Proof] = {}
        self.failure: BaseException | None = None
        self._ended = threading.Event()
        self._batches: queue.Queue[tuple[Loading, list[Any]] | None] = queue.Queue(QUEUED_BATCHES)
        self._complete: queue.Queue[Loading | None] = queue.Queue()
        self._inserters = [threading.Thread(target=self._insert, daemon=True) for _ in range(LOADERS)]
        self._finishers = [threading.Thread(target=self._finish, daemon=True) for _ in range(FINISHERS)]
        for thread in (*self._inserters, *self._finishers):
            thread.start()

    def read(self) -> None:
        """Walks the whole dump, handing on what is wanted; returns when everything is inserted and proven."""
        loader = self._loader
        for item in loader._source.read(list(self._loading)):
            loader._check()
            self._raise_failure()
            state = self._loading.get(item.namespace)
            if state is None:
                continue
            if isinstance(item, End):
                loader.stream_sums[item.namespace] = state.stream
                self._hand_on(state)
                self._release(state)
            else:
                self._take(state, item)
        for _ in self._inserters:
            self._put(None)
        for thread in self._inserters:
            self._join(thread)
        self._raise_failure()
        for _ in self._finishers:
            self._complete.put(None)
        for thread in self._finishers:
            self._join(thread)
        self._raise_failure()

    def _join(self, thread: threading.Thread) -> None:
        while thread.is_alive():
            thread.join(0.1)
            self._loader._check()

    def _raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure

    def stop(self) -> None:
        """Ends every thread, also after a failure in the reading one; an index build is left to its end."""
        self._ended.set()
        while any(thread.is_alive() for thread in self._inserters):
            try:
                while True:
                    self._batches.get_nowait()
            except queue.Empty:
                pass
            for _ in self._inserters:
                try:
                    self._batches.put_nowait(None)
                except queue.Full:
                    break
            for thread in self._inserters:
                thread.join(0.05)
        for _ in self._finishers:
            self._complete.put(None)
        for thread in self._finishers:
            thread.join(STOP_SECONDS)

    def _take(self, state: Loading, block: Block) -> None:
        from bson.raw_bson import RawBSONDocument

        data = block.data if isinstance(block.data, bytes) else bytes(block.data)
        documents, content = sum_documents(data, namespace=str(block.namespace))
        state.stream.documents += documents
        state.stream.bytes += len(data)
        state.stream.content = (state.stream.content + content) & MASK64
        if state.expect(documents, len(data), content):
            self._loader._advance(len(data))
            return
        pieces: list[memoryview | bytes] = list(split_documents(data))
        if state.incoming.scan:
            pieces = self._quirks(state, pieces, dict(scan_block(data)))
        for piece in pieces:
            state.waiting.append(RawBSONDocument(piece))
            state.waiting_bytes += len(piece)
            if state.waiting_bytes >= BATCH_BYTES or len(state.waiting) >= BATCH_DOCUMENTS:
                self._hand_on(state)

    def _hand_on(self, state: Loading) -> None:
        """Gives what has gathered of a collection to the inserters."""
        batch, state.waiting, state.waiting_bytes = state.waiting, [], 0
        if not batch:
            return
        with state.lock:
            state.pending += 1
        if state.incoming.capped:
            self._insert_batch(state, batch)
        else:
            self._put((state, batch))

    def _quirks(
        self, state: Loading, pieces: list[memoryview | bytes], quirks: dict[int, str]
    ) -> list[memoryview | bytes]:
        from bson.raw_bson import RawBSONDocument

        kept: list[memoryview | bytes] = []
        for place, piece in enumerate(pieces):
            why = quirks.get(place)
            if why is None:
                kept.append(piece)
                continue
            raw = Sums()
            raw.add_unordered(piece)
            if why in REFUSED:
                self._loader.rejected.add(state.incoming.name, piece, why)
                state.take_off(raw)
            elif why == UPSERTED:
                try:
                    refused = upsert_literal(
                        self._loader._fast[state.incoming.holder],
                        RawBSONDocument(bytes(piece)),
                        bypass=self._loader._bypass,
                    )
                except OutcomeUnknown as error:
                    state.broken = str(error)
                    continue
                if refused is not None:
                    self._loader.rejected.add(state.incoming.name, piece, refused)
                    state.take_off(raw)
            else:
                changed = as_server_holds(piece, why)
                state.take_off(raw)
                state.expected.add_unordered(changed)
                kept.append(changed)
        return kept

    def _put(self, item: tuple[Loading, list[Any]] | None) -> None:
        while True:
            try:
                self._batches.put(item, timeout=0.5)
                return
            except queue.Full:
                self._loader._check()
                self._raise_failure()

    def _release(self, state: Loading) -> None:
        with state.lock:
            state.pending -= 1
            complete = state.pending == 0
        if complete:
            self._complete.put(state)

    def _insert(self) -> None:
        while (item := self._batches.get()) is not None:
            state, batch = item
            try:
                self._insert_batch(state, batch)
            except BaseException as error:  # noqa: BLE001 - handed to the reading thread, which raises it
                self.failure = self.failure or error

    def _insert_batch(self, state: Loading, batch: list[Any]) -> None:
        size = sum(len(document.raw) for document in batch)
        if not state.broken:
            try:
                refused = insert_batch(
                    self._loader._fast[state.incoming.holder],
                    batch,
                    ordered=state.incoming.capped,
                    bypass=self._loader._bypass,
                    name=state.incoming.name,
                    rejected=self._loader.rejected,
                )
                if refused.documents:
                    state.take_off(refused)
            except OutcomeUnknown as error:
                state.broken = str(error) or "unknown outcome"
        self._loader._advance(size)
        self._release(state)

    def _finish(self) -> None:
        while (state := self._complete.get()) is not None:
            if state.broken or self.failure is not None or self._ended.is_set():
                continue
            try:
                self._prove(state)
            except Cancelled as error:
                self.failure = self.failure or error
            except ProofFailed as error:
                self._differs(state, error)
            except CommandFailed as error:
                if error.unknown:
                    state.broken = str(error)
                else:
                    self.failure = self.failure or error
            except BaseException as error:  # noqa: BLE001 - handed to the reading thread, which raises it
                self.failure = self.failure or error

    def _differs(self, state: Loading, error: ProofFailed) -> None:
        """Under another primary, or after a restart, what is missing was lost with the old one: load it again."""
        try:
            same = state.server == server_identity(self._loader._database)
        except CommandFailed as trouble:
            self.failure = self.failure or trouble
            return
        if same and self._loader._failed is not None:
            self._loader._failed(state.incoming, "content", error)
        elif same:
            self.failure = self.failure or error
        else:
            state.broken = str(error)

    def _refused(self, incoming: Incoming) -> Callable[[str, CommandFailed], None] | None:
        tell = self._loader._failed
        return None if tell is None else lambda name, error: tell(incoming, f"index {name}", error)

    def _prove(self, state: Loading) -> None:
        loader = self._loader
        incoming = state.incoming
        names, ttl = again(
            loader._database,
            lambda: build_indexes(
                loader._database, incoming, state.uuid, guard=loader._guard, failed=self._refused(incoming)
            ),
        )
        if self._ended.is_set():
            return
        make_durable(loader._database, loader._job)
        prove(
            loader._database,
            incoming.name,
            incoming.holder,
            documents=state.expected.documents,
            bytes_=state.expected.bytes,
            content=state.expected.content,
            check=loader._check,
            advance=loader._proven,
        )
        self.proofs[incoming.name] = Proof(
            name=incoming.name,
            target=incoming.target,
            uuid=state.uuid,
            documents=state.expected.documents,
            bytes=state.expected.bytes,
            content=hex64(state.expected.content),
            indexes=names,
            ttl=ttl,
        )
