"""The archive stream: prelude, interleaved collections, their CRC-64, and nothing behind them.

The layout is that of mongo-tools common/archive (see `format.py`); where mongorestore lets something pass
(a second prelude, bytes behind the end, a checksum of a collection that is not restored) this does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import bson
import msgspec

from services.archive.contents import Contents
from services.archive.documents import MASK64, MAX_DOCUMENT, MAX_INTERNAL_DOCUMENT, crc64_xz, hex64
from services.archive.feed import BadLength, Ended, Feed
from services.archive.format import ARCHIVE_VERSION, MAGIC, TERMINATOR
from services.archive.model import ArchiveError, Block, End, Namespace, Prelude, of_stream
from services.archive.names import OPLOG, printable
from services.profile import Limits
from services.streams.errors import StreamError

MAX_HEADER = 4096
"""Bytes a namespace header may have: two names of the server's own limits, with room."""
MAX_PRELUDE = 256 * 1024 * 1024
"""Bytes all descriptions of collections may have together."""


class Header(msgspec.Struct, frozen=True):
    """What stands before documents of a collection, or ends it."""

    namespace: Namespace
    eof: bool
    crc64: int


def decode_header(document: memoryview) -> Header:
    """A namespace header; `ValueError` for anything that is not exactly one."""
    fields = _decode(document)
    database, collection = fields.get("db"), fields.get("collection")
    eof, crc = fields.get("EOF"), fields.get("CRC")
    if (
        frozenset(fields) != {"db", "collection", "EOF", "CRC"}
        or not (isinstance(database, str) and isinstance(collection, str))
        or not (isinstance(eof, bool) and isinstance(crc, int))
        or (crc and not eof)
    ):
        raise ValueError("another document")
    return Header(Namespace(database, collection), eof, crc & MASK64)


def _decode(document: memoryview) -> dict[str, Any]:
    try:
        return bson.decode(document)
    except (bson.errors.BSONError, ValueError, TypeError, OverflowError) as error:
        raise ValueError("a document that is not BSON") from error


class ArchiveReader:
    """Reads one archive once: `prelude()`, then `read()`.

    `chunks` are the uncompressed bytes. Every failure, of lower layers too, is an `ArchiveError` that names
    the collection, the offset in the uncompressed stream and what was expected there.
    """

    def __init__(self, chunks: Iterator[bytes], *, limits: Limits, file: str = "") -> None:
        self._feed = Feed(chunks)
        self._file = file
        self.contents = Contents(limits=limits, file=file)
        self._current = ""
        self._prelude: Prelude | None = None

    def prelude(self) -> Prelude:
        """Magic, versions and collections; bytes up to the prelude's terminator are consumed."""
        if self._prelude is None:
            try:
                self._prelude = self._read_prelude()
            except StreamError as error:
                raise self._translated(error) from error
        return self._prelude

    def read(self, only: Sequence[Namespace] | None = None) -> Iterator[Block | End]:
        """The rest of the archive, to its last byte."""
        prelude = self.prelude()
        chosen = (
            frozenset(entry.namespace for entry in prelude.collections) if only is None else frozenset(only)
        )
        try:
            yield from self._body(chosen)
        except StreamError as error:
            raise self._translated(error) from error

    def finished(self) -> bool:
        """Whether the stream holds nothing more."""
        try:
            return self._feed.at_end()
        except StreamError as error:
            raise self._translated(error) from error

    def _translated(self, error: StreamError) -> ArchiveError:
        return of_stream(error, offset=self._feed.offset, namespace=self._current, file=self._file)

    def _wrong(self, expected: str, found: str, offset: int | None = None) -> ArchiveError:
        at = self._feed.offset if offset is None else offset
        return ArchiveError(expected, found=found, namespace=self._current, offset=at, file=self._file)

    def _document(self, what: str, limit: int) -> memoryview:
        try:
            return self._feed.document(limit)
        except Ended as ended:
            raise self._wrong(
                what, f"the end after {ended.found:,} bytes of it: the archive is cut", ended.offset
            ) from ended
        except BadLength as bad:
            raise self._wrong(what, length_words(bad, limit), bad.offset) from bad

    def _read_prelude(self) -> Prelude:
        magic = self._feed.peek(4)
        if magic != MAGIC:
            found = f"the bytes {magic.hex(' ')}" if magic else "an empty stream"
            raise self._wrong("the magic number of a mongodump archive", found, 0)
        self._feed.take(4)
        start = self._feed.offset
        try:
            fields = _decode(self._document("the archive's header", MAX_DOCUMENT))
        except ValueError as error:
            raise self._wrong("the archive's header", str(error), start) from error
        if fields.get("version") != ARCHIVE_VERSION:
            raise self._wrong(
                f"archive format version {ARCHIVE_VERSION}", printable(repr(fields.get("version"))), start
            )
        while (prefix := self._feed.peek(4)) != TERMINATOR:
            if len(prefix) < 4:
                raise self._wrong("the prelude's terminator", "the end: the archive is cut")
            self._declare(self._feed.offset)
        self._feed.take(4)
        concurrent = fields.get("concurrent_collections")
        return self.contents.prelude(
            server_version=_text(fields.get("server_version")),
            tool_version=_text(fields.get("tool_version")),
            concurrent=concurrent if isinstance(concurrent, int) and 0 < concurrent < 1024 else 1,
        )

    def _declare(self, start: int) -> None:
        if start > MAX_PRELUDE:
            raise self._wrong(f"a prelude of at most {MAX_PRELUDE:,} bytes", "a longer one", start)
        try:
            fields = _decode(self._document("the description of a collection", MAX_DOCUMENT))
        except ValueError as error:
            raise self._wrong("the description of a collection", str(error), start) from error
        values = [
            fields.get("db"),
            fields.get("collection"),
            fields.get("metadata", ""),
            fields.get("type", ""),
        ]
        if not all(isinstance(value, str) for value in values):
            raise self._wrong("the description of a collection", "another document", start)
        database, collection, raw, kind = values
        self.contents.declare(Namespace(str(database), str(collection)), str(raw), str(kind))

    def _body(self, chosen: frozenset[Namespace]) -> Iterator[Block | End]:
        running: dict[Namespace, int] = {}
        ended: set[Namespace] = set()
        missing = dict.fromkeys(self.contents.names())
        while not self._feed.at_end():
            start = self._feed.offset
            header = self._header(start, complete=not missing)
            namespace = header.namespace
            owner = self.contents.owner(namespace)
            if owner is None:
                raise self._wrong("a collection that the prelude names", printable(str(namespace)), start)
            self._current = printable(str(namespace))
            if namespace in ended:
                raise self._wrong("no more of a collection that has ended", "a header of it", start)
            wanted = owner in chosen or namespace in chosen
            if header.eof:
                self._end(header, running, start)
                ended.add(namespace)
                missing.pop(owner, None)
                if wanted:
                    yield End(namespace, header.crc64)
                self._current = ""
                continue
            crc = running.get(namespace, 0)
            for data in self._documents(namespace):
                crc = crc64_xz(data, crc)
                if wanted:
                    yield Block(namespace, data)
            running[namespace] = crc
        if missing:
            self._current = printable(str(next(iter(missing))))
            raise self._wrong(
                f"the end of all collections ({len(missing)} missing)", "the end of the archive: it is cut"
            )

    def _header(self, start: int, *, complete: bool) -> Header:
        if self._feed.peek(4) == MAGIC:
            raise self._wrong("one archive", "a second prelude: two archives were joined", start)
        if complete:
            raise self._wrong("the end of the archive", "trailing bytes", start)
        try:
            return decode_header(self._document("the header of a collection", MAX_HEADER))
        except ValueError as error:
            raise self._wrong("the header of a collection", str(error), start) from error

    def _end(self, header: Header, running: dict[Namespace, int], start: int) -> None:
        if header.namespace not in running:
            raise self._wrong("documents or a header before the end of a collection", "its end alone", start)
        found = self._feed.peek(4)
        if found != TERMINATOR:
            shown = found.hex(" ") if len(found) == 4 else "the end: the archive is cut"
            raise self._wrong("the terminator behind the end of a collection", shown)
        self._feed.take(4)
        if header.crc64 != running[header.namespace]:
            raise self._wrong(
                f"the CRC-64 {hex64(header.crc64)} of its documents", hex64(running[header.namespace]), start
            )

    def _documents(self, namespace: Namespace) -> Iterator[memoryview]:
        limit = MAX_INTERNAL_DOCUMENT if namespace == OPLOG or namespace.database == "local" else MAX_DOCUMENT
        try:
            yield from self._feed.documents(limit)
        except Ended as ended:
            raise self._wrong(
                "a whole document or the terminator",
                f"the end after {ended.found:,} bytes: the archive is cut",
                ended.offset,
            ) from ended
        except BadLength as bad:
            raise self._wrong("a BSON document", length_words(bad, limit), bad.offset) from bad


def length_words(bad: BadLength, limit: int) -> str:
    """What a length is that no document can have."""
    if bad.ended:
        return f"{bad.length:,} bytes without a NUL at their end"
    if bad.length > limit:
        return f"a length of {bad.length:,} bytes, more than the {limit:,} a document may have"
    return f"a length of {bad.length:,}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
