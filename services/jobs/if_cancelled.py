"""What cancelling a running job would leave at this moment, read from its journal."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.jobs.events import DEEP, RENAMING, Checkpoint
from services.jobs.way_on import holds_app, recorded_state

ONLY_LOOKS = frozenset(
    {
        "plan",
        "rollback-plan",
        "verify",
        "diff",
        "pairs",
        "validate",
        "pepper-check",
        "list",
        "show",
        "selftest",
    }
)


class IfCancelled(msgspec.Struct, frozen=True, kw_only=True):
    """`possible` is False once the job would answer "too late"; `left` says what stays, in sentences."""

    possible: bool
    left: str


def if_cancelled(job: str, verb: str, phase: str, marks: Sequence[Checkpoint]) -> IfCancelled:
    """What a cancel would leave now; the job itself decides, and may be further by the time it is asked.

    `phase` is the phase that runs and `marks` the journal's checkpoints so far.
    """
    late = _too_late(job, verb, phase, marks)
    if late:
        return IfCancelled(possible=False, left=late)
    if any(mark.name == DEEP for mark in marks):
        return IfCancelled(
            possible=True,
            left="Nothing live was touched. What it had loaded is removed, and what it has found so far is not kept.",
        )
    sentences = [_left(verb, phase, recorded_state(marks))]
    if holds_app(marks):
        sentences.append("The application, which this job stopped, is started again.")
    return IfCancelled(possible=True, left=" ".join(sentences))


def _too_late(job: str, verb: str, phase: str, marks: Sequence[Checkpoint]) -> str:
    begun = next((mark for mark in reversed(marks) if mark.name == RENAMING), None)
    if begun is not None:
        what = "replacing live collections" if begun.data.get("in_place") else "renaming collections"
        return (
            f"Too late to cancel: it has begun {what}, and stopping halfway would leave old and new mixed. "
            f"It finishes; `quillkeep rollback {begun.data.get('job', job)}` then puts the old state back."
        )
    if verb == "release" and phase == "releasing":
        return "Too late to cancel: the rollback copies are being dropped. It finishes."
    return ""


def _left(verb: str, phase: str, record: str) -> str:
    if verb == "backup" and phase == "publish":
        return (
            "The backup is nearly complete: it either finishes and counts, or it has no manifest, does not "
            "count, and what it wrote is removed."
        )
    if verb == "backup":
        return (
            "No manifest is written, so this backup will not count; what it wrote is removed. "
            "The database, the bucket and the earlier backups stay as they are."
        )
    if verb == "restore":
        if record == "objects":
            return (
                "The live collections stay as they are and what was loaded beside them is dropped. "
                "Objects already replaced are put back and proven; objects already added stay, and are named."
            )
        if record:
            return (
                "The live collections and objects stay as they are; what was loaded beside them is dropped."
            )
        return "Nothing was loaded yet: the live collections and objects stay as they are."
    if verb == "rollback":
        if record == "objects":
            return (
                "The live collections and the rollback copies stay as they are; "
                "objects this rollback already put back are replaced again by what was live."
            )
        return "What is live stays as it is; the rollback copies are untouched."
    if verb == "finish":
        return (
            "What the interrupted job left stays unchanged: still half done. "
            "It can be finished or rolled back later."
        )
    if verb == "release":
        return "Nothing was released yet: every rollback copy stays."
    if verb in ("delete", "trash-restore"):
        return "Nothing has moved yet: the backup stays where it is."
    if verb == "trash-empty":
        return (
            "What is gone already stays gone; the rest stays in the trash. "
            "One that is half gone then cannot be restored any more, only emptied."
        )
    if verb in ONLY_LOOKS:
        return "It only looks: nothing is changed, and what it has found so far is not kept."
    return "It stops at its next safe point and says then what it left."
