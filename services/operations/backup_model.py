"""What a backup is asked for and what it answers."""

from __future__ import annotations

from typing import Literal

import msgspec

from services.catalog.manifest import Consistency, Part

Purpose = Literal["backup", "safety", "before-release"]


class BackupPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One backup to make.

    `only` leaves the other part out; `exclude` names collections. `location` is the name of one of the
    profile's, the first when None. `rename` (before a release) maps live names to the names the archive gives
    them, and takes only those collections. A `safety` backup has no guards; it and `before-release` ones are
    never `latest` and never counted.
    """

    only: Part | None = None
    exclude: tuple[str, ...] = ()
    reason: str = ""
    stop_app: bool = False
    location: str | None = None
    purpose: Purpose = "backup"
    rename: dict[str, str] | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts asked for."""
        return (self.only,) if self.only is not None else ("database", "objects")


class CollectionResult(msgspec.Struct, frozen=True, kw_only=True):
    """One collection of the archive; sums are 16 hex digits, `bytes` uncompressed BSON."""

    documents: int
    bytes: int
    crc64: str
    content: str


class DatabaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """The database part."""

    collections: dict[str, CollectionResult]


class ObjectsResult(msgspec.Struct, frozen=True, kw_only=True):
    """The objects part; `missing` could not be read this time."""

    count: int
    bytes: int
    linked: int = 0
    fetched: int = 0
    missing: tuple[str, ...] = ()


class BackupResult(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON document of `backup`; `path` is the manifest's."""

    status: Literal["ok", "warnings"]
    id: str
    path: str
    consistency: Consistency | None = None
    consistency_detail: str = ""
    suspicious: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    database: DatabaseResult | None = None
    objects: ObjectsResult | None = None
