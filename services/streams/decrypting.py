"""One encrypted file, opened as often as it is read, whatever made it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Protocol

from services.passphrase import BackupKey
from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.locked import Tool
from services.streams.sniff import HEAD_BYTES, Form

ENCRYPTED_FORMS: dict[Form, Tool] = {"gpg": "gpg", "openssl": "openssl", "openssl-base64": "openssl"}


class Opener(Protocol):
    """`tool` made the file, `layer` names its encryption in errors; `mac` tells whether the form proves itself."""

    tool: Tool
    layer: str
    mac: bool

    def plain(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The plaintext of the raw bytes.

        Ends normally only when the form's end verdict held: nothing is proven before that. Raises
        `EncryptedDump` when it stays closed, `StreamError` with a layer for damage.
        """
        ...

    def opened(self) -> str:
        """How the beginning opened, in words; known after it was read."""
        ...

    def bad_end(self, path: Path) -> str:
        """What the last bytes of a file show without a pass, once its beginning opened; empty for nothing."""
        ...

    def verdict(self) -> str:
        """How the file was opened and what its end proved, in words; known after a whole pass."""
        ...


class _Replay:
    """Raw bytes that are kept until somebody decides who reads them."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._seen: list[bytes] | None = []

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            if self._seen is not None:
                self._seen.append(chunk)
            yield chunk

    def settle(self) -> None:
        """From here on nothing is kept."""
        self._seen = None

    def again(self) -> Iterator[bytes]:
        """Everything from the start."""
        seen, self._seen = self._seen or [], None
        return chain(seen, self._chunks)


class GpgOpener:
    """A message of OpenPGP: read here, or by the system's gpg where it is in a form that is not built in."""

    tool: Tool = "gpg"
    layer = "OpenPGP"
    mac = True

    def __init__(self, passphrase: bytes, *, limits: Limits, file: str) -> None:
        from services.streams.openpgp import OpenPgp

        self._passphrase = passphrase
        self._file = file
        self._reader = OpenPgp(passphrase, limits=limits, file=file)
        self._needs_gpg = ""

    def plain(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """As `Opener.plain`."""
        from services.streams.armour import dearmoured, is_armoured
        from services.streams.gpg_program import gpg_plain
        from services.streams.pgp_ciphers import NeedsGpg

        replay = _Replay(iter(chunks))
        if not self._needs_gpg:
            raw = iter(replay)
            first = next(raw, b"")
            while 0 < len(first) < 64 and (more := next(raw, b"")):
                first += more
            binary: Iterator[bytes] = chain([first], raw)
            if is_armoured(first):
                binary = dearmoured(binary, self.layer)
            try:
                for piece in self._reader.plain(binary):
                    replay.settle()
                    yield piece
                return
            except NeedsGpg as reason:
                self._needs_gpg = str(reason)
        yield from gpg_plain(replay.again(), self._passphrase, file=self._file, reason=self._needs_gpg)

    def opened(self) -> str:
        """As `Opener.opened`."""
        how = self._reader.opened
        if self._needs_gpg:
            how = f"read by the program gpg, since {self._needs_gpg} is not built in"
        return f"{how}; the passphrase fits, and only a whole pass proves the bytes"

    def bad_end(self, path: Path) -> str:
        """Nothing: the MDC is known after a whole pass alone."""
        return ""

    def verdict(self) -> str:
        """As `Opener.verdict`."""
        if self._needs_gpg:
            return (
                f"read by the program gpg, since {self._needs_gpg} is not built in; it vouched for all of it"
            )
        return "its MDC holds: the ciphertext is whole and unaltered"


class OpensslOpener:
    """A file of `openssl enc`, whose end tells no more than that its last block is right."""

    tool: Tool = "openssl"
    layer = "openssl enc"
    mac = False

    def __init__(self, passphrase: bytes, *, iterations: int | None, text: bool, file: str) -> None:
        from services.streams.openssl_enc import OpensslEnc

        self._reader = OpensslEnc(passphrase, iterations=iterations, text=text, file=file)

    def plain(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """As `Opener.plain`."""
        return self._reader.plain(chunks)

    def opened(self) -> str:
        """As `Opener.opened`."""
        way = self._reader.way
        return (
            f"AES-256-CBC, {way.words if way else 'unknown options'}; the passphrase fits, the last block too"
        )

    def bad_end(self, path: Path) -> str:
        """As `Opener.bad_end`; base64 shows it after a whole pass alone."""
        return self._reader.bad_end(path)

    def verdict(self) -> str:
        """As `Opener.verdict`."""
        way = self._reader.way
        return (
            f"opened as AES-256-CBC, {way.words if way else 'unknown options'}; "
            "this form has no MAC: only what its payload says of itself proves the bytes"
        )


def opener_for(form: Form, key: BackupKey | None, *, limits: Limits, file: str) -> Opener:
    """Opens an encrypted form. `EncryptedDump` without a passphrase, or with one that cannot be read."""
    tool = ENCRYPTED_FORMS[form]
    passphrase = (key or BackupKey()).reveal(tool, file)
    if tool == "gpg":
        return GpgOpener(passphrase, limits=limits, file=file)
    return OpensslOpener(
        passphrase, iterations=key.iterations if key else None, text=form == "openssl-base64", file=file
    )


def damaged_ciphertext(opener: Opener, chunks: Iterator[bytes]) -> StreamError | None:
    """One more pass, for what shows damage below its encryption: the ciphertext's own damage, None when it is whole.

    Whoever alters ciphertext breaks what lies below it first; its own verdict comes at the end.
    """
    try:
        for _ in opener.plain(chunks):
            pass
    except StreamError as error:
        return error
    return None


def plain_head(opener: Opener, chunks: Iterator[bytes]) -> bytes:
    """The first bytes below the encryption, enough to tell what they are."""
    head = b""
    plain = opener.plain(chunks)
    for chunk in plain:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    close: Callable[[], None] | None = getattr(plain, "close", None)
    if close is not None:
        close()
    return head[:HEAD_BYTES]
