"""A mongodump archive, plain or gzip, from a file or a pipe, as a dump source."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

from services.archive.model import Block, End, Namespace, Prelude
from services.archive.reader import ArchiveReader
from services.errors import Refused
from services.profile import Limits
from services.streams.files import Readable, file_chunks, stream_chunks
from services.streams.gzip import gunzip
from services.streams.readahead import read_ahead

AHEAD_CHUNKS = 4
"""Uncompressed chunks of half a MiB waiting between the decompressor's thread and the parser."""

Tap = Callable[[bytes], None]


class ByteSource:
    """The bytes of a file, opened anew for every pass, or of a stream, which has only one."""

    def __init__(self, path: Path | None, stream: Readable | None = None, *, tap: Tap | None = None) -> None:
        self._path = path
        self._stream = stream
        self._tap = tap
        self.name = path.name if path is not None else ""
        self.consumed = 0

    @property
    def again(self) -> bool:
        """Whether a second pass is possible."""
        return self._path is not None

    def untapped(self) -> ByteSource:
        """The same file for a pass that nobody else is shown."""
        return ByteSource(self._path)

    def chunks(self) -> Iterator[bytes]:
        """The raw bytes from the start."""
        self.consumed = 0
        if self._path is not None:
            return file_chunks(self._path, advance=self._advance, tap=self._tap)
        if self._stream is None:
            raise Refused(
                "This dump came through a pipe and was read already.", next="Give the file instead."
            )
        stream, self._stream = self._stream, None
        return stream_chunks(stream, advance=self._advance, tap=self._tap)

    def uncompressed(self, *, compressed: bool, limits: Limits) -> Generator[bytes, None, None]:
        """The bytes below gzip where there is one, read and decompressed in a thread of their own."""
        raw = self.chunks()
        return read_ahead(gunzip(raw, limits=limits) if compressed else raw, AHEAD_CHUNKS)

    def size(self) -> int:
        """Bytes of the file, 0 of a stream."""
        return os.stat(self._path).st_size if self._path is not None else 0

    def _advance(self, size: int) -> None:
        self.consumed += size


class ArchiveSource:
    """An archive; `form` is `archive` or `archive.gz`."""

    sums = True

    def __init__(self, source: ByteSource, *, compressed: bool, limits: Limits) -> None:
        self.form = "archive.gz" if compressed else "archive"
        self._source = source
        self._compressed = compressed
        self._limits = limits
        self._prelude: Prelude | None = None
        self._waiting: ArchiveReader | None = None

    def prelude(self) -> Prelude:
        """Reads as far as the prelude goes, once."""
        if self._prelude is None:
            reader, chunks = self._reader(self._source.untapped() if self._source.again else self._source)
            try:
                self._prelude = reader.prelude()
            finally:
                if self._source.again:
                    chunks.close()
            if not self._source.again:
                self._waiting = reader
        return self._prelude

    def read(self, only: Sequence[Namespace] | None = None) -> Iterator[Block | End]:
        """One pass; see `DumpSource`."""
        if self._waiting is not None:
            reader, self._waiting = self._waiting, None
            yield from reader.read(only)
            return
        reader, chunks = self._reader(self._source)
        try:
            self._prelude = reader.prelude()
            yield from reader.read(only)
        finally:
            chunks.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was recognised and left alone, a sentence each."""
        return self.prelude().notes

    def bytes_read(self) -> int:
        """Bytes of the file consumed so far."""
        return self._source.consumed

    def total_bytes(self) -> int:
        """Bytes of the file, 0 for a pipe."""
        return self._source.size()

    def _reader(self, source: ByteSource) -> tuple[ArchiveReader, Generator[bytes, None, None]]:
        chunks = source.uncompressed(compressed=self._compressed, limits=self._limits)
        return ArchiveReader(chunks, limits=self._limits, file=self._source.name), chunks
