"""What a dump says of a collection besides its documents: options, indexes, kind, sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from services.archive.model import CollectionMetadata, Namespace
from services.mongo.connect import Document, LiveCollection
from services.mongo.counters import BUCKETS, CollectionStats, Mark, collection_stats
from services.names import is_ours

if TYPE_CHECKING:
    from pymongo.database import Database

Kind = Literal["collection", "view", "timeseries"]


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """One collection as it will be dumped.

    `live` is its name in the database, `name` the name the archive gives it, `storage` where its documents
    are read (None for a view), `stream` the name of its documents in the archive.
    """

    live: str
    name: str
    kind: Kind
    storage: str | None
    stream: str
    metadata: CollectionMetadata
    uuid: str | None
    stats: CollectionStats
    capped: bool = False

    @property
    def mark(self) -> Mark:
        """Identity and counters at the moment it was described."""
        return Mark(uuid=self.uuid, writes=self.stats.writes)


def dumpable(name: str) -> bool:
    """Whether a plain backup takes a collection: not ours, and of `system.` ones only system.js, as mongodump."""
    if is_ours(name) or is_ours(name.removeprefix(BUCKETS)):
        return False
    return not name.startswith("system.") or name == "system.js"


def storage_name(live: LiveCollection) -> str | None:
    """Where a collection's raw documents are; None for a view."""
    if live.kind == "view":
        return None
    return BUCKETS + live.name if live.kind == "timeseries" else live.name


def storage_uuid(name: str, listed: dict[str, LiveCollection]) -> str | None:
    """A collection's UUID; a time series has that of its buckets, a view none."""
    live = listed[name]
    if live.kind == "timeseries":
        buckets = listed.get(BUCKETS + name)
        return buckets.uuid if buckets else None
    return live.uuid


def describe(
    database: Database[Any],
    live: LiveCollection,
    listed: dict[str, LiveCollection],
    *,
    name: str | None = None,
) -> Described:
    """Reads options, indexes and statistics of one collection, to be dumped under `name`.

    Errors: pymongo's, for the caller to translate.
    """
    from services.archive.metadata import encode_metadata

    dumped = name or live.name
    storage = storage_name(live)
    uuid = storage_uuid(live.name, listed)
    stats = collection_stats(database, storage) if storage else CollectionStats()
    indexes = [] if live.kind == "view" else raw_indexes(database, live.name)
    raw = encode_metadata(
        live.options, indexes, live.uuid if live.kind == "collection" else None, dumped, live.kind
    )
    namespace = Namespace(database.name, dumped)
    return Described(
        live=live.name,
        name=dumped,
        kind=live.kind,
        storage=storage,
        stream=BUCKETS + dumped if live.kind == "timeseries" else dumped,
        metadata=CollectionMetadata(namespace=namespace, kind=live.kind, raw=raw),
        uuid=uuid,
        stats=stats,
        capped=bool(live.options.get("capped")),
    )


def raw_indexes(database: Database[Any], name: str) -> list[Document]:
    """The index specifications as the server keeps them, in its order; [] for an absent collection (26)."""
    from pymongo.errors import OperationFailure

    try:
        return [dict(spec) for spec in database[name].list_indexes()]
    except OperationFailure as error:
        if error.code == 26:
            return []
        raise
