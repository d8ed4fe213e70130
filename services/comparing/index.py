"""The documents of one side as keyed sums, spread over a temporary file so that memory stays flat.

Of each document 36 bytes are kept: a digest of its `_id` under a key that only this process has, its CRC-64,
its length and its place. Nothing of a document itself reaches the disk, so an encrypted backup stays one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from services.archive.documents import MASK64, crc64_xz, sum_documents
from services.archive.model import Buffer
from services.comparing.identity import OBJECT_ID, identity
from services.errors import QuillkeepError

DIGEST_BYTES = 16
SUM_BYTES = 28
"""Digest, CRC-64 and length: equal for equal documents of one `_id`."""
RECORD_BYTES = 36
PARTS = 256
BUFFERED_BYTES = 4 << 20
"""Records of all indexes together that wait in memory; then they are written, each part's behind one another."""
_record = struct.Struct(">16sQIQ").pack
_length_at = struct.Struct("<i").unpack_from
_ID = b"_id\0"


class Spill:
    """One temporary file for all indexes of a comparison, in a private folder, without a name; close it."""

    def __init__(self, folder: Path) -> None:
        self.key = os.urandom(32)
        self.folder = folder
        self._handle = _unnamed(folder)
        self._end = 0
        self._indexes: list[DocumentIndex] = []
        self.buffered = 0

    def close(self) -> None:
        """Forgets everything."""
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def index(self) -> DocumentIndex:
        """A new, empty index."""
        made = DocumentIndex(self)
        self._indexes.append(made)
        return made

    def forget(self, index: DocumentIndex) -> None:
        """An index that is not needed any more."""
        if index in self._indexes:
            self._indexes.remove(index)
            self.buffered -= index.drop()

    def grown(self, amount: int) -> None:
        """Counts what waits in memory, and writes it out when that is too much."""
        self.buffered += amount
        if self.buffered >= BUFFERED_BYTES:
            for index in self._indexes:
                index.write_out()
            self.buffered = 0

    def write(self, data: bytes | bytearray) -> int:
        """Appends and gives the place. Errors: `QuillkeepError` for a full disk."""
        at = self._end
        view = memoryview(data)
        try:
            while view:
                done = os.pwrite(self._handle, view, self._end)
                self._end += done
                view = view[done:]
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise QuillkeepError(
                "The comparison could not keep its sums on disk.",
                cause=f"{self.folder}: {os.strerror(error.errno or 0)}.",
                next="Free space there (36 bytes a document), or compare fewer: `--collections a,b`, "
                "or counts and sums alone: `--no-documents`."
                if full
                else "Look at that disk, then run the same command again.",
            ) from error
        return at

    def read(self, at: int, size: int) -> bytes:
        """What was written there."""
        pieces = []
        while size:
            piece = os.pread(self._handle, size, at)
            if not piece:
                raise QuillkeepError(
                    "The comparison's temporary file is shorter than what was written to it."
                )
            pieces.append(piece)
            at, size = at + len(piece), size - len(piece)
        return b"".join(pieces)


class DocumentIndex:
    """The documents of one collection of one side; `documents`, `bytes` and `content` are those of `Sums`."""

    def __init__(self, spill: Spill) -> None:
        self._spill = spill
        self._buffers = [bytearray() for _ in range(PARTS)]
        self._extents: list[list[tuple[int, int]]] = [[] for _ in range(PARTS)]
        self.documents = 0
        self.bytes = 0
        self.content = 0

    def add(self, data: Buffer) -> None:
        """Whole raw documents, in the order of the side. Errors: `ArchiveError`, `QuillkeepError`."""
        raw = bytes(data)
        view = memoryview(raw)
        buffers, key, blake = self._buffers, self._spill.key, hashlib.blake2b
        ordinal, content = self.documents, 0
        size, at = len(raw), 0
        while at < size:
            end = at + _length_at(raw, at)[0] if at + 5 <= size else -1
            if end < at + 5 or end > size or raw[end - 1]:
                sum_documents(view[at:], offset=self.bytes + at)
            crc = crc64_xz(view[at:end])
            content += crc
            if raw[at + 4] == OBJECT_ID and raw[at + 5 : at + 9] == _ID:
                ident: bytes | None = raw[at + 4 : at + 5] + raw[at + 9 : at + 21]
            else:
                ident = identity(raw[at:end])
            if ident is None:
                # Without an _id a document is equal to another or it is not: there is no `changed`.
                ident = b"\0" + crc.to_bytes(8, "little") + raw[at : at + 4]
            digest = blake(ident, digest_size=DIGEST_BYTES, key=key).digest()
            buffers[digest[0]] += _record(digest, crc, end - at, ordinal)
            ordinal += 1
            at = end
        added = ordinal - self.documents
        self.documents, self.content = ordinal, (self.content + content) & MASK64
        self.bytes += size
        self._spill.grown(added * RECORD_BYTES)

    def write_out(self) -> None:
        """Puts what waits in memory into the file, each part in one piece."""
        if not any(self._buffers):
            return
        at = self._spill.write(b"".join(self._buffers))
        for part, waiting in enumerate(self._buffers):
            if waiting:
                self._extents[part].append((at, len(waiting)))
                at += len(waiting)
                waiting.clear()

    def drop(self) -> int:
        """Forgets what waits in memory and gives its bytes."""
        waiting = sum(map(len, self._buffers))
        self._buffers = [bytearray() for _ in range(PARTS)]
        self._extents = [[] for _ in range(PARTS)]
        return waiting

    def part(self, number: int) -> list[bytes]:
        """The records of one part of 256, in the order of the side."""
        found: list[bytes] = []
        for data in (
            *(self._spill.read(*one) for one in self._extents[number]),
            bytes(self._buffers[number]),
        ):
            found += [data[place : place + RECORD_BYTES] for place in range(0, len(data), RECORD_BYTES)]
        return found


def digests(data: Buffer, key: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(the first `SUM_BYTES` of its record, the document) of each raw document."""
    raw = bytes(data)
    view = memoryview(raw)
    size, at = len(raw), 0
    while at < size:
        end = at + _length_at(raw, at)[0]
        crc = crc64_xz(view[at:end])
        document = raw[at:end]
        ident = identity(document) or b"\0" + crc.to_bytes(8, "little") + document[:4]
        digest = hashlib.blake2b(ident, digest_size=DIGEST_BYTES, key=key).digest()
        yield _record(digest, crc, end - at, 0)[:SUM_BYTES], document
        at = end


def _unnamed(folder: Path) -> int:
    """A file of mode 0600 without a name; where the file system has none such, its name goes at once."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_EXCL
    try:
        with contextlib.suppress(OSError):
            return os.open(folder, flags | os.O_TMPFILE, 0o600)
        path = folder / f"compare-{os.urandom(8).hex()}.tmp"
        handle = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        path.unlink()
        return handle
    except OSError as error:
        raise QuillkeepError(
            "The comparison's temporary file could not be made.",
            cause=f"{folder}: {os.strerror(error.errno or 0)}.",
            next="Make that folder writable and free space there, or compare with `--no-documents`.",
        ) from error


Check = Callable[[], None]
