"""Names Quillkeep gives to things in the admin's database, bucket and backup folder."""

from __future__ import annotations

OURS = "__quillkeep_"
"""Prefix of every collection of ours; left out of dumps, snapshots, checks, counts and restores."""

JOBS_COLLECTION = "__quillkeep_jobs"
"""The lock and the swap journals that other hosts must see."""

MAX_NAMESPACE_BYTES = 255
"""`database.collection` in UTF-8 bytes, MongoDB's limit since 4.4 (measured on 6.0.5)."""


def aside_name(job: str, ordinal: int) -> str:
    """Where a collection is loaded before it goes live."""
    return f"{OURS}new_{job}_{ordinal}"


def old_name(job: str, ordinal: int) -> str:
    """Where the swap puts what was live: a rollback copy."""
    return f"{OURS}old_{job}_{ordinal}"


def late_name(job: str, ordinal: int) -> str:
    """Where documents written into the swap's gap are kept."""
    return f"{OURS}late_{job}_{ordinal}"


def is_ours(name: str) -> bool:
    """Whether a collection, or an object key below the bucket's prefix, was made by Quillkeep."""
    return name.startswith(OURS)
