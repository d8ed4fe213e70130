"""Objects of a foreign tar or tar.gz, one pass, hostile or damaged ones refused before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from services.errors import QuillkeepError
from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.files import file_chunks
from services.streams.gzip import GZIP_MAGIC, gunzip
from services.streams.tar import TarReader


class TarObject(msgspec.Struct, frozen=True):
    """A regular file of the tar; `chunks` gives its bytes until the next one is asked for."""

    name: str
    size: int
    chunks: Iterator[bytes]


def tar_objects(path: Path, limits: Limits) -> Iterator[TarObject]:
    """Streams the regular files. Raises `QuillkeepError` for outside names, links, duplicates, bombs and damage."""
    try:
        with open(path, "rb") as stream:
            zipped = stream.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    except OSError as error:
        raise QuillkeepError(f"{path} cannot be read.", cause=error.strerror or "") from error
    raw = file_chunks(path, advance=lambda amount: None)
    reader = TarReader(gunzip(raw, limits=limits) if zipped else raw, limits=limits)
    total = 0
    try:
        for member in reader:
            if member.folder:
                continue
            total += member.size
            if total > limits.max_bytes:
                raise StreamError(f"at most {limits.max_bytes:,} bytes unpacked", found="more")
            yield TarObject(member.name, member.size, _translated(path, reader.body()))
    except StreamError as error:
        raise _bad(path, error) from error


def _translated(path: Path, chunks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from chunks
    except StreamError as error:
        raise _bad(path, error) from error


def _bad(path: Path, error: StreamError) -> QuillkeepError:
    return QuillkeepError(
        f"The tar of objects {path.name} cannot be used: {error}.",
        next="Use another backup; `quillkeep list` shows which are good.",
    )
