"""gzip: every kind of damage has words of its own, and all data before it is given."""

from __future__ import annotations

import gzip
import random
import struct
import zlib

import pytest

from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.gzip import gunzip

RANDOM = random.Random(7)
DATA = bytes(RANDOM.choices(b"abcdefgh \n", k=200_000))
PACKED = gzip.compress(DATA, mtime=0)


def whole(data: bytes, piece: int = 1 << 16, limits: Limits = Limits()) -> bytes:
    """Everything a stream of such pieces holds."""
    return b"".join(gunzip([data[at : at + piece] for at in range(0, len(data), piece)], limits=limits))


def words(data: bytes, limits: Limits = Limits()) -> str:
    """What a damaged stream ends in."""
    with pytest.raises(StreamError) as caught:
        whole(data, limits=limits)
    return str(caught.value)


@pytest.mark.parametrize("piece", [1, 3, 1000, 1 << 20])
def test_members_in_pieces_of_any_size(piece: int) -> None:
    data = gzip.compress(DATA[:3000]) + gzip.compress(b"") + gzip.compress(DATA[3000:5000])
    assert whole(data, piece) == DATA[:5000]


def test_two_hundred_members() -> None:
    assert whole(gzip.compress(b"ab") * 200) == b"ab" * 200


def test_all_fields_of_a_header() -> None:
    fixed = (
        b"\x1f\x8b\x08"
        + bytes([2 | 4 | 8 | 16])
        + bytes(6)
        + struct.pack("<H", 5)
        + b"extra"
        + b"name\0note\0"
    )
    body = zlib.compress(b"data", wbits=-15) + struct.pack("<II", zlib.crc32(b"data"), 4)
    check = struct.pack("<H", zlib.crc32(fixed) & 0xFFFF)
    assert whole(fixed + check + body) == whole(fixed + check + body, 1) == b"data"
    assert "the checksum of the gzip header" in words(fixed + b"\0\0" + body)


@pytest.mark.parametrize("cut", [1, 2, 5, 9, 10, 11, 5000, len(PACKED) - 9, len(PACKED) - 8, len(PACKED) - 1])
def test_truncated(cut: int) -> None:
    assert "truncated" in words(PACKED[:cut])


def test_truncated_in_the_second_member() -> None:
    for cut in (2, 5, 15, len(PACKED) - 3):
        assert "truncated" in words(PACKED + PACKED[:cut])


def test_everything_before_the_damage_is_given() -> None:
    given = b""
    with pytest.raises(StreamError):
        for chunk in gunzip([PACKED[:50_000]], limits=Limits()):
            given += chunk
    assert len(given) > 90_000
    assert DATA.startswith(given)


def test_what_is_wrong_has_words_of_its_own() -> None:
    crc = bytearray(PACKED)
    crc[-8] ^= 1
    assert "the CRC-32" in words(bytes(crc))
    size = bytearray(PACKED)
    size[-1] ^= 1
    assert "the length" in words(bytes(size))
    broken = PACKED[:100] + bytes(60) + b"\xff" * 60 + PACKED[220:]
    assert "valid deflate data" in words(broken) or "the CRC-32" in words(broken)
    assert "valid deflate data" in words(PACKED[:10] + b"\x07" + PACKED[11:])
    assert "an empty file of 0 bytes" in words(b"")
    assert "not gzip" in words(b"plain text")
    assert "method 7" in words(b"\x1f\x8b\x07" + PACKED[3:])


@pytest.mark.parametrize("tail", [b"\n", b"ga", b"\x1f", b"garbage" * 20, b"\x1f\x8c" + bytes(20)])
def test_trailing_bytes(tail: bytes) -> None:
    assert "trailing bytes" in words(PACKED + tail)


def test_trailing_zeros_are_padding() -> None:
    assert whole(PACKED + bytes(512)) == DATA
    assert whole(PACKED + b"\0") == DATA
    assert "trailing bytes" in words(PACKED + bytes(512) + b"x")


def test_bombs() -> None:
    bomb = gzip.compress(bytes(80 << 20))
    assert "it may be a bomb" in words(bomb, Limits(max_ratio=500))
    assert len(whole(gzip.compress(bytes(10 << 20)), limits=Limits(max_ratio=2))) == 10 << 20
    assert "at most 1,000 bytes uncompressed" in words(PACKED, Limits(max_bytes=1000))


def test_a_header_without_an_end() -> None:
    head = b"\x1f\x8b\x08\x08" + bytes(6)
    assert "a name of more than" in words(head + b"x" * 200_000)
    assert "truncated" in words(head + b"x" * 100)
