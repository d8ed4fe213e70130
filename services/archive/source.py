"""Opens a dump in whatever form it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from services.archive.archive_source import ArchiveSource, ByteSource, Tap
from services.archive.encrypted_source import DecryptedBytes, EncryptedSource
from services.archive.model import ArchiveError, DumpSource, of_stream
from services.errors import QuillkeepError
from services.passphrase import BackupKey
from services.profile import Limits
from services.streams.decrypting import ENCRYPTED_FORMS, opener_for, plain_head
from services.streams.errors import StreamError
from services.streams.files import Readable
from services.streams.sniff import HEAD_BYTES, Form, sniff, sniff_head

_KNOWN_OTHERS = (
    (b"PK\x03\x04", "a zip file"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
)


def open_dump(
    path: Path, *, limits: Limits = Limits(), tap: Tap | None = None, key: BackupKey | None = None
) -> DumpSource:
    """A dump by its path: archive, directory (of a database or the root above), tar of one; each also gzip.

    What is encrypted by gpg or openssl, or is such an archive within a tar, is opened with `key` and decrypted
    by every pass anew, in memory. Nothing but the first bytes is read here. `tap` is shown every raw byte of a
    file in order by each `read` (not of a directory). Raises `ArchiveError` for anything that is no dump,
    `EncryptedDump` for what stays closed, `QuillkeepError` when the path cannot be read. A named pipe is read
    once.
    """
    if path.is_fifo():
        return open_stream(path.open("rb"), limits=limits, tap=tap, name=path.name, key=key)
    try:
        form = sniff(path)
    except PermissionError as error:
        raise QuillkeepError(
            f"No permission to read {path}.",
            cause=error.strerror or "",
            next="Run the command as a user that may read it.",
        ) from error
    except OSError as error:
        raise QuillkeepError(
            f"{path} cannot be read.",
            cause=error.strerror or "",
            next="Check the path and its disk; `quillkeep list` shows every backup.",
        ) from error
    if form == "directory":
        from services.archive.directory import DirectorySource

        return DirectorySource(path, limits=limits)
    if form == "objects" or path.is_dir():
        raise ArchiveError("a folder that mongodump wrote", found="no .bson file in it", file=path.name)
    head = b""
    if form == "unknown":
        with path.open("rb") as stream:
            head = stream.read(16)
    return _of_form(form, ByteSource(path, tap=tap), head=head, limits=limits, key=key)


def open_stream(
    stream: Readable,
    *,
    limits: Limits = Limits(),
    tap: Tap | None = None,
    name: str = "",
    key: BackupKey | None = None,
) -> DumpSource:
    """A dump from a pipe or a decryptor: one pass, of which `prelude()` takes the beginning.

    A tar has its descriptions anywhere: its `prelude()` is known after `read()` only.
    """
    head = _first(stream)
    source = ByteSource(None, _Rejoined(head, stream), tap=tap)
    source.name = name
    return _of_form(sniff_head(head), source, head=head, limits=limits, key=key)


class _Rejoined:
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, stream: Readable) -> None:
        self._head = head
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, the head's first."""
        if self._head:
            taken, self._head = self._head[:size], self._head[size:]
            return taken
        return self._stream.read(size)


def _of_form(
    form: Form, source: ByteSource, *, head: bytes, limits: Limits, key: BackupKey | None
) -> DumpSource:
    if form in ("archive", "archive.gz"):
        return ArchiveSource(source, compressed=form == "archive.gz", limits=limits)
    if form in ("tar", "tar.gz"):
        from services.archive.tar_member import MemberBytes, archive_within
        from services.archive.tar_source import TarSource

        within = None
        if source.again:
            within = archive_within(source, compressed=form == "tar.gz", limits=limits)
        if within is not None:
            if within[1] in ENCRYPTED_FORMS and isinstance(source, DecryptedBytes):
                raise _twice(source.name)
            member = MemberBytes(source, within[0], compressed=form == "tar.gz", limits=limits)
            return _of_form(within[1], member, head=b"", limits=limits, key=key)
        return TarSource(source, compressed=form == "tar.gz", limits=limits)
    if form in ENCRYPTED_FORMS:
        return _decrypted(form, source, limits=limits, key=key)
    if form == "empty":
        raise ArchiveError(
            "a mongodump archive or a tar of a dump", found="an empty file of 0 bytes", file=source.name
        )
    if head.startswith(b"\x1f\x8b"):
        # What is below gzip may be damaged from its first byte: the archive's reader says how.
        return ArchiveSource(source, compressed=True, limits=limits)
    if source.name.endswith(".enc"):
        raise ArchiveError(
            "`Salted__`, with which `openssl enc` begins a file that tells its salt",
            found=f"the bytes {head[:8].hex(' ')}: no header (-nosalt, -K with -iv, or -S), so nothing tells the key",
            file=source.name,
            next="Decrypt it by hand with the options it was made with, and name the plain file.",
        )
    other = next((words for magic, words in _KNOWN_OTHERS if head.startswith(magic)), "")
    raise ArchiveError(
        "a mongodump archive or a tar of a dump, gzip or not",
        found=other or f"something that is not gzip either, beginning with {head[:4].hex(' ')}",
        file=source.name,
    )


def _decrypted(form: Form, source: ByteSource, *, limits: Limits, key: BackupKey | None) -> DumpSource:
    """What lies below the encryption, told by its first bytes."""
    opener = opener_for(form, key, limits=limits, file=source.name)
    plain = DecryptedBytes(source, opener)
    bare: ByteSource = plain
    try:
        if source.again:
            head = plain_head(opener, source.untapped().chunks())
        else:
            # A pipe is decrypted once: what was looked at is given again, in front of the rest.
            stream = _Iterated(plain.chunks())
            head = _first(stream)
            bare = ByteSource(None, _Rejoined(head, stream))
            bare.name = source.name
    except StreamError as error:
        raise of_stream(error, offset=None, file=source.name) from error
    inner = sniff_head(head)
    if inner in ENCRYPTED_FORMS:
        raise _twice(source.name)
    return EncryptedSource(_of_form(inner, bare, head=head, limits=limits, key=None), plain)


def _twice(name: str) -> ArchiveError:
    return ArchiveError(
        "a dump below the encryption",
        found="another encryption: it was encrypted twice",
        file=name,
        next="Decrypt the outer one by hand and name what it gives.",
    )


class _Iterated:
    """An iterator of chunks as a stream; its errors are passed on."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""
        while not self._held:
            try:
                self._held = next(self._chunks)
            except StopIteration:
                return b""
        taken, self._held = self._held[:size], self._held[size:]
        return taken


def _first(stream: Readable) -> bytes:
    head = b""
    while len(head) < HEAD_BYTES and (more := stream.read(HEAD_BYTES - len(head))):
        head += more
    return head
