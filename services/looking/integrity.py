"""Looks at what is known of integrity: the newest run of every check, of each backup and of the live data."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from services.catalog.model import Backup, CheckStatus, Depth
from services.catalog.scan import LocationProblem
from services.findings import Finding
from services.paths import Paths
from services.profile import Profile

LiveVerb = Literal["pairs", "validate", "pepper-check"]
LIVE_VERBS: tuple[LiveVerb, ...] = ("pairs", "validate", "pepper-check")
"""Jobs that look at the live data and end in a verdict about it."""
WRONG_SHOWN = 4
"""Checks of one backup whose evidence the answer about all of them carries."""
EVIDENCE_BYTES = 4 << 20
"""Evidence in the answer about all backups; what is beyond it is read with the backup itself."""


class IntegrityRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing for all backups and the live data; `backup` (an id or a path) for everything about one."""

    backup: str = ""


class CheckAbout(msgspec.Struct, frozen=True, kw_only=True):
    """A check of the catalogue: `says` is what holds when it is ok, `reads` what it looks at."""

    name: str
    subject: str = "backup"
    decides: str = "backup"
    depth: Depth = "quick"
    says: str = ""
    reads: str = ""


class CheckSeen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The newest run of one check of a backup that tells something.

    `depth` is the run's. `decides` is `backup`, `database`, `objects` or `data`. A newer run that could not
    read or did not look leaves a failure standing: `since` says how that one ended.
    """

    name: str
    status: CheckStatus
    at: datetime
    depth: Depth = "full"
    decides: str = "backup"
    detail: str = ""
    next: str = ""
    job: str = ""
    since: str = ""
    found: tuple[Finding, ...] = ()


class RunSeen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One verify that was noted."""

    at: datetime
    depth: Depth
    status: CheckStatus
    job: str = ""
    findings: tuple[str, ...] = ()


class BackupSeen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A backup and its checks.

    `states` has one letter for each name of the answer's `names`: `o`k, `w`arn, `f`ail, `s`kipped, `u`nknown,
    `-` for one that never ran. `proven_at` is when a full or deep verify last came to a verdict, `looked_at`
    when any verify did. In the answer about all backups `wrong` holds some of the checks that did not end
    `ok`; in the one about a single backup `checks` holds all of them and `runs` every verify, newest first.
    """

    backup: Backup
    states: str = ""
    proven_at: datetime | None = None
    looked_at: datetime | None = None
    wrong: tuple[CheckSeen, ...] = ()
    more_wrong: int = 0
    checks: tuple[CheckSeen, ...] = ()
    runs: tuple[RunSeen, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Lines of its notes, or notes, that could not be read: what they say of checks is unknown."""


class LiveSeen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The newest finished job of one verb on the live data; without `at` none was ever found.

    `tried` and `tried_at` tell of a newer one that came to no verdict, `told` is what it says beside its
    findings, `checks` are those that it ran where it says so.
    """

    verb: LiveVerb
    status: CheckStatus = "unknown"
    at: datetime | None = None
    job: str = ""
    depth: str = ""
    summary: str = ""
    warnings: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    more_findings: int = 0
    told: tuple[str, ...] = ()
    checks: tuple[CheckSeen, ...] = ()
    tried_at: datetime | None = None
    tried: str = ""
    replaced_at: datetime | None = None
    """When a restore or rollback put other data in place since: what was found is about data of before."""


class IntegrityAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Backups in the catalog's order, newest first. `live_problem` says why the jobs could not be read."""

    backups: tuple[BackupSeen, ...] = ()
    names: tuple[str, ...] = ()
    about: tuple[CheckAbout, ...] = ()
    problems: tuple[LocationProblem, ...] = ()
    live: tuple[LiveSeen, ...] = ()
    live_problem: str = ""


def look(request: IntegrityRequest, profile: Profile, paths: Paths) -> IntegrityAnswer:
    """Reads notes and journals only: no archive, no database, no bucket.

    Errors: as `services.catalog.find.find_backup` for one backup; locations and journals that cannot be read
    are told in the answer.
    """
    from services.looking.integrity_backups import every_backup, one_backup
    from services.looking.integrity_live import newest_live

    if request.backup:
        return one_backup(request.backup, profile, paths)
    answer = every_backup(profile, paths)
    live, problem = newest_live(profile, paths)
    return msgspec.structs.replace(answer, live=live, live_problem=problem)
