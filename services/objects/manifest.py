"""The object manifest `<id>.objects.jsonl.gz`: one line an object, read and written as a stream."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from services.catalog.manifest import ArchiveFile
from services.errors import QuillkeepError
from services.files import whole_file
from services.objects.keys import Headers

SUFFIX = ".objects.jsonl.gz"
LINE_LIMIT = 1 << 20
"""A line longer than this is not one of ours (S3 keys end at 1 KiB, metadata at 2 KiB)."""


class ObjectLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One object of a snapshot.

    `file` is the path in the snapshot's folder when it is not the key itself. `size` in bytes, `etag` and
    `last_modified` as the server listed them, `inode` and `mtime` (nanoseconds) of the file, `proven_at`
    when its sha256 was last read. `missing` says why there is no file, `lost` that this was accepted.
    """

    key: str
    file: str | None = None
    size: int = 0
    sha256: str = ""
    etag: str = ""
    last_modified: str = ""
    inode: int = 0
    mtime: int = 0
    proven_at: datetime | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    content_disposition: str | None = None
    cache_control: str | None = None
    metadata: dict[str, str] = {}
    contradicting: bool = False
    missing: str | None = None
    lost: bool = False
    moved: Literal["", "added", "removed"] = ""
    """Whether it came or went between the two listings of the snapshot: then it may have no row."""

    @property
    def path(self) -> str:
        """Where its bytes are, relative to the snapshot's folder."""
        return self.key if self.file is None else self.file

    @property
    def headers(self) -> Headers:
        """What the bucket kept beside the bytes."""
        return Headers(
            content_type=self.content_type,
            content_encoding=self.content_encoding,
            content_language=self.content_language,
            content_disposition=self.content_disposition,
            cache_control=self.cache_control,
            metadata=self.metadata,
        )


_decoder = msgspec.json.Decoder(ObjectLine)
_encoder = msgspec.json.Encoder()


def encode_line(line: ObjectLine) -> bytes:
    """One line without its newline."""
    return _encoder.encode(line)


def decode_line(data: bytes) -> ObjectLine:
    """Raises `msgspec.MsgspecError` for anything else."""
    return _decoder.decode(data)


def read_lines(path: Path) -> Iterator[ObjectLine]:
    """Streams an object manifest. Raises `QuillkeepError` naming the line when it is damaged or unreadable."""
    for raw in read_raw_lines(path):
        yield decode_line(raw)


def read_raw_lines(path: Path) -> Iterator[bytes]:
    """The same lines as JSON, each checked to be one."""
    from isal import igzip, isal_zlib

    number = 0
    opening: Any = igzip.open
    library: Any = isal_zlib
    try:
        with opening(path, "rb") as stream:
            while raw := stream.readline(LINE_LIMIT):
                number += 1
                if not raw.endswith(b"\n"):
                    raise ValueError("a line without its end")
                _decoder.decode(raw)
                yield raw
    except (OSError, EOFError, ValueError, library.error) as error:
        raise QuillkeepError(
            f"The object manifest {path.name} is damaged after line {number:,}.",
            cause=str(error),
            next="Use another backup; `quillkeep list` shows which are good.",
        ) from error


class _Hashed(io.RawIOBase):
    """Counts and hashes what goes into a file."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self.sha256 = hashlib.sha256()
        self.bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        written = 0
        while written < len(view):
            written += self._target.write(view[written:])
        self.sha256.update(view)
        self.bytes += written
        return written


def write_lines(path: Path, lines: Iterable[ObjectLine]) -> ArchiveFile:
    """Writes lines as a whole file (0600, fsynced) and gives its entry for the backup's manifest."""
    from isal import igzip

    with whole_file(path) as target:
        hashed = _Hashed(target)
        zipping: Any = igzip.IGzipFile
        with zipping(filename="", fileobj=hashed, mode="wb", compresslevel=2, mtime=0) as stream:
            batch: list[bytes] = []
            for line in lines:
                batch.append(_encoder.encode(line))
                if len(batch) == 512:
                    stream.write(b"\n".join(batch) + b"\n")
                    batch.clear()
            if batch:
                stream.write(b"\n".join(batch) + b"\n")
    return ArchiveFile(name=path.name, bytes=hashed.bytes, sha256=hashed.sha256.hexdigest())
