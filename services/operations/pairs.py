"""`pairs`: rows of `files` against objects, live, in a backup, or one against the other. Changes nothing."""

from __future__ import annotations

from contextlib import ExitStack

import msgspec

from services.catalog.listing import lookup
from services.catalog.manifest import Part
from services.catalog.marks import being_read
from services.catalog.model import Backup, CheckStatus
from services.catalog.scan import survey
from services.errors import Cancelled, QuillkeepError, UsageProblem
from services.findings import Finding
from services.jobs.context import JobContext
from services.pairs.compare import Advance
from services.pairs.engine import Surroundings, check_pairs
from services.pairs.model import LIVE, PairsResult
from services.pairs.model import PairsPlan as PairsPlan
from services.pairs.of_backup import SKEW
from services.pairs.opening import (
    backup_objects,
    backup_rows,
    in_application_words,
    live_objects,
    live_rows,
    manifest_of,
)
from services.pairs.rows import FILES
from services.pairs.sides import RowsSide
from services.pairs.stores import ObjectsSide

FULL_LIST = "pairs.jsonl"
PATIENCE_SECONDS = 60.0
"""How long a bucket may be silent in the middle of a check before it is called unreadable."""

Side = Backup | None
"""None is what is live."""


def pairs(plan: PairsPlan, ctx: JobContext) -> PairsResult:
    """Compares rows with objects, by listings, headers or every byte.

    What is not there to be looked at (no bucket, a backup without that part) is `skipped`, what could not
    be read is `unknown`. Errors: as `find_backup` for a backup that is not known, `Cancelled`.
    """
    alone = plan.objects in ("", plan.rows)
    rows = _find(plan.rows, ctx, ("database", "objects") if alone else ("database",))
    objects = rows if alone else _find(plan.objects, ctx, ("objects",))
    names = (_name(rows), _name(objects))
    backups = [side for side in (rows, objects) if side is not None]
    try:
        for side in backups:
            if side.problem and not side.parts:
                raise QuillkeepError(
                    f"{side.id} cannot be looked at: {side.problem}.",
                    next=f"`quillkeep show {side.id}` says what is known of it.",
                )
        if why := _why_not(rows, objects, ctx):
            return _ended("skipped", plan, names, "not-looked-at", why, "")
        with being_read(ctx, "pairs", *(backups[:1] if rows == objects else backups)):
            return _run(plan, ctx, rows, objects)
    except (Cancelled, UsageProblem):
        raise
    except QuillkeepError as error:
        ctx.log(f"{error.what} {error.cause}".strip(), "warning")
        return _ended("unknown", plan, names, "not-read", f"{error.what} {error.cause}".strip(), error.next)
    except OSError as error:
        words = f"It could not be read: {error.strerror or error}"
        return _ended("unknown", plan, names, "not-read", words, "Look at the disk or the mount.")


def _find(ref: str, ctx: JobContext, parts: tuple[Part, ...]) -> Side:
    if ref == LIVE:
        return None
    found, _ = lookup(ref, ctx.profile, ctx.paths, parts)
    for id, why in found.passed_over:
        ctx.log(f"Passed over {id}: {why}")
    return found.backup


def _name(side: Side) -> str:
    return LIVE if side is None else side.id


def _why_not(rows: Side, objects: Side, ctx: JobContext) -> str:
    """Why there is nothing to compare, empty when there is."""
    if rows is None and ctx.profile.mongo is None:
        return "No database is configured, so there are no rows to look at: set MONGODB_URI."
    if objects is None and ctx.profile.bucket is None:
        return "No bucket is configured, so there are no objects to look at: set S3_BUCKET."
    for side, part in ((rows, "database"), (objects, "objects")):
        if side is None:
            continue
        path = side.database_path if part == "database" else side.objects_path
        if part not in side.parts or path is None:
            return f"{side.id} has no {part} part, so its pairs cannot be told."
    manifest = manifest_of(rows) if rows is not None else None
    if manifest is not None and FILES in manifest.excluded:
        return f"{manifest.id} was made without the collection {FILES}, so its pairs cannot be told."
    return ""


def _ended(
    status: CheckStatus, plan: PairsPlan, names: tuple[str, str], kind: str, what: str, step: str
) -> PairsResult:
    findings = () if status == "skipped" else (Finding(kind=kind, status="unknown", what=what, next=step),)
    return PairsResult(
        status=status,
        warnings=(what,),
        depth=plan.depth,
        rows_of=names[0],
        objects_of=names[1],
        findings=findings,
        summary=what,
    )


def _run(plan: PairsPlan, ctx: JobContext, rows: Side, objects: Side) -> PairsResult:
    def stage(name: str, detail: str, total: int | None, unit: str) -> Advance:
        return ctx.phase(name, detail, total=total, unit=unit).advance

    with ExitStack() as stack:
        around = _around(ctx, rows, objects)
        result = check_pairs(
            _rows_side(rows, ctx, stack, stage("opening", _name(rows), None, "bytes")),
            _objects_side(objects, ctx),
            around,
            depth=plan.depth,
            check=ctx.check,
            stage=stage,
        )
    for side in {one.id: one for one in (rows, objects) if one is not None}.values():
        if side.missing:
            text = f"{side.id} is incomplete: {side.missing[0]}."
            result = msgspec.structs.replace(result, warnings=(*result.warnings, text))
    return result


def _around(ctx: JobContext, rows: Side, objects: Side) -> Surroundings:
    around = Surroundings(
        paths=ctx.paths,
        backups=lambda: survey(ctx.profile.locations, ctx.profile, ctx.paths).backups,
        open_rows=lambda backup: backup_rows(
            backup, ctx.profile, check=ctx.check, advance=lambda amount: None
        ),
        full_list=ctx.folder / FULL_LIST,
        sealed=any(side is not None and side.encrypted is not None for side in (rows, objects)),
    )
    manifest = manifest_of(objects) if objects is not None else None
    if objects is None:
        around.bucket = ctx.profile.bucket.bucket if ctx.profile.bucket else ""
    elif manifest is not None:
        around.bucket = manifest.bucket
    if rows is None and objects is not None:
        around.newer_rows = in_application_words(manifest.started if manifest else objects.created)
    elif rows is not None and objects is None:
        own = manifest_of(rows)
        around.newer_objects = in_application_words(own.started if own else rows.created)
    elif rows is not None and manifest is not None and rows == objects:
        around.started = in_application_words(manifest.started - SKEW)
    return around


def _rows_side(side: Side, ctx: JobContext, stack: ExitStack, advance: Advance) -> RowsSide:
    if side is not None:
        return backup_rows(side, ctx.profile, check=ctx.check, advance=advance)
    from services.mongo.connect import connect

    assert ctx.profile.mongo is not None
    client = stack.enter_context(connect(ctx.profile.mongo))
    return live_rows(client[ctx.profile.mongo.database])


def _objects_side(side: Side, ctx: JobContext) -> ObjectsSide:
    if side is not None:
        return backup_objects(side, ctx.profile, scratch=ctx.folder)
    from services.objects.patience import Patience

    assert ctx.profile.bucket is not None
    patience = Patience(outage=PATIENCE_SECONDS)
    return live_objects(ctx.profile.bucket, check=ctx.check, say=ctx.log, patience=patience)
