"""`plan`: what a restore would change, shown before anything is touched."""

from __future__ import annotations

from services.jobs.context import JobContext
from services.recovery.draft import draft_plan
from services.recovery.request import PlanResult, RestoreRequest
from services.recovery.session import open_session

PlanRequest = RestoreRequest


def plan(plan: RestoreRequest, ctx: JobContext) -> PlanResult:
    """Reads the backup, the live collections and the bucket, and writes nothing.

    Errors: `Refused` where no plan can be made (no such backup, another database without a mapping, an
    encrypted one), `ArchiveError` for a damaged foreign dump, `DatabaseUnreachable`.
    """
    with open_session(ctx.profile, plan.to_database, ctx=ctx) as session:
        return draft_plan(plan, ctx, session, compare=True).result
