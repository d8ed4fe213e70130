"""Text forms as streams: armour and base64 in pieces of any size, and what is wrong with them in words."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import pytest

from services.streams.armour import base64_bytes, dearmoured, is_armoured
from services.streams.errors import StreamError

MESSAGE = (Path(__file__).parents[2] / "fixtures" / "gpg" / "armour.msg").read_bytes()
RANDOM = random.Random(3)
DATA = RANDOM.randbytes(10_001)


def bare(data: bytes, size: int = 1000) -> bytes:
    """What an armoured stream holds."""
    return b"".join(dearmoured((data[at : at + size] for at in range(0, len(data), size)), "OpenPGP"))


def decoded(data: bytes, size: int = 1000) -> bytes:
    """What a base64 stream holds."""
    return b"".join(base64_bytes((data[at : at + size] for at in range(0, len(data), size)), "openssl enc"))


def armoured(data: bytes, *, headers: bytes = b"Version: 1\n", newline: bytes = b"\n") -> bytes:
    """Armour of ours."""
    text = b"-----BEGIN PGP MESSAGE-----\n" + headers + b"\n"
    text += base64.encodebytes(data) + b"=abcd\n-----END PGP MESSAGE-----\n"
    return text.replace(b"\n", newline)


def test_what_gpg_wrote() -> None:
    assert is_armoured(MESSAGE) and not is_armoured(b"\x8c\x0d")
    whole = bare(MESSAGE)
    assert whole[0] == 0x8C
    for size in (1, 2, 3, 63, 64, 65, 100_000):
        assert bare(MESSAGE, size) == whole


@pytest.mark.parametrize("length", [0, 1, 2, 3, 47, 48, 49, 10_001])
def test_every_length_with_and_without_headers(length: int) -> None:
    data = DATA[:length]
    for size in (1, 5, 4096):
        assert bare(armoured(data), size) == data
        assert bare(b"\n \n" + armoured(data, headers=b"", newline=b"\r\n") + b"\n\n", size) == data


def test_without_a_checksum_line() -> None:
    assert bare(armoured(DATA).replace(b"=abcd\n", b"")) == DATA


def test_what_is_cut_or_followed_is_refused() -> None:
    text = armoured(DATA)
    for cut in (0, 5, 30, 40, 60, 1000, len(text) - 40, len(text) - 20, len(text) - 3):
        with pytest.raises(StreamError):
            bare(text[:cut])
    for tail in (b"x", b"\nmore", text):
        with pytest.raises(StreamError, match="trailing bytes"):
            bare(text + tail)
    for wrong in (text.replace(b"=abcd", b"=ab"), text.replace(b"-----END", b"-----OND"), b"x" * 100_000):
        with pytest.raises(StreamError):
            bare(wrong)


def test_other_characters_are_refused() -> None:
    text = armoured(DATA)
    for place in RANDOM.sample(range(60, len(text) - 60), 20):
        if text[place : place + 1] in (b"\n",):
            continue
        for wrong in (b"\0", b"*", b"\xff"):
            with pytest.raises(StreamError):
                bare(text[:place] + wrong + text[place + 1 :])


def test_base64_of_any_width() -> None:
    for width in (1, 64, 76, 100_000):
        text = base64.b64encode(DATA)
        lines = b"\r\n".join(text[at : at + width] for at in range(0, len(text), width))
        assert decoded(lines) == decoded(lines, 1) == DATA
    assert decoded(b"") == b""


def test_base64_that_is_cut_or_goes_on() -> None:
    text = base64.b64encode(DATA)
    for wrong in (text[:-1], text[:-2], text[:-3], text + b"A", text + b"AAAA", text[:50] + b"=" + text[51:]):
        with pytest.raises(StreamError):
            decoded(wrong)
