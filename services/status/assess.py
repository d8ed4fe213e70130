"""Health's verdict: one pure function of what was looked at and the time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from services.catalog.scan import Catalog
from services.jobs.listing import JobSummary
from services.jobs.way_on import CHANGES_LIVE
from services.looking.bucket import BucketAnswer
from services.looking.live import LiveAnswer
from services.looking.locations import LocationsAnswer
from services.profile import Profile
from services.status import figures
from services.status.findings_backups import backup_findings, job_findings, location_findings
from services.status.findings_checks import check_findings
from services.status.findings_live import bucket_findings, live_findings
from services.status.findings_loss import collection_losses, object_losses
from services.status.model import Finding, Looks, PartStatus, Rates, Sizes, Status, Trouble, Word
from services.status.parts import PartFound, find_parts, stale_findings, without_answer
from services.status.words import ago, count

ORDER: tuple[Word, ...] = ("OK", "WARNING", "UNKNOWN", "CRITICAL")
"""From well to worst. What is known to be critical is never hidden by what is not known, and what is not known
may be critical, so it stands above a warning."""
WAITS = {
    "catalog": "the folders of the backups",
    "locations": "the free space",
    "live": "the database",
    "bucket": "the bucket",
    "jobs": "the jobs",
}
"""What the verdict waits for, in words."""


def assess(profile: Profile, looks: Looks, now: datetime) -> Status:
    """Everything that Health and `status` show. Pure: the same looks and time give the same status.

    WARNING when the newest good backup of a part is older than RPO + 2 h; CRITICAL from twice the RPO on, when
    a part was never backed up, when a manifest's files are gone, when a half-done swap or an application that
    a job stopped waits; UNKNOWN when a location or the database cannot be read. Database and objects are
    judged separately, the worst finding wins: CRITICAL, UNKNOWN, WARNING, OK. A finding that is OK is a notice.
    Looks without an answer yet are left out and named in `waiting_for`. Days are UTC days.
    """
    # Sums of local times go wrong in the hour that comes twice.
    now = now.astimezone(UTC)
    jobs = looks.jobs if isinstance(looks.jobs, tuple) else ()
    jobs = tuple(job for job in jobs if job.profile == profile.name)
    found = find_parts(profile, looks.catalog, now) if isinstance(looks.catalog, Catalog) else []
    parts = _parts(looks, found)
    findings = _findings(profile, looks, jobs, found, now)
    nights, space_detail = _space(looks)
    if nights is not None and nights < figures.LOW_NIGHTS:
        findings.append(_low_space(nights, space_detail))
    findings.sort(key=lambda finding: -ORDER.index(finding.status))
    waiting = tuple(words for name, words in WAITS.items() if getattr(looks, name) is None)
    status = worst([*(part.status for part in parts), *(finding.status for finding in findings)])
    if looks.catalog is None and status != "CRITICAL":
        status = "UNKNOWN"
    ages = [part.age_hours for part in parts]
    predicted = None
    if isinstance(looks.rates, Rates) and found:
        predicted = figures.predict(msgspec.structs.replace(looks.rates, sizes=_counted(looks)), found)
    backups = looks.catalog.backups if isinstance(looks.catalog, Catalog) else ()
    swaps = looks.live.swaps if isinstance(looks.live, LiveAnswer) else ()
    return Status(
        status=status,
        verdict=_verdict(status, parts, findings, waiting),
        at=now,
        parts=parts,
        findings=tuple(findings),
        rpo_hours=None if not ages or None in ages else max(age for age in ages if age is not None),
        rpo_target_hours=profile.rpo_hours,
        rto_minutes=predicted.minutes if predicted else None,
        rto_target_minutes=profile.rto_minutes,
        rto_detail=_rto_detail(looks, predicted),
        last_backup=figures.last_backup(backups, jobs),
        last_verification=figures.last_verification(backups),
        last_restore=figures.last_restore(jobs, swaps),
        nights_free=nights,
        space_detail=space_detail,
        days=figures.strip(backups, jobs, now) if _readable(looks.catalog) else (),
        waiting_for=waiting,
    )


def worst(words: Sequence[Word]) -> Word:
    """The worst of these; OK for none."""
    return max(words, key=ORDER.index, default="OK")


def _parts(looks: Looks, found: Sequence[PartFound]) -> tuple[PartStatus, ...]:
    if isinstance(looks.catalog, Trouble):
        return without_answer(looks.catalog)
    return tuple(one.status for one in found)


def _findings(
    profile: Profile, looks: Looks, jobs: tuple[JobSummary, ...], found: Sequence[PartFound], now: datetime
) -> list[Finding]:
    # First of the warnings: a suspicious backup made after a loss is only its echo.
    findings = _losses(looks, jobs, found)
    if looks.live is not None:
        backed_up = any(one.status.part == "database" and one.backup for one in found)
        findings += live_findings(profile, looks.live, jobs, backed_up=backed_up)
    if isinstance(looks.catalog, Catalog):
        findings += stale_findings(profile, found)
        findings += backup_findings(looks.catalog, found, now)
    findings += location_findings(profile, looks.catalog, looks.locations)
    if isinstance(looks.jobs, Trouble):
        findings.append(_trouble(looks.jobs))
    findings += job_findings(jobs, now, told=_told_live(looks, findings))
    if looks.bucket is not None:
        findings += bucket_findings(looks.bucket, profile)
    findings += check_findings(jobs, now)
    findings += _settings(profile)
    return findings


def _losses(looks: Looks, jobs: Sequence[JobSummary], found: Sequence[PartFound]) -> list[Finding]:
    """Nothing while something is being restored: then live data is on its way to what it should be."""
    if any(job.verb in CHANGES_LIVE and job.state in ("running", "cancelling") for job in jobs):
        return []
    findings = []
    counted = _counted(looks)
    for one in found:
        sizes = counted.get(one.backup.id) if one.backup is not None else None
        if one.backup is None or sizes is None:
            continue
        if one.status.part == "database" and isinstance(looks.live, LiveAnswer):
            findings += collection_losses(looks.live, one.backup.id, sizes)
        elif one.status.part == "objects" and isinstance(looks.bucket, BucketAnswer):
            findings += object_losses(looks.bucket, one.backup.id, sizes)
    return findings


def _readable(catalog: Catalog | Trouble | None) -> bool:
    """Whether days without a backup are just that, and not a folder that could not be read."""
    return isinstance(catalog, Catalog) and bool(catalog.backups or not catalog.problems)


def _counted(looks: Looks) -> dict[str, Sizes]:
    """What backups counted, by id: by their manifests, else by the journals of this host."""
    by_journals = looks.rates.sizes if isinstance(looks.rates, Rates) else {}
    return by_journals | (looks.catalog.sizes if isinstance(looks.catalog, Catalog) else {})


def _told_live(looks: Looks, findings: Sequence[Finding]) -> frozenset[str]:
    """Jobs whose swap the database told of: interrupted ones as findings, the others as over."""
    swaps = looks.live.swaps if isinstance(looks.live, LiveAnswer) else ()
    return frozenset(swap.job for swap in swaps) | {
        finding.subject for finding in findings if finding.subject
    }


def _trouble(trouble: Trouble) -> Finding:
    return Finding(
        what=trouble.what,
        status="UNKNOWN",
        detail=f"{trouble.cause} {trouble.next}".strip(),
        next="quillkeep jobs",
        remedy="look again",
    )


def _settings(profile: Profile) -> list[Finding]:
    findings = []
    if profile.pepper is None and profile.mongo is not None:
        findings.append(
            Finding(
                what="The pepper is not known here, so no backup proves that stored API keys can be opened.",
                status="OK",
                detail="Without it they are lost after a restore: set ENCRYPTION_MASTER_PEPPER.",
                next="quillkeep doctor",
                remedy="settings",
            )
        )
    if profile.read_only:
        findings.append(
            Finding(
                what="READ-ONLY: nothing live can be changed from here.",
                status="OK",
                detail="Backups and verifications run; restores, rollbacks and deletions are refused.",
                remedy="settings",
            )
        )
    return findings


def _space(looks: Looks) -> figures.Space:
    if isinstance(looks.locations, Trouble):
        return figures.Space(None, looks.locations.what)
    if isinstance(looks.locations, LocationsAnswer) and isinstance(looks.catalog, Catalog):
        return figures.nights_free(looks.locations, looks.catalog.backups)
    return figures.Space(None, "")


def _low_space(nights: float, detail: str) -> Finding:
    return Finding(
        what=f"Space for {count(int(nights), 'night')} of backups is left.",
        status="WARNING",
        detail=f"{detail}.",
        next="quillkeep list",
        remedy="archives",
    )


def _rto_detail(looks: Looks, predicted: figures.Predicted | None) -> str:
    if isinstance(looks.rates, Trouble):
        return looks.rates.what
    return predicted.detail if predicted is not None else ""


def _verdict(
    status: Word,
    parts: Sequence[PartStatus],
    findings: Sequence[Finding],
    waiting: Sequence[str],
) -> str:
    """One sentence: the worst finding and what live data lacks, or how old the backups are."""
    bad = [finding for finding in findings if finding.status != "OK"]
    loss = next((finding for finding in bad if finding.loss), None)
    if loss is not None and not bad[0].loss:
        # What is critical by rule never hides that data is gone from where people work with it.
        first = bad[0].short or bad[0].what.rstrip(".")
        return f"{first}; {loss.short}{f' (+{len(bad) - 2} more)' if len(bad) > 2 else ''}"
    if bad:
        more = f" (+{len(bad) - 1} more)" if len(bad) > 1 else ""
        return f"{bad[0].what}{more}"
    if status == "UNKNOWN" or not parts:
        return f"Waiting for {waiting[0]}." if waiting else "Nothing is known yet."
    ages = " and ".join(f"{part.part} {ago(part.age_hours or 0)}" for part in parts)
    still = f" Still waiting for {' and '.join(waiting)}." if waiting else ""
    return f"Backed up and proven: {ages}.{still}"
