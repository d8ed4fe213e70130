"""How a check tells its findings: the first in its sentence, how many more, and each with its place."""

from __future__ import annotations

from collections.abc import Sequence

from services.catalog.model import CheckStatus
from services.checks.model import Outcome
from services.counted import counted
from services.findings import Finding


def outcome_of(status: CheckStatus, detail: str, found: Sequence[Finding], *, next: str = "") -> Outcome:
    """An outcome whose evidence are these findings, each by its own sentence."""
    return Outcome(status, detail, findings=tuple(one.what for one in found), next=next, found=tuple(found))


def first_of(found: Sequence[Finding]) -> str:
    """The first finding as the beginning of a sentence, and how many more there are."""
    return found[0].what.rstrip(".") + more_than_one(found)


def more_than_one(found: Sequence[object]) -> str:
    """`; and 2 more findings` behind the first of three; nothing behind the only one."""
    return f"; and {counted(len(found) - 1, 'more findings')}" if len(found) > 1 else ""
