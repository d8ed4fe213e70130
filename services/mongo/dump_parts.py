"""What is known of a collection while it is dumped, and the walk over one raw batch."""

from __future__ import annotations

from typing import Any

import msgspec

from services.archive.documents import MASK64, MAX_DOCUMENT, Sums, crc64_xz, hex64
from services.archive.elements import elements
from services.archive.format import encode_header
from services.archive.model import ArchiveError, Namespace
from services.archive.quirks import ORDINARY_HEADS, may_hold_zero_timestamp, server_would_change
from services.catalog.manifest import CollectionEntry, Member, ServerWouldChange
from services.mongo.dump_members import GZIP_LEVEL
from services.mongo.indexes import Described

MEMBER_BYTES = 2 << 20
"""Uncompressed documents of one gzip member at most, but for a single larger document."""
WHOLE_BATCH_BYTES = 3 << 20
"""A batch up to here stays one member: a short second one would only cost compression."""
NAMED_DOCUMENTS = 10_000
"""How many documents a server would change or refuse are named in one manifest."""


class Walked(msgspec.Struct):
    """One raw batch: `cuts` are the ends of its members, `last` the start of its last document."""

    documents: int
    content: int
    cuts: list[int]
    last: int
    quirks: list[tuple[int, str]]
    """(place in the batch, why)."""


def walk_batch(data: bytes, name: str) -> Walked:
    """Counts and sums a batch's documents, cuts it into members, and finds what a server would change.

    Errors: `ArchiveError` on a length or end byte that is not BSON.
    """
    view = memoryview(data)
    size = len(data)
    at = last = count = content = 0
    cut_after = MEMBER_BYTES if size > WHOLE_BATCH_BYTES else size
    cuts: list[int] = []
    from_bytes = int.from_bytes
    crc = crc64_xz
    quirks: list[tuple[int, str]] = []
    ordinary = ORDINARY_HEADS
    every = may_hold_zero_timestamp(data) or size > MAX_DOCUMENT
    while at < size:
        end = at + from_bytes(view[at : at + 4], "little")
        if end < at + 5 or end > size or data[end - 1]:
            raise ArchiveError(
                "a BSON document from the server",
                found=f"a length of {end - at:,} and {size - at:,} bytes left",
                namespace=name,
                next="Run the backup again; if it happens again, let `mongod` validate the collection.",
            )
        content += crc(view[at:end])
        if every or data[at + 4 : at + 9] not in ordinary:
            why = server_would_change(view[at:end])
            if why is not None:
                quirks.append((count, why))
        if end > cut_after and at > (cuts[-1] if cuts else 0):
            cuts.append(at)
            cut_after = at + MEMBER_BYTES
        count += 1
        last = at
        at = end
    cuts.append(size)
    return Walked(count, content & MASK64, cuts, last, quirks)


class Part:
    """One reading of one collection: where its members lie and what they add up to.

    `sums` is continued by whoever writes, in the order of reading.
    `broken` says why the reading did not reach the end; such a part is never kept.
    """

    def __init__(self, described: Described, database: str) -> None:
        self.described = described
        self.stream = Namespace(database, described.stream)
        self.header = encode_header(self.stream)
        self.level = GZIP_LEVEL
        self.sums = Sums()
        self.members: list[Member] = []
        self.first: bytes | None = None
        self.last: bytes | None = None
        self.quirks: list[ServerWouldChange] = []
        self.broken: str | None = None
        self.ended = False

    def add(self, data: bytes, walked: Walked) -> None:
        """Takes a written batch into the sums; an empty one changes nothing."""
        if not data:
            return
        name = self.described.name
        for place, why in walked.quirks[: NAMED_DOCUMENTS - len(self.quirks)]:
            self.quirks.append(
                ServerWouldChange(collection=name, ordinal=self.sums.documents + place, why=why)
            )
        if not self.sums.documents:
            self.first = _id_element(data, 0)
        self.last = _id_element(data, walked.last)
        self.sums.crc64 = crc64_xz(data, self.sums.crc64)
        self.sums.documents += walked.documents
        self.sums.bytes += len(data)
        self.sums.content = (self.sums.content + walked.content) & MASK64

    def entry(self) -> CollectionEntry:
        """The collection as the manifest holds it."""
        return CollectionEntry(
            kind=self.described.kind,
            documents=self.sums.documents,
            bytes=self.sums.bytes,
            index_bytes=self.described.stats.index_bytes,
            crc64=hex64(self.sums.crc64),
            content=hex64(self.sums.content),
            first_id=_id_text(self.first),
            last_id=_id_text(self.last),
            metadata=self.described.metadata.raw,
        )


def _id_element(data: bytes, start: int) -> bytes | None:
    """A document with nothing but the `_id` of the one that begins at `start`; None where it has none."""
    for kind, name, value, end in elements(data, start):
        if data.startswith(b"_id\0", name):
            body = bytes([kind]) + b"_id\0" + data[value:end]
            return (len(body) + 5).to_bytes(4, "little") + body + b"\0"
    return None


def _id_text(document: bytes | None) -> str | None:
    """An `_id` as canonical Extended JSON, None where there is none."""
    if document is None:
        return None
    import bson
    from bson.codec_options import CodecOptions, DatetimeConversion
    from bson.json_util import CANONICAL_JSON_OPTIONS, dumps

    options: CodecOptions[Any] = CodecOptions(
        datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
    )
    return dumps(bson.decode(document, options)["_id"], json_options=CANONICAL_JSON_OPTIONS)
