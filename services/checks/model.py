"""A check: one integrity test of a backup, registered by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from services.catalog.manifest import Part
from services.catalog.model import CheckStatus, Depth
from services.catalog.naming import printable

if TYPE_CHECKING:
    from services.checks.evidence import Evidence

Subject = Literal["backup", "database", "objects"]
_WORST: tuple[CheckStatus, ...] = ("fail", "unknown", "skipped", "warn", "ok")
_DEPTHS: tuple[Depth, ...] = ("quick", "full", "deep")


class Outcome(msgspec.Struct, frozen=True):
    """How a check ended: the evidence in one sentence, and more sentences where several things are wrong."""

    status: CheckStatus
    detail: str
    findings: tuple[str, ...] = ()
    next: str = ""


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """A check that ran, as the headless contract has it; `subject` beside."""

    name: str
    status: CheckStatus
    detail: str
    next: str = ""
    subject: Subject = "backup"
    findings: tuple[str, ...] = ()


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A registered check.

    `cost` is the depth from which it runs, `evidence` says what it looks at, `next` the step after a
    failure. `run` gives None when the check does not apply to this backup.
    """

    name: str
    subject: Subject
    cost: Depth
    evidence: str
    next: str
    run: Callable[[Evidence], Outcome | None]


CHECKS: dict[str, Check] = {}
"""All checks by name, in the order they run."""

ANOTHER = "Use another backup: `quillkeep list` shows which are good."


def check(
    name: str, *, subject: Subject, cost: Depth, evidence: str, next: str = ANOTHER
) -> Callable[[Callable[[Evidence], Outcome | None]], Callable[[Evidence], Outcome | None]]:
    """Registers a check function under its name."""

    def register(run: Callable[[Evidence], Outcome | None]) -> Callable[[Evidence], Outcome | None]:
        CHECKS[name] = Check(name=name, subject=subject, cost=cost, evidence=evidence, next=next, run=run)
        return run

    return register


def run_check(entry: Check, evidence: Evidence) -> CheckResult | None:
    """Runs one check; its own next step stands when the outcome brings none and something is wrong."""
    outcome = entry.run(evidence)
    if outcome is None:
        return None
    step = outcome.next or (entry.next if outcome.status in ("fail", "warn") else "")
    return CheckResult(
        name=entry.name,
        status=outcome.status,
        detail=printable(outcome.detail),
        next=printable(step),
        subject=entry.subject,
        findings=tuple(printable(finding) for finding in outcome.findings),
    )


def reaches(cost: Depth, depth: Depth) -> bool:
    """Whether a check of this cost runs at this depth."""
    return _DEPTHS.index(cost) <= _DEPTHS.index(depth)


def worst(statuses: Sequence[CheckStatus]) -> CheckStatus:
    """The verdict of several checks; nothing looked at is `skipped`."""
    return min(statuses, key=_WORST.index, default="skipped")


def verdict_of_part(results: Sequence[CheckResult], part: Part) -> CheckStatus:
    """The verdict of one part: its own checks and those of the whole backup."""
    return worst([one.status for one in results if one.subject in (part, "backup")])
