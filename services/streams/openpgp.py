"""OpenPGP messages encrypted with a passphrase, read as a stream: what GnuPG 2.2 and 2.4 write, and its kin.

Session keys: RFC 4880 section 5.3; encrypted data with its MDC: 5.13 and 5.14; compressed and literal data: 5.6
and 5.9. The plaintext is given while it is read and is proven only by the end of the iteration: the MDC is the
last thing in the message. Forms that are not built in raise `NeedsGpg` before anything is given.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

import msgspec

from services.archive.feed import Feed
from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.locked import EncryptedDump, wrong_passphrase
from services.streams.pgp_ciphers import (
    LAYER,
    S2K,
    CipherKind,
    NeedsGpg,
    cfb_decryptor,
    cipher_of,
    derive,
    parse_s2k,
)
from services.streams.pgp_inside import literal, uncompressed
from services.streams.pgp_packets import (
    MARKER,
    ONE_PASS,
    PADDING,
    SIGNATURE,
    PacketHeader,
    body,
    cut,
    pieces,
    read_header,
    small_body,
)

PUBLIC_KEY, BY_PASSPHRASE, WITHOUT_MDC, ENCRYPTED, OCB = 1, 3, 9, 18, 20
COMPRESSED, LITERAL = 8, 11
MDC_BYTES = 22
MAX_KEYS = 16
"""Session key packets that are tried; each costs a derivation."""
MAX_BEFORE = 256
"""Packets of any kind before the encrypted data."""
MAX_DEPTH = 4
"""Compressed packets within each other."""


class Locked(msgspec.Struct, frozen=True):
    """A session key packet: the key itself is made of the passphrase, or lies encrypted in `sealed`."""

    kind: CipherKind
    s2k: S2K
    sealed: bytes = b""


class SessionKey(msgspec.Struct, frozen=True):
    """A key that may open the message."""

    kind: CipherKind
    key: bytes

    def __repr__(self) -> str:
        return f"SessionKey({self.kind.name}, set)"


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What stands before the encrypted data: keys by passphrase, and how many packets are for public keys."""

    locked: tuple[Locked, ...]
    public: int
    strange: str
    header: PacketHeader


def parse_locked(data: bytes, offset: int | None = None) -> Locked:
    """A session key packet of version 4; `NeedsGpg` for later ones and for ciphers and hashes that we lack."""
    if len(data) < 4 or data[0] not in (4, 5, 6):
        raise StreamError("a session key packet", found="another", offset=offset, layer=LAYER)
    if data[0] != 4:
        raise NeedsGpg(f"a session key packet of version {data[0]}")
    kind = cipher_of(data[1], offset)
    s2k, sealed = parse_s2k(data[2:], offset)
    return Locked(kind, s2k, sealed)


def session_key(locked: Locked, passphrase: bytes) -> SessionKey | None:
    """The key that this passphrase gives; None when what it unseals cannot be one."""
    key = derive(locked.s2k, passphrase, locked.kind.key)
    if not locked.sealed:
        return SessionKey(locked.kind, key)
    plain = cfb_decryptor(locked.kind, key).update(locked.sealed)
    try:
        kind = cipher_of(plain[0])
    except (StreamError, NeedsGpg):
        return None
    return SessionKey(kind, plain[1:]) if len(plain) - 1 == kind.key else None


def fits(key: SessionKey, head: bytes) -> bool:
    """Whether the first bytes of encrypted data repeat as they do under the right key: 1 in 65,536 is by chance."""
    size = key.kind.block + 2
    plain = cfb_decryptor(key.kind, key.key).update(head[:size])
    return len(plain) == size and plain[-2:] == plain[-4:-2]


class OpenPgp:
    """Opens one message as often as it is read; the derived keys are kept, since each takes a moment."""

    def __init__(self, passphrase: bytes, *, limits: Limits, file: str = "") -> None:
        self._passphrase = passphrase
        self._limits = limits
        self._file = file
        self._keys: dict[Locked, SessionKey | None] = {}
        self.opened = ""

    def plain(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The contents of the message; ends normally only when all of it was read and its MDC held.

        `EncryptedDump` for a passphrase that does not fit and for messages to public keys, `StreamError`
        with the layer `OpenPGP` for damage, `NeedsGpg` for forms that are not built in.
        """
        feed = Feed(chunks)
        envelope = self._envelope(feed)
        data = pieces(body(feed, envelope.header))
        first = next(data, b"")
        if not first:
            raise cut("encrypted data", feed.offset)
        if first[0] != 1:
            if first[0] == 2:
                raise NeedsGpg("encrypted data of version 2")
            raise StreamError(
                "encrypted data of version 1",
                found=f"version {first[0]}",
                offset=envelope.header.offset,
                layer=LAYER,
            )
        # The prefix and one piece of data: enough to tell a key that fits.
        while len(first) < 64 and (more := next(data, b"")):
            first += more
        key = self._choose(envelope, first[1:])
        proven = _proven(key, first[1:], data)
        try:
            yield from self._contents(Feed(proven), 0)
        except StreamError:
            # Whoever altered the ciphertext breaks what lies below it too: the MDC tells which of both it was.
            for _ in proven:
                pass
            raise
        if not feed.at_end():
            raise StreamError(
                "the end of the file",
                found="trailing bytes after the message",
                offset=feed.offset,
                layer=LAYER,
            )

    def _envelope(self, feed: Feed) -> Envelope:
        locked: list[Locked] = []
        public, strange = 0, ""
        for _ in range(MAX_BEFORE):
            if feed.at_end():
                raise cut("the encrypted data of the message", feed.offset)
            header = read_header(feed)
            if header.tag == BY_PASSPHRASE and len(locked) < MAX_KEYS:
                try:
                    locked.append(parse_locked(small_body(feed, header), header.offset))
                except NeedsGpg as reason:
                    strange = strange or str(reason)
            elif header.tag == PUBLIC_KEY:
                _check_public(small_body(feed, header), header.offset)
                public += 1
            elif header.tag in (MARKER, PADDING):
                small_body(feed, header)
            elif header.tag == OCB:
                raise NeedsGpg("the OCB form (packet 20)")
            elif header.tag == WITHOUT_MDC:
                raise self._without_mdc()
            elif header.tag == ENCRYPTED:
                envelope = Envelope(locked=tuple(locked), public=public, strange=strange, header=header)
                self._refuse_unopenable(envelope)
                return envelope
            else:
                raise StreamError(
                    "the encrypted data of the message",
                    found=f"a packet of tag {header.tag}",
                    offset=header.offset,
                    layer=LAYER,
                )
        raise StreamError(
            f"at most {MAX_BEFORE} packets before the encrypted data", found="more", layer=LAYER
        )

    def _refuse_unopenable(self, envelope: Envelope) -> None:
        if envelope.locked:
            return
        if envelope.strange:
            raise NeedsGpg(envelope.strange)
        name = self._file or "The file"
        if envelope.public:
            raise EncryptedDump(
                "gpg",
                file=self._file,
                why="public-key",
                what=f"{name} is encrypted to a public key; no passphrase opens it.",
                next=f"Decrypt it where the private key is: gpg --decrypt {self._file or 'FILE'} > PLAIN, "
                "then name the plain file.",
            )
        raise StreamError(
            "a session key packet before the encrypted data",
            found="none",
            offset=envelope.header.offset,
            layer=LAYER,
        )

    def _without_mdc(self) -> EncryptedDump:
        return EncryptedDump(
            "gpg",
            file=self._file,
            why="form",
            what=f"{self._file or 'The file'} was encrypted without integrity protection (no MDC), an old form.",
            cause="Nothing in it could prove that it was not altered; gpg refuses it as well.",
            next="Decrypt it by hand (gpg --ignore-mdc-error --decrypt FILE > PLAIN), then verify the plain file.",
        )

    def _choose(self, envelope: Envelope, head: bytes) -> SessionKey:
        for locked in envelope.locked:
            if locked not in self._keys:
                self._keys[locked] = session_key(locked, self._passphrase)
            key = self._keys[locked]
            if key is not None and fits(key, head):
                self.opened = key.kind.name
                return key
        if envelope.strange:
            raise NeedsGpg(envelope.strange)
        raise self._wrong()

    def _wrong(self, cause: str = "") -> EncryptedDump:
        also = "Salt, cipher and check bytes at its beginning say no more than that they do not fit together."
        step = f"Check the passphrase; by hand: gpg --decrypt {self._file or 'FILE'} > /dev/null"
        return wrong_passphrase("gpg", self._file, cause or also, step)

    def _contents(self, feed: Feed, depth: int) -> Iterator[bytes]:
        """The literal data below compression and beside signatures; what is no packet here had the wrong key."""
        found = False
        while not feed.at_end():
            try:
                header = read_header(feed)
            except StreamError as error:
                if found or feed.offset > 1 or depth:
                    raise _inside(error) from error
                raise self._wrong("What it decrypts to is no OpenPGP packet.") from error
            if header.tag in (MARKER, PADDING, ONE_PASS, SIGNATURE):
                small_body(feed, header)
            elif header.tag == COMPRESSED and not found and depth < MAX_DEPTH:
                found = True
                yield from self._contents(Feed(uncompressed(feed, header, self._limits)), depth + 1)
            elif header.tag == LITERAL and not found:
                found = True
                yield from literal(feed, header)
            elif not found and not depth:
                raise self._wrong(f"What it decrypts to is a packet of tag {header.tag}.")
            else:
                raise StreamError(
                    "the end of the message", found=f"a packet of tag {header.tag}", layer=LAYER
                )
        if not found:
            raise StreamError("literal data in the message", found="none", layer=LAYER)


def _check_public(data: bytes, offset: int) -> None:
    if data[:1] not in (b"\2", b"\3", b"\6"):
        raise StreamError(
            "a session key for a public key", found="another packet", offset=offset, layer=LAYER
        )


def _inside(error: StreamError) -> StreamError:
    return StreamError(f"{error.expected} below the encryption", found=error.found, layer=LAYER)


def _proven(key: SessionKey, first: bytes, data: Iterator[bytes]) -> Iterator[bytes]:
    """The plaintext without prefix and MDC; the MDC is compared at the end."""
    decryptor = cfb_decryptor(key.kind, key.key)
    sha1 = hashlib.sha1(usedforsecurity=False)
    prefix = key.kind.block + 2
    held = decryptor.update(first)
    total = len(first)
    sha1.update(held[:prefix])
    held = held[prefix:]
    for chunk in data:
        total += len(chunk)
        plain = held + decryptor.update(chunk)
        held = plain[-MDC_BYTES:]
        given = plain[:-MDC_BYTES]
        if given:
            sha1.update(given)
            yield given
    if len(held) > MDC_BYTES:
        given, held = held[:-MDC_BYTES], held[-MDC_BYTES:]
        sha1.update(given)
        yield given
    sha1.update(held[:2])
    if len(held) < MDC_BYTES or held[:2] != b"\xd3\x14" or not hmac.compare_digest(held[2:], sha1.digest()):
        raise StreamError(
            "the MDC, the message's own proof, to hold",
            found="another sum: the ciphertext was altered, damaged or cut",
            offset=total,
            layer=LAYER,
        )
