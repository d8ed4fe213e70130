"""What a snapshot came to, and the lines that describe its objects."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from services.catalog.manifest import ArchiveFile
from services.objects.failures import StoreError
from services.objects.keys import Headers, ObjectInfo
from services.objects.manifest import ObjectLine


class MissingObject(msgspec.Struct, frozen=True):
    """An object that could not be read, and why."""

    key: str
    why: str


class RottenFile(msgspec.Struct, frozen=True):
    """A file of earlier snapshots whose bytes are no longer those recorded; all that link this inode share it."""

    key: str
    inode: int


class SnapshotResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot holds; sizes in bytes. `count` and `bytes` are the objects that have a file.

    `missing` ones make the objects part not good; `lost` were accepted and could not be read this time either.
    """

    count: int
    bytes: int
    missing: tuple[MissingObject, ...] = ()
    lost: tuple[str, ...] = ()
    contradicting: tuple[str, ...] = ()
    linked: int = 0
    fetched: int = 0
    fetched_bytes: int = 0
    copied: int = 0
    proven_again: int = 0
    rotten: tuple[RottenFile, ...] = ()
    vanished: int = 0
    file: ArchiveFile
    warnings: tuple[str, ...] = ()


class Summary:
    """Adds up the lines while they are written."""

    def __init__(self, lost: frozenset[str]) -> None:
        self._accepted = lost
        self.count = 0
        self.bytes = 0
        self.missing: list[MissingObject] = []
        self.lost: list[str] = []
        self.contradicting: list[str] = []

    def watch(self, lines: Iterator[ObjectLine]) -> Iterator[ObjectLine]:
        """Passes the lines on, the accepted ones marked `lost`."""
        for line in lines:
            if line.missing is None:
                self.count += 1
                self.bytes += line.size
                if line.contradicting:
                    self.contradicting.append(line.key)
            elif line.key in self._accepted:
                self.lost.append(line.key)
                line = msgspec.structs.replace(line, lost=True)
            else:
                self.missing.append(MissingObject(line.key, line.missing or ""))
            yield line


def line_of(info: ObjectInfo, headers: Headers, file: str | None) -> ObjectLine:
    """A listed object as a line without its file."""
    return ObjectLine(
        key=info.key,
        file=file,
        size=info.size,
        etag=info.etag,
        last_modified=info.last_modified,
        content_type=headers.content_type,
        content_encoding=headers.content_encoding,
        content_language=headers.content_language,
        content_disposition=headers.content_disposition,
        cache_control=headers.cache_control,
        metadata=headers.metadata,
    )


def missing_line(info: ObjectInfo, file: str | None, why: str) -> ObjectLine:
    """The line of an object that has no file."""
    return msgspec.structs.replace(line_of(info, Headers(), file), missing=why)


def why_missing(error: StoreError) -> str:
    """Why an object is missing, in words and the server\'s."""
    words = {
        "denied": "the server refuses to give it (403)",
        "outage": "the server fails on it",
        "short": "its bytes end early",
        "mismatch": "its bytes are not what the server claims",
        "credentials": "the server does not accept the signature for it",
    }
    return f"{words.get(error.kind, 'it cannot be read')}: {error.text}"
