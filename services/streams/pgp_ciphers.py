"""OpenPGP's ciphers and how it makes keys of passphrases: RFC 4880 sections 3.7 and 9, RFC 9580."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING

import msgspec

from services.streams.errors import StreamError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

LAYER = "OpenPGP"
S2K_CHUNK = 1 << 20


class NeedsGpg(Exception):
    """A form that is known and not built in; gpg itself may read it."""


class CipherKind(msgspec.Struct, frozen=True):
    """`key` and `block` in bytes; `class_name` in `cryptography`, empty where it has none."""

    name: str
    key: int
    block: int
    class_name: str = ""


CIPHERS = {
    1: CipherKind("IDEA", 16, 8, "IDEA"),
    2: CipherKind("3DES", 24, 8, "TripleDES"),
    3: CipherKind("CAST5", 16, 8, "CAST5"),
    4: CipherKind("Blowfish", 16, 8, "Blowfish"),
    7: CipherKind("AES128", 16, 16, "AES"),
    8: CipherKind("AES192", 24, 16, "AES"),
    9: CipherKind("AES256", 32, 16, "AES"),
    10: CipherKind("Twofish", 32, 16),
    11: CipherKind("Camellia128", 16, 16, "Camellia"),
    12: CipherKind("Camellia192", 24, 16, "Camellia"),
    13: CipherKind("Camellia256", 32, 16, "Camellia"),
}
HASHES = {
    1: "md5",
    2: "sha1",
    3: "ripemd160",
    8: "sha256",
    9: "sha384",
    10: "sha512",
    11: "sha224",
    12: "sha3_256",
    14: "sha3_512",
}
_SIMPLE, _SALTED, _ITERATED, _ARGON2 = 0, 1, 3, 4


class S2K(msgspec.Struct, frozen=True):
    """How a key is made of a passphrase; `count` is the number of bytes hashed, 0 for once over."""

    hash: str
    salt: bytes = b""
    count: int = 0


def cipher_of(number: int, offset: int | None = None) -> CipherKind:
    """The cipher of a number; `StreamError` for one that no RFC knows, `NeedsGpg` for one that we lack."""
    kind = CIPHERS.get(number)
    if kind is None:
        raise StreamError("a cipher", found=f"the number {number}", offset=offset, layer=LAYER)
    if not kind.class_name:
        raise NeedsGpg(f"the cipher {kind.name}")
    return kind


def parse_s2k(data: bytes, offset: int | None = None) -> tuple[S2K, bytes]:
    """(the specifier, what follows it); `StreamError` for none, `NeedsGpg` for kinds that we lack."""
    if not data:
        raise StreamError("how the key is made", found="the end of its packet", offset=offset, layer=LAYER)
    form = data[0]
    if form == _ARGON2:
        raise NeedsGpg("a key made by Argon2")
    sizes = {_SIMPLE: 2, _SALTED: 10, _ITERATED: 11}
    if form not in sizes or len(data) < sizes[form]:
        raise StreamError(
            "how the key is made", found=f"{len(data)} bytes of the form {form}", offset=offset, layer=LAYER
        )
    name = HASHES.get(data[1])
    if name is None:
        raise StreamError("a hash", found=f"the number {data[1]}", offset=offset, layer=LAYER)
    rest = data[sizes[form] :]
    if form == _SIMPLE:
        return S2K(name), rest
    if form == _SALTED:
        return S2K(name, data[2:10]), rest
    coded = data[10]
    return S2K(name, data[2:10], (16 + (coded & 15)) << ((coded >> 4) + 6)), rest


def derive(s2k: S2K, passphrase: bytes, size: int) -> bytes:
    """`size` bytes of key: salt and passphrase hashed over and over, further rounds begin with zeros."""
    unit = s2k.salt + passphrase
    count = max(s2k.count, len(unit))
    # Hashing takes long pieces: a repeated one of about a MiB, and its beginning for what is left.
    piece = unit * max(1, min(S2K_CHUNK, count) // max(1, len(unit)))
    key = b""
    while len(key) < size:
        try:
            state = hashlib.new(s2k.hash, usedforsecurity=False)
        except ValueError as error:
            raise NeedsGpg(f"the hash {s2k.hash}") from error
        state.update(bytes(_rounds(key, state.digest_size)))
        left = count
        while left >= len(piece) > 0:
            state.update(piece)
            left -= len(piece)
        state.update(piece[:left])
        key += state.digest()
    return key[:size]


def _rounds(key: bytes, digest: int) -> int:
    return len(key) // digest


def cfb_decryptor(kind: CipherKind, key: bytes, vector: bytes | None = None) -> CipherContext:
    """CFB with full blocks, from a vector of zeros unless one is given."""
    with warnings.catch_warnings():
        # The library warns that old ciphers are old; the backup was made with one all the same.
        warnings.simplefilter("ignore")
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.decrepit.ciphers import algorithms as old
        from cryptography.hazmat.decrepit.ciphers.modes import CFB
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

        make = algorithms.AES if kind.class_name == "AES" else getattr(old, kind.class_name)
        try:
            return Cipher(make(key), CFB(vector or bytes(kind.block))).decryptor()
        except UnsupportedAlgorithm as error:
            raise NeedsGpg(f"the cipher {kind.name}") from error
