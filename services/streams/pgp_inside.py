"""What lies below the encryption of an OpenPGP message: literal data, plain or compressed (RFC 4880 section 5.6, 5.9)."""

from __future__ import annotations

import bz2
from collections.abc import Iterator
from typing import cast

from isal import igzip_lib

from services.archive.feed import Feed
from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.gzip import OUTPUT_BYTES, Caps
from services.streams.pgp_ciphers import LAYER
from services.streams.pgp_packets import PacketHeader, body, pieces

_DEFLATE_ERROR = cast("type[Exception]", igzip_lib.IsalError)


def literal(feed: Feed, header: PacketHeader) -> Iterator[bytes]:
    """The contents of a literal data packet."""
    content = body(feed, header)
    found = b""
    for piece in content:
        found += piece
        if len(found) >= 6 and len(found) >= 6 + found[1]:
            break
    else:
        raise StreamError("the header of literal data", found="the end of its packet", layer=LAYER)
    if rest := found[6 + found[1] :]:
        yield rest
    yield from pieces(content)


def uncompressed(feed: Feed, header: PacketHeader, limits: Limits) -> Iterator[bytes]:
    """The packets of a compressed data packet; `StreamError` for damage and for bombs."""
    source = pieces(body(feed, header))
    first = next(source, b"")
    if not first or first[0] > 3:
        found = f"the number {first[0]}" if first else "the end of its packet"
        raise StreamError("a compression that OpenPGP knows", found=found, layer=LAYER)
    caps = Caps(limits)
    caps.taken = len(first)
    if first[0] == 0:
        yield first[1:]
        yield from source
    elif first[0] == 3:
        yield from _bunzip(first[1:], source, caps)
    else:
        flag = igzip_lib.DECOMP_DEFLATE if first[0] == 1 else igzip_lib.DECOMP_ZLIB
        yield from _inflate(igzip_lib.IgzipDecompressor(flag=flag), first[1:], source, caps)


def _inflate(
    engine: igzip_lib.IgzipDecompressor, first: bytes, source: Iterator[bytes], caps: Caps
) -> Iterator[bytes]:
    chunk = first
    while not engine.eof:
        if engine.needs_input and not chunk:
            chunk = _more(source, caps)
        try:
            data = engine.decompress(chunk, OUTPUT_BYTES)
        except _DEFLATE_ERROR as error:
            raise _bad_compression(str(error)) from error
        if not data and not chunk and not engine.eof and not engine.needs_input:
            raise _bad_compression("data that gives nothing")
        chunk = b""
        if data:
            caps.give(len(data))
            yield data
    _nothing_left(engine.unused_data, source)


def _bunzip(first: bytes, source: Iterator[bytes], caps: Caps) -> Iterator[bytes]:
    engine = bz2.BZ2Decompressor()
    chunk = first
    while not engine.eof:
        if engine.needs_input and not chunk:
            chunk = _more(source, caps)
        try:
            data = engine.decompress(chunk, OUTPUT_BYTES)
        except (OSError, ValueError, EOFError) as error:
            raise _bad_compression(str(error)) from error
        chunk = b""
        if data:
            caps.give(len(data))
            yield data
    _nothing_left(engine.unused_data, source)


def _more(source: Iterator[bytes], caps: Caps) -> bytes:
    chunk = next(source, b"")
    if not chunk:
        raise _bad_compression("its end before the data's")
    caps.taken += len(chunk)
    return chunk


def _nothing_left(unused: bytes, source: Iterator[bytes]) -> None:
    if unused or next(source, b""):
        raise _bad_compression("bytes behind its end")


def _bad_compression(found: str) -> StreamError:
    return StreamError("whole compressed data below the encryption", found=found, layer=LAYER)
