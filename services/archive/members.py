"""Our own archives by their member index: each gzip member on its own, several at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec

from services.archive.collect import Collecting
from services.archive.contents import Contents
from services.archive.documents import MASK64, MAX_DOCUMENT, Sums, crc64_xz, hex64, sum_documents
from services.archive.feed import BadLength, Ended, Feed
from services.archive.format import TERMINATOR
from services.archive.model import ArchiveError, Block, End, Namespace, Prelude
from services.archive.names import printable
from services.archive.reader import MAX_HEADER, ArchiveReader, Header, decode_header, length_words
from services.archive.walk import Walked, ignore, nothing
from services.catalog.manifest import ArchiveFile, Member
from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.files import open_regular
from services.streams.gzip import gunzip
from services.streams.hashing import HashingThread

AHEAD_MEMBERS = 2
"""Members read ahead beyond those the threads work on."""
IN_FLIGHT_BYTES = 8 << 20
"""Compressed bytes in work at most, unless a single member has more."""


class Segment(msgspec.Struct, frozen=True):
    """One stretch of a member: a header and the runs of documents behind it, already summed."""

    header: Header
    runs: list[memoryview]
    documents: int
    content: int


class Located(msgspec.Struct, frozen=True):
    """A member and its place in the index."""

    member: Member
    number: int


class MemberFile:
    """One of our archives, open for reading by its members."""

    def __init__(self, path: Path, file: ArchiveFile, database: str, limits: Limits) -> None:
        self.name = path.name
        self.database = database
        self.limits = limits
        try:
            self.descriptor = open_regular(path)
        except StreamError as error:
            raise ArchiveError(error.expected, found=error.found, file=self.name) from error
        self.size = os.fstat(self.descriptor).st_size
        self.members = [
            Located(member, number) for number, member in enumerate(sorted(file.members, key=_offset))
        ]

    def close(self) -> None:
        """Closes the file."""
        os.close(self.descriptor)

    def check_index(self) -> None:
        """`ArchiveError` unless the members cover the file, one behind the other, the prelude first."""
        at = 0
        for located in self.members:
            if located.member.offset != at or (located.number == 0) != (located.member.collection == ""):
                break
            at += located.member.length
        if at != self.size or not self.members:
            raise ArchiveError(
                f"the {len(self.members):,} members of its index one behind the other",
                found=f"{self.size:,} bytes in the file, of which they cover {at:,}",
                file=self.name,
            )

    def raw(self, member: Member) -> bytes:
        """The compressed bytes of one member."""
        try:
            return os.pread(self.descriptor, member.length, member.offset)
        except OSError as error:
            raise ArchiveError("readable bytes", found=f"{error.strerror}", file=self.name) from error

    def prelude(self) -> tuple[Prelude, Contents]:
        """What the first member holds."""
        located = self.members[0] if self.members else None
        if located is None or located.member.collection:
            raise ArchiveError("a member that holds the prelude", found="none in the index", file=self.name)
        raw = self.raw(located.member)
        reader = ArchiveReader(gunzip([raw], limits=self.limits), limits=self.limits, file=self.name)
        prelude = reader.prelude()
        if not reader.finished():
            raise self.wrong(located, 0, "nothing but the prelude in the first member", "more")
        return prelude, reader.contents

    def segments(self, located: Located, raw: bytes) -> list[Segment]:
        """Everything one member holds, its gzip checksums compared, its documents summed."""
        feed = Feed(gunzip([raw], limits=self.limits))
        try:
            found = []
            while not feed.at_end():
                found.append(self._segment(located, feed))
            return found
        except StreamError as error:
            raise self.wrong(located, feed.offset, error.expected, error.found) from error
        except Ended as ended:
            raise self.wrong(
                located,
                ended.offset,
                "a whole document or the terminator",
                f"the end after {ended.found:,} bytes",
            ) from ended
        except BadLength as bad:
            raise self.wrong(located, bad.offset, "a BSON document", length_words(bad, MAX_DOCUMENT)) from bad

    def _segment(self, located: Located, feed: Feed) -> Segment:
        start = feed.offset
        expected = Namespace(self.database, located.member.collection)
        try:
            header = decode_header(feed.document(MAX_HEADER))
        except ValueError as error:
            raise self.wrong(located, start, "the header of a collection", str(error)) from error
        if header.namespace != expected:
            raise self.wrong(
                located, start, f"the header of {printable(str(expected))}", printable(str(header.namespace))
            )
        if header.eof:
            if feed.take(4) != TERMINATOR:
                raise self.wrong(
                    located, start, "the terminator behind the end of a collection", "other bytes"
                )
            return Segment(header, [], 0, 0)
        runs = []
        documents = content = 0
        for run in feed.documents(MAX_DOCUMENT):
            counted, summed = sum_documents(run)
            documents += counted
            content += summed
            runs.append(run)
        return Segment(header, runs, documents, content & MASK64)

    def wrong(self, located: Located, offset: int, expected: str, found: str) -> ArchiveError:
        """The error for something at `offset` of a member's uncompressed bytes."""
        before = 0
        for earlier in self.members[: located.number]:
            end = earlier.member.offset + earlier.member.length
            before += int.from_bytes(os.pread(self.descriptor, 4, end - 4), "little")
        collection = located.member.collection
        return ArchiveError(
            expected,
            found=f"{found}, in the gzip member at byte {located.member.offset:,} of the file",
            namespace=printable(f"{self.database}.{collection}") if collection else "",
            offset=before + offset,
            file=self.name,
        )

    def in_order(
        self, chosen: Sequence[Located], threads: int, read: Callable[[bytes], None]
    ) -> Iterator[tuple[Located, list[Segment]]]:
        """The members' segments in the order of the file, worked on by `threads`; `read` is shown the raw bytes."""
        pool = ThreadPoolExecutor(threads, thread_name_prefix="members")
        waiting: deque[tuple[Located, Future[list[Segment]]]] = deque()
        flying = 0
        try:
            for located in chosen:
                while waiting and (
                    len(waiting) >= threads + AHEAD_MEMBERS
                    or flying + located.member.length > IN_FLIGHT_BYTES
                ):
                    done, future = waiting.popleft()
                    yield done, future.result()
                    flying -= done.member.length
                raw = self.raw(located.member)
                if len(raw) < located.member.length:
                    raise self.wrong(
                        located, 0, f"{located.member.length:,} bytes", f"{len(raw):,}: it is truncated"
                    )
                read(raw)
                flying += len(raw)
                waiting.append((located, pool.submit(self.segments, located, raw)))
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _offset(member: Member) -> int:
    return member.offset


class Order:
    """The rules between segments: nothing behind a collection's end, each end with the CRC-64 of all before it."""

    def __init__(self, opened: MemberFile, contents: Contents) -> None:
        self._file = opened
        self._contents = contents
        self.crcs: dict[Namespace, int] = {}
        self.ended: set[Namespace] = set()

    def add(self, located: Located, segment: Segment) -> None:
        """Takes the next segment; `ArchiveError` when it does not belong there."""
        namespace, header = segment.header.namespace, segment.header
        if self._contents.owner(namespace) is None:
            raise self._wrong(located, "a collection that the prelude names", printable(str(namespace)))
        if namespace in self.ended:
            raise self._wrong(located, "no more of a collection that has ended", "a header of it")
        if not header.eof:
            crc = self.crcs.get(namespace, 0)
            for run in segment.runs:
                crc = crc64_xz(run, crc)
            self.crcs[namespace] = crc
            return
        if namespace not in self.crcs:
            raise self._wrong(
                located, "documents or a header before the end of a collection", "its end alone"
            )
        if header.crc64 != self.crcs[namespace]:
            raise self._wrong(
                located, f"the CRC-64 {hex64(header.crc64)} of its documents", hex64(self.crcs[namespace])
            )
        self.ended.add(namespace)

    def finish(self, expected: Sequence[Namespace]) -> None:
        """`ArchiveError` naming the first collection of `expected` that did not end."""
        for namespace in expected:
            if self.ended.isdisjoint(self._contents.data_names(namespace)):
                raise ArchiveError(
                    "the end of all collections",
                    found="the end of the archive",
                    namespace=printable(str(namespace)),
                    file=self._file.name,
                )

    def _wrong(self, located: Located, expected: str, found: str) -> ArchiveError:
        return self._file.wrong(located, 0, expected, found)


def walk_members(
    path: Path,
    file: ArchiveFile,
    database: str,
    *,
    threads: int = 2,
    limits: Limits = Limits(),
    check: Callable[[], None] = nothing,
    advance: Callable[[int], None] = ignore,
    collecting: Collecting | None = None,
) -> Walked:
    """Proves one of our archives in a single parallel pass over its bytes.

    `collecting` is shown the documents its collectors want.
    `file` is its entry in the manifest, `database` the one it was dumped from. `check` may raise to stop,
    `advance` is told compressed bytes, both in the calling thread. The sums are the archive's own: whoever
    asks compares them, the size and the sha256 with the manifest. Raises `ArchiveError`.
    """
    hashing = HashingThread()
    opened = None
    try:
        opened = MemberFile(path, file, database, limits)
        opened.check_index()
        prelude, contents = opened.prelude()
        hashing.feed(opened.raw(opened.members[0].member))
        order = Order(opened, contents)
        sums: dict[Namespace, Sums] = {}
        for located, segments in opened.in_order(opened.members[1:], threads, hashing.feed):
            check()
            for segment in segments:
                order.add(located, segment)
                summed = sums.setdefault(segment.header.namespace, Sums())
                summed.documents += segment.documents
                summed.bytes += sum(len(run) for run in segment.runs)
                summed.content = (summed.content + segment.content) & MASK64
                summed.crc64 = order.crcs[segment.header.namespace]
                if collecting is not None:
                    for run in segment.runs:
                        collecting.take(segment.header.namespace, run)
            advance(located.member.length)
        order.finish(contents.names())
        views = {entry.namespace for entry in prelude.collections if entry.kind == "view"}
        return Walked(
            sha256=hashing.finish(),
            bytes=opened.size,
            prelude=prelude,
            collections={name: summed for name, summed in sorted(sums.items()) if name not in views},
            crc_checked=True,
        )
    finally:
        hashing.finish()
        if opened is not None:
            opened.close()


def open_members(
    path: Path, file: ArchiveFile, database: str, *, threads: int = 2, limits: Limits = Limits()
) -> MembersSource:
    """One of our archives as a dump source; nothing is read yet."""
    return MembersSource(path, file, database, threads=threads, limits=limits)


class MembersSource:
    """A `DumpSource` over our archive: members decompressed by several threads, those of others left unread."""

    form = "archive.gz"
    sums = True

    def __init__(self, path: Path, file: ArchiveFile, database: str, *, threads: int, limits: Limits) -> None:
        self._path = path
        self._file = file
        self._database = database
        self._threads = threads
        self._limits = limits
        self._consumed = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What was recognised and left alone."""
        return self.prelude().notes

    def prelude(self) -> Prelude:
        """Reads the first member."""
        opened = MemberFile(self._path, self._file, self._database, self._limits)
        try:
            return opened.prelude()[0]
        finally:
            opened.close()

    def read(self, only: Sequence[Namespace] | None = None) -> Iterator[Block | End]:
        """The members in the order of the file; with `only`, just theirs, and no other byte is proven.

        A time series may be named by its own name or by that of its buckets.
        """
        self._consumed = 0
        opened = MemberFile(self._path, self._file, self._database, self._limits)
        try:
            if only is None:
                opened.check_index()
            prelude, contents = opened.prelude()
            asked = [entry.namespace for entry in prelude.collections] if only is None else list(only)
            chosen = [owner for name in asked if (owner := contents.owner(name)) is not None]
            names = {name for owner in chosen for name in contents.data_names(owner)}
            members = opened.members[1:]
            if only is not None:
                collections = {name.collection for name in names if name.database == self._database}
                members = [located for located in members if located.member.collection in collections]
            order = Order(opened, contents)
            for located, segments in opened.in_order(members, self._threads, lambda raw: None):
                self._consumed += located.member.length
                for segment in segments:
                    order.add(located, segment)
                    namespace = segment.header.namespace
                    if namespace not in names:
                        continue
                    for run in segment.runs:
                        yield Block(namespace, run)
                    if segment.header.eof:
                        yield End(namespace, segment.header.crc64)
            order.finish(contents.names() if only is None else chosen)
        finally:
            opened.close()

    def bytes_read(self) -> int:
        """Compressed bytes of the members read so far."""
        return self._consumed

    def total_bytes(self) -> int:
        """Bytes of the file."""
        return self._file.bytes
