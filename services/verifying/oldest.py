"""Spends a time budget on the backups that were verified longest ago, those never verified first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from services.catalog.listing import notes_of
from services.catalog.model import Backup, CheckStatus, Depth
from services.catalog.notes import Notes
from services.catalog.scan import Catalog
from services.catalog.verdict import CONCLUSIVE, last_asked, last_told
from services.checks.model import CheckResult, worst
from services.counted import counted
from services.errors import Cancelled, QuillkeepError
from services.history.words import duration
from services.jobs.context import JobContext
from services.operations.verify_model import Left, OldestResult, Verified, VerifyPlan, VerifyResult
from services.verifying.one import Vanished, verify_one
from services.verifying.pace import Pace

DEPLOYMENT = "deployment"
_TOLD_FIRST: tuple[CheckStatus, ...] = ("fail", "unknown", "warn", "skipped", "ok")


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A backup with when it was last tried and when it last came to a verdict at the depth asked for."""

    backup: Backup
    notes: Notes
    tried: datetime | None
    last: datetime | None


def in_turn(catalog: Catalog, depth: Depth, notes: Callable[[Backup], Notes]) -> list[Candidate]:
    """Every backup of every location, foreign ones too: never verified first (of these the newest), then
    by the time of their last verify of this depth or a greater one, whatever it ended as."""
    found = []
    for backup in catalog.backups:
        known = notes(backup)
        tried, last = last_asked(known, depth), last_told(known, depth)
        found.append(Candidate(backup=backup, notes=known, tried=tried, last=last))
    never = [one for one in found if one.tried is None]
    before = [one for one in found if one.tried is not None]
    return never + sorted(before, key=_tried)


def _tried(candidate: Candidate) -> float:
    return candidate.tried.timestamp() if candidate.tried is not None else 0.0


def verify_oldest(
    plan: VerifyPlan, catalog: Catalog, ctx: JobContext, *, clock: Callable[[], float] = time.monotonic
) -> OldestResult:
    """Verifies in turn until the budget is used up; `clock` gives seconds.

    A backup that would not end within what is left of the budget waits, and smaller ones go before it; one
    whose time cannot be told is begun. The backup in hand is always finished. The status is the worst of
    those verified. Errors: `Cancelled`; what was verified before is noted already.
    """
    began = clock()
    candidates = in_turn(catalog, plan.depth, lambda backup: notes_of(backup, ctx.paths))
    pace = Pace([(one.backup, one.notes) for one in candidates], plan.depth)
    done: list[Verified] = []
    left: list[Left] = []
    gone: list[Left] = []
    warnings = [problem.sentence for problem in catalog.problems]
    seen: dict[tuple[int, int], str] = {}
    for number, candidate in enumerate(candidates, 1):
        ctx.check()
        backup = candidate.backup
        used = clock() - began
        if why := _why_left(backup, pace.predict(backup, seen), plan.seconds, used, warnings):
            left.append(Left(id=backup.id, location=backup.location, why=why, last=candidate.last))
            continue
        name = f"{backup.id} in {backup.location} ({number:,} of {len(candidates):,})"
        total = backup.bytes if plan.depth != "quick" else None
        started = clock()
        phase = ctx.phase("verify", name, total=total)
        try:
            result = verify_one(backup, plan.depth, ctx, catalog, phase, options=plan.deep_options, seen=seen)
        except Vanished as error:
            ctx.log(f"{error.what} {error.cause}", "warning")
            phase.finish("gone")
            gone.append(Left(id=backup.id, location=backup.location, why=error.cause, last=candidate.last))
            continue
        except Cancelled:
            raise
        except QuillkeepError as error:
            # One backup that cannot be looked at leaves the others their turn.
            phase.finish("unknown")
            done.append(_unlooked(candidate, error, clock() - started))
            continue
        seconds = clock() - started
        pace.learn(backup, seconds, phase.done)
        phase.finish(result.status)
        done.append(_verified(result, seconds, phase.done, candidate.last))
        warnings += result.warnings
        ctx.log(f"{backup.id} in {backup.location}: {result.status} in {duration(seconds)}")
    return _result(plan, done, left, gone, warnings, clock() - began)


def _why_left(backup: Backup, needed: float | None, budget: float, used: float, warnings: list[str]) -> str:
    """Why a backup is not begun, empty when it is."""
    if used >= budget:
        return "the time was used up"
    if needed is None or needed <= budget - used:
        return ""
    if needed > budget:
        warnings.append(
            f"{backup.id} in {backup.location} takes about {duration(needed)}, more than the whole budget of "
            f"{duration(budget)}: it is never verified this way. `quillkeep verify {backup.id}` verifies it."
        )
        return f"it takes about {duration(needed)}, more than the whole budget"
    return f"it takes about {duration(needed)}, and {duration(budget - used)} were left"


def _unlooked(candidate: Candidate, error: QuillkeepError, seconds: float) -> Verified:
    return Verified(
        id=candidate.backup.id,
        location=candidate.backup.location,
        status="unknown",
        verdict="unknown",
        data=None,
        detail=f"{error.what} {error.cause}".strip(),
        next=error.next,
        seconds=round(seconds, 3),
        last=candidate.last,
    )


def _verified(result: VerifyResult, seconds: float, read: int, last: datetime | None) -> Verified:
    odd = tuple(check for check in result.checks if check.status != "ok")
    status = result.status
    if result.verdict == "ok" and all(check.name == DEPLOYMENT for check in odd):
        # A location that several deployments share is no fault, and no warning every night.
        status = "ok"
    decisive = [check for check in odd if check.decides != "data" and check.status == result.verdict]
    decisive = decisive or sorted(odd, key=lambda check: _TOLD_FIRST.index(check.status))
    return Verified(
        id=result.id,
        location=result.location,
        status=status,
        verdict=result.verdict,
        data=result.data,
        detail=(
            f"{decisive[0].name}: {decisive[0].detail}"
            if decisive
            else f"{counted(len(result.checks), 'checks')} of depth {result.depth}"
        ),
        next=decisive[0].next if decisive else "",
        seconds=round(seconds, 3),
        bytes=read,
        last=last,
        checks=odd,
    )


def _result(
    plan: VerifyPlan,
    done: Sequence[Verified],
    left: Sequence[Left],
    gone: Sequence[Left],
    warnings: Sequence[str],
    spent: float,
) -> OldestResult:
    statuses: list[CheckStatus] = [one.status for one in done]
    status = worst(statuses)
    if warnings and status == "ok":
        status = "warn"
    return OldestResult(
        status=status,
        warnings=tuple(dict.fromkeys(warnings)),
        depth=plan.depth,
        seconds=plan.seconds,
        spent=round(spent, 3),
        verified=tuple(done),
        left=tuple(left),
        gone=tuple(gone),
        checks=tuple(
            CheckResult(name=one.id, status=one.status, detail=one.detail, next=one.next, depth=plan.depth)
            for one in done
        ),
        summary=_summary(done, left, gone, spent),
    )


def _summary(done: Sequence[Verified], left: Sequence[Left], gone: Sequence[Left], spent: float) -> str:
    told = [one for one in done if one.verdict in CONCLUSIVE]
    words = [
        f"{counted(len(told), 'backups')} verified in {duration(spent)}" if told else "No backup was verified"
    ]
    if len(told) < len(done):
        words.append(f"{len(done) - len(told):,} came to no verdict")
    if bad := [one for one in done if one.status == "fail"]:
        words.append(f"{len(bad):,} of them damaged")
    if left:
        never = sum(one.last is None for one in left)
        words.append(
            f"{len(left):,} left for the next time" + (f" ({never:,} never verified)" if never else "")
        )
    if gone:
        words.append(f"{len(gone):,} deleted before their turn")
    return ", ".join(words)
