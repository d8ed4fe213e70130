"""What every form of a MongoDB dump is made of, and the one error a bad one ends in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

import msgspec

from services.errors import QuillkeepError
from services.streams.errors import StreamError
from services.streams.locked import EncryptedDump as EncryptedDump

Kind = Literal["collection", "view", "timeseries"]
Buffer = bytes | bytearray | memoryview


class ArchiveError(QuillkeepError):
    """A dump that cannot be trusted: names the collection, the offset in the uncompressed stream and what was expected."""

    def __init__(
        self,
        expected: str,
        *,
        found: str = "",
        namespace: str = "",
        offset: int | None = None,
        file: str = "",
        layer: str = "",
        next: str = "Use another backup; `quillkeep list` shows which are good.",
    ) -> None:
        stream = "the file" if layer else "the uncompressed stream"
        where = "".join(
            [
                f" in {file}" if file else "",
                f", collection {namespace}" if namespace else "",
                f", in its encryption ({layer})" if layer else "",
                f", at byte {offset:,} of {stream}" if offset is not None else "",
            ]
        )
        found_text = f", found {found}" if found else ""
        super().__init__(f"The archive is damaged{where}: expected {expected}{found_text}.", next=next)
        self.expected = expected
        self.found = found
        self.namespace = namespace
        self.offset = offset
        self.file = file
        self.layer = layer
        self.cipher_whole = False
        """The damage lies below an encryption that proved itself whole."""


def of_stream(error: StreamError, *, offset: int | None, namespace: str = "", file: str = "") -> ArchiveError:
    """What a lower layer found, as the dump's own error; in a layer of encryption its own offset counts."""
    return ArchiveError(
        error.expected,
        found=error.found,
        namespace=namespace,
        offset=error.offset if error.layer else offset,
        file=file,
        layer=error.layer,
    )


class Namespace(msgspec.Struct, frozen=True, order=True):
    """`database.collection` as the dump names it."""

    database: str
    collection: str

    def __str__(self) -> str:
        return f"{self.database}.{self.collection}"


class CollectionMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """One collection as a dump describes it; `raw` is its metadata.json text (canonical Extended JSON v2)."""

    namespace: Namespace
    kind: Kind = "collection"
    raw: str = ""

    def document(self) -> dict[str, Any]:
        """The parsed metadata: `options`, `indexes`, `uuid`, … with BSON values; {} for none at all."""
        from services.archive.metadata import parse_metadata

        return parse_metadata(self.raw)


class Prelude(msgspec.Struct, frozen=True, kw_only=True):
    """What a dump says of itself before its data; versions are empty where a form carries none.

    `collections` are those a restore may load. `left_alone` are recognised, read and checked, never loaded:
    users and roles, the oplog, the server's own, Quillkeep's own. `notes` say so, one sentence each.
    """

    collections: tuple[CollectionMetadata, ...]
    server_version: str = ""
    tool_version: str = ""
    concurrent_collections: int = 1
    left_alone: tuple[Namespace, ...] = ()
    notes: tuple[str, ...] = ()


class Block(msgspec.Struct, frozen=True):
    """Whole documents of one collection, in the dump's order; `data` is valid until the next item is asked for."""

    namespace: Namespace
    data: Buffer


class End(msgspec.Struct, frozen=True):
    """A collection is complete; `crc64` is what the form claims of its bytes (already checked), None where it claims nothing.

    A view ends as well, without blocks. A time series comes under the name its documents have in the dump:
    `system.buckets.X` for those of servers before 8.3, declared in the prelude as X.
    """

    namespace: Namespace
    crc64: int | None


class DumpSource(Protocol):
    """A dump in any form, opened from a path; every method may be called again and starts over.

    `form` is one of `archive`, `directory`, `tar`, with `.gz` when compressed. `sums` tells whether the
    form carries a checksum of its documents (an archive does, a directory does not).
    """

    form: str
    sums: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """What was recognised and is left alone (users and roles, an oplog, …): `prelude().notes`."""
        ...

    def prelude(self) -> Prelude:
        """Everything known before the data: cheap for archives and directories, one pass for a tar."""
        ...

    def read(self, only: Sequence[Namespace] | None = None) -> Iterator[Block | End]:
        """One pass over every byte. Collections outside `only` are checked all the same, not yielded.

        Without `only`, all of the prelude's `collections`; `only` may name those `left_alone` too, and a time
        series by its own name. The iterator ends normally only when the whole dump was read and everything it claims holds;
        otherwise it raises `ArchiveError`.
        """
        ...

    def bytes_read(self) -> int:
        """Bytes of the file(s) consumed so far by the running `read`, for progress."""
        ...

    def total_bytes(self) -> int:
        """Size on disk of what `read` will consume."""
        ...
