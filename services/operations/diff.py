"""`diff`: two backups, or a backup and what is live, by content sums and by document. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from services.catalog.listing import lookup, moment
from services.catalog.manifest import Part
from services.catalog.marks import being_read
from services.catalog.model import Backup
from services.catalog.naming import ENCRYPTED_ENDING
from services.counted import by_number, counted
from services.errors import QuillkeepError, Refused, UsageProblem
from services.jobs.context import JobContext, Phase
from services.operations.diff_model import LIVE as LIVE
from services.operations.diff_model import (
    CollectionDiff,
    DiffResult,
    ObjectsDiff,
    SideSeen,
    Verdict,
)
from services.operations.diff_model import DiffPlan as DiffPlan
from services.passphrase import key_of

if TYPE_CHECKING:
    from services.objects.source import SourceEntry

Side = Backup | None
"""None is what is live."""


def diff(plan: DiffPlan, ctx: JobContext) -> DiffResult:
    """Compares what both sides have; what cannot be told is said, never guessed.

    Errors: `Refused` when no part can be compared (encrypted, missing, several databases), `UsageProblem`
    for an unknown backup, `QuillkeepError` for a dump, database or bucket that cannot be read to its end.
    """
    if plan.a == LIVE == plan.b:
        raise UsageProblem(
            "What is live is compared with a backup, not with itself.",
            next="`quillkeep list` shows the backups: quillkeep diff latest live",
        )
    warnings: list[str] = []
    a, b = (_find(ref, ctx, warnings) for ref in (plan.a, plan.b))
    backups = [side for side in (a, b) if side is not None]
    with being_read(ctx, "diff", *(backups[:1] if a == b else backups)):
        return _compare(a, b, plan, ctx, warnings)


def _find(ref: str, ctx: JobContext, warnings: list[str]) -> Side:
    if ref == LIVE:
        return None
    found, _ = lookup(ref, ctx.profile, ctx.paths)
    for id, why in found.passed_over:
        ctx.log(f"Passed over {id}: {why}")
    backup = found.backup
    if backup.problem and not backup.parts:
        raise QuillkeepError(
            f"{backup.id} cannot be compared: {backup.problem}.",
            next=f"`quillkeep show {backup.id}` says what is known of it.",
        )
    if backup.missing:
        warnings.append(f"{backup.id} is incomplete: {backup.missing[0]}.")
    return backup


def _compare(a: Side, b: Side, plan: DiffPlan, ctx: JobContext, warnings: list[str]) -> DiffResult:
    seen = [_seen(a, ctx), _seen(b, ctx)]
    lacking: list[str] = []
    rows: tuple[CollectionDiff, ...] = ()
    objects: ObjectsDiff | None = None
    if (why := _why_not(a, b, "database", ctx)) is None:
        rows = _databases(a, b, plan, ctx, seen, warnings)
    elif why:
        lacking.append(why)
    if plan.alone:
        pass
    elif (why := _why_not(a, b, "objects", ctx)) is None:
        objects = _objects(a, b, ctx, seen)
    elif why:
        lacking.append(why)
    if not seen[0].database and objects is None:
        raise Refused(
            "There is nothing that could be compared.",
            cause=" ".join(lacking) or "Neither side has a part that the other has.",
            next="`quillkeep list` shows what each backup has.",
        )
    warnings += lacking
    return _result(seen, rows, objects, bool(lacking), warnings)


def _result(
    seen: list[SideSeen],
    rows: tuple[CollectionDiff, ...],
    objects: ObjectsDiff | None,
    lacking: bool,
    warnings: list[str],
) -> DiffResult:
    states = [row.state for row in rows]
    untold = states.count("not compared") + (objects.untold + objects.unreadable if objects else 0)
    differing = len(states) - states.count("same") - states.count("not compared")
    verdict: Verdict = "same"
    if differing or (objects is not None and objects.differ):
        verdict = "differs"
    elif lacking or untold:
        verdict = "not all compared"
    words = []
    if seen[0].database:
        same = states.count("same")
        words.append(
            f"{counted(differing, 'collections')} {by_number(differing, 'differs', 'differ')}, "
            f"{same} {by_number(same, 'is', 'are')} the same"
        )
    if objects is not None:
        words.append(
            f"objects: {objects.added:,} only in B, {objects.removed:,} only in A, {objects.changed:,} changed"
        )
    return DiffResult(
        status="ok" if verdict == "same" else "warnings",
        warnings=tuple(warnings),
        verdict=verdict,
        same=verdict == "same",
        a=seen[0],
        b=seen[1],
        collections=rows,
        objects=objects,
        summary="; ".join(words),
    )


def _seen(side: Side, ctx: JobContext) -> SideSeen:
    if side is None:
        return SideSeen(id=LIVE, live=True, kind=LIVE, created=moment(ctx.clock()))
    return SideSeen(id=side.id, kind=side.kind, created=moment(side.created), location=side.location)


def _why_not(a: Side, b: Side, part: Part, ctx: JobContext) -> str | None:
    """None when a part can be compared, empty when neither backup has it, else why it cannot."""
    wanted = [side for side in (a, b) if side is not None]
    if not any(part in side.parts for side in wanted):
        return ""
    for letter, side in (("A", a), ("B", b)):
        if side is None:
            target = ctx.profile.mongo if part == "database" else ctx.profile.bucket
            if target is None:
                what = "database" if part == "database" else "bucket"
                return f"No {what} is configured, so the {part} of {wanted[0].id} was not compared."
        elif part not in side.parts:
            return f"{letter} ({side.id}) has no {part} part, so that part was not compared."
        elif not key_of(ctx.profile).known and side.kind != "quillkeep" and _is_encrypted(side, part):
            return (
                f"{letter} ({side.id}) is encrypted with {side.encrypted} and no passphrase is known "
                f"(--passphrase-file), so its {part} part was not compared."
            )
        elif part == "database" and side.kind not in ("quillkeep", "group") and side.problem:
            return f"{letter} ({side.id}): {side.problem}, so that part was not compared."
        elif part == "objects" and (why := _objects_gone(side)):
            return f"{letter} ({side.id}): {why}, so the objects were not compared."
    return None


def _is_encrypted(side: Backup, part: Part) -> bool:
    """Of what one run of a script made, one part may be encrypted and the other not."""
    path = side.database_path if part == "database" else side.objects_path
    alone = len(side.parts) == 1
    return side.encrypted is not None and (
        alone or (path is not None and ENCRYPTED_ENDING.search(path.name) is not None)
    )


def _objects_gone(side: Backup) -> str:
    path = side.objects_list if side.kind == "quillkeep" else side.objects_path
    return "" if path is not None and path.exists() else f"{path.name if path else 'its list'} is gone"


def _databases(
    a: Side, b: Side, plan: DiffPlan, ctx: JobContext, seen: list[SideSeen], warnings: list[str]
) -> tuple[CollectionDiff, ...]:
    from services.comparing.allocator import give_back_large_blocks
    from services.comparing.collections import compare_collections
    from services.comparing.databases import DatabaseSide, of_backup
    from services.comparing.documents import compare_documents, selected
    from services.comparing.index import Spill
    from services.comparing.live_database import of_live

    configured = ctx.profile.mongo.database if ctx.profile.mongo else None
    read: dict[int, DatabaseSide] = {}
    if plan.documents:
        give_back_large_blocks()
    with Spill(ctx.folder) as spill:
        # What names its own database first: it tells which one of a foreign dump's is meant. What is live last:
        # what the other side has too is then indexed while it is summed.
        for place, side in sorted(enumerate((a, b)), key=lambda one: _turn(one[1])):
            wanted = next((done.database for done in read.values()), configured)
            if side is not None:
                read[place] = of_backup(side, wanted, ctx)
            else:
                shared = {name for name in read[1 - place].collections if selected(name, plan)}
                read[place] = of_live(ctx, shared, spill, only=plan.collections if plan.alone else ())
        for place in (0, 1):
            seen[place] = msgspec.structs.replace(seen[place], database=read[place].database)
            warnings += read[place].warnings
        if read[0].database != read[1].database:
            ctx.log(f"The databases have different names: {read[0].database} and {read[1].database}.")
        rows = compare_collections(read[0], read[1])
        _known(plan, rows)
        if plan.alone:
            rows = tuple(row for row in rows if row.name in plan.collections)
        rows, told = compare_documents(rows, read[0], read[1], plan, spill, ctx)
        warnings += told
    return rows


def _turn(side: Side) -> int:
    if side is None:
        return 2
    return 1 if side.kind != "quillkeep" else 0


def _known(plan: DiffPlan, rows: tuple[CollectionDiff, ...]) -> None:
    import difflib

    names = [row.name for row in rows]
    for name in plan.collections:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
            raise UsageProblem(
                f"Neither side has a collection {name}.{f' Did you mean {near[0]}?' if near else ''}",
                next="`quillkeep diff A B --no-documents` shows which there are.",
            )


def _objects(a: Side, b: Side, ctx: JobContext, seen: list[SideSeen]) -> ObjectsDiff:
    from services.comparing.object_sides import open_side
    from services.comparing.objects import SIDES, ObjectsComparison

    sides = [open_side(side, ctx) for side in (a, b)]
    is_md5 = next((one.is_md5 for one in sides if one.is_md5 is not None), None)
    comparison = ObjectsComparison(is_md5=is_md5)
    try:
        for place, letter in enumerate(SIDES):
            one = sides[place]
            seen[place] = msgspec.structs.replace(seen[place], objects=one.where)
            phase = ctx.phase("objects", f"listing {one.where}", unit="objects")
            comparison.fill(letter, _counted(one.entries(), phase, ctx))
            phase.finish()
        for place, letter in enumerate(SIDES):
            source = sides[place].source
            total = comparison.bare_bytes(letter) if source is not None else 0
            if source is not None and total:
                phase = ctx.phase("objects", f"reading {sides[place].where}", total=total)
                comparison.hash_bare(letter, source, check=ctx.check, advance=phase.advance)
                phase.finish()
        return comparison.result(check=ctx.check)
    finally:
        comparison.close()


def _counted(entries: Iterator[SourceEntry], phase: Phase, ctx: JobContext) -> Iterator[SourceEntry]:
    for entry in entries:
        ctx.check()
        phase.advance(1)
        yield entry
