"""OpenPGP messages: every form gpg writes and some it only reads; nothing wrong, altered or cut is accepted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.locked import EncryptedDump
from services.streams.openpgp import OpenPgp, SessionKey, fits, parse_locked, session_key
from services.streams.pgp_ciphers import CIPHERS, NeedsGpg
from tests.unit.streams.pgp_builder import (
    PASSPHRASE,
    Lengths,
    compressed,
    literal,
    message,
    ocb_message,
    packet,
    protected,
    session_packet,
)

RANDOM = random.Random(11)
DATA = RANDOM.randbytes(20_000) + bytes(20_000)
MESSAGES = Path(__file__).parents[2] / "fixtures" / "gpg"
BUILT_IN = sorted(
    path.stem
    for path in MESSAGES.glob("*.msg")
    if path.stem not in ("plain", "armour", "no-mdc", "public-key", "cipher-twofish")
)


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    """A stream in pieces."""
    return iter([data[at : at + size] for at in range(0, len(data), size)])


def opened(data: bytes, *, passphrase: bytes = PASSPHRASE, size: int = 4096) -> bytes:
    """The contents of a message."""
    return b"".join(OpenPgp(passphrase, limits=Limits(), file="x.gpg").plain(chunks(data, size)))


def refused(data: bytes, *, passphrase: bytes = PASSPHRASE) -> str:
    """The words of one that is not accepted."""
    with pytest.raises((StreamError, EncryptedDump, NeedsGpg)) as caught:
        opened(data, passphrase=passphrase)
    return str(caught.value)


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_gpg_wrote_is_read(name: str) -> None:
    data = (MESSAGES / f"{name}.msg").read_bytes()
    plain = (MESSAGES / "plain.msg").read_bytes()
    assert opened(data) == plain
    assert opened(data, size=1 << 20) == plain


def test_pieces_of_any_size() -> None:
    data = (MESSAGES / "compress-zip.msg").read_bytes()
    plain = (MESSAGES / "plain.msg").read_bytes()
    for size in (1, 2, 7, 511, 8191):
        assert opened(data, size=size) == plain


@pytest.mark.parametrize("lengths", ["definite", "partial"])
@pytest.mark.parametrize("algorithm", [None, 0, 1, 2, 3])
def test_every_length_and_compression(lengths: Lengths, algorithm: int | None) -> None:
    for inner_lengths in ("definite", "partial", "old", "indeterminate"):
        inner = literal(DATA, inner_lengths)  # type: ignore[arg-type]
        if algorithm is not None:
            inner = compressed(algorithm, inner, inner_lengths)  # type: ignore[arg-type]
        assert opened(message(inner, lengths=lengths)) == DATA


@pytest.mark.parametrize("cipher", [number for number, kind in CIPHERS.items() if kind.class_name])
def test_every_cipher_with_and_without_a_sealed_key(cipher: int) -> None:
    for sealed in (False, True):
        assert opened(message(literal(DATA), cipher=cipher, sealed=sealed)) == DATA
    assert opened(message(literal(b""), cipher=cipher)) == b""


def test_packets_that_say_nothing_are_passed_over() -> None:
    head, key = session_packet()
    marker, padding = packet(10, b"PGP"), packet(21, bytes(50))
    signed = packet(4, bytes(13)) + literal(DATA) + packet(2, bytes(90))
    assert opened(marker + head + padding + protected(marker + signed + padding, key)) == DATA
    assert opened(message(compressed(1, compressed(2, literal(DATA))))) == DATA


def test_one_of_several_passphrases_opens() -> None:
    other, _ = session_packet(passphrase=b"another", sealed=bytes(32), coded=97)
    mine, key = session_packet(sealed=bytes(32))
    assert opened(other + mine + protected(literal(DATA), key)) == DATA
    assert opened(other + mine + protected(literal(DATA), key), passphrase=b"another") == DATA
    assert "wrong passphrase" in refused(other + mine + protected(literal(DATA), key), passphrase=b"none")


def test_a_message_to_a_public_key_says_so_and_one_to_both_opens() -> None:
    words = refused((MESSAGES / "public-key.msg").read_bytes())
    assert "public key" in words and "gpg --decrypt" in words
    assert opened((MESSAGES / "both.msg").read_bytes()) == (MESSAGES / "plain.msg").read_bytes()


def test_a_message_without_mdc_is_refused() -> None:
    assert "without integrity protection" in refused((MESSAGES / "no-mdc.msg").read_bytes())


def test_what_is_not_built_in_is_left_to_gpg() -> None:
    twofish = (MESSAGES / "cipher-twofish.msg").read_bytes()
    head, key = session_packet()
    version_2 = packet(18, b"\2" + bytes(60))
    argon2 = packet(3, bytes([4, 9, 4]) + bytes(19)) + protected(literal(DATA), key)
    for data, why in (
        (twofish, "Twofish"),
        (ocb_message(DATA), "OCB"),
        (head + version_2, "version 2"),
        (argon2, "Argon2"),
        (packet(3, bytes([6]) + bytes(40)) + protected(literal(DATA), key), "version 6"),
    ):
        with pytest.raises(NeedsGpg, match=why):
            opened(data)


@pytest.mark.parametrize(
    "name", ["hash-sha1", "compress-zip", "compress-none", "compress-bzip2", "both", "cipher-cast5"]
)
def test_a_bit_flipped_anywhere_is_noticed(name: str) -> None:
    data = (MESSAGES / f"{name}.msg").read_bytes()
    plain = (MESSAGES / "plain.msg").read_bytes()
    # Every byte of the packets before the data and of its beginning and end, and a sample between.
    head = 80 if name != "both" else 500
    places = {*range(head), *range(len(data) - 40, len(data)), *RANDOM.sample(range(len(data)), 60)}
    for place in sorted(places):
        bit = 1 << RANDOM.randrange(8)
        flipped = data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]
        if name == "both" and 3 <= place < 399:
            # The session key for somebody's public key: no part of what this passphrase opens.
            continue
        try:
            got = opened(flipped)
        except (StreamError, EncryptedDump, NeedsGpg):
            continue
        assert got == plain and name == "both" and place < 3, (place, bit)


def test_a_cut_anywhere_is_noticed() -> None:
    for name in ("hash-sha1", "compress-none", "compress-zlib"):
        data = (MESSAGES / f"{name}.msg").read_bytes()
        cuts = {*range(60), *range(len(data) - 50, len(data)), *RANDOM.sample(range(len(data)), 50)}
        for cut in cuts:
            assert refused(data[:cut]), (name, cut)


def test_bytes_behind_the_message_are_noticed() -> None:
    for name in ("definite", "compress-none", "compress-zlib"):
        data = (MESSAGES / f"{name}.msg").read_bytes()
        for tail in (b"\0", b"garbage", bytes(9000), data):
            assert "trailing" in refused(data + tail)


def test_nothing_else_may_lie_below_the_encryption() -> None:
    head, key = session_packet()
    for inner, words in (
        (b"", "none"),
        (literal(DATA) + literal(DATA), "tag 11"),
        (compressed(1, literal(DATA), "definite", tail=b"xx"), "bytes behind its end"),
        (compressed(3, literal(DATA), "definite", tail=b"xx"), "bytes behind its end"),
        (packet(8, b"\1" + b"\xff" * 30), "compressed data"),
        (packet(8, b"\7data"), "the number 7"),
        (packet(8, b"\1"), "its end before"),
        (packet(11, b"b\x20short"), "end of its packet"),
        (compressed(1, compressed(1, compressed(1, compressed(1, compressed(1, literal(DATA)))))), "tag 8"),
    ):
        assert words in refused(head + protected(inner, key)), words
    assert "MDC" in refused(head + protected(literal(DATA), key, mdc=bytes(20)))
    assert "MDC" in refused(head + protected(packet(8, b"\7data"), key, mdc=bytes(20)))


def test_broken_structures_have_words() -> None:
    head, key = session_packet()
    body = protected(literal(DATA), key)
    for data, words in (
        (b"", "truncated"),
        (b"plain text", "the byte 70"),
        (body, "a session key packet before"),
        (packet(3, bytes([4, 99, 0, 8])) + body, "the number 99"),
        (packet(3, bytes([4, 9, 3, 77]) + bytes(9)) + body, "the number 77"),
        (packet(3, bytes([4, 9, 2, 8]) + bytes(9)) + body, "of the form 2"),
        (packet(3, bytes([9]) + bytes(30)) + body, "a session key packet"),
        (packet(3, b"\4\x09") + body, "a session key packet"),
        (packet(3, bytes(70_000)), "a small OpenPGP packet"),
        (packet(1, b"\x09" + bytes(20)) + body, "another packet"),
        (head + packet(18, b"\7" + bytes(60)), "version 7"),
        (head + packet(18, b""), "encrypted data"),
        (packet(10, b"PGP") * 300 + head + body, "at most 256 packets"),
        (head + packet(6, bytes(60)), "tag 6"),
        (head + packet(18, b"\1" + bytes(5)), "does not open"),
    ):
        assert words in refused(data), words


def test_a_compression_bomb_is_refused() -> None:
    bomb = message(compressed(1, literal(bytes(80 << 20))))
    with pytest.raises(StreamError, match="bomb"):
        for _ in OpenPgp(PASSPHRASE, limits=Limits(max_ratio=500), file="x").plain(chunks(bomb, 1 << 16)):
            pass


def test_what_was_read_before_the_end_is_not_proven_by_it() -> None:
    """An altered end comes after all the data: only the end of the iteration says that it holds."""
    data = bytearray(message(literal(DATA)))
    data[-1] ^= 1
    given = b""
    with pytest.raises(StreamError) as caught:
        for chunk in OpenPgp(PASSPHRASE, limits=Limits(), file="x").plain(chunks(bytes(data), 512)):
            given += chunk
    assert given == DATA and caught.value.layer == "OpenPGP" and caught.value.offset


@pytest.mark.parametrize(
    "name", ["hash-sha1", "hash-sha512", "cipher-3des", "cipher-camellia256", "s2k-0", "s2k-1", "both"]
)
def test_two_thousand_wrong_passphrases_a_form(name: str) -> None:
    """The two check bytes let 1 in 65,536 pass: those fail at what they decrypt to, or at the MDC."""
    data = (MESSAGES / f"{name}.msg").read_bytes()
    at = 399 if name == "both" else 0
    body = data[at + 2 : at + 2 + data[at + 1]]
    assert data[at] == 0x8C
    locked = parse_locked(body)
    start = at + 2 + len(body)
    head = data[start + 7 :]
    right = session_key(locked, PASSPHRASE)
    assert right is not None and fits(right, head)
    assert right.key.hex() not in repr(right) and repr(right.key) not in repr(right)
    tries = 2_000 if locked.s2k.count <= 65_536 else 20
    passed = []
    for number in range(tries):
        wrong = b"wrong passphrase %d" % number
        key = session_key(locked, wrong)
        if key is not None and fits(key, head):
            passed.append(wrong)
    for wrong in passed:
        assert refused(data, passphrase=wrong)


@pytest.mark.soak
def test_two_thousand_wrong_passphrases_for_the_fixture() -> None:
    """gpg's own count of 65 million bytes a key."""
    data = (MESSAGES.parent / "quilltap-20261101.gz.gpg").read_bytes()
    locked = parse_locked(data[2 : 2 + data[1]])
    head = data[2 + data[1] + 7 :]
    right = session_key(locked, PASSPHRASE)
    assert right is not None and fits(right, head)
    for number in range(2_000):
        wrong = b"wrong passphrase %d" % number
        key = session_key(locked, wrong)
        if key is not None and fits(key, head):
            assert refused(data, passphrase=wrong)


def test_a_wrong_key_that_passes_the_check_bytes_is_refused_all_the_same() -> None:
    head, key = session_packet()
    data = head + protected(literal(DATA), key)
    start = len(head) + 6
    kind = CIPHERS[9]
    found = 0
    while found < 1:
        wrong = SessionKey(kind, RANDOM.randbytes(32))
        if not fits(wrong, data[start:]):
            continue
        found += 1
        reader = OpenPgp(PASSPHRASE, limits=Limits(), file="x")
        reader._keys = {parse_locked(head[2:]): wrong}
        with pytest.raises((StreamError, EncryptedDump)):
            for _ in reader.plain(chunks(data, 4096)):
                pass


def test_keys_are_derived_once() -> None:
    reader = OpenPgp(PASSPHRASE, limits=Limits(), file="x")
    data = message(literal(DATA))
    assert b"".join(reader.plain(chunks(data, 4096))) == DATA
    reader._passphrase = b"no longer known"
    assert b"".join(reader.plain(chunks(data, 4096))) == DATA
