"""Rollback copies that have waited long enough: written out as a verified backup, then released by a nightly run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from services.catalog.find import newest_good
from services.catalog.scan import survey
from services.deep import scratch
from services.errors import QuillkeepError
from services.jobs.context import JobContext
from services.mongo.connect import list_live
from services.mongo.record import SwapRecord
from services.operations.backup_model import BackupPlan, BackupResult
from services.operations.release import release
from services.operations.restore_model import ReleasePlan
from services.operations.verify import VerifyPlan, verify
from services.recovery.choose import holding
from services.recovery.session import open_session
from services.recovery.sweep import sweep_dead

BackupWriter = Callable[[BackupPlan, JobContext], BackupResult]
WAIT = timedelta(hours=72)
"""How long copies stay at least."""


def due(records: list[SwapRecord], newest_backup: datetime, now: datetime) -> list[SwapRecord]:
    """Records whose copies may go: 72 h old, with a newer good backup, and without copies in the bucket.

    Copies of replaced objects are not written out, so those wait for `release JOB`.
    """
    return [
        record
        for record in records
        if record.finished is not None
        and now - record.finished >= WAIT
        and newest_backup > record.finished
        and not (record.objects is not None and (record.objects.replaced or record.objects.set_aside))
    ]


def written_names(record: SwapRecord, live: set[str]) -> dict[str, str]:
    """{copy: the name it is written out under}: the original one, late copies beside it."""
    names: dict[str, str] = {}
    for pair in record.pairs:
        if pair.old is not None and pair.old in live:
            names[pair.old] = pair.name
        for number, late in enumerate(pair.late, 1):
            if late in live:
                names[late] = f"{pair.name}.late{number}"
    return names


def release_due(ctx: JobContext, write: BackupWriter) -> list[str]:
    """Writes out and releases what is due; gives warnings. `write` makes the backup of the copies.

    Nothing is released whose backup did not pass a full verify.
    """
    warnings = [f"{words}." for words in scratch.sweep(ctx.paths)]
    if ctx.profile.mongo is None or ctx.profile.read_only:
        return warnings
    with open_session(ctx.profile) as session:
        warnings += sweep_dead(session, ctx)
    newest = newest_good(survey(ctx.profile.locations, ctx.profile, ctx.paths).backups, "database")
    if newest is None:
        return warnings
    with open_session(ctx.profile) as session:
        records = due(holding(session.database), newest.created, ctx.clock())
        live = set(list_live(session.database))
    for record in records:
        try:
            _write_and_release(record, written_names(record, live), ctx, write)
        except QuillkeepError as error:
            warnings.append(f"The rollback copies of {record.job} stay: {error.what} {error.cause}".strip())
    return warnings


def _write_and_release(
    record: SwapRecord, names: dict[str, str], ctx: JobContext, write: BackupWriter
) -> None:
    if names:
        reason = f"before release of {record.job}"
        made = write(BackupPlan(only="database", purpose="before-release", rename=names, reason=reason), ctx)
        verdict = verify(VerifyPlan(backup=made.id, depth="full"), ctx)
        if verdict.status not in ("ok", "warn"):
            raise QuillkeepError(f"Their backup {made.id} did not pass its full check ({verdict.status}).")
        ctx.log(f"Wrote the rollback copies of {record.job} out as {made.id}.")
    release(ReleasePlan(job=record.job), ctx)
    ctx.log(f"Released the rollback copies of {record.job}, made {record.started:%Y-%m-%d}.")
