"""Opens a dump in whatever form it is."""

from __future__ import annotations

from pathlib import Path

from services.archive.archive_source import ArchiveSource, ByteSource, Tap
from services.archive.model import ArchiveError, DumpSource, EncryptedDump
from services.errors import QuillkeepError
from services.profile import Limits
from services.streams.files import Readable
from services.streams.sniff import HEAD_BYTES, Form, sniff, sniff_head

_KNOWN_OTHERS = (
    (b"PK\x03\x04", "a zip file"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
)


def open_dump(path: Path, *, limits: Limits = Limits(), tap: Tap | None = None) -> DumpSource:
    """A dump by its path: archive, directory (of a database or the root above), tar of one; each also gzip.

    Nothing but the first bytes is read here. `tap` is shown every raw byte of a file in order by each pass
    (not of a directory). Raises `ArchiveError` for anything that is no dump, `EncryptedDump` naming the
    tool, `QuillkeepError` when the path cannot be read. A named pipe is read once.
    """
    if path.is_fifo():
        return open_stream(path.open("rb"), limits=limits, tap=tap, name=path.name)
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
    return _of_form(form, ByteSource(path, tap=tap), head=head, limits=limits)


def open_stream(
    stream: Readable, *, limits: Limits = Limits(), tap: Tap | None = None, name: str = ""
) -> DumpSource:
    """A dump from a pipe or a decryptor: one pass, of which `prelude()` takes the beginning.

    A tar has its descriptions anywhere: its `prelude()` is known after `read()` only.
    """
    head = b""
    while len(head) < HEAD_BYTES and (more := stream.read(HEAD_BYTES - len(head))):
        head += more
    source = ByteSource(None, _Rejoined(head, stream), tap=tap)
    source.name = name
    return _of_form(sniff_head(head), source, head=head, limits=limits)


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


def _of_form(form: Form, source: ByteSource, *, head: bytes, limits: Limits) -> DumpSource:
    if form in ("archive", "archive.gz"):
        return ArchiveSource(source, compressed=form == "archive.gz", limits=limits)
    if form in ("tar", "tar.gz"):
        from services.archive.tar_source import TarSource

        return TarSource(source, compressed=form == "tar.gz", limits=limits)
    if form == "gpg":
        raise EncryptedDump("gpg", file=source.name)
    if form in ("openssl", "openssl-base64"):
        raise EncryptedDump("openssl", file=source.name)
    if form == "empty":
        raise ArchiveError(
            "a mongodump archive or a tar of a dump", found="an empty file of 0 bytes", file=source.name
        )
    if head.startswith(b"\x1f\x8b"):
        # What is below gzip may be damaged from its first byte: the archive's reader says how.
        return ArchiveSource(source, compressed=True, limits=limits)
    other = next((words for magic, words in _KNOWN_OTHERS if head.startswith(magic)), "")
    raise ArchiveError(
        "a mongodump archive or a tar of a dump, gzip or not",
        found=other or f"something that is not gzip either, beginning with {head[:4].hex(' ')}",
        file=source.name,
    )
