"""OpenPGP packets in a stream: headers of both formats and bodies of every kind of length (RFC 4880 section 4.2)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from services.archive.feed import Ended, Feed
from services.streams.errors import StreamError
from services.streams.pgp_ciphers import LAYER

PIECE = 128 * 1024
"""Bytes that are decrypted at once; gpg's own pieces are of 8 KiB."""
MAX_SMALL = 1 << 16
"""Bytes of a packet that is held whole."""
MARKER, ONE_PASS, SIGNATURE, PADDING = 10, 4, 2, 21


class PacketHeader(msgspec.Struct, frozen=True):
    """A packet's tag; `length` is None up to the end of the stream, `partial` when more lengths follow."""

    tag: int
    length: int | None
    partial: bool
    offset: int


def cut(what: str, offset: int) -> StreamError:
    """The end of the stream came too early."""
    return StreamError(what, found="the end of the file: it is truncated", offset=offset, layer=LAYER)


def read_header(feed: Feed) -> PacketHeader:
    """The next packet's header; `StreamError` for bytes that are none."""
    offset = feed.offset
    try:
        first = feed.take(1)[0]
        if not first & 0x80:
            raise StreamError("an OpenPGP packet", found=f"the byte {first:02x}", offset=offset, layer=LAYER)
        if first & 0x40:
            length, partial = _new_length(feed)
            return PacketHeader(first & 0x3F, length, partial, offset)
        if first & 3 == 3:
            return PacketHeader((first >> 2) & 15, None, False, offset)
        size = 1 << (first & 3)
        return PacketHeader((first >> 2) & 15, int.from_bytes(feed.take(size), "big"), False, offset)
    except Ended as ended:
        raise cut("the header of an OpenPGP packet", ended.offset) from ended


def _new_length(feed: Feed) -> tuple[int, bool]:
    first = feed.take(1)[0]
    if first < 192:
        return first, False
    if first < 224:
        return ((first - 192) << 8) + feed.take(1)[0] + 192, False
    if first < 255:
        return 1 << (first & 31), True
    return int.from_bytes(feed.take(4), "big"), False


def body(feed: Feed, header: PacketHeader) -> Iterator[memoryview]:
    """The packet's bytes as they lie in the stream; `StreamError` when they end too early."""
    if header.length is None:
        while not feed.at_end():
            yield feed.some(PIECE)
        return
    left, partial = header.length, header.partial
    try:
        while True:
            while left:
                piece = feed.some(min(left, PIECE))
                left -= len(piece)
                yield piece
            if not partial:
                return
            left, partial = _new_length(feed)
    except Ended as ended:
        raise cut("the rest of an OpenPGP packet", ended.offset) from ended


def small_body(feed: Feed, header: PacketHeader) -> bytes:
    """A packet that is held whole; `StreamError` beyond 64 KiB."""
    found = b""
    for piece in body(feed, header):
        found += piece
        if len(found) > MAX_SMALL:
            raise StreamError(
                "a small OpenPGP packet",
                found=f"more than {MAX_SMALL:,} bytes of tag {header.tag}",
                offset=header.offset,
                layer=LAYER,
            )
    return found


def pieces(source: Iterator[memoryview], size: int = PIECE) -> Iterator[bytes]:
    """The same bytes in pieces of about `size`, so that each step costs little."""
    held: list[memoryview] = []
    total = 0
    for piece in source:
        held.append(piece)
        total += len(piece)
        if total >= size:
            yield b"".join(held)
            held, total = [], 0
    if held:
        yield b"".join(held)
