"""`verify`: what a backup is worth, found by looking; the verdict goes into its notes, nothing is repaired."""

from __future__ import annotations

import msgspec

from services.catalog.listing import lookup
from services.catalog.scan import survey
from services.deep.run import assert_allowed
from services.jobs.context import JobContext
from services.operations.verify_model import CollectionFound, OldestResult, VerifyPlan, VerifyResult
from services.verifying.one import verify_one

__all__ = ["CollectionFound", "OldestResult", "VerifyPlan", "VerifyResult", "verify", "verify_any"]


def verify_any(plan: VerifyPlan, ctx: JobContext) -> VerifyResult | OldestResult:
    """One backup, or with `oldest_first` as many as the budget takes."""
    if not plan.oldest_first:
        return verify(plan, ctx)
    from services.verifying.oldest import verify_oldest

    return verify_oldest(plan, survey(ctx.profile.locations, ctx.profile, ctx.paths), ctx)


def verify(plan: VerifyPlan, ctx: JobContext) -> VerifyResult:
    """Runs every check up to the depth on one backup and notes the verdict.

    Reads files only, but for the depth `deep`, which loads the backup into a server. Errors as
    `find_backup`, `Vanished` when it is taken away meanwhile, `Refused` when a deep verify would load into
    the live server and may not; damage is a result.
    """
    found, catalog = lookup(plan.backup, ctx.profile, ctx.paths)
    backup = found.backup
    if plan.depth == "deep":
        assert_allowed(backup, ctx, plan.deep_options)
    for id, why in found.passed_over:
        ctx.log(f"Passed over {id}: {why}")
    phase = ctx.phase("verify", backup.id, total=backup.bytes if plan.depth != "quick" else None)
    result = verify_one(backup, plan.depth, ctx, catalog, phase, options=plan.deep_options)
    phase.finish(result.status)
    return msgspec.structs.replace(result, passed_over=found.passed_over)
