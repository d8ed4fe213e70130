"""`openssl enc -aes-256-cbc` as a stream: `Salted__`, eight bytes of salt, CBC blocks with PKCS#7 padding.

Nothing in the file says how the key was made of the passphrase, and there is no MAC: which of the usual ways it
was shows in the plaintext's first bytes, which must be those of a dump, and in the padding of the last block.
What lies between is proven by the payload's own sums alone. Key and vector: EVP_BytesToKey(3), enc(1).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from services.streams.armour import base64_bytes
from services.streams.errors import StreamError
from services.streams.locked import wrong_passphrase
from services.streams.sniff import HEAD_BYTES, sniff_head

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

LAYER = "openssl enc"
MAGIC = b"Salted__"
HEADER = 16
BLOCK = 16
KEY_BYTES, VECTOR_BYTES = 32, 16
DEFAULT_ITERATIONS = 10_000
PIECE = 128 * 1024
_GZIP_DEFLATE = b"\x1f\x8b\x08"
_GZIP_FLAGS = 0x1F


class Derivation(msgspec.Struct, frozen=True):
    """One way from passphrase to key: `iterations` counts PBKDF2's rounds, 0 is EVP_BytesToKey."""

    digest: Literal["sha256", "md5"]
    iterations: int = 0

    @property
    def words(self) -> str:
        """The options of `openssl enc` that choose it."""
        if self.iterations == DEFAULT_ITERATIONS:
            return "-pbkdf2"
        if self.iterations:
            return f"-pbkdf2 -iter {self.iterations}"
        return "without -pbkdf2" if self.digest == "sha256" else f"-md {self.digest}"


def derivations(iterations: int | None = None) -> tuple[Derivation, ...]:
    """What is tried, in order: a configured count first, then what `openssl` does and did by default."""
    usual = (Derivation("sha256", DEFAULT_ITERATIONS), Derivation("sha256"), Derivation("md5"))
    if not iterations or iterations == DEFAULT_ITERATIONS:
        return usual
    return (Derivation("sha256", iterations), *usual)


def derive(way: Derivation, passphrase: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """(key, vector) of AES-256-CBC."""
    size = KEY_BYTES + VECTOR_BYTES
    if way.iterations:
        found = hashlib.pbkdf2_hmac(way.digest, passphrase, salt, way.iterations, size)
    else:
        found = last = b""
        while len(found) < size:
            last = hashlib.new(way.digest, last + passphrase + salt, usedforsecurity=False).digest()
            found += last
    return found[:KEY_BYTES], found[KEY_BYTES:size]


def begins_well(plain: bytes) -> bool:
    """Whether decrypted bytes begin a dump or a tar; by chance at most once in 100 million."""
    if plain.startswith(_GZIP_DEFLATE):
        return len(plain) > 3 and plain[3] <= _GZIP_FLAGS
    return sniff_head(plain) in ("archive", "tar")


def opens(way: Derivation, passphrase: bytes, head: bytes) -> bool:
    """Whether this key gives a beginning that fits; `head` is the file's, header and some blocks."""
    key, vector = derive(way, passphrase, head[8:HEADER])
    whole = (len(head) - HEADER) // BLOCK * BLOCK
    plain = _cbc(key, vector).update(head[HEADER : HEADER + whole])
    return begins_well(plain)


def _cbc(key: bytes, vector: bytes) -> CipherContext:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()


class OpensslEnc:
    """Opens one file as often as it is read; the way that fitted is kept with its key."""

    def __init__(
        self, passphrase: bytes, *, iterations: int | None = None, text: bool = False, file: str = ""
    ) -> None:
        self._passphrase = passphrase
        self._iterations = iterations
        self._text = text
        self._file = file
        self._known: tuple[bytes, bytes, bytes] | None = None
        self.way: Derivation | None = None

    def plain(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The plaintext; ends normally only when the padding at the end of the file was right.

        `EncryptedDump` when no way fits, `StreamError` with the layer `openssl enc` for a bad end.
        """
        source = iter(base64_bytes(chunks, LAYER)) if self._text else iter(chunks)
        head = _gathered(source, HEADER + HEAD_BYTES)
        if len(head) < HEADER + BLOCK or not head.startswith(MAGIC):
            raise StreamError(
                "`Salted__`, a salt and encrypted blocks",
                found=f"the end after {len(head)} bytes: it is cut",
                offset=len(head),
                layer=LAYER,
            )
        key, vector = self._key(head)
        yield from _decrypted(_cbc(key, vector), head[HEADER:], source)

    def bad_end(self, path: Path) -> str:
        """What the last block of a file shows, empty for nothing; the beginning must have opened."""
        if self._text or self._known is None:
            return ""
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - 2 * BLOCK))
            return bad_end(stream.read(), size, self._known[1])

    def _key(self, head: bytes) -> tuple[bytes, bytes]:
        salt = head[8:HEADER]
        if self._known is not None and self._known[0] == salt:
            return self._known[1], self._known[2]
        tried = derivations(self._iterations)
        for way in tried:
            if opens(way, self._passphrase, head):
                self.way = way
                key, vector = derive(way, self._passphrase, salt)
                self._known = (salt, key, vector)
                return key, vector
        raise wrong_passphrase(
            "openssl",
            self._file,
            f"Tried AES-256-CBC with {', '.join(way.words for way in tried)}: none gives the beginning of a dump.",
            "Check the passphrase. Made with -iter N: set openssl_iterations = N under [encrypt] in config.toml. "
            "Made with other options: decrypt it by hand and name the plain file.",
        )


def _gathered(source: Iterator[bytes], size: int) -> bytes:
    head = b""
    while len(head) < size and (chunk := next(source, b"")):
        head += chunk
    return head


def _decrypted(decryptor: CipherContext, first: bytes, source: Iterator[bytes]) -> Iterator[bytes]:
    """The plaintext, one block held back until the end tells its padding."""
    held = decryptor.update(first)
    total = HEADER + len(first)
    for chunk in source:
        total += len(chunk)
        plain = held + decryptor.update(chunk)
        held = plain[-BLOCK:]
        if given := plain[:-BLOCK]:
            yield given
    if (total - HEADER) % BLOCK:
        raise StreamError(
            f"whole blocks of {BLOCK} bytes",
            found=f"{(total - HEADER) % BLOCK} bytes behind the last: it is cut, or something follows it",
            offset=total,
            layer=LAYER,
        )
    pad = held[-1]
    if not 1 <= pad <= BLOCK or held[-pad:] != bytes([pad]) * pad:
        raise StreamError(
            "the padding of the last block",
            found="other bytes: the end is altered, damaged or cut",
            offset=total,
            layer=LAYER,
        )
    yield held[:-pad]


def bad_end(tail: bytes, size: int, key: bytes) -> str:
    """What is wrong with the end of a file by its last two blocks, empty for nothing: no pass is needed.

    `tail` ends the file (32 bytes), `size` is its length. Of a file of one block nothing can be told so.
    """
    if (size - HEADER) % BLOCK:
        return "it does not end with a whole block: it is cut, or something follows it"
    if size < HEADER + 2 * BLOCK:
        return ""
    plain = _cbc(key, tail[-2 * BLOCK : -BLOCK]).update(tail[-BLOCK:])
    pad = plain[-1]
    if not 1 <= pad <= BLOCK or plain[-pad:] != bytes([pad]) * pad:
        return "the padding of its last block is wrong: its end is altered, damaged or cut"
    return ""
