"""What a restore, a finish and a rollback are asked for and what they answer; light, for front ends that wait."""

from __future__ import annotations

from typing import Literal

import msgspec

from services.recovery.request import RestoreRequest

ROLLBACK_HOURS = 72
"""How long rollback copies stay at least before a nightly run may release them."""

PLAN_CHANGED = "What is live, or the backup, has changed since the plan was made."
"""How a restore refuses whose plan no longer holds."""


class RestorePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A restore to run: the request, the risks allowed, and the fingerprint of the plan it was started from."""

    request: RestoreRequest
    allow: tuple[str, ...] = ()
    leave_app_stopped: bool = False
    fingerprint: str | None = None


class RestoredCollection(msgspec.Struct, frozen=True, kw_only=True):
    """One collection that is live again."""

    documents: int
    indexes: tuple[str, ...] = ()


class RestoredObjects(msgspec.Struct, frozen=True, kw_only=True):
    """Objects put (replaced ones among them) and kept as they were."""

    put: int
    kept: int
    replaced: int = 0
    bytes: int = 0


class RestoreResult(msgspec.Struct, frozen=True, kw_only=True):
    """How the restore ended; `rollback_until` is RFC 3339, None when there is nothing to roll back."""

    status: Literal["ok", "warnings"]
    job: str
    strategy: str
    backup: str
    collections: dict[str, RestoredCollection]
    objects: RestoredObjects | None
    rollback_until: str | None
    warnings: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


class FinishPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The job to finish; the risks it was allowed stay allowed."""

    job: str
    to_database: str | None = None


class RollbackPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The job to roll back (None: the newest that holds copies or waits) and the risks allowed."""

    job: str | None = None
    allow: tuple[str, ...] = ()
    leave_app_stopped: bool = False
    to_database: str | None = None


class ReleasePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The job whose copies go; `dry_run` only counts."""

    job: str
    dry_run: bool = False
    to_database: str | None = None
