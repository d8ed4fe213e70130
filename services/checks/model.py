"""The catalogue of checks: what a check is, how it registers, how it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from services.catalog.manifest import Part
from services.catalog.model import CheckStatus, Depth
from services.catalog.naming import printable
from services.findings import Finding

Subject = Literal["backup", "live", "both"]
"""What a check looks at: a backup, the live data, or the data of either."""

Decides = Literal["backup", "database", "objects", "data"]
"""Whose verdict a check is: the whole backup's, one part's, or only the data's, which never makes a backup bad."""

_WORST: tuple[CheckStatus, ...] = ("fail", "unknown", "skipped", "warn", "ok")
DEPTHS: tuple[Depth, ...] = ("quick", "full", "deep")
_DECIDES: tuple[Decides, ...] = ("backup", "database", "objects", "data")


class Outcome(msgspec.Struct, frozen=True):
    """How a check ended: the evidence in one sentence, and more sentences where several things are wrong.

    `found` are the same things as findings with their place, where the check can tell it.
    """

    status: CheckStatus
    detail: str
    findings: tuple[str, ...] = ()
    next: str = ""
    found: tuple[Finding, ...] = ()


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """A check that ran, as the headless contract has it; what it decides and its findings beside."""

    name: str
    status: CheckStatus
    detail: str
    next: str = ""
    subject: Subject = "backup"
    decides: Decides = "backup"
    depth: Depth = "quick"
    findings: tuple[str, ...] = ()
    found: tuple[Finding, ...] = ()


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A registered check.

    `depth` is the depth from which it runs, `cost` says in words what that takes, `reads` what is read,
    `evidence` what an answer names, `next` the step after a failure or warning. `covered_by` names a check
    that looks at the same and more: where that one runs too, this one is left out. `run` gives None when
    the check does not apply; it is given the evidence of its subject.
    """

    name: str
    subject: Subject
    decides: Decides
    depth: Depth
    cost: str
    reads: str
    evidence: str
    next: str
    says: str
    covered_by: str
    module: str
    run: Callable[[Any], Outcome | None]


CHECKS: dict[str, Check] = {}
"""All checks by name, as far as their modules were imported; `services.checks.all` imports every one."""

ANOTHER = "Use another backup: `quillkeep list` shows which are good."

Given = TypeVar("Given")


def check(
    name: str,
    *,
    subject: Subject,
    decides: Decides,
    depth: Depth,
    cost: str,
    reads: str,
    evidence: str,
    next: str = ANOTHER,
    covered_by: str = "",
) -> Callable[[Callable[[Given], Outcome | None]], Callable[[Given], Outcome | None]]:
    """Registers a check function under its name; its docstring's first line says what holds when it is ok.

    Errors: `ValueError` when the name is taken, when there is no docstring, and when a live check would
    decide a backup's verdict.
    """

    def register(run: Callable[[Given], Outcome | None]) -> Callable[[Given], Outcome | None]:
        says = (run.__doc__ or "").strip().split("\n\n")[0]
        if not says:
            raise ValueError(f"the check {name} has no docstring to say what it proves")
        if subject != "backup" and decides != "data":
            raise ValueError(f"the check {name} is about data and cannot decide a backup's verdict")
        taken = CHECKS.get(name)
        if taken is not None and taken.module != run.__module__:
            raise ValueError(f"the check {name} is registered in {taken.module} and in {run.__module__}")
        CHECKS[name] = Check(
            name=name,
            subject=subject,
            decides=decides,
            depth=depth,
            cost=cost,
            reads=reads,
            evidence=evidence,
            next=next,
            says=" ".join(says.split()),
            covered_by=covered_by,
            module=run.__module__,
            run=run,
        )
        return run

    return register


def in_order(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Checks as they run: by depth, then by what they decide, then as declared."""
    return tuple(sorted(checks, key=lambda entry: (DEPTHS.index(entry.depth), _DECIDES.index(entry.decides))))


def run_check(entry: Check, evidence: object) -> CheckResult | None:
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
        decides=entry.decides,
        depth=entry.depth,
        findings=tuple(printable(finding) for finding in outcome.findings),
        found=tuple(_shown(finding) for finding in outcome.found),
    )


def _shown(finding: Finding) -> Finding:
    return msgspec.structs.replace(
        finding,
        what=printable(finding.what),
        collection=printable(finding.collection),
        user=printable(finding.user),
        examples=tuple(printable(example) for example in finding.examples),
        next=printable(finding.next),
    )


def reaches(needed: Depth, depth: Depth) -> bool:
    """Whether a run of `depth` is at least as deep as `needed`."""
    return DEPTHS.index(needed) <= DEPTHS.index(depth)


def worst(statuses: Sequence[CheckStatus]) -> CheckStatus:
    """The verdict of several checks; nothing looked at is `skipped`."""
    return min(statuses, key=_WORST.index, default="skipped")


def worst_of_data(statuses: Sequence[CheckStatus]) -> CheckStatus:
    """The same of checks of the data: what was not looked at, for want of a right or a pepper, hides no warning."""
    return worst([one for one in statuses if one != "skipped"] if "warn" in statuses else statuses)


def verdict(results: Sequence[CheckResult]) -> CheckStatus:
    """The backup's verdict: the worst of the checks that decide it, never one about the data."""
    return worst([one.status for one in results if one.decides != "data"])


def verdict_of_part(results: Sequence[CheckResult], part: Part) -> CheckStatus:
    """The verdict of one part: its own checks and those of the whole backup."""
    return worst([one.status for one in results if one.decides in (part, "backup")])


def verdict_of_data(results: Sequence[CheckResult]) -> CheckStatus | None:
    """The worst of what the checks about the data found; None when none of them applied."""
    statuses = [one.status for one in results if one.decides == "data"]
    return worst_of_data(statuses) if statuses else None
