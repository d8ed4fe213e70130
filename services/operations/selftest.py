"""`selftest`: a job that counts, sleeps and ends as it is told, to try the machinery of jobs without any data."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Literal

import msgspec

from services.app_control import AppController, start_app, stop_app
from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock
from services.jobs.events import RENAMING
from services.jobs.location_lock import LocationLock, writing
from services.jobs.watcher import start_watcher


class SelftestPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Counts to `steps`, `seconds` apart, looking for a cancel before each, and ends as `outcome`.

    `commit_at` is the step from which a cancel is too late. `stop_app` stops the profile's application
    under a watcher; `renaming_at` is the step at which it claims to rename (it never does). `lock_database`
    and `lock_location` hold those locks and look at them at every step.
    """

    steps: int = 3
    seconds: float = 0.0
    outcome: Literal["ok", "warnings", "failed", "refused", "crash"] = "ok"
    text: str = ""
    commit_at: int | None = None
    stop_app: bool = False
    renaming_at: int | None = None
    lock_database: bool = False
    lock_location: str | None = None


class SelftestResult(msgspec.Struct, frozen=True, kw_only=True):
    """How far it counted."""

    status: str
    warnings: tuple[str, ...] = ()
    counted: int = 0
    summary: str = ""


def selftest(plan: SelftestPlan, ctx: JobContext) -> SelftestResult:
    """Does what the plan says and nothing else. Errors: those the plan asks for, `Cancelled`, `LockLost`."""
    with contextlib.ExitStack() as stack:
        locks = _take_locks(plan, ctx, stack)
        controller = None
        if plan.stop_app and ctx.profile.app is not None:
            start_watcher(ctx)
            controller = AppController(ctx.profile.app)
            stop_app(controller, ctx)
            stack.callback(start_app, controller, ctx)
        counted = _count(plan, ctx, locks)
    if plan.text:
        ctx.log(plan.text, "warning")
    if plan.outcome == "failed":
        raise QuillkeepError("The selftest failed as it was told.", cause=plan.text, next="Nothing to do.")
    if plan.outcome == "refused":
        raise Refused("The selftest refused as it was told.", cause=plan.text, next="Nothing to do.")
    if plan.outcome == "crash":
        raise ZeroDivisionError(f"The selftest crashed as it was told. {plan.text}")
    warnings = ("It was told to warn.",) if plan.outcome == "warnings" else ()
    return SelftestResult(
        status=plan.outcome, warnings=warnings, counted=counted, summary=f"counted to {counted}"
    )


def _take_locks(
    plan: SelftestPlan, ctx: JobContext, stack: contextlib.ExitStack
) -> list[DatabaseLock | LocationLock]:
    locks: list[DatabaseLock | LocationLock] = []
    if plan.lock_database and ctx.profile.mongo is not None:
        from services.mongo.connect import connect

        database = connect(ctx.profile.mongo)[ctx.profile.mongo.database]
        locks.append(
            stack.enter_context(
                DatabaseLock.acquire(
                    database,
                    job=ctx.job,
                    verb="selftest",
                    clock=ctx.clock,
                    check=ctx.check,
                    tell=ctx.log,
                    heartbeat_seconds=0.2,
                )
            )
        )
    if plan.lock_location is not None:
        locks.append(stack.enter_context(writing(Path(plan.lock_location), ctx.job, verb="selftest")))
    return locks


def _count(plan: SelftestPlan, ctx: JobContext, locks: list[DatabaseLock | LocationLock]) -> int:
    phase = ctx.phase("counting", total=plan.steps, unit="steps")
    for step in range(plan.steps):
        if step == plan.renaming_at:
            ctx.checkpoint(RENAMING)
        if step == plan.commit_at:
            ctx.commit()
        ctx.check()
        for lock in locks:
            lock.assert_held()
        time.sleep(plan.seconds)
        phase.advance(1)
    phase.finish()
    return plan.steps
