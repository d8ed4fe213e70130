"""Raw BSON documents one after another: splitting, counting, summing, never decoding."""

from __future__ import annotations

from fastcrc import crc64 as _crc64

from services.archive.model import ArchiveError, Buffer

MAX_DOCUMENT = 16 * 1024 * 1024
"""BSON document limit of the server; internal documents (oplog) may be 16 KiB larger."""
MAX_INTERNAL_DOCUMENT = MAX_DOCUMENT + 16 * 1024
MASK64 = (1 << 64) - 1

crc64_xz = _crc64.xz
"""CRC-64/XZ (poly 0xC96C5795D7870F42 reflected), what mongodump calls CRC-64-ECMA; check value 0x995DC9BBDF1939FA."""


def hex64(value: int) -> str:
    """A 64-bit sum as the headless contract writes it."""
    return f"{value:016x}"


class Sums:
    """Counts and sums of one collection's documents; `crc64` proves the order, `content` the set.

    `content` is the sum modulo 2^64 of every raw document's own CRC-64. The sums of two disjoint parts
    add up (`merge`), apart from `crc64`, which only a reader in the dump's order can continue.
    """

    __slots__ = ("documents", "bytes", "crc64", "content")

    def __init__(self) -> None:
        self.documents = 0
        self.bytes = 0
        self.crc64 = 0
        self.content = 0

    def add_ordered(self, data: Buffer) -> None:
        """Adds whole documents in the dump's order, all four figures."""
        self.crc64 = crc64_xz(data, self.crc64)
        self.add_unordered(data)

    def add_unordered(self, data: Buffer) -> None:
        """Adds whole documents, leaving `crc64` alone."""
        documents, content = sum_documents(data)
        self.documents += documents
        self.bytes += len(data)
        self.content = (self.content + content) & MASK64

    def merge(self, other: Sums) -> None:
        """Adds the figures of a disjoint part; `crc64` stays."""
        self.documents += other.documents
        self.bytes += other.bytes
        self.content = (self.content + other.content) & MASK64


def sum_documents(data: Buffer, *, namespace: str = "", offset: int = 0) -> tuple[int, int]:
    """(documents, content sum) of whole documents; `ArchiveError` on a length or end byte that is not BSON."""
    view = memoryview(data)
    size = len(view)
    at = count = content = 0
    from_bytes = int.from_bytes
    crc = crc64_xz
    while at < size:
        length = from_bytes(view[at : at + 4], "little")
        end = at + length
        if length < 5 or end > size or view[end - 1] != 0:
            raise ArchiveError(
                "a BSON document",
                found=f"a length of {length:,} and {size - at:,} bytes left",
                namespace=namespace,
                offset=offset + at,
            )
        content += crc(view[at:end])
        count += 1
        at = end
    return count, content & MASK64


def split_documents(data: Buffer) -> list[memoryview]:
    """The documents of a block that `sum_documents` accepted, without copying."""
    view = memoryview(data)
    out = []
    at = 0
    size = len(view)
    from_bytes = int.from_bytes
    while at < size:
        end = at + from_bytes(view[at : at + 4], "little")
        out.append(view[at:end])
        at = end
    return out
