"""Whether a collection was written: its UUID, and how often the storage engine was asked to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from pymongo.database import Database

BUCKETS = "system.buckets."
"""Where MongoDB 5.0 to 8.x keeps the raw documents of a time series."""
WRITES = ("insert", "update", "modify", "remove", "truncate")
"""How the keys of `$collStats` storageStats.wiredTiger.cursor begin that only writes move.

On 6.0.5 they are `insert calls`, `update calls`, `remove calls`, but `modify` without `calls`, which is the
only one that a small `$set` or `$inc` moves; hence all keys that begin so are taken, calls and bytes.
"""


class CollectionStats(msgspec.Struct, frozen=True, kw_only=True):
    """What `$collStats` says of one collection; `writes` is None where the storage engine counts none."""

    count: int = 0
    size: int = 0
    """Uncompressed BSON bytes."""
    index_bytes: int = 0
    writes: tuple[int, ...] | None = None

    @property
    def average(self) -> float:
        """Mean document size in bytes, 0.0 when empty."""
        return self.size / self.count if self.count else 0.0


def collection_stats(database: Database[Any], storage: str) -> CollectionStats:
    """Statistics of the collection under its storage name (`system.buckets.X` for a time series).

    On a sharded cluster the shards' figures add up. Errors: pymongo's, for the caller to translate; an
    absent collection (26) gives zeros without counters.
    """
    from pymongo.errors import OperationFailure

    try:
        rows = list(database[storage].aggregate([{"$collStats": {"storageStats": {"scale": 1}}}]))
    except OperationFailure as error:
        if error.code == 26:
            return CollectionStats()
        raise
    count = size = index_bytes = 0
    writes: list[int] | None = []
    for row in rows:
        stats = row["storageStats"]
        count += int(stats.get("count", 0))
        size += int(stats.get("size", 0))
        index_bytes += int(stats.get("totalIndexSize", 0))
        cursor = dict(stats.get("wiredTiger") or {}).get("cursor")
        if cursor is None or writes is None:
            writes = None
        else:
            writes += [int(cursor[key]) for key in sorted(cursor) if key.startswith(WRITES)]
    return CollectionStats(
        count=count,
        size=size,
        index_bytes=index_bytes,
        writes=tuple(writes) if writes else None,
    )


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The identity and the write counters of one collection at one moment."""

    uuid: str | None
    writes: tuple[int, ...] | None

    def still(self, later: Mark) -> bool:
        """Whether nothing was written between this mark and a later one; unknown counts as written."""
        return self.uuid == later.uuid and self.writes is not None and self.writes == later.writes
