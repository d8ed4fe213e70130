"""`openssl enc`: every way its key is made of a passphrase, and no wrong one accepted."""

from __future__ import annotations

import base64
import gzip
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from services.streams.errors import StreamError
from services.streams.locked import EncryptedDump
from services.streams.openssl_enc import (
    Derivation,
    OpensslEnc,
    bad_end,
    begins_well,
    derivations,
    derive,
    opens,
)

FIXTURES = Path(__file__).parents[2] / "fixtures"
PASSPHRASE = b"correct horse battery staple"
PLAIN = (FIXTURES / "quilltap-20261101.gz").read_bytes()
FORMS = {
    "quilltap-20261101.gz.enc": Derivation("sha256"),
    "quilltap-20261101.md5.gz.enc": Derivation("md5"),
    "quilltap-20261101.pbkdf2.gz.enc": Derivation("sha256", 10_000),
    "quilltap-20261101.pbkdf2-100000.gz.enc": Derivation("sha256", 100_000),
}
LEGACY = ("quilltap-20261101.gz.enc", "quilltap-20261101.md5.gz.enc")
RANDOM = random.Random(5)


def chunks(data: bytes, size: int = 5000) -> Iterator[bytes]:
    """A stream in pieces."""
    return iter([data[at : at + size] for at in range(0, len(data), size)])


def opened(data: bytes, *, iterations: int | None = None, text: bool = False, size: int = 5000) -> bytes:
    """The plaintext."""
    reader = OpensslEnc(PASSPHRASE, iterations=iterations, text=text, file="x.enc")
    return b"".join(reader.plain(chunks(data, size)))


def sealed(
    plain: bytes, *, pad: bytes | None = None, way: Derivation = FORMS["quilltap-20261101.gz.enc"]
) -> bytes:
    """What `openssl enc -aes-256-cbc` makes."""
    salt = bytes(range(8))
    key, vector = derive(way, PASSPHRASE, salt)
    if pad is None:
        size = 16 - len(plain) % 16
        pad = bytes([size]) * size
    return b"Salted__" + salt + Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor().update(plain + pad)


@pytest.mark.parametrize("name", FORMS)
def test_the_fixtures_equal_their_plain_twin(name: str) -> None:
    data = (FIXTURES / name).read_bytes()
    reader = OpensslEnc(PASSPHRASE, iterations=100_000, file=name)
    assert b"".join(reader.plain(chunks(data))) == PLAIN
    assert reader.way == FORMS[name]
    assert b"".join(reader.plain(chunks(data, 3))) == PLAIN


def test_the_options_that_were_tried_are_named_and_the_setting_too() -> None:
    data = (FIXTURES / "quilltap-20261101.pbkdf2-100000.gz.enc").read_bytes()
    with pytest.raises(EncryptedDump) as caught:
        opened(data)
    error = caught.value
    assert error.why == "passphrase" and "wrong passphrase or option, or damaged beginning" in error.what
    assert "-pbkdf2, without -pbkdf2, -md md5" in error.cause and "openssl_iterations" in error.next
    with pytest.raises(EncryptedDump, match="wrong passphrase") as caught:
        opened(data, iterations=200_000)
    assert "-iter 200000" in caught.value.cause


def test_base64_is_read_too() -> None:
    data = (FIXTURES / "quilltap-20261101.gz.enc").read_bytes()
    assert opened(base64.encodebytes(data), text=True) == PLAIN
    assert opened(base64.b64encode(data), text=True, size=7) == PLAIN
    with pytest.raises(StreamError):
        opened(base64.encodebytes(data)[:-9], text=True)


@pytest.mark.parametrize("length", [14, 15, 16, 17, 31, 32, 33, 4095, 4096, 4112, 5000, 20_000])
def test_every_length_of_the_last_block(length: int) -> None:
    plain = (gzip.compress(b"", mtime=0) + RANDOM.randbytes(length))[:length]
    for size in (1, 16, 100_000):
        assert opened(sealed(plain), size=size) == plain


def test_a_bit_flipped_in_salt_beginning_or_end_is_noticed() -> None:
    """What lies between has no MAC: the payload's own checksums decide, which the archive's tests show."""
    data = (FIXTURES / "quilltap-20261101.gz.enc").read_bytes()
    for place in (*range(18), *range(len(data) - 17, len(data))):
        wrong = data[:place] + bytes([data[place] ^ 1 << RANDOM.randrange(8)]) + data[place + 1 :]
        try:
            got = opened(wrong)
        except (StreamError, EncryptedDump):
            continue
        with pytest.raises((OSError, EOFError)):
            gzip.decompress(got)


def test_a_cut_is_noticed() -> None:
    data = (FIXTURES / "quilltap-20261101.gz.enc").read_bytes()
    for cut in (
        *range(40),
        100,
        len(data) - 1,
        len(data) - 8,
        len(data) - 15,
        *RANDOM.sample(range(len(data)), 20),
    ):
        if cut >= 48 and cut % 16 == 0:
            continue
        with pytest.raises((StreamError, EncryptedDump)):
            opened(data[:cut])
    # At a whole block only the padding tells, once in 256 times by chance: then gzip's own end is missing.
    accepted = 0
    for cut in range(48, len(data) - 16, 16 * 200):
        try:
            got = opened(data[:cut])
        except StreamError:
            continue
        accepted += 1
        with pytest.raises((OSError, EOFError)):
            gzip.decompress(got)
    assert accepted < 8


def test_bytes_behind_the_end_are_noticed() -> None:
    data = (FIXTURES / "quilltap-20261101.gz.enc").read_bytes()
    for tail in (b"\n", bytes(15), bytes(16), RANDOM.randbytes(160)):
        try:
            got = opened(data + tail)
        except StreamError:
            continue
        with pytest.raises((OSError, EOFError)):
            gzip.decompress(got)


def test_the_end_is_judged_without_a_pass(tmp_path: Path) -> None:
    data = (FIXTURES / "quilltap-20261101.gz.enc").read_bytes()
    key, _ = derive(Derivation("sha256"), PASSPHRASE, data[8:16])
    assert bad_end(data[-32:], len(data), key) == ""
    assert "padding" in bad_end(data[-48:-16], len(data) - 16, key)
    assert "whole block" in bad_end(data[-33:-1], len(data) - 1, key)
    path = tmp_path / "x.enc"
    path.write_bytes(data)
    reader = OpensslEnc(PASSPHRASE, file="x.enc")
    assert reader.bad_end(path) == ""
    assert b"".join(reader.plain(chunks(data))) == PLAIN
    path.write_bytes(data[:-16])
    assert "padding" in reader.bad_end(path)


@pytest.mark.parametrize("pad", [b"\0", bytes(16), b"\x11" * 17, b"\1\2\3\4" * 4, b"\2\3\3"])
def test_wrong_padding(pad: bytes) -> None:
    plain = gzip.compress(b"")
    filled = plain + bytes(-(len(plain) + len(pad)) % 16)
    with pytest.raises(StreamError, match="padding"):
        opened(sealed(filled, pad=pad))


def test_only_the_beginning_of_a_dump_is_taken_for_one() -> None:
    tar = bytearray(512)
    tar[257:262] = b"ustar"
    for good in (PLAIN[:64], bytes(tar), b"\x6d\xe2\x99\x81" + bytes(30), gzip.compress(b"")):
        assert begins_well(bytes(good))
    for bad in (
        b"\x1f\x8b\x07",
        b"\x1f\x8b\x08\xff",
        b"Salted__" + bytes(60),
        b"",
        bytes(600),
        b"U2FsdGVkX1",
    ):
        assert not begins_well(bad)


def wrong_ones_accepted(head: bytes, ways: tuple[Derivation, ...], tries: int) -> int:
    """How many wrong passphrases open the beginning by any of the ways; in two threads, as hashing allows."""
    found = [0, 0]

    def run(part: int) -> None:
        for number in range(part, tries, 2):
            found[part] += any(opens(way, b"wrong %d" % number, head) for way in ways)

    threads = [threading.Thread(target=run, args=(part,)) for part in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(found)


def head_of(name: str) -> bytes:
    """As much of a fixture as is looked at."""
    return (FIXTURES / name).read_bytes()[: 16 + 512]


@pytest.mark.parametrize("name", LEGACY)
def test_two_thousand_wrong_passphrases_for_each_legacy_form(name: str) -> None:
    assert opens(FORMS[name], PASSPHRASE, head_of(name))
    assert wrong_ones_accepted(head_of(name), derivations()[1:], 2_000) == 0


def test_two_thousand_wrong_passphrases_for_pbkdf2() -> None:
    """What a wrong key gives does not depend on the rounds that made it: few here, the fixtures' own in the soak."""
    quick = Derivation("sha256", 50)
    head = sealed(PLAIN, way=quick)[: 16 + 512]
    assert opens(quick, PASSPHRASE, head)
    assert wrong_ones_accepted(head, (quick, *derivations()[1:]), 2_000) == 0
    for name in ("quilltap-20261101.pbkdf2.gz.enc", "quilltap-20261101.pbkdf2-100000.gz.enc"):
        assert wrong_ones_accepted(head_of(name), (FORMS[name],), 10) == 0


@pytest.mark.soak
@pytest.mark.parametrize("name", FORMS)
def test_fifty_thousand_wrong_passphrases_for_the_legacy_forms(name: str) -> None:
    ways = derivations()[1:] if name in LEGACY else (FORMS[name],)
    assert wrong_ones_accepted(head_of(name), ways, 50_000 if name in LEGACY else 2_000) == 0
