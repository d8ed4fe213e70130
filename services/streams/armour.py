"""Text forms of binary data as streams: OpenPGP's ASCII armour (RFC 4880 section 6.2) and plain base64."""

from __future__ import annotations

import binascii
from collections.abc import Iterator

from services.streams.errors import StreamError

MAX_LINE = 4096
"""Bytes of a header line of armour."""
_BEGIN = b"-----BEGIN PGP MESSAGE"
_BLANKS = b" \t\r\n"


def is_armoured(head: bytes) -> bool:
    """Whether a stream that begins so is armoured OpenPGP."""
    return head.lstrip().startswith(_BEGIN)


def base64_bytes(chunks: Iterator[bytes], layer: str) -> Iterator[bytes]:
    """The bytes that base64 lines of any width stand for; `StreamError` for other characters and a cut end."""
    held = b""
    ended = False
    taken = 0
    for chunk in chunks:
        text = held + chunk.translate(None, _BLANKS)
        whole = len(text) // 4 * 4
        held = text[whole:]
        if ended and text:
            raise StreamError("the end of the base64", found="more of it", offset=taken, layer=layer)
        if whole:
            yield _decoded(text[:whole], taken, layer)
            ended = text[whole - 1 : whole] == b"="
        taken += len(chunk)
    if held:
        raise StreamError(
            "whole groups of base64", found="the end within one: it is cut", offset=taken, layer=layer
        )


def _decoded(text: bytes, offset: int, layer: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise StreamError(
            "base64", found=f"other characters ({error})", offset=offset, layer=layer
        ) from error


def dearmoured(chunks: Iterator[bytes], layer: str) -> Iterator[bytes]:
    """The bytes of one armoured message; `StreamError` when it is cut or something follows it.

    The armour's own CRC-24 is left alone, as RFC 9580 asks: the message proves itself by its MDC.
    """
    yield from base64_bytes(_armour_lines(chunks, layer), layer)


def _armour_lines(chunks: Iterator[bytes], layer: str) -> Iterator[bytes]:
    """What lies between the blank line behind the headers and the checksum or the last line."""
    held, rest = _after_headers(chunks, layer)
    while True:
        # A line that does not begin with `=` or `-` is base64; it never holds them at its beginning.
        end = _last_lines(held)
        if end is not None:
            yield held[:end]
            _check_tail(held[end:], rest, layer)
            return
        # The last line break stays: what follows it tells whether it ends the data.
        keep = max(held.rfind(b"\n"), 0)
        yield held[:keep]
        held = held[keep:]
        chunk = next(rest, b"")
        if not chunk:
            raise StreamError("the last line of the armour", found="the end: it is cut", layer=layer)
        held += chunk


def _last_lines(text: bytes) -> int | None:
    found = [at for at in (text.find(b"\n="), text.find(b"\n-")) if at >= 0]
    return min(found) if found else None


def _after_headers(chunks: Iterator[bytes], layer: str) -> tuple[bytes, Iterator[bytes]]:
    held = b""
    rest = iter(chunks)
    while True:
        text = held.lstrip()
        first, newline, following = text.partition(b"\n")
        if newline and not first.startswith(_BEGIN):
            break
        if newline:
            at, done = 0, False
            while (end := following.find(b"\n", at)) >= 0:
                if not following[at:end].strip():
                    done = True
                    break
                at = end + 1
            if done:
                return following[end:], rest
        if len(held) > 16 * MAX_LINE:
            break
        chunk = next(rest, b"")
        if not chunk:
            break
        held += chunk
    raise StreamError("the header lines of the armour", found="none that end", layer=layer)


def _check_tail(tail: bytes, rest: Iterator[bytes], layer: str) -> None:
    for chunk in rest:
        tail += chunk
        if len(tail) > MAX_LINE:
            break
    lines = [line.strip() for line in tail.split(b"\n") if line.strip()]
    if lines and lines[0].startswith(b"="):
        if len(lines[0]) != 5:
            raise StreamError("the checksum line of the armour", found="another", layer=layer)
        lines.pop(0)
    if lines != [b"-----END PGP MESSAGE-----"]:
        found = "trailing bytes" if lines[:1] == [b"-----END PGP MESSAGE-----"] else "another: it is cut"
        raise StreamError("the last line of the armour alone", found=found, layer=layer)
