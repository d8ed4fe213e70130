"""What is live now against what the newest good backup counted: losses that nobody may have noticed yet."""

from __future__ import annotations

from services.looking.bucket import BucketAnswer
from services.looking.live import LiveAnswer
from services.quilltap.collections import PASSING_COLLECTIONS
from services.status.model import Finding, Sizes
from services.status.words import count, names

LEAST_DOCUMENTS = 50
FELL = 0.7
"""Smaller collections change as a whole, and a fall of up to 30 % is use (DESIGN, suspicious)."""


def collection_losses(live: LiveAnswer, backup: str, sizes: Sizes) -> list[Finding]:
    """Collections that vanished whole, and those that fell by over 30 %; an empty database is told of as such.

    Views and what runs out by itself (sessions, tokens) are left out; live counts are the server's estimates.
    """
    there = {one.name: one.documents for one in live.collections}
    if not there:
        return []
    counted = {name: held for name, held in sizes.collections.items() if name not in PASSING_COLLECTIONS}
    gone = [name for name, held in counted.items() if held and name not in there]
    fell = []
    for name, held in counted.items():
        now = there.get(name)
        if now is not None and held >= LEAST_DOCUMENTS and now < held * FELL:
            fell.append(name)
    findings = []
    if gone:
        held = sum(counted[name] for name in gone)
        what = f'The collection "{gone[0]}" is missing live'
        if len(gone) > 1:
            what = f"{count(len(gone), 'collection')} are missing live ({names(gone)})"
        findings.append(
            _finding(
                f"{what}: {backup} has {count(held, 'document')}.", f"lacks {names(gone, 1)}", backup, gone
            )
        )
    if fell:
        lost = sum(counted[name] - (there[name] or 0) for name in fell)
        what = f"Live data has about {count(lost, 'document')} fewer than {backup} in {names(fell)}."
        findings.append(_finding(what, f"has fewer documents in {names(fell, 1)}", backup, fell))
    return findings


def _finding(what: str, clause: str, backup: str, collections: list[str]) -> Finding:
    return Finding(
        what=what,
        status="WARNING",
        detail="If nobody meant that, restore them: a restore can take just these and leave the rest as it is.",
        next=f"quillkeep plan {backup} --collections {','.join(collections)}",
        remedy="restore",
        subject=backup,
        collections=tuple(collections),
        short=f"live data {clause}",
        loss=True,
    )


def object_losses(bucket: BucketAnswer, backup: str, sizes: Sizes) -> list[Finding]:
    """A bucket that is empty or has over 30 % fewer objects than the newest good backup."""
    if not bucket.whole or not sizes.objects:
        return []
    if not bucket.objects:
        what, short = f"The live bucket {bucket.bucket} is empty.", "the live bucket is empty"
    elif sizes.objects >= LEAST_DOCUMENTS and bucket.objects < sizes.objects * FELL:
        missing = count(sizes.objects - bucket.objects, "object")
        what = f"The live bucket has {missing} fewer than {backup}."
        short = f"the live bucket lacks {missing}"
    else:
        return []
    return [
        Finding(
            what=what,
            status="WARNING",
            detail=f"The newest good backup {backup} has {count(sizes.objects, 'object')}.",
            next=f"quillkeep plan {backup} --only objects",
            remedy="restore",
            subject=backup,
            short=short,
            loss=True,
        )
    ]
