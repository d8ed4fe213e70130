"""What a restore, a finish and a rollback are asked for and what they answer; light, for front ends that wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from services.catalog.model import CheckStatus
from services.counted import counted
from services.pepper.model import PepperProof
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


class PairsProof(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of `files` against the bucket after the restore, by listing.

    Of the rows without their object, or with one of another size: `in_backup` are those whose object the
    backup has, `lacking` those that it had none of either, `newer` were written after it was made. `keys` are
    the first of them.
    """

    status: CheckStatus
    detail: str
    rows: int = 0
    objects: int = 0
    missing: int = 0
    altered: int = 0
    in_backup: int = 0
    lacking: int = 0
    newer: int = 0
    keys: tuple[str, ...] = ()


class RestoreResult(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended; `rollback_until` is RFC 3339, None when there is nothing to roll back.

    `set_aside` are the documents of what was live and is a rollback copy now: of a restore only of those that
    nothing replaced. `summary` says what came back and what was set aside, in words. `pairs` is None where
    the restore touched neither objects nor the rows of `files`, `pepper` where it brought no encrypted value.
    """

    status: Literal["ok", "warnings"]
    job: str
    strategy: str
    backup: str
    collections: dict[str, RestoredCollection]
    objects: RestoredObjects | None
    rollback_until: str | None
    warnings: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    set_aside: dict[str, int] = {}
    summary: str = ""
    pairs: PairsProof | None = None
    pepper: PepperProof | None = None


SHOWN_ASIDE = 3
"""How many names of what was set aside stand in one line."""


def in_words(
    verb: str,
    collections: Mapping[str, int],
    objects: tuple[int, int] | None,
    set_aside: Mapping[str, int],
) -> str:
    """What is live by it and what is not live any more, with counts; empty when it changed nothing.

    `collections` and `set_aside` are documents by name, `objects` how many were put and kept.
    """
    parts = []
    documents = sum(collections.values())
    if collections:
        ends = "back" if verb == "rollback" else "live"
        parts.append(f"{counted(len(collections), 'collections')}, {counted(documents, 'documents')} {ends}")
    elif verb == "rollback" and set_aside:
        parts.append("no collection had to come back")
    if objects is not None:
        put, kept = objects
        parts.append(f"{counted(put, 'objects')} put" + (f", {kept:,} kept" if kept else ""))
    if set_aside:
        parts.append(f"set aside: {aside_words(set_aside)}")
    return "; ".join(parts)


def aside_words(set_aside: Mapping[str, int]) -> str:
    """`characters (40 documents)`; the names of the largest where they are many."""
    ordered = sorted(set_aside.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{name} ({counted(count, 'documents')})" for name, count in ordered[:SHOWN_ASIDE])
    left = ordered[SHOWN_ASIDE:]
    if not left:
        return named
    return f"{named} and {counted(len(left), 'collections')} more ({counted(sum(n for _, n in left), 'documents')})"


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
