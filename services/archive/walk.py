"""One pass over a dump: every checksum it carries compared, every collection counted and summed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from services.archive.collect import Collecting
from services.archive.documents import MASK64, Sums, crc64_xz
from services.archive.elements import NotBson
from services.archive.encrypted_source import EncryptedSource
from services.archive.model import ArchiveError, Block, Buffer, Namespace, Prelude
from services.archive.names import bucket_name, printable
from services.archive.quirks import Quirk, sum_block
from services.archive.source import open_dump
from services.archive.structure import check_structure
from services.passphrase import BackupKey
from services.profile import Limits
from services.streams.hashing import HashingThread

MAX_QUIRKS = 200_000
"""Documents named one by one; beyond that they are only counted, so that memory stays bounded."""


class Walked(msgspec.Struct, frozen=True, kw_only=True):
    """What a pass found. `sha256` and `bytes` are the file's (of a directory None and all its files).

    `collections` holds what a restore may load, by the name the documents have in the dump, views left
    out. `crc_checked` tells whether the form carried checksums of its documents. `server_would_change`
    names at most `MAX_QUIRKS` documents, `changes` counts all of them by collection and word. `encryption` says
    how an encrypted one opened and what its end proved, empty for a plain one; `mac` whether its form has a MAC.
    """

    sha256: str | None
    bytes: int
    prelude: Prelude
    collections: dict[Namespace, Sums]
    crc_checked: bool
    server_would_change: list[Quirk] = []
    changes: dict[Namespace, dict[str, int]] = {}
    encryption: str = ""
    mac: bool = False


def nothing() -> None:
    """The default of `check`."""


def ignore(amount: int) -> None:
    """The default of `advance`."""


def walk_dump(
    path: Path,
    *,
    limits: Limits = Limits(),
    check: Callable[[], None] = nothing,
    advance: Callable[[int], None] = ignore,
    collecting: Collecting | None = None,
    key: BackupKey | None = None,
) -> Walked:
    """Reads a foreign dump to its last byte in bounded memory.

    `collecting` is shown the documents its collectors want. `check` is called for every block and may raise to stop; `advance` is told the bytes read since it was
    called last. Forms without checksums have every document decoded once, which finds what cannot be BSON.
    Raises `ArchiveError` or `EncryptedDump`.
    """
    hashing = HashingThread() if path.is_file() else None
    try:
        return _walk(path, limits, check, advance, hashing, collecting, key)
    finally:
        if hashing is not None:
            hashing.finish()


def _walk(
    path: Path,
    limits: Limits,
    check: Callable[[], None],
    advance: Callable[[int], None],
    hashing: HashingThread | None,
    collecting: Collecting | None,
    key: BackupKey | None,
) -> Walked:
    source = open_dump(path, limits=limits, tap=None if hashing is None else hashing.feed, key=key)
    tally = Tally(structure=not source.sums)
    done = 0
    if collecting is not None and not source.form.startswith("tar"):
        collecting.choose(entry.namespace.database for entry in source.prelude().collections)
    for item in source.read():
        check()
        if isinstance(item, Block):
            tally.add(item.namespace, item.data)
            if collecting is not None:
                collecting.take(item.namespace, item.data)
            now = source.bytes_read()
            if now > done:
                advance(now - done)
                done = now
        else:
            tally.end(item.namespace, item.crc64)
    total = source.bytes_read()
    advance(total - done)
    opener = source.encrypted if isinstance(source, EncryptedSource) else None
    prelude = source.prelude()
    return Walked(
        sha256=None if hashing is None else hashing.finish(),
        bytes=os.stat(path).st_size if hashing is not None else total,
        prelude=prelude,
        collections=tally.of(prelude),
        crc_checked=source.sums,
        server_would_change=tally.quirks,
        changes=tally.changes,
        encryption=opener.verdict() if opener else "",
        mac=opener is not None and opener.mac,
    )


class Tally:
    """Sums and findings of the collections of one dump."""

    def __init__(self, *, structure: bool) -> None:
        self._structure = structure
        self.sums: dict[Namespace, Sums] = {}
        self.quirks: list[Quirk] = []
        self.changes: dict[Namespace, dict[str, int]] = {}

    def add(self, namespace: Namespace, data: Buffer) -> None:
        """Adds whole documents in the dump's order."""
        sums = self.sums.get(namespace)
        if sums is None:
            sums = self.sums[namespace] = Sums()
        if self._structure:
            check_structure(data, namespace, sums.bytes)
        try:
            documents, content, found = sum_block(data, namespace=str(namespace), offset=sums.bytes)
        except NotBson as error:
            raise ArchiveError(
                "a BSON document",
                found=f"{error}, one of those behind byte {sums.bytes:,} of the collection",
                namespace=printable(str(namespace)),
            ) from error
        for ordinal, word in found:
            counted = self.changes.setdefault(namespace, {})
            counted[word] = counted.get(word, 0) + 1
            if len(self.quirks) < MAX_QUIRKS:
                self.quirks.append(
                    Quirk(namespace.database, namespace.collection, sums.documents + ordinal, word)
                )
        if self._structure:
            sums.crc64 = crc64_xz(data, sums.crc64)
        sums.documents += documents
        sums.bytes += len(data)
        sums.content = (sums.content + content) & MASK64

    def end(self, namespace: Namespace, crc64: int | None) -> None:
        """A collection is complete; one without documents counts too."""
        sums = self.sums.setdefault(namespace, Sums())
        if crc64 is not None:
            sums.crc64 = crc64

    def of(self, prelude: Prelude) -> dict[Namespace, Sums]:
        """The sums of what the prelude offers, without views."""
        offered: set[Namespace] = set()
        for entry in prelude.collections:
            if entry.kind != "view":
                offered.add(entry.namespace)
            if entry.kind == "timeseries":
                offered.add(bucket_name(entry.namespace))
        return {name: sums for name, sums in sorted(self.sums.items()) if name in offered}
