"""What the files of a directory dump are, by their names, wherever they lie: in a folder or a tar.

Layout: mongo-tools mongodump/prepare.go and mongorestore/filepath.go. The escaped collection name is Go's
url.QueryEscape; over 238 bytes it is the first 208, `%24` and the base64url SHA-1 of the true name, which
then stands in the metadata.
"""

from __future__ import annotations

import json
import re
from typing import Literal
from urllib.parse import unquote_plus

import msgspec

from services.archive.contents import Contents
from services.archive.metadata import base64url_sha1, parse_metadata
from services.archive.model import ArchiveError, Namespace, Prelude
from services.archive.names import BUCKETS, OPLOG, printable
from services.profile import Limits

LONG_NAME = 238
_LONG_PREFIX = 208
MAX_METADATA = 64 * 1024 * 1024
"""Bytes one metadata.json may have."""
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

Role = Literal["data", "metadata", "prelude", "other"]


class DumpName(msgspec.Struct, frozen=True):
    """A file's role; `stem` is the escaped collection name."""

    role: Role
    stem: str = ""
    compressed: bool = False


def dump_name(name: str) -> DumpName:
    """What a file of a dump is for; `.bin` is what old tools called `.bson`."""
    plain = name.removesuffix(".gz")
    compressed = plain != name
    if plain == "prelude.json":
        return DumpName("prelude", compressed=compressed)
    if plain.endswith(".metadata.json"):
        return DumpName("metadata", plain.removesuffix(".metadata.json"), compressed)
    for suffix in (".bson", ".bin"):
        if plain.endswith(suffix):
            return DumpName("data", plain.removesuffix(suffix), compressed)
    return DumpName("other")


def is_long(stem: str) -> bool:
    """Whether the true name stands in the metadata."""
    return len(stem) == LONG_NAME and "%24" in stem


class Assembly:
    """Gathers the files of one directory dump until `finish()` says what they hold."""

    def __init__(self, *, limits: Limits, file: str) -> None:
        self.contents = Contents(limits=limits, file=file)
        self._file = file
        self._data: dict[tuple[str, str], str] = {}
        self._metadata: dict[tuple[str, str], str] = {}
        self._names: dict[tuple[str, str], Namespace] = {}
        self._versions = ("", "")
        self._prelude: Prelude | None = None
        self._others = 0

    def add_data(self, database: str, stem: str, shown: str) -> None:
        """One data file; `shown` is what it is called in a message."""
        if (database, stem) in self._data:
            raise self.wrong(
                "one data file of a collection", f"{printable(shown)} beside another", database, stem
            )
        self._data[database, stem] = shown

    def add_metadata(self, database: str, stem: str, raw: bytes) -> None:
        """One metadata.json, uncompressed; an empty one says nothing."""
        if (database, stem) in self._metadata:
            raise self.wrong("one metadata file of a collection", "two", database, stem)
        try:
            self._metadata[database, stem] = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self.wrong("metadata in UTF-8", "other bytes", database, stem) from error

    def add_versions(self, raw: bytes) -> None:
        """A prelude.json, uncompressed."""
        try:
            document = json.loads(raw) if raw.strip() else {}
            server, tool = document.get("ServerVersion", ""), document.get("ToolVersion", "")
        except (ValueError, AttributeError, RecursionError) as error:
            raise ArchiveError(
                "a prelude.json with versions", found="other bytes", file=self._file
            ) from error
        self._versions = (str(server), str(tool))

    def add_oplog(self) -> None:
        """An oplog.bson at the root."""
        self.contents.declare(OPLOG, "", "")

    def add_other(self, shown: str) -> None:
        """A file that is no part of a dump."""
        self._others += 1
        if self._others <= 3:
            self.contents.note(f"{printable(shown)} is no part of the dump.")

    def has_metadata(self, database: str, stem: str) -> bool:
        """Whether a collection's metadata came already."""
        return (database, stem) in self._metadata

    def name(self, database: str, stem: str) -> Namespace:
        """The collection a file belongs to; a long name needs its metadata first."""
        known = self._names.get((database, stem))
        if known is None:
            known = self._names[database, stem] = Namespace(database, self._unescape(database, stem))
            self.contents.use(known)
        return known

    def _unescape(self, database: str, stem: str) -> str:
        if is_long(stem):
            raw = self._metadata.get((database, stem), "")
            name = parse_metadata(raw).get("collectionName")
            if not isinstance(name, str) or stem[_LONG_PREFIX:] != "%24" + base64url_sha1(name):
                raise self.wrong(
                    "the metadata with the true name of a long one", "none that fits", database, stem
                )
            return name
        try:
            if _BAD_ESCAPE.search(stem):
                raise ValueError(stem)
            database.encode()
            return unquote_plus(stem, errors="strict")
        except ValueError as error:
            raise self.wrong("a file name as mongodump escapes them", "another", database, stem) from error

    def finish(self) -> Prelude:
        """The prelude; `ArchiveError` for names that may not be, and for metadata without its data."""
        if self._prelude is None:
            self._find_oplog()
            for database, stem in sorted(self._metadata.keys() | self._data.keys()):
                self._declare(database, stem)
            for database, stem in sorted(self._metadata.keys() | self._data.keys()):
                self._complete(database, stem)
            server, tool = self._versions
            if self._others > 3:
                self.contents.note(f"{self._others - 3:,} more files are no part of the dump.")
            self._prelude = self.contents.prelude(server_version=server, tool_version=tool)
        return self._prelude

    def _find_oplog(self) -> None:
        """An oplog.bson without metadata beside it is no collection: mongodump gives every one its metadata."""
        for database, stem in list(self._data):
            if stem == "oplog" and (database, stem) not in self._metadata:
                del self._data[database, stem]
                self.add_oplog()

    def _declare(self, database: str, stem: str) -> None:
        namespace = self.name(database, stem)
        raw = self._metadata.get((database, stem))
        if raw is None and namespace.collection.startswith(BUCKETS):
            return
        self.contents.declare(namespace, raw or "", "")

    def _complete(self, database: str, stem: str) -> None:
        namespace = self.name(database, stem)
        if (database, stem) in self._data:
            if self.contents.owner(namespace) is None:
                raise self.wrong("the time series that these buckets belong to", "none", database, stem)
            return
        if self.contents.use(namespace) not in ("load", "ours") or self.contents.kind(namespace) == "view":
            return
        names = set(self.contents.data_names(namespace))
        if names.isdisjoint(self._names[key] for key in self._data if key[0] == database):
            raise self.wrong("its data file beside the metadata", "none", database, stem)

    def wrong(self, expected: str, found: str, database: str, stem: str) -> ArchiveError:
        """The error about one collection's files."""
        known = self._names.get((database, stem))
        shown = str(known) if known is not None else f"{database}.{stem}"
        return ArchiveError(expected, found=found, namespace=printable(shown), file=self._file)
