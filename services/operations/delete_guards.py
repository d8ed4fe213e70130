"""What a deletion refuses, each with the next step."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from services.catalog.find import why_not
from services.catalog.head import ManifestHead, ManifestProblem, read_head
from services.catalog.manifest import Part
from services.catalog.model import Backup
from services.catalog.naming import printable
from services.catalog.scan import Catalog
from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.jobs.host import life_of
from services.jobs.location_lock import is_being_read, read_writer
from services.profile import Profile

BEFORE_RELEASE_KEPT = timedelta(days=90)
"""How long the written-out rollback copies of a released restore stay: what was written between the backup and
the incident lives only there."""


def refuse_if_read_only(profile: Profile, what: str) -> None:
    """READ-ONLY forbids every deletion of backups."""
    if profile.read_only:
        raise Refused(
            f"{what}: this profile is READ-ONLY.",
            next="Use a profile that is not, without --read-only.",
        )


def refuse_if_written(root: Path) -> None:
    """For a dry run, which takes no lock itself."""
    holder = read_writer(root)
    if (
        holder is None
        or holder.mark is None
        or life_of(holder.mark.owner)
        in (
            "dead",
            "rebooted",
        )
    ):
        return
    raise Refused(
        f"Another job writes to the location {root}.",
        cause=f"It is held by {holder.describe()}.",
        next=f"Wait for it: `quillkeep jobs follow {holder.job}`.",
    )


def refuse_if_being_read(root: Path, id: str) -> None:
    """A verify, restore or comparison that reads it keeps it where it is."""
    reader = is_being_read(root, id)
    if reader is not None:
        raise Refused(
            f"{printable(id)} is being read now.",
            cause=f"By {reader.describe()}.",
            next="Wait for that job, then run the command again."
            + (f" Only if it is certain to be dead: `quillkeep unlock {reader.job}`." if reader.job else ""),
        )


def refuse_if_needed(backup: Backup, catalog: Catalog, ctx: JobContext) -> list[str]:
    """Everything about the backup itself that forbids its deletion; gives warnings about what does not.

    Errors: `Refused`.
    """
    if backup.pinned:
        raise Refused(
            f"{printable(backup.id)} is pinned.",
            next=f"If it may go: `quillkeep unpin {printable(backup.id)}`, then delete it.",
        )
    _refuse_newest_good(backup, catalog)
    warnings = _about_owner(backup, catalog)
    head, problem = _head_of(backup)
    if problem:
        warnings.append(f"Whether it is good cannot be told: {problem}.")
    if head is not None and head.purpose == "before-release":
        _refuse_young_release(backup, ctx)
    warnings += _refuse_if_a_restore_needs_it(backup, head, ctx)
    if catalog.problems:
        warnings.append(f"Could not be looked at: {catalog.problems[0].sentence}.")
    return warnings


def _refuse_newest_good(backup: Backup, catalog: Catalog) -> None:
    others = [row for row in catalog.backups if not _same_place(row, backup)]
    for part in backup.parts:
        if _newest(catalog.backups, part) != backup.id:
            continue
        # A good copy of the same backup elsewhere is worth as much.
        if any(row.id == backup.id and not why_not(row, (part,)) for row in others):
            continue
        raise Refused(
            f"{printable(backup.id)} is the newest good backup of the {part}.",
            cause="Without it a restore would lose everything since the one before it"
            if _newest(others, part)
            else "There is no other good one.",
            next="Make a newer one first (`quillkeep backup`), then delete this one.",
        )
    if backup.kind == "quillkeep" or not backup.good_parts:
        return
    for part in backup.good_parts:
        proven = [row for row in catalog.backups if part in row.good_parts and not row.other_deployment]
        if proven and _same_place(proven[0], backup) and _newest(catalog.backups, part) is None:
            raise Refused(
                f"{printable(backup.id)} is the newest proven backup of the {part}, and none of ours is good.",
                next="Make one first (`quillkeep backup`), then delete this one.",
            )


def _newest(backups: tuple[Backup, ...] | list[Backup], part: Part) -> str | None:
    return next((row.id for row in backups if not why_not(row, (part,))), None)


def _same_place(one: Backup, other: Backup) -> bool:
    return one.id == other.id and one.folder == other.folder


def _about_owner(backup: Backup, catalog: Catalog) -> list[str]:
    """A backup of another deployment may go when it is named, and it is said whose it is."""
    if not backup.other_deployment:
        return []
    words = [f"It is another deployment's: {backup.other_deployment}."]
    theirs = [
        row
        for row in catalog.backups
        if row.other_deployment == backup.other_deployment and row.good and row.counted
    ]
    if theirs and _same_place(theirs[0], backup):
        words.append("It is the newest good backup of that deployment.")
    return words


def _head_of(backup: Backup) -> tuple[ManifestHead | None, str]:
    if backup.kind != "quillkeep" or backup.manifest_path is None:
        return None, ""
    try:
        return read_head(str(backup.manifest_path), backup.id), ""
    except ManifestProblem as problem:
        return None, str(problem)


def _refuse_young_release(backup: Backup, ctx: JobContext) -> None:
    until = backup.created + BEFORE_RELEASE_KEPT
    if ctx.clock() < until:
        raise Refused(
            f"{backup.id} holds what was live before a restore ({backup.reason}), and is kept for "
            f"{BEFORE_RELEASE_KEPT.days} days.",
            cause="What was written between that restore's backup and the incident exists nowhere else.",
            next=f"It can be deleted from {until:%Y-%m-%d} on.",
        )


def _refuse_if_a_restore_needs_it(backup: Backup, head: ManifestHead | None, ctx: JobContext) -> list[str]:
    """The safety copy of a restore that can still be rolled back, and the backup of one that waits to be finished."""
    made_for_safety = head is not None and head.purpose == "safety"
    mongo = ctx.profile.mongo
    if mongo is None:
        if made_for_safety:
            raise _unknown(backup, "No database is configured.")
        return []
    names = {mongo.database, *([head.database] if head is not None and head.database else [])}
    try:
        _look_at_records(backup, sorted(names), ctx)
    except Refused:
        raise
    except QuillkeepError as error:
        if made_for_safety:
            raise _unknown(backup, f"{error.what} {error.cause}".strip()) from error
        return [
            "Whether an interrupted restore still needs it could not be looked at: "
            f"{error.what} Should it turn out so, `quillkeep trash restore` brings it back."
        ]
    return []


def _look_at_records(backup: Backup, databases: list[str], ctx: JobContext) -> None:
    from pymongo.errors import PyMongoError

    from services.mongo.connect import connect
    from services.mongo.failures import translated
    from services.mongo.record import UNFINISHED, read_records

    assert ctx.profile.mongo is not None
    client = connect(ctx.profile.mongo)
    try:
        records = [record for name in databases for record in read_records(client[name])]
    except PyMongoError as error:
        raise translated("Reading the records of restores", error) from error
    finally:
        client.close()
    for record in records:
        if backup.id == record.safety and record.state not in ("rolled-back", "released"):
            raise Refused(
                f"{backup.id} is the safety backup of job {record.job}: only it can undo that restore.",
                next=f"Give the undo up first: `quillkeep release {record.job}`; or use it: "
                f"`quillkeep rollback {record.job}`.",
            )
        if backup.id == record.backup and record.state in ("loading", *UNFINISHED):
            raise Refused(
                f"{printable(backup.id)} is needed by job {record.job}, whose {record.verb} is not finished.",
                next=f"Finish it (`quillkeep restore --finish {record.job}`) or undo it "
                f"(`quillkeep rollback {record.job}`) first.",
            )


def _unknown(backup: Backup, cause: str) -> Refused:
    return Refused(
        f"{backup.id} is a safety backup, and whether a restore still needs it cannot be told.",
        cause=cause,
        next="Run the command again when the database answers.",
    )
