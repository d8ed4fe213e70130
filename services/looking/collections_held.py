"""Looks at what is known of the collections without the database: the newest good backups, and what was validated."""

from __future__ import annotations

from datetime import datetime

import msgspec

from services.findings import Finding
from services.looking.collections import IndexNow
from services.paths import Paths
from services.profile import Profile
from services.validating.model import CollectionValidated

TREND_BACKUPS = 14
"""Good backups whose counts are the trend."""


class CollectionsHeldRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The profile's locations and this state folder's jobs."""


class CollectionKept(msgspec.Struct, frozen=True, kw_only=True):
    """One collection of a backup by its manifest; bytes uncompressed, None for a view."""

    kind: str = "collection"
    documents: int | None = None
    bytes: int | None = None
    indexes: tuple[IndexNow, ...] | None = None
    """None where the manifest does not hold them, or they were not asked for."""


class BackupKept(msgspec.Struct, frozen=True, kw_only=True):
    """A good backup of ours; `reference` names exactly it to a verb."""

    id: str
    reference: str
    created: datetime
    location: str = ""
    collections: dict[str, CollectionKept] = {}


class CountsAt(msgspec.Struct, frozen=True, kw_only=True):
    """Documents by collection at one time."""

    id: str
    at: datetime
    documents: dict[str, int] = {}


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict that counts for one collection: a quick run never hides an older full one that failed.

    `replaced` says that a restore or rollback finished since, so that it is about data no longer live.
    """

    job: str
    at: datetime
    full: bool
    seen: CollectionValidated
    backup: str = ""
    replaced: bool = False


class PairsSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The newest pair check of live rows against live objects."""

    job: str
    at: datetime
    status: str
    depth: str
    summary: str = ""
    findings: tuple[Finding, ...] = ()
    replaced: bool = False


class CollectionsHeldAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`newest` is the newest good database part and `before` the good one before; `trend` oldest first.

    `why` says why there is no newest one, `passed_over` names newer backups that are not good: (id, why).
    `references` are findings between collections of the newest validation that looked at all of them.
    `problems` are sentences on what could not be read: newer backups may be there.
    """

    newest: BackupKept | None = None
    before: BackupKept | None = None
    why: str = ""
    passed_over: tuple[tuple[str, str], ...] = ()
    trend: tuple[CountsAt, ...] = ()
    validated: dict[str, Validation] = {}
    references: tuple[Finding, ...] = ()
    pairs: PairsSeen | None = None
    problems: tuple[str, ...] = ()


def look(request: CollectionsHeldRequest, profile: Profile, paths: Paths) -> CollectionsHeldAnswer:
    """Reads manifests and journals; no archive, no server. What cannot be read is a sentence, never an error."""
    from services.looking.collections_kept import kept

    return kept(profile, paths)
