"""`--in-place`: what cannot be swapped is dropped and loaded under its own name, after a proven safety backup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from services.catalog.find import find_backup
from services.catalog.scan import survey
from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock
from services.jobs.events import RENAMING
from services.mongo.aside import Proof, drop_aside
from services.mongo.commands import run
from services.mongo.insert import Rejected
from services.mongo.record import SwapRecord, read_record, save_record
from services.mongo.specs import create_options
from services.objects.keys import old_folder
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.pin import PinPlan, pin
from services.operations.verify import VerifyPlan, verify
from services.passphrase import key_of
from services.recovery.contents import DatabaseContents, read_contents
from services.recovery.objects_part import ObjectsDone, open_target
from services.recovery.reversal import forget_objects, roll_objects
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
            f"The backup {draft.backup.id} did not pass a full check ({verdict.status}).",
            next=f"`quillkeep verify {draft.backup.id}` says what is wrong; `quillkeep list` shows the others.",
        )
    names = [row.name for row in draft.rows if row.action in ("in place", "create", "replace")]
    gone = [row.name for row in draft.rows if row.action == "set aside"]
    safety = write_safety(ctx)
    restore.keep(replace(restore.record, safety=safety, in_place=(*names, *gone), state="swapping"))
    ctx.commit()
    ctx.checkpoint(RENAMING, job=ctx.job, in_place=True)
    with leading_back(restore.record):
        for name in gone:
            drop_aside(session.database, name)
        return replace_in_place(session, draft.contents, names, ctx, restore.rejected)


@contextmanager
def leading_back(record: SwapRecord) -> Iterator[None]:
    """From the first drop on every error names the safety backup, and none is a refusal: live data has changed."""
    try:
        yield
    except QuillkeepError as error:
        told = QuillkeepError(error.what, cause=error.cause) if isinstance(error, Refused) else error
        told.touched = (
            f"Replaced, or about to be: {', '.join(record.in_place)}. "
            f"The state before is in the safety backup {record.safety}."
        )
        told.next = f"`quillkeep rollback {record.job}` restores it."
        raise told from error.__cause__


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
    of: SwapRecord, ctx: JobContext, session: Session, lock: DatabaseLock, rejected: Rejected
) -> tuple[dict[str, tuple[int, list[str]]], ObjectsDone | None]:
    """Puts the safety backup of an in-place restore back, in place as well, after another safety backup.

    Objects that it replaced are put back too.

    Collections that the safety backup does not have were not live before and are dropped.
    """
    assert of.safety is not None
    contents = _contents(of.safety, of.database, None, ctx)
    safety = write_safety(ctx)
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
        objects=replace(of.objects, prefix=old_folder(open_target(ctx, of.objects.bucket).prefix, ctx.job))
        if of.objects
        else None,
    )
    save_record(session.database, record)
    ctx.commit()
    ctx.checkpoint(RENAMING, job=ctx.job, in_place=True)
    with leading_back(record):
        counts = _replace_all(record, contents, ctx, session, rejected)
        objects = roll_objects(session, of.job, ctx.job, ctx, lock) if of.objects else None
    save_record(session.database, replace(record, state="done", finished=ctx.clock()))
    if of.objects is not None:
        forget_objects(session, of.job, of.objects.bucket, ctx)
    save_record(session.database, replace(of, state="rolled-back", rolled_back_by=ctx.job))
    return counts, objects


def finish_in_place(
    record: SwapRecord, ctx: JobContext, session: Session, rejected: Rejected
) -> dict[str, tuple[int, list[str]]]:
    """Replaces everything once more, since nothing tells what an interrupted load had done; errors as `run_in_place`.

    Documents the server refuses end it, unless that was allowed to the job.
    """
    with leading_back(record):
        if record.verb == "rollback":
            of = read_record(session.database, record.of or "")
            if of is None or of.safety is None:
                raise QuillkeepError(f"The record of {record.of}, which {record.job} rolls back, is gone.")
            contents = _contents(of.safety, record.database, None, ctx)
        else:
            wanted = record.request.get("from_database")
            contents = _contents(record.backup, record.database, wanted, ctx)
        counts = _replace_all(record, contents, ctx, session, rejected)
        if rejected.count and "rejected-documents" not in record.allowed:
            raise QuillkeepError(
                "The server refuses documents of the backup, which was not allowed.",
                cause="; ".join(rejected.words()),
            )
    return counts


def _contents(ref: str, database: str, wanted: str | None, ctx: JobContext) -> DatabaseContents:
    catalog = survey(ctx.profile.locations, ctx.profile, ctx.paths)
    found = find_backup(ref, catalog.backups, ctx.profile, ("database",), paths=ctx.paths)
    phase = ctx.phase("reading the backup")
    return read_contents(
        found.backup,
        limits=ctx.profile.limits,
        from_database=wanted,
        target_database=database,
        check=ctx.check,
        advance=phase.advance,
        key=key_of(ctx.profile),
    )


def _replace_all(
    record: SwapRecord, contents: DatabaseContents, ctx: JobContext, session: Session, rejected: Rejected
) -> dict[str, tuple[int, list[str]]]:
    """What the backup has is replaced, what else the job names is dropped."""
    for name in record.in_place:
        if name not in contents.collections:
            drop_aside(session.database, name)
    names = [name for name in record.in_place if name in contents.collections]
    return replace_in_place(session, contents, names, ctx, rejected)
