"""A rollback as a swap: the record that turns an earlier one around, and the plan an admin sees first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec.structs import replace

from services.archive.documents import hex64
from services.counted import by_number, counted
from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock
from services.mongo.aside import server_identity
from services.mongo.connect import LiveCollection
from services.mongo.live_sums import live_sums
from services.mongo.placements import PlacementLog, delete_placements, read_placements
from services.mongo.record import UNFINISHED, ObjectsRecord, Pair, SwapRecord, read_record, save_record
from services.mongo.rename import count_of, listing, name_of
from services.mongo.standing import outgoing_of
from services.recovery.guards import expiring
from services.recovery.holding import holding
from services.recovery.objects_part import ObjectsDone, named, open_target
from services.recovery.request import Content, ObjectCounts, PlanResult, Row
from services.recovery.series import staying
from services.recovery.session import Session

UNDONE = "Copies that never went live are dropped, and this cannot itself be rolled back."


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One collection of a restore as it is now: `content` tells whether it still equals the proof, or never was it."""

    name: str
    live: int | None
    copy: int | None
    content: Content

    @property
    def touched(self) -> bool:
        """Whether somebody changed it after the restore."""
        return self.content in ("written since", "dropped since")


def written_since(session: Session, record: SwapRecord, ctx: JobContext) -> list[Written]:
    """Counts of what is live and of its copy, and whether the live one was written since it was proven."""
    live = listing(session.database)
    found = []
    phase = ctx.phase("looking at what was written since")
    for pair in record.pairs:
        current = live.get(pair.name)
        count = None
        content = _seen(pair, live)
        if current is not None and current.kind == "collection" and content == "as restored":
            held = live_sums(session.database, pair.name, check=ctx.check, advance=phase.advance)
            count = held.documents
            if (held.documents, held.bytes, hex64(held.content)) != (
                pair.documents,
                pair.bytes,
                pair.content,
            ):
                content = "written since"
        elif current is not None and current.kind == "collection":
            count = count_of(session.database, pair.name)
        where = name_of(live, pair.old_uuid)
        copy = None if where is None else session.database[where].count_documents({})
        found.append(Written(name=pair.name, live=count, copy=copy, content=content))
    phase.finish()
    return found


def _seen(pair: Pair, live: dict[str, LiveCollection]) -> Content:
    """What stands under a name by its UUID; whether a restored one was written to is not asked here."""
    current = live.get(pair.name)
    waiting = name_of(live, pair.aside_uuid)
    if waiting is not None and waiting != pair.name:
        return "never went live"
    if current is None:
        return "as restored" if pair.incoming == "absent" else "dropped since"
    if current.uuid is not None and current.uuid == pair.old_uuid:
        return "never went live"
    if pair.incoming == "view":
        return "as restored" if current.kind == "view" else "never went live"
    return "as restored" if current.uuid == pair.aside_uuid else "written since"


def reverse_plan(
    session: Session, record: SwapRecord, written: list[Written], profile: str | None
) -> PlanResult:
    """The rows of a rollback: `live` is what is live now, `backup` the copy that comes back."""
    rows = []
    for pair, now in zip(record.pairs, written, strict=True):
        action: Literal["replace", "create", "set aside", "keep"] = "replace"
        if pair.outgoing == "absent":
            action = "set aside"
        elif now.live is None and pair.incoming == "absent":
            action = "create"
        if now.content == "never went live" and now.live is not None:
            action = "keep"
        detail = (f"{now.content} it was restored",) if now.touched else ()
        rows.append(
            Row(
                name=pair.name,
                live=now.live,
                backup=now.copy,
                content=now.content,
                action=action,
                detail=detail,
            )
        )
    touched = [entry.name for entry in written if entry.touched]
    undone = bool(record.pairs) and record.state in (*UNFINISHED, "failed", "loading")
    target = f"{profile or session.server.host}/{session.database.name}"
    objects = _objects_back(session, record, undone=undone)
    return PlanResult(
        status="warnings" if touched else "ok",
        backup=f"rollback copies of {record.verb} {record.job}",
        created=record.started.isoformat(),
        passed_over=(),
        target=f"{session.server.host}/{session.database.name}",
        collections=tuple(rows),
        objects=objects,
        risks=(),
        refusals=(),
        warnings=(
            f"Documents were written since the restore; they are set aside, not lost: {', '.join(touched)}",
        )
        if touched
        else (),
        facts=(
            UNDONE
            if undone
            else "What is live now is set aside; a rollback of this rollback brings it back.",
            *staying(record),
        ),
        fingerprint="",
        confirmation=target if touched or undone else "",
    )


def _objects_back(session: Session, record: SwapRecord, *, undone: bool) -> ObjectCounts | None:
    """Replaced objects that come back (`put`) and added ones that stay (`only_live`); an undo removes the added."""
    if record.objects is None:
        return None
    placements = read_placements(session.database, record.job)
    added = {item.key for item in placements if item.action == "added"}
    before: dict[str, int] = {}
    for item in placements:
        if item.action != "added":
            before.setdefault(item.key, item.size)
    return ObjectCounts(
        put=len(before), only_live=0 if undone else len(added - set(before)), bytes=sum(before.values())
    )


def reverse_record(session: Session, record: SwapRecord, ctx: JobContext) -> SwapRecord:
    """The record that puts the copies of `record` live; their sums are taken now, so that a finish can prove them.

    Errors: `Refused` when a copy is gone.
    """
    live = listing(session.database)
    pairs = []
    phase = ctx.phase("reading the rollback copies")
    for pair in record.pairs:
        turned = _turned(session, pair, live, ctx, phase.advance)
        current = live.get(pair.name)
        pairs.append(outgoing_of(session.database, turned, current, ctx.job))
    phase.finish()
    refusals = expiring(
        session, [pair.name for pair in pairs if pair.expire is not None or pair.old_expire is not None]
    )
    if refusals:
        raise Refused(refusals[0], cause=" ".join(refusals[1:]), next="Then run `quillkeep rollback` again.")
    objects = None
    if record.objects is not None:
        from services.objects.keys import old_folder

        bucket = open_target(ctx, record.objects.bucket)
        objects = ObjectsRecord(bucket=bucket.name, prefix=old_folder(bucket.prefix, ctx.job))
    return SwapRecord(
        job=ctx.job,
        verb="rollback",
        state="loading",
        database=session.database.name,
        started=ctx.clock(),
        backup=record.backup,
        profile=ctx.profile.name,
        of=record.job,
        pairs=tuple(pairs),
        objects=objects,
        collmod=session.rights.change_options,
        proven_server=server_identity(session.database),
    )


def _turned(
    session: Session,
    pair: Pair,
    live: dict[str, LiveCollection],
    ctx: JobContext,
    advance: Callable[[int], None],
) -> Pair:
    base = Pair(name=pair.name, ordinal=pair.ordinal, incoming="absent", outgoing="absent")
    if pair.outgoing == "absent":
        return base
    if pair.outgoing == "view":
        return replace(base, incoming="view", view=pair.old_view)
    where = name_of(live, pair.old_uuid)
    if where is None:
        raise Refused(
            f"The rollback copy of {pair.name} is gone.",
            cause="It was released, or somebody dropped it.",
            next="Restore from a backup instead: `quillkeep list`.",
        )
    held = live_sums(session.database, where, check=ctx.check, advance=advance)
    return replace(
        base,
        incoming="collection",
        aside=where,
        aside_uuid=pair.old_uuid,
        ttl=pair.old_ttl,
        expire=pair.old_expire,
        documents=held.documents,
        bytes=held.bytes,
        content=hex64(held.content),
    )


def roll_objects(session: Session, of: str, job: str, ctx: JobContext, lock: DatabaseLock) -> ObjectsDone:
    """Puts back the objects that job `of` replaced, keeping what is live now as copies of `job`.

    Errors: `QuillkeepError` when an object is not as it was afterwards.
    """
    from services.objects.undo import rollback_objects

    placements = read_placements(session.database, of)
    if not placements:
        return ObjectsDone()
    done = read_record(session.database, of)
    bucket = open_target(ctx, done.objects.bucket if done and done.objects else None)
    phase = ctx.phase("putting objects back", total=sum(item.size for item in placements))
    log = PlacementLog(session.database, job)
    undone = rollback_objects(
        bucket,
        placements,
        job=job,
        journal=log.append,
        check_lock=lock.assert_held,
        check=holding(lock, ctx.check),
        advance=phase.advance,
        already=read_placements(session.database, job),
    )
    phase.finish()
    if undone.failed:
        raise QuillkeepError("Some objects could not be put back.", cause=named(undone.failed, "object"))
    warnings: tuple[str, ...] = ()
    if undone.added:
        added = len(undone.added)
        stays = by_number(added, "stays", "stay")
        warnings = (f"{counted(added, 'objects')} that the restore had added {stays} in the bucket.",)
    return ObjectsDone(
        replaced=undone.put_back,
        replaced_bytes=sum(item.size for item in undone.placements if item.copy),
        warnings=warnings,
    )


def settle(session: Session, of: str, by: str, ctx: JobContext) -> None:
    """The job that was rolled back holds no copies any more, but for late ones; may be repeated."""
    current = read_record(session.database, of)
    if current is None:
        return
    if current.objects is not None:
        forget_objects(session, of, current.objects.bucket, ctx)
    save_record(session.database, replace(current, state="rolled-back", rolled_back_by=by))


def forget_objects(session: Session, of: str, bucket_name: str, ctx: JobContext) -> None:
    """After a rollback the copies of the job it undid are live again: the spare ones go."""
    from services.objects.undo import release_objects

    release_objects(open_target(ctx, bucket_name), of)
    delete_placements(session.database, of)
