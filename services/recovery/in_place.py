"""`--in-place`: what cannot be swapped is dropped and loaded under its own name, after a proven safety backup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from services.catalog.find import find_backup
from services.catalog.scan import survey
from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.jobs.events import RENAMING
from services.mongo.aside import Proof, drop_aside
from services.mongo.commands import run
from services.mongo.insert import Rejected
from services.mongo.record import SwapRecord, save_record
from services.mongo.specs import create_options
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.pin import PinPlan, pin
from services.operations.verify import VerifyPlan, verify
from services.recovery.contents import DatabaseContents, read_contents
from services.recovery.session import Session
from services.recovery.steps import incoming_of, load

if TYPE_CHECKING:
    from services.operations.restore import RestoreRun


def run_in_place(restore: RestoreRun) -> dict[str, tuple[int, list[str]]]:
    """Proves the archive to its end, writes and proves a safety backup, then replaces; gives what is live.

    Errors: `Refused` without a proven safety backup (nothing was touched); afterwards every failure names
    `rollback JOB`, which restores the safety backup.
    """
    ctx, session, draft = restore.ctx, restore.session, restore.draft
    assert draft.contents is not None
    ctx.log("Reading the whole backup before anything live is dropped.")
    verdict = verify(VerifyPlan(backup=draft.backup.id, depth="full"), ctx)
    if verdict.status not in ("ok", "warn"):
        raise Refused(
            f"The backup {draft.backup.id} did not pass a full check ({verdict.status}); nothing was touched."
        )
    names = [row.name for row in draft.rows if row.action in ("in place", "create", "replace")]
    gone = [row.name for row in draft.rows if row.action == "set aside"]
    safety = write_safety(ctx)
    restore.keep(replace(restore.record, safety=safety, in_place=(*names, *gone), state="swapping"))
    ctx.commit()
    ctx.checkpoint(RENAMING, job=ctx.job, in_place=True)
    try:
        for name in gone:
            drop_aside(session.database, name)
        return replace_in_place(session, draft.contents, names, ctx, restore.rejected)
    except QuillkeepError as error:
        error.touched = f"Some of these were replaced and others not: {', '.join(names)}. The state before is in the safety backup {safety}."
        error.next = f"`quillkeep rollback {ctx.job}` restores it."
        raise


def write_safety(ctx: JobContext) -> str:
    """A backup of the database as it is, verified in full and pinned. Errors: `Refused` when it is not proven."""
    made = backup(BackupPlan(only="database", purpose="safety", reason=f"safety before {ctx.job}"), ctx)
    verdict = verify(VerifyPlan(backup=made.id, depth="full"), ctx)
    if verdict.status not in ("ok", "warn"):
        raise Refused(
            f"The safety backup {made.id} could not be proven ({verdict.status}).",
            next="Nothing live was touched. Free space at the location, or restore by swap.",
        )
    pin(PinPlan(backup=made.id), ctx)
    return made.id


def replace_in_place(
    session: Session, contents: DatabaseContents, names: Sequence[str], ctx: JobContext, rejected: Rejected
) -> dict[str, tuple[int, list[str]]]:
    """Drops and loads each name, views last, then builds the TTL indexes; gives (documents, indexes) by name."""
    plain = [name for name in names if contents.collections[name].kind != "view"]
    for name in names:
        drop_aside(session.database, name)
    incoming = [incoming_of(contents.collections[name], name) for name in plain]
    proofs: dict[str, Proof] = load(session, contents, incoming, ctx, rejected=rejected, check=ctx.check)
    for name in names:
        if contents.collections[name].kind == "view":
            options = create_options(contents.collections[name].metadata().get("options") or {}, None)
            run(session.database, {"create": name, **options}, f"create the view {name}")
    for proof in proofs.values():
        if proof.ttl:
            run(
                session.database,
                {"createIndexes": proof.target, "indexes": list(proof.ttl)},
                f"build the TTL index of {proof.name}",
            )
    return {
        name: (proof.documents, sorted([*proof.indexes, *(str(spec["name"]) for spec in proof.ttl)]))
        for name, proof in proofs.items()
    }


def roll_back_in_place(
    of: SwapRecord, ctx: JobContext, session: Session, rejected: Rejected
) -> dict[str, tuple[int, list[str]]]:
    """Puts the safety backup of an in-place restore back, in place as well, after another safety backup.

    Collections that the safety backup does not have were not live before and are dropped.
    """
    assert of.safety is not None
    catalog = survey(ctx.profile.locations, ctx.profile, ctx.paths)
    found = find_backup(of.safety, catalog.backups, ctx.profile, ("database",), paths=ctx.paths)
    phase = ctx.phase("reading the safety backup")
    contents = read_contents(
        found.backup,
        limits=ctx.profile.limits,
        from_database=None,
        target_database=of.database,
        check=ctx.check,
        advance=phase.advance,
    )
    safety = write_safety(ctx)
    back = [name for name in of.in_place if name in contents.collections]
    record = SwapRecord(
        job=ctx.job,
        verb="rollback",
        state="swapping",
        database=of.database,
        started=ctx.clock(),
        backup=of.backup,
        of=of.job,
        safety=safety,
        in_place=of.in_place,
    )
    save_record(session.database, record)
    ctx.commit()
    ctx.checkpoint(RENAMING, job=ctx.job, in_place=True)
    for name in of.in_place:
        if name not in contents.collections:
            drop_aside(session.database, name)
    counts = replace_in_place(session, contents, back, ctx, rejected)
    save_record(session.database, replace(record, state="done", finished=ctx.clock()))
    save_record(session.database, replace(of, state="rolled-back", rolled_back_by=ctx.job))
    return counts
