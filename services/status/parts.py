"""The newest good backup of the database and of the objects, and what its age means."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.catalog.find import why_not
from services.catalog.manifest import Part
from services.catalog.model import Backup
from services.catalog.scan import Catalog
from services.profile import Profile
from services.status.model import Finding, PartStatus, Trouble, Word
from services.status.words import ago, hours, old

PARTS: tuple[Part, ...] = ("database", "objects")
GRACE_HOURS = 2.0
"""A nightly backup takes its time: older than the RPO and this is late (DESIGN, Health's verdict)."""
NONE_READABLE = "none in what can be read"
SKEW = timedelta(minutes=5)
"""A backup that claims to be made later than this from now was made by a wrong clock, or this one is wrong."""


class PartFound:
    """One part: its status, the backup, and the newer ones that were passed over."""

    def __init__(self, status: PartStatus, backup: Backup | None, passed: list[tuple[Backup, str]]) -> None:
        self.status = status
        self.backup = backup
        self.passed = passed


def find_parts(profile: Profile, catalog: Catalog, now: datetime) -> list[PartFound]:
    """Both parts, by the backups that can be read."""
    unread = unreadable(catalog)
    return [_find(profile, catalog.backups, part, now, unread) for part in PARTS]


def without_answer(problem: Trouble) -> tuple[PartStatus, ...]:
    """Both parts when no location could be looked through."""
    return tuple(
        PartStatus(part=part, status="UNKNOWN", backup=None, age_hours=None, detail=problem.what)
        for part in PARTS
    )


def unreadable(catalog: Catalog) -> list[str]:
    """Names of the locations of which something could not be read."""
    return list(dict.fromkeys(problem.location for problem in catalog.problems))


def is_future(backup: Backup, now: datetime) -> bool:
    """Whether its time cannot be right."""
    return backup.created > now + SKEW


def _find(
    profile: Profile, backups: Sequence[Backup], part: Part, now: datetime, unread: list[str]
) -> PartFound:
    passed: list[tuple[Backup, str]] = []
    newest = None
    future = 0
    for backup in backups:
        reason = why_not(backup, (part,))
        if not reason and is_future(backup, now):
            future += 1
        elif not reason:
            newest = backup
            break
        elif backup.ours and backup.counted and part in backup.parts:
            passed.append((backup, reason))
    if newest is None:
        return PartFound(_never(profile, part, unread, future, passed), None, passed)
    age = max(0.0, (now - newest.created).total_seconds() / 3600)
    word = word_of_age(age, profile.rpo_hours)
    detail = f"{newest.id}, {old(age)}, {_proof(newest, now)}"
    if word != "OK" and unread:
        word = "UNKNOWN"
        detail = f"{newest.id}, {old(age)}, the newest that can be read; {' and '.join(unread)} cannot"
    status = PartStatus(part=part, status=word, backup=newest.id, age_hours=age, detail=detail)
    return PartFound(status, newest, passed)


def _proof(backup: Backup, now: datetime) -> str:
    verified = backup.verified
    if verified is None or verified.depth == "quick" or verified.status not in ("ok", "warn"):
        return "read back when made"
    return f"verified {ago((now - verified.at).total_seconds() / 3600)}"


def word_of_age(age: float, rpo: float) -> Word:
    """CRITICAL from twice the RPO on, WARNING when older than RPO + 2 h; hours."""
    if age >= 2 * rpo:
        return "CRITICAL"
    return "WARNING" if age > rpo + GRACE_HOURS else "OK"


def _never(
    profile: Profile, part: Part, unread: list[str], future: int, passed: list[tuple[Backup, str]]
) -> PartStatus:
    word: Word = "CRITICAL"
    if not profile.locations:
        word, detail = "UNKNOWN", "no folder for backups is configured"
    elif unread:
        word, detail = "UNKNOWN", f"{NONE_READABLE}; {' and '.join(unread)} cannot"
    elif future:
        word, detail = "UNKNOWN", "all good ones claim to be made later than now: a clock is wrong"
    elif passed:
        detail = f"no good one: {passed[0][0].id} {passed[0][1]}"
    else:
        detail = "never backed up"
    return PartStatus(part=part, status=word, backup=None, age_hours=None, detail=detail)


def stale_findings(profile: Profile, found: Sequence[PartFound]) -> list[Finding]:
    """What is late, was never backed up, or cannot be told; parts of which the same holds are named together.

    Nothing of a part without any backup that can be read: the location that cannot be read is the finding, and
    a new backup is not what helps.
    """
    alike: dict[tuple[str, str], list[PartFound]] = {}
    for one in found:
        if one.status.detail.startswith(NONE_READABLE):
            continue
        if one.status.status != "OK":
            alike.setdefault((one.status.status, one.status.detail), []).append(one)
    return [_stale(profile, ones) for ones in alike.values()]


def _stale(profile: Profile, ones: Sequence[PartFound]) -> Finding:
    status = ones[0].status
    name = " and ".join(one.status.part for one in ones)
    name = f"{name[0].upper()}{name[1:]}"
    if status.age_hours is None:
        what = f"{name}: {status.detail}."
        detail = _how_to_begin(profile, ones[0])
    else:
        what = f"{name}: the newest good backup is {hours(status.age_hours)} old."
        detail = f"{status.detail}. The limit is {profile.rpo_hours:g} h."
    return Finding(
        what=what,
        status=status.status,
        detail=detail,
        next="quillkeep backup" if profile.locations else "",
        remedy="backup" if profile.locations else "settings",
        subject=status.backup or "",
    )


def _how_to_begin(profile: Profile, one: PartFound) -> str:
    if not profile.locations:
        return "Name a folder: BACKUP_DIR=/path/to/backups in the environment or in the .env file."
    if one.passed:
        return "; ".join(f"{backup.id}: {reason}" for backup, reason in one.passed[:3]) + "."
    if one.status.part == "objects" and profile.bucket is None:
        return "No bucket is configured: set S3_BUCKET and S3_ENDPOINT."
    return "A backup of both parts takes one command."
