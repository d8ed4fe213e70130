"""A plan in the making: everything looked up once, for the plan's words and for the restore that follows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager

from services.catalog.find import Found, find_backup
from services.catalog.manifest import Part
from services.catalog.model import Backup
from services.catalog.scan import survey
from services.errors import Refused
from services.jobs.context import JobContext
from services.mongo.connect import LiveCollection
from services.mongo.space import space_for
from services.passphrase import key_of
from services.profile import Profile
from services.recovery import guards
from services.recovery.contents import DatabaseContents, read_contents
from services.recovery.objects_part import ObjectsDraft, draft_objects
from services.recovery.request import PlanResult, RestoreRequest, RiskFound, Row, check_beside
from services.recovery.rows import collection_rows, live_names
from services.recovery.session import Session
from services.recovery.writers import Writers, look


class Draft:
    """What a restore will do, with everything it needs to do it; `result` is what an admin reads."""

    def __init__(
        self,
        *,
        request: RestoreRequest,
        found: Found,
        parts: tuple[Part, ...],
        contents: DatabaseContents | None,
        objects: ObjectsDraft | None,
        rows: list[Row],
        live: dict[str, LiveCollection],
        writers: Writers,
        result: PlanResult,
    ) -> None:
        self.request = request
        self.backup: Backup = found.backup
        self.found = found
        self.parts = parts
        self.contents = contents
        self.objects = objects
        self.rows = rows
        self.live = live
        self.writers = writers
        self.result = result


def choose_backup(request: RestoreRequest, ctx: JobContext) -> tuple[Found, tuple[Part, ...]]:
    """The backup and the parts of it to restore. Errors: `Refused`, `UsageProblem`."""
    profile = ctx.profile
    wanted = _wanted(request, profile)
    catalog = survey(profile.locations, profile, ctx.paths)
    found = find_backup(
        request.backup, catalog.backups, profile, wanted, paths=ctx.paths, problems=catalog.problems
    )
    parts = tuple(part for part in wanted if part in found.backup.parts)
    lacking = (
        wanted if not parts else tuple(part for part in wanted if request.with_objects and part not in parts)
    )
    if lacking:
        raise Refused(
            f"{found.backup.id} has no {' and no '.join(lacking)} part.",
            next="`quillkeep list` shows what each backup has.",
        )
    missing = list(found.backup.missing)
    if not found.backup.complete and missing:
        lost = [part for part in parts if not _present(found.backup, part)]
        if lost:
            raise Refused(
                f"The {' and '.join(lost)} part of {found.backup.id} is not there: {', '.join(missing[:5])}.",
                next="Choose another backup with `quillkeep list`.",
            )
    return found, parts


def _wanted(request: RestoreRequest, profile: Profile) -> tuple[Part, ...]:
    """Every part, unless one is named, or a target of its own is named for one: the other one's stays untouched."""
    check_beside(request)
    if request.only is not None:
        return (request.only,)
    if request.with_objects:
        return _beside_collections(profile)
    if request.collections or profile.bucket is None:
        return ("database",)
    if request.to_database is not None and request.to_bucket is None:
        return ("database",)
    if request.to_bucket is not None and request.to_database is None:
        return ("objects",)
    return ("database", "objects")


def _beside_collections(profile: Profile) -> tuple[Part, ...]:
    """Both parts: the objects beside chosen collections."""
    if profile.bucket is None:
        raise Refused(
            "No bucket is configured, so no objects can be put back.", next="Set S3_BUCKET and its keys."
        )
    return ("database", "objects")


def _present(backup: Backup, part: Part) -> bool:
    path = backup.database_path if part == "database" else backup.objects_path
    return path is not None and path.exists()


def is_application(
    profile: Profile, session: Session, request: RestoreRequest, parts: tuple[Part, ...]
) -> bool:
    """Whether the target is the profile's own database or bucket, so that its application writes there."""
    database = profile.mongo is not None and session.database.name == profile.mongo.database
    bucket = request.to_bucket in (None, profile.bucket.bucket if profile.bucket else None)
    return ("database" in parts and database) or ("objects" in parts and bucket)


def draft_plan(
    request: RestoreRequest,
    ctx: JobContext,
    session: Session,
    *,
    compare: bool,
    reading: Callable[[Backup], AbstractContextManager[object]] | None = None,
) -> Draft:
    """Looks at backup, server, bucket and application, and writes the plan; touches nothing.

    `compare` reads live collections and objects so far that `same` and `differs` can be told. Errors:
    `Refused` and `ArchiveError` where no plan can be made at all; everything else is in the result.
    """
    profile = ctx.profile
    found, parts = choose_backup(request, ctx)
    backup = found.backup
    if reading is not None:
        reading(backup).__enter__()
    ctx.log(
        f"Restoring from {backup.id}, made {backup.created:%Y-%m-%d %H:%M} UTC (known by its {backup.created_by})."
    )
    for other, why in found.passed_over:
        ctx.log(f"Passed over {other}: {why}.", "warning")
    contents = None
    rows: list[Row] = []
    live: dict[str, LiveCollection] = {}
    refusals: list[str] = []
    risks: list[RiskFound] = []
    warnings = [*guards.quality(backup)]
    facts: list[str] = []
    if "database" in parts:
        phase = ctx.phase(
            "reading the backup",
            total=backup.database_path.stat().st_size
            if backup.database_path and backup.database_path.is_file()
            else None,
        )
        contents = read_contents(
            backup,
            limits=profile.limits,
            from_database=request.from_database,
            target_database=session.database.name,
            check=ctx.check,
            advance=phase.advance,
            key=key_of(profile),
        )
        phase.finish()
        warnings += contents.notes
        phase = ctx.phase("comparing with what is live")
        rows, live = collection_rows(
            session, contents, request, compare=compare, check=ctx.check, advance=phase.advance
        )
        phase.finish()
        chosen = [row.name for row in rows if row.action in ("create", "replace", "in place")]
        found_space = space_for(
            session.database,
            data_bytes=0 if request.in_place else sum(contents.collections[name].bytes for name in chosen),
            index_bytes=_index_bytes(contents, chosen),
            replica_set=session.server.replica_set is not None,
        )
        space_refusals, space_risks = guards.space(found_space)
        refusals += [*guards.rights(session, rows, live), *guards.names(session, rows)]
        refusals += [*guards.kinds(session, rows, request), *space_refusals]
        risks += [*space_risks, *guards.rejected(contents, chosen), *guards.weak_guard(session)]
        warnings += guards.versions(session, contents)
        facts.append(f"Space: {guards.space_words(found_space)}.")
        facts.append(f"Proof by {contents.proof}.")
        warnings += _ttl_words(contents, chosen)
        if session.server.direct and session.server.replica_set:
            warnings.append(
                "The connection is direct to one replica set member: an election ends the job, and "
                "`quillkeep restore --finish JOB` continues it."
            )
    objects = None
    if "objects" in parts:
        objects = draft_objects(request, ctx, backup)
        refusals += objects.refusals
        warnings += objects.warnings
    refusals += [*guards.unfinished(session, but=ctx.job), *guards.locked(session, but=ctx.job)]
    owner_risks, owner_words = guards.deployment(backup)
    risks += owner_risks
    warnings += owner_words
    writers = look(profile, session, is_application=is_application(profile, session, request, parts))
    writer_risks, writer_words = guards.writers(writers, session, profile)
    risks += writer_risks
    if writers.stopped or writer_risks:
        warnings += writer_words
    else:
        # The application is stopped by the job: that is how it goes, and nothing to be warned of.
        facts += writer_words
    if writers.stopped:
        facts.append(f"Nobody writes: {writers.how}.")
    pepper_facts, pepper_words = guards.pepper(profile, contents.manifest if contents else None)
    facts += pepper_facts
    warnings += pepper_words
    target = f"{session.server.host}/{session.database.name}"
    result = PlanResult(
        status="refused" if refusals else "warnings" if risks or warnings else "ok",
        backup=backup.id,
        created=backup.created.isoformat(),
        passed_over=tuple(f"{other}: {why}" for other, why in found.passed_over),
        target=target,
        collections=tuple(rows),
        objects=objects.counts if objects else None,
        risks=tuple(risks),
        refusals=tuple(dict.fromkeys(refusals)),
        warnings=tuple(dict.fromkeys(warnings)),
        facts=tuple(facts),
        fingerprint=fingerprint(request, session, live, contents, objects),
        strategy="in place" if request.in_place else "swap",
        confirmation=f"{profile.name or session.server.host}/{session.database.name}",
    )
    return Draft(
        request=request,
        found=found,
        parts=parts,
        contents=contents,
        objects=objects,
        rows=rows,
        live=live,
        writers=writers,
        result=result,
    )


def fingerprint(
    request: RestoreRequest,
    session: Session,
    live: dict[str, LiveCollection],
    contents: DatabaseContents | None,
    objects: ObjectsDraft | None,
) -> str:
    """Changes when the request, what is live (names and UUIDs) or the backup is another one."""
    digest = hashlib.sha256()
    digest.update(repr((request.collections, request.only, request.exact, request.in_place)).encode())
    digest.update(f"{session.target.database}@{session.server.host}".encode())
    for name in live_names(live):
        digest.update(f"{name}\0{live[name].kind}\0{live[name].uuid}\n".encode())
    digest.update((contents.identity if contents else "").encode())
    digest.update((objects.identity if objects else "").encode())
    return digest.hexdigest()


def _index_bytes(contents: DatabaseContents, chosen: list[str]) -> int | None:
    sizes = [contents.collections[name].index_bytes for name in chosen]
    known = [size for size in sizes if size is not None]
    return sum(known) if sizes and len(known) == len(sizes) else None


def _ttl_words(contents: DatabaseContents, chosen: list[str]) -> list[str]:
    """Clustered collections expire by an option, which cannot wait for the proof."""
    return [
        f"{name} is clustered and expires documents by itself: its count may fall as soon as it is loaded."
        for name in chosen
        if "expireAfterSeconds" in (contents.collections[name].metadata().get("options") or {})
    ]
