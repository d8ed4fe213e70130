"""Whether the server's own disk holds what a restore will write: a full disk makes mongod abort and stay down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from pymongo.database import Database

GIB = 1 << 30
SAFETY_BYTES = 2 * GIB
"""Left free on top of what a restore needs."""
ABORT_BYTES = GIB
"""A running load drops its copies when less than this is left."""
DATA_FACTOR = 1.05
INDEX_SHARE = 0.15
OPLOG_FACTOR = 1.3


class Space(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes on the filesystem of dbPath as the server sees it; None where the server gives no figure."""

    free: int | None
    needed: int

    @property
    def enough(self) -> bool | None:
        """None when it cannot be told."""
        return None if self.free is None else self.free >= self.needed


def free_bytes(database: Database[Any]) -> int | None:
    """Free bytes below dbPath, by dbStats of this database, else of admin; None when neither tells."""
    from pymongo.errors import PyMongoError

    for place in (database, database.client.admin):
        try:
            stats = place.command("dbStats")
        except PyMongoError:
            continue
        total = int(stats.get("fsTotalSize") or 0)
        if total > 0:
            return total - int(stats.get("fsUsedSize") or 0)
    return None


def oplog_max_bytes(database: Database[Any]) -> int | None:
    """The oplog's size limit on a replica set; None where it cannot be read."""
    from pymongo.errors import PyMongoError

    try:
        stats = database.client.local.command({"collStats": "oplog.rs"})
    except PyMongoError:
        return None
    return int(stats.get("maxSize") or 0) or None


def space_for(
    database: Database[Any], *, data_bytes: int, index_bytes: int | None, replica_set: bool
) -> Space:
    """What loading `data_bytes` of uncompressed documents beside the live ones needs, and what is there.

    The formula is DESIGN's (measured in `swap.md` 9): 1.05 x data + indexes (known, else 15 %) + on a
    replica set min(1.3 x data, the oplog's maximum) + 2 GiB.
    """
    needed = data_bytes * DATA_FACTOR
    needed += data_bytes * INDEX_SHARE if index_bytes is None else index_bytes
    if replica_set:
        growth = data_bytes * OPLOG_FACTOR
        limit = oplog_max_bytes(database)
        needed += growth if limit is None else min(growth, limit)
    return Space(free=free_bytes(database), needed=int(needed) + SAFETY_BYTES)
