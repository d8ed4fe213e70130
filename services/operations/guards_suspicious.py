"""What makes a new backup suspicious against the newest good one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from services.catalog.manifest import CollectionEntry, ObjectsEntry
from services.counted import counted
from services.quilltap import PASSING_COLLECTIONS

FALL = 0.30
"""A fall over this share, of documents or bytes, is suspicious."""
MINIMUM_DOCUMENTS = 50
"""Smaller collections fall by such a share every day."""


def suspicious_collections(
    now: Mapping[str, CollectionEntry],
    before: Mapping[str, CollectionEntry],
    *,
    excluded: Collection[str] = (),
    since: str,
) -> list[str]:
    """One sentence for every collection that fell or vanished since the backup `since`."""
    sentences = []
    for name, old in sorted(before.items()):
        if name in excluded or old.kind == "view":
            continue
        new = now.get(name)
        if new is None or (old.documents and not new.documents):
            if name not in PASSING_COLLECTIONS:
                how = "is gone" if new is None else "is empty"
                sentences.append(f"{name} {how}; {since} has {counted(old.documents, 'documents')} of it.")
            continue
        if old.documents < MINIMUM_DOCUMENTS:
            continue
        fallen = _fallen(old.documents, new.documents), _fallen(old.bytes, new.bytes)
        if max(fallen) > FALL:
            sentences.append(
                f"{name} fell by {max(fallen):.0%} since {since}: "
                f"{old.documents:,} -> {counted(new.documents, 'documents')}, {old.bytes:,} -> {new.bytes:,} bytes."
            )
    return sentences


def suspicious_objects(now: ObjectsEntry, before: ObjectsEntry, *, since: str) -> list[str]:
    """One sentence when all the objects together fell."""
    fallen = max(_fallen(before.count, now.count), _fallen(before.bytes, now.bytes))
    if fallen <= FALL:
        return []
    return [
        f"The objects fell by {fallen:.0%} since {since}: {before.count:,} -> {counted(now.count, 'objects')}, "
        f"{before.bytes:,} -> {now.bytes:,} bytes."
    ]


def _fallen(before: int, now: int) -> float:
    return (before - now) / before if before else 0.0
