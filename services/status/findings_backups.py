"""What the catalog, the locations and the jobs have to say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.catalog.model import Backup
from services.catalog.scan import Catalog
from services.counted import by_number
from services.jobs.listing import JobSummary
from services.jobs.way_on import CHANGES_LIVE
from services.looking.locations import LocationsAnswer
from services.profile import Profile
from services.status.model import Finding, Trouble
from services.status.parts import PartFound, is_future
from services.status.words import ago, count, day, hours, names

ENDED = frozenset({"succeeded", "warnings", "failed", "lost"})
RECENT = timedelta(days=14)
"""Older failures are history, and the strip does not show them either."""


def backup_findings(catalog: Catalog, found: Sequence[PartFound], now: datetime) -> list[Finding]:
    """Gone files, newer ones that are not good, failed verifications, wrong clocks."""
    own = [backup for backup in catalog.backups if backup.ours and backup.kind == "quillkeep"]
    return [
        *_gone(own),
        *_passed_over(found),
        *_failed_verification(own, now),
        *_unusable(catalog.backups),
        *_future(own, now),
        *_unverified(own, now),
    ]


def _gone(own: Sequence[Backup]) -> list[Finding]:
    gone = [backup for backup in own if backup.missing]
    if not gone:
        return []
    newest = gone[0]
    return [
        Finding(
            what=f"Files are gone of {count(len(gone), 'backup')}: {names([one.id for one in gone])}.",
            short=f"Files are gone of {count(len(gone), 'backup')}",
            status="CRITICAL",
            detail=f"{newest.id}: {names(list(newest.missing))}. A backup needs every file of its manifest.",
            next=f"quillkeep show {newest.id}",
            remedy="archives",
            subject=newest.id,
        )
    ]


def _passed_over(found: Sequence[PartFound]) -> list[Finding]:
    """Backups newer than the newest good one; those whose files are gone are told of already."""
    reasons: dict[str, tuple[Backup, list[str]]] = {}
    for one in found:
        for backup, reason in one.passed:
            if not backup.missing:
                reasons.setdefault(backup.id, (backup, []))[1].append(reason)
    findings = []
    for backup, why in reasons.values():
        if backup.suspicious:
            what = f"{backup.id} is suspicious: {backup.suspicious[0]}"
            next = f"quillkeep show {backup.id}"
            detail = (
                "It stays aside. If data was lost, restore an older one. Only if nothing was lost: "
                f"`quillkeep accept {backup.id}`."
            )
        else:
            what = f"{backup.id} is newer, but not good: {'; '.join(dict.fromkeys(why))}"
            next = f"quillkeep verify {backup.id}"
            detail = "It does not count until a full check has proven it."
        findings.append(
            Finding(
                what=f"{what.rstrip('.')}.",
                status="WARNING",
                detail=detail,
                next=next,
                remedy="archives" if backup.suspicious else "verify",
                subject=backup.id,
            )
        )
    return findings[:5]


def _failed_verification(own: Sequence[Backup], now: datetime) -> list[Finding]:
    bad = [
        one
        for one in own
        if one.verified is not None
        and one.verified.status == "fail"
        and now - one.verified.at < RECENT
        and not one.missing
    ]
    if not bad:
        return []
    newest = bad[0]
    return [
        Finding(
            what=f"Verification failed: {names([one.id for one in bad])}.",
            status="WARNING",
            detail=f"{newest.id}: {'; '.join(newest.not_good.values()) or 'a check failed'}.",
            next=f"quillkeep show {newest.id}",
            remedy="archives",
            subject=newest.id,
        )
    ]


def _unusable(backups: Sequence[Backup]) -> list[Finding]:
    bad = [one for one in backups if one.kind == "quillkeep" and one.problem]
    if not bad:
        return []
    return [
        Finding(
            what=f"{count(len(bad), 'manifest')} cannot be used: {names([one.id for one in bad])}.",
            status="WARNING",
            detail=f"{bad[0].id}: {bad[0].problem}.",
            next=f"quillkeep show {bad[0].id}",
            remedy="archives",
            subject=bad[0].id,
        )
    ]


def _future(own: Sequence[Backup], now: datetime) -> list[Finding]:
    ahead = [one for one in own if is_future(one, now)]
    if not ahead:
        return []
    off = (ahead[0].created - now).total_seconds() / 3600
    return [
        Finding(
            what=f"{ahead[0].id} claims to be made {hours(off)} from now.",
            status="WARNING",
            detail="The clock of the host that made it, or of this one, is wrong; its age is not counted.",
            next="date -u; timedatectl",
            remedy="archives",
            subject=ahead[0].id,
        )
    ]


def _unverified(own: Sequence[Backup], now: datetime) -> list[Finding]:
    """A notice: the backup's own read-back has proven a good one already."""
    good = [one for one in own if one.good and one.counted]
    never = [one for one in good if one.verified is None or one.verified.depth == "quick"]
    if not good or not never:
        return []
    if good[0] not in never:
        return [
            Finding(
                what=(
                    f"{count(len(never), 'older backup')} of {len(good)} "
                    f"{by_number(len(never), 'was', 'were')} not verified since made."
                ),
                status="OK",
                detail="Each was read back once, when it was made; disks forget. The oldest are verified first.",
                next="quillkeep verify --oldest-first --for 10m",
                remedy="integrity",
            )
        ]
    checked = max((one.verified.at for one in own if one.verified), default=None)
    since = (
        f"The last verification was {ago((now - checked).total_seconds() / 3600)}."
        if checked
        else "No backup here was ever verified."
    )
    return [
        Finding(
            what=f"The newest backup was not verified since it was made ({len(never)} of {len(good)}).",
            status="OK",
            detail=f"It was read back once, when it was made. {since}",
            next=f"quillkeep verify {good[0].id}",
            remedy="verify",
            subject=good[0].id,
        )
    ]


def location_findings(
    profile: Profile, catalog: Catalog | Trouble | None, locations: LocationsAnswer | Trouble | None
) -> list[Finding]:
    """Every location that cannot be read, once; and those that cannot be written."""
    told: dict[str, Finding] = {}
    paths = {location.name: location.path for location in profile.locations}
    if isinstance(catalog, Catalog):
        for problem in catalog.problems:
            told.setdefault(problem.location, _unread(problem.location, problem.path, problem.problem))
    if isinstance(locations, LocationsAnswer):
        for seen in locations.locations:
            if seen.problem:
                told[seen.name] = _unread(seen.name, seen.path, seen.problem)
            elif not seen.writable:
                told.setdefault(
                    seen.name,
                    Finding(
                        what=f"The location {seen.name} cannot be written by this user.",
                        status="WARNING" if seen.name == profile.locations[0].name else "OK",
                        detail=f"{seen.path}: a backup started from here would be refused.",
                        next=f"ls -ld {seen.path}",
                        remedy="settings",
                        subject=seen.name,
                    ),
                )
    if isinstance(catalog, Trouble) and not any(one.status == "UNKNOWN" for one in told.values()):
        told["catalog"] = Finding(
            what=catalog.what,
            status="UNKNOWN",
            detail=" ".join(filter(None, (catalog.next, ", ".join(paths.values()), catalog.cause))),
            next="quillkeep list",
            remedy="look again",
        )
    return list(told.values())


def _unread(name: str, path: str, problem: str) -> Finding:
    return Finding(
        what=f"The location {name} cannot be read: {problem.rstrip('.')}.",
        status="UNKNOWN",
        detail=f"{path}. Its backups are not known now; that does not mean that they are gone.",
        next=f"ls {path}; mount",
        remedy="look again",
        subject=name,
    )


def job_findings(jobs: Sequence[JobSummary], now: datetime, *, told: frozenset[str]) -> list[Finding]:
    """Lost jobs, and the last backup and the last restore where they failed; `jobs` newest first.

    `told` are jobs that the database itself told of: what it says of a swap is nearer than a journal. A newer
    job of the same kind that ended settles an older one.
    """
    findings = []
    settled: set[str] = set()
    for job in jobs:
        kind = "live" if job.verb in CHANGES_LIVE else job.verb
        if job.started is None or now - job.started > RECENT or kind in settled:
            continue
        known = job.id in told or any(command.split()[-1] in told for command in job.way_on)
        tried = job.state == "failed" and kind in ("live", "backup")
        if job.state == "lost" and not known:
            findings.append(_lost(job))
        elif (tried and not known) or (job.state == "refused" and kind == "backup"):
            findings.append(_failed(job, job.started))
        if job.state in ENDED or (job.state == "refused" and kind == "backup"):
            settled.add(kind)
    return findings


def _lost(job: JobSummary) -> Finding:
    swap = any("--finish" in command for command in job.way_on)
    return Finding(
        what=f"The {job.verb or 'job'} {job.id} ended without a result.",
        status="CRITICAL" if swap else "WARNING",
        detail=job.summary,
        next=job.way_on[0] if job.way_on else "quillkeep jobs",
        remedy="finish" if swap else "jobs",
        subject=job.id,
    )


def _failed(job: JobSummary, started: datetime) -> Finding:
    ended = "was refused" if job.state == "refused" else "failed"
    backup = job.verb == "backup"
    return Finding(
        what=f"The last {job.verb} {ended} ({day(job.finished or started)}).",
        status="WARNING",
        detail=f"{job.summary}{' ' + job.way_on[0] if job.way_on else ''}",
        next="quillkeep backup" if backup else f"quillkeep jobs follow {job.id}",
        remedy="backup" if backup else "jobs",
        subject=job.id,
    )
