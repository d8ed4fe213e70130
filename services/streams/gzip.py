"""gzip as a stream of chunks, telling every kind of damage apart.

Header and trailer are those of RFC 1952, read here rather than by the library, which calls a truncation,
a trailing byte and a wrong checksum by names that overlap. The deflate data goes through isal.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import cast

from isal import igzip_lib, isal_zlib

from services.profile import Limits
from services.streams.errors import StreamError

GZIP_MAGIC = b"\x1f\x8b"
OUTPUT_BYTES = 512 * 1024
"""Uncompressed bytes a chunk has at most; larger chunks leave the processor's cache (measured)."""
RATIO_AFTER = 64 * 1024 * 1024
"""Output from which on the ratio is looked at: less does no harm."""
MAX_HEADER = 128 * 1024
_DEFLATE_ERROR = cast("type[Exception]", igzip_lib.IsalError)
"""The library's type stubs declare an instance where there is a class."""
_FHCRC, _FEXTRA, _FNAME, _FCOMMENT = 2, 4, 8, 16


class Caps:
    """Counts what a stream gives against what it cost, and refuses bombs."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.taken = 0
        self.given = 0

    def give(self, size: int) -> None:
        """Adds output; `StreamError` beyond the absolute cap or the ratio."""
        self.given += size
        if self.given > self._limits.max_bytes:
            raise StreamError(
                f"at most {self._limits.max_bytes:,} bytes uncompressed", found="more: it may be a bomb"
            )
        if self.given > RATIO_AFTER and self.given > self.taken * self._limits.max_ratio:
            raise StreamError(
                f"at most {self._limits.max_ratio:,} bytes out of one",
                found=f"{self.given:,} out of {self.taken:,}: it may be a bomb",
            )


class _Input:
    """The compressed bytes not looked at yet."""

    def __init__(self, chunks: Iterable[bytes], caps: Caps) -> None:
        self._chunks = iter(chunks)
        self._caps = caps
        self.rest = b""

    def more(self) -> bytes:
        """What is left over, else the next chunk; empty at the end."""
        if self.rest:
            rest, self.rest = self.rest, b""
            return rest
        for chunk in self._chunks:
            if chunk:
                self._caps.taken += len(chunk)
                return chunk
        return b""

    def have(self, size: int) -> bool:
        """Whether `rest` holds `size` bytes, reading on as needed."""
        while len(self.rest) < size:
            rest, self.rest = self.rest, b""
            chunk = self.more()
            self.rest = rest + chunk
            if not chunk:
                return False
        return True

    def take(self, size: int, part: str) -> bytes:
        """Exactly `size` bytes of a header or trailer."""
        if not self.have(size):
            raise _truncated(part, self._caps)
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken


def _truncated(part: str, caps: Caps) -> StreamError:
    return StreamError(
        f"{part} of the gzip data",
        found=f"the end of the file after {caps.taken:,} bytes: it is truncated",
        offset=caps.taken,
    )


def gunzip(chunks: Iterable[bytes], *, limits: Limits, output: int = OUTPUT_BYTES) -> Iterator[bytes]:
    """The uncompressed bytes of all members, in chunks of at most `output`.

    `StreamError` for an empty file, something else than gzip, truncation in any part, deflate data that
    cannot be, a wrong CRC-32 or length in a trailer, bytes after the end (zeros alone are padding, as for
    gzip itself) and bombs. All data before the damage is given first.
    """
    caps = Caps(limits)
    source = _Input(chunks, caps)
    if not source.have(1):
        raise StreamError("gzip data", found="an empty file of 0 bytes", offset=0)
    first = True
    while True:
        if not first and not source.have(1):
            return
        if not first and source.rest[:1] == b"\0":
            _only_zeros(source, caps)
            return
        _read_header(source, first=first)
        yield from _member(source, caps, output)
        first = False


def _only_zeros(source: _Input, caps: Caps) -> None:
    while chunk := source.more():
        if chunk.count(0) != len(chunk):
            raise StreamError(
                "the end of the file", found="trailing bytes after the gzip data", offset=caps.taken
            )


def _read_header(source: _Input, *, first: bool) -> None:
    complete = source.have(2)
    if source.rest[:2] != GZIP_MAGIC[: len(source.rest)] or (not first and not complete):
        if first:
            raise StreamError("gzip data", found="something that is not gzip", offset=0)
        raise StreamError("the end of the file", found="trailing bytes after the gzip data")
    fixed = source.take(10, "the header")
    flags = fixed[3]
    if fixed[2] != 8 or flags & 0xE0:
        raise StreamError("a gzip header for deflate data", found=f"method {fixed[2]} and flags {flags:#04x}")
    raw = fixed
    if flags & _FEXTRA:
        size = source.take(2, "the header")
        raw += size + source.take(int.from_bytes(size, "little"), "the header")
    for flag in (_FNAME, _FCOMMENT):
        if flags & flag:
            raw += _zero_terminated(source)
    if flags & _FHCRC:
        claimed = int.from_bytes(source.take(2, "the header"), "little")
        if claimed != zlib.crc32(raw) & 0xFFFF:
            raise StreamError("the checksum of the gzip header", found="another one")


def _zero_terminated(source: _Input) -> bytes:
    size = 1
    while True:
        if not source.have(size):
            raise StreamError("the header of the gzip data", found="the end of the file: it is truncated")
        end = source.rest.find(b"\0")
        if end >= 0:
            return source.take(end + 1, "the header")
        size = len(source.rest) + 1
        if size > MAX_HEADER:
            raise StreamError("a gzip header", found=f"a name of more than {MAX_HEADER:,} bytes")


def _member(source: _Input, caps: Caps, output: int) -> Iterator[bytes]:
    engine = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE)
    crc = size = 0
    while not engine.eof:
        chunk = b""
        if engine.needs_input:
            chunk = source.more()
            if not chunk:
                raise _truncated("the rest", caps)
        try:
            data = engine.decompress(chunk, output)
        except _DEFLATE_ERROR as error:
            raise StreamError(
                "valid deflate data",
                found=f"damage within the gzip data before byte {caps.taken:,} of the file ({error})",
            ) from error
        if data:
            caps.give(len(data))
            crc = isal_zlib.crc32(data, crc)
            size += len(data)
            yield data
        elif not chunk and not engine.eof and not engine.needs_input:
            raise StreamError("valid deflate data", found="data that gives nothing")
    source.rest = engine.unused_data
    trailer = source.take(8, "the trailer")
    if int.from_bytes(trailer[:4], "little") != crc:
        raise StreamError(
            f"the CRC-32 {int.from_bytes(trailer[:4], 'little'):08x} of the gzip trailer", found=f"{crc:08x}"
        )
    if int.from_bytes(trailer[4:], "little") != size & 0xFFFFFFFF:
        raise StreamError(
            f"the length {int.from_bytes(trailer[4:], 'little'):,} of the gzip trailer", found=f"{size:,}"
        )
