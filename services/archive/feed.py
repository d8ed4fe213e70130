"""A stream of chunks read as documents, without joining more than the one document that crosses two chunks."""

from __future__ import annotations

import struct
from collections.abc import Iterator

TERMINATOR_LENGTH = -1
"""What the terminator ff ff ff ff is when it is read as a document's length."""
MIN_DOCUMENT = 5
_length_at = struct.Struct("<i").unpack_from


class Ended(Exception):
    """The stream ended where bytes were needed: `found` of them were there, from `offset` on."""

    def __init__(self, found: int, offset: int) -> None:
        super().__init__(found, offset)
        self.found = found
        self.offset = offset


class BadLength(Exception):
    """The bytes at `offset` of the stream are no document: a length out of bounds, or no NUL at its end."""

    def __init__(self, offset: int, length: int, *, ended: bool = False) -> None:
        super().__init__(offset, length)
        self.offset = offset
        self.length = length
        self.ended = ended
        """The length is possible, but the last byte is not NUL."""


class Feed:
    """A position in a stream that is read once."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._data = b""
        self._at = 0
        self._base = 0

    @property
    def offset(self) -> int:
        """Bytes of the stream consumed so far."""
        return self._base + self._at

    def _load(self, chunk: bytes) -> None:
        self._base += len(self._data)
        self._data = chunk
        self._at = 0

    def _next_chunk(self) -> bool:
        """Replaces an exhausted chunk by the next one."""
        for chunk in self._chunks:
            if chunk:
                self._load(chunk)
                return True
        return False

    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._data) and not self._next_chunk()

    def take(self, size: int) -> memoryview:
        """The next `size` bytes; copied only when they cross a chunk. `Ended` when there are fewer."""
        here = len(self._data) - self._at
        if size <= here:
            view = memoryview(self._data)[self._at : self._at + size]
            self._at += size
            return view
        start = self.offset
        parts: list[bytes | memoryview] = [memoryview(self._data)[self._at :]]
        missing = size - here
        self._at = len(self._data)
        while missing:
            if not self._next_chunk():
                raise Ended(size - missing, start)
            piece = memoryview(self._data)[:missing]
            self._at = len(piece)
            missing -= len(piece)
            parts.append(piece)
        return memoryview(b"".join(parts))

    def some(self, limit: int) -> memoryview:
        """The next bytes as they lie there, at most `limit`; `Ended` at the end."""
        if self.at_end():
            raise Ended(0, self.offset)
        view = memoryview(self._data)[self._at : self._at + limit]
        self._at += len(view)
        return view

    def peek(self, size: int) -> bytes:
        """The next few bytes without consuming them, fewer at the end of the stream."""
        while len(self._data) - self._at < size:
            rest = self._data[self._at :]
            offset = self.offset
            chunk = next((chunk for chunk in self._chunks if chunk), b"")
            if not chunk:
                break
            self._data, self._at, self._base = rest + chunk, 0, offset
        return self._data[self._at : self._at + size]

    def document(self, limit: int) -> memoryview:
        """One whole document of at most `limit` bytes; `Ended` or `BadLength`."""
        start = self.offset
        prefix = self.peek(4)
        if len(prefix) < 4:
            raise Ended(len(prefix), start)
        (length,) = _length_at(prefix)
        if not MIN_DOCUMENT <= length <= limit:
            raise BadLength(start, length)
        document = self.take(length)
        if document[-1] != 0:
            raise BadLength(start, length, ended=True)
        return document

    def documents(self, limit: int, *, terminated: bool = True) -> Iterator[memoryview]:
        """Runs of whole documents up to and including the terminator, or to the end where there is none.

        Each run lies within one chunk, or is the one document that crosses two. `Ended` or `BadLength`.
        """
        while True:
            data, start, end = self._data, self._at, len(self._data)
            at, last = start, end - 4
            length = 0
            stopped = False
            while at <= last:
                (length,) = _length_at(data, at)
                following = at + length
                if MIN_DOCUMENT <= length <= limit:
                    if following > end:
                        break
                    if data[following - 1]:
                        stopped = True
                        break
                    at = following
                else:
                    stopped = True
                    break
            if at > start:
                self._at = at
                yield memoryview(data)[start:at]
            if stopped:
                if terminated and length == TERMINATOR_LENGTH:
                    self._at += 4
                    return
                raise BadLength(self.offset, length, ended=MIN_DOCUMENT <= length <= limit)
            if not terminated and self.at_end():
                return
            if len(self.peek(4)) < 4:
                raise Ended(len(self.peek(4)), self.offset)
            if self._at + _length_at(self._data, self._at)[0] > len(self._data):
                (length,) = _length_at(self._data, self._at)
                if MIN_DOCUMENT <= length <= limit:
                    yield self.document(limit)
