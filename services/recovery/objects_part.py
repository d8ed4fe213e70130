"""The objects part of a restore: planned, put with its way back journalled, proven, undone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from services.catalog.model import Backup
from services.catalog.scan import survey
from services.counted import by_number, counted
from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock
from services.mongo.placements import PlacementLog, delete_placements, read_placements
from services.passphrase import key_of
from services.recovery.holding import holding
from services.recovery.request import ObjectCounts, RestoreRequest

if TYPE_CHECKING:
    from pymongo.database import Database

    from services.objects.bucket import Bucket
    from services.objects.restore_model import NamedObject, ObjectPlan, Placement
    from services.objects.source import ObjectsSource

NAMED = 5
"""How many keys a sentence names before it counts."""


class ObjectsDone(msgspec.Struct, frozen=True, kw_only=True):
    """What putting the objects did; `problems` failed a proof."""

    added: int = 0
    replaced: int = 0
    kept: int = 0
    set_aside: int = 0
    bytes: int = 0
    replaced_bytes: int = 0
    warnings: tuple[str, ...] = ()


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """How putting back went, in words; `complete` when every replaced object is what it was."""

    words: tuple[str, ...]
    complete: bool


class ObjectsDraft:
    """The planned objects of one backup; made by `draft_objects`."""

    def __init__(
        self,
        bucket: Bucket,
        plan: ObjectPlan | None,
        source: ObjectsSource,
        request: RestoreRequest,
        *,
        refusals: tuple[str, ...],
        warnings: tuple[str, ...],
        identity: str,
        elsewhere: Callable[[str, str], Path | None] | None,
    ) -> None:
        self.bucket = bucket
        self.plan = plan
        self.source = source
        self.request = request
        self.refusals = refusals
        self.warnings = warnings
        self.identity = identity
        self._elsewhere = elsewhere

    @property
    def counts(self) -> ObjectCounts:
        """The plan's figures."""
        if self.plan is None:
            return ObjectCounts()
        return ObjectCounts(bytes=self.plan.put_bytes, **self.plan.counts())

    def old_prefix(self, job: str) -> str:
        """Where copies of replaced objects go."""
        from services.objects.keys import old_folder

        return old_folder(self.bucket.prefix, job)

    def put(
        self,
        ctx: JobContext,
        lock: DatabaseLock,
        database: Database[Any],
        *,
        allow_loss: bool,
        job: str | None = None,
    ) -> ObjectsDone:
        """Puts what is missing or differs and proves it by listing again; copies are kept under `job`.

        Errors: `QuillkeepError`, `Cancelled`.
        """
        from services.objects.restore import prove_objects, put_objects

        assert self.plan is not None
        counts = self.plan.counts()
        ctx.log(
            f"Objects: {counts['put']:,} to put, {counts['keep']:,} to keep, {counts['only_live']:,} only live."
        )
        phase = ctx.phase("putting objects", total=self.plan.put_bytes)
        owner = job or ctx.job
        log = PlacementLog(database, owner)
        result = put_objects(
            self.bucket,
            self.plan,
            self.source,
            job=owner,
            journal=log.append,
            check_lock=lock.assert_held,
            advance=phase.advance,
            check=holding(lock, ctx.check),
            allow_possible_loss=allow_loss,
            exact=self.request.exact,
            find_elsewhere=self._elsewhere,
            copies=_highest_copy(read_placements(database, owner)),
        )
        phase.finish()
        ctx.phase("proving objects")
        wrong = prove_objects(self.bucket, self.plan, result, check=ctx.check)
        if result.failed or wrong:
            raise QuillkeepError(
                "Some objects could not be put.", cause=named((*result.failed, *wrong), "object")
            )
        warnings = [
            *(
                [f"Left as they are, since no copy could be kept: {named(result.left, 'object')}"]
                if result.left
                else []
            ),
            *([f"Not in the backup either: {named(result.lacking, 'object')}"] if result.lacking else []),
            *(
                [
                    f"{counted(len(result.without_copy), 'objects')} "
                    f"{by_number(len(result.without_copy), 'was', 'were')} replaced without a copy, as allowed."
                ]
                if result.without_copy
                else []
            ),
        ]
        replaced = [entry for entry in result.placements if entry.action == "replaced"]
        return ObjectsDone(
            added=sum(1 for entry in result.placements if entry.action == "added"),
            replaced=len(replaced),
            kept=result.kept,
            set_aside=result.removed,
            bytes=result.put_bytes,
            replaced_bytes=sum(entry.size for entry in result.placements if entry.copy),
            warnings=tuple(warnings),
        )

    def undo(self, ctx: JobContext, database: Database[Any]) -> Undone:
        """Puts replaced objects back and proves it; what was added stays."""
        return undo_job(self.bucket, database, ctx.job)


def undo_job(bucket: Bucket, database: Database[Any], job: str) -> Undone:
    """Puts back what a job that did not finish had replaced, by the placements it wrote down."""
    from services.objects.undo import release_objects, undo_objects

    placements = read_placements(database, job)
    try:
        if not placements:
            # A batch's copies are made before its placements are journalled.
            release_objects(bucket.without_cancel(), job)
            return Undone(words=("No object was touched.",), complete=True)
        undone = undo_objects(bucket, placements)
    except QuillkeepError as trouble:
        return Undone(words=(f"Objects could not be put back: {trouble.what}",), complete=False)
    words = [
        f"{undone.put_back:,} replaced {by_number(undone.put_back, 'object was', 'objects were')} put back and proven."
    ]
    if undone.added:
        added = len(undone.added)
        words.append(
            f"{counted(added, 'objects')} that {by_number(added, 'was added stays', 'were added stay')} in the bucket."
        )
    if undone.failed:
        words.append(f"Not put back: {named(undone.failed, 'object')}")
        return Undone(words=tuple(words), complete=False)
    release_objects(bucket.without_cancel(), job)
    delete_placements(database, job)
    return Undone(words=tuple(words), complete=True)


def _highest_copy(placements: list[Placement]) -> int:
    """The number of the last copy that was journalled; 0 when there is none."""
    return max((int(item.copy.rpartition("/")[2]) for item in placements if item.copy), default=0)


def draft_objects(request: RestoreRequest, ctx: JobContext, backup: Backup) -> ObjectsDraft:
    """Compares a backup's objects with the target bucket; nothing is changed.

    Errors: `Refused` without a bucket in the profile; a missing target bucket is a refusal of the plan.
    """
    from services.objects.restore import plan_objects
    from services.objects.source import open_objects

    assert backup.objects_path is not None
    bucket = open_target(ctx, request.to_bucket)
    source = open_objects(
        backup.objects_path,
        backup.objects_list,
        limits=ctx.profile.limits,
        scratch=ctx.folder,
        key=key_of(ctx.profile),
    )
    elsewhere = _elsewhere(ctx, backup) if request.objects_from == "any" else None
    stat = (backup.objects_list or backup.objects_path).stat()
    identity = f"{backup.id}:{stat.st_size}:{stat.st_mtime_ns}:{bucket.name}:{bucket.prefix}"
    phase = ctx.phase("comparing objects")
    plan = None
    refusals: list[str] = []
    warnings: list[str] = []
    try:
        plan = plan_objects(bucket, source, find_elsewhere=elsewhere, check=ctx.check, advance=phase.advance)
    except Refused as refused:
        refusals.append(f"{refused.what} {refused.next}")
    else:
        if plan.lacking:
            warnings.append(f"Without bytes in the backup: {named(plan.lacking, 'object')}")
        if plan.ignored:
            warnings.append(f"Not objects, left out: {', '.join(plan.ignored[:NAMED])}")
    phase.finish()
    return ObjectsDraft(
        bucket,
        plan,
        source,
        request,
        refusals=tuple(refusals),
        warnings=tuple(warnings),
        identity=identity,
        elsewhere=elsewhere,
    )


def open_target(ctx: JobContext, other: str | None = None) -> Bucket:
    """The profile's bucket, or another one at the same server."""
    from services.objects.bucket import open_bucket

    target = ctx.profile.bucket
    if target is None:
        raise Refused(
            "No bucket is configured.",
            next="Set S3_BUCKET (and S3_ENDPOINT, S3_ACCESS_KEY, S3_SECRET_KEY), or restore with --only database.",
        )
    if other is not None:
        target = replace(target, bucket=other)
    return open_bucket(target, check=ctx.check, say=ctx.log)


def named(objects: tuple[NamedObject, ...] | list[NamedObject], word: str) -> str:
    """A few keys with their reason, and how many more."""
    shown = "; ".join(f"{entry.key!r} ({entry.why})" for entry in objects[:NAMED])
    more = f"; and {len(objects) - NAMED:,} more" if len(objects) > NAMED else ""
    return f"{len(objects):,} {word}{'s' if len(objects) != 1 else ''}: {shown}{more}"


def _elsewhere(ctx: JobContext, backup: Backup) -> Callable[[str, str], Path | None]:
    """Looks an object up in every other backup of ours, newest first."""
    from services.objects.elsewhere import Elsewhere
    from services.objects.snapshot import PreviousSnapshot

    catalog = survey(ctx.profile.locations, ctx.profile, ctx.paths)
    return Elsewhere(
        [
            PreviousSnapshot(other.objects_path, other.objects_list)
            for other in catalog.backups
            if other.ours and other.id != backup.id and other.objects_path and other.objects_list
        ]
    )
