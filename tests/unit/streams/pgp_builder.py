"""OpenPGP messages built by hand: the forms that gpg 2.2 reads and does not write."""

from __future__ import annotations

import bz2
import hashlib
import zlib
from typing import Literal

from services.streams.pgp_ciphers import CIPHERS, S2K, derive

PASSPHRASE = b"correct horse battery staple"
SALT = bytes(range(8))
Lengths = Literal["definite", "partial", "old", "indeterminate"]


def encrypt(number: int, key: bytes, data: bytes, vector: bytes | None = None) -> bytes:
    """CFB, the way OpenPGP encrypts."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cryptography.hazmat.decrepit.ciphers import algorithms as old
        from cryptography.hazmat.decrepit.ciphers.modes import CFB
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

        kind = CIPHERS[number]
        make = algorithms.AES if kind.class_name == "AES" else getattr(old, kind.class_name)
        return Cipher(make(key), CFB(vector or bytes(kind.block))).encryptor().update(data)


def packet(tag: int, body: bytes, lengths: Lengths = "definite", size: int = 9) -> bytes:
    """A packet; partial ones in pieces of 2 to the power of `size`."""
    if lengths == "old":
        return bytes([0x80 | tag << 2 | 2]) + len(body).to_bytes(4, "big") + body
    if lengths == "indeterminate":
        return bytes([0x80 | tag << 2 | 3]) + body
    if lengths == "definite":
        return bytes([0xC0 | tag]) + new_length(len(body)) + body
    found = bytes([0xC0 | tag])
    while len(body) > 1 << size:
        found += bytes([224 + size]) + body[: 1 << size]
        body = body[1 << size :]
    return found + new_length(len(body)) + body


def new_length(size: int) -> bytes:
    """One, two or five bytes."""
    if size < 192:
        return bytes([size])
    if size < 8384:
        return bytes([((size - 192) >> 8) + 192, (size - 192) & 255])
    return b"\xff" + size.to_bytes(4, "big")


def literal(data: bytes, lengths: Lengths = "definite", name: bytes = b"x.gz") -> bytes:
    """A literal data packet."""
    return packet(11, b"b" + bytes([len(name)]) + name + bytes(4) + data, lengths)


def compressed(algorithm: int, inner: bytes, lengths: Lengths = "indeterminate", tail: bytes = b"") -> bytes:
    """A compressed data packet; `tail` follows the compressed data within it."""
    if algorithm == 1:
        engine = zlib.compressobj(wbits=-15)
        data = engine.compress(inner) + engine.flush()
    else:
        data = {0: inner, 2: zlib.compress(inner), 3: bz2.compress(inner)}[algorithm]
    return packet(8, bytes([algorithm]) + data + tail, lengths)


def session_packet(
    cipher: int = 9, *, sealed: bytes | None = None, coded: int = 96, passphrase: bytes = PASSPHRASE
) -> tuple[bytes, bytes]:
    """(the packet, the session key): iterated SHA-256, with an encrypted session key when `sealed` is one."""
    kind = CIPHERS[cipher]
    key = derive(S2K("sha256", SALT, (16 + (coded & 15)) << ((coded >> 4) + 6)), passphrase, kind.key)
    body = bytes([4, cipher, 3, 8]) + SALT + bytes([coded])
    if sealed is None:
        return packet(3, body), key
    return packet(3, body + encrypt(cipher, key, bytes([cipher]) + sealed)), sealed


def protected(
    inner: bytes, key: bytes, cipher: int = 9, lengths: Lengths = "definite", *, mdc: bytes | None = None
) -> bytes:
    """Encrypted data of version 1 with its MDC, a wrong one when `mdc` is given."""
    block = CIPHERS[cipher].block
    prefix = bytes(range(7, 7 + block))
    plain = prefix + prefix[-2:] + inner + b"\xd3\x14"
    plain += hashlib.sha1(plain).digest() if mdc is None else mdc
    return packet(18, b"\1" + encrypt(cipher, key, plain), lengths)


def message(inner: bytes, *, cipher: int = 9, lengths: Lengths = "definite", sealed: bool = False) -> bytes:
    """A whole message around packets."""
    head, key = session_packet(cipher, sealed=bytes(range(CIPHERS[cipher].key)) if sealed else None)
    return head + protected(inner, key, cipher, lengths)


def ocb_message(data: bytes, *, chunk: int = 6) -> bytes:
    """What GnuPG 2.3 and later write with --force-ocb: session key packet 5, packet 20; chunks of 2**(chunk + 6)."""
    from cryptography.hazmat.primitives.ciphers.aead import AESOCB3

    key = derive(S2K("sha256", SALT, 65536), PASSPHRASE, 32)
    session = bytes(range(100, 132))
    vector = bytes(range(50, 65))
    head = bytes([5, 9, 2, 3, 8]) + SALT + bytes([96]) + vector
    sealed = AESOCB3(key).encrypt(vector, session, b"\xc3\x05\x09\x02")
    inner = literal(data)
    start = bytes(range(20, 35))
    about = bytes([0xD4, 1, 9, 2, chunk])
    size = 1 << (chunk + 6)
    found = b""
    pieces = [inner[at : at + size] for at in range(0, len(inner), size)]
    for number, piece in enumerate([*pieces, b""]):
        nonce = (int.from_bytes(start, "big") ^ number).to_bytes(15, "big")
        also = about + number.to_bytes(8, "big")
        if number == len(pieces):
            also += len(inner).to_bytes(8, "big")
        found += AESOCB3(session).encrypt(nonce, piece, also)
    return packet(3, head + sealed) + packet(20, about[1:] + start + found)
