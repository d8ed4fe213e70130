"""The words of a status: the verdict, its findings, and the figures beside them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from services.catalog.manifest import Part
from services.catalog.scan import Catalog
from services.catalog.sizes import Sizes as Sizes
from services.jobs.listing import JobSummary
from services.looking.bucket import BucketAnswer
from services.looking.live import LiveAnswer
from services.looking.locations import LocationsAnswer

Word = Literal["OK", "WARNING", "CRITICAL", "UNKNOWN"]
Remedy = Literal[
    "",
    "backup",
    "verify",
    "restore",
    "finish",
    "release",
    "rollback",
    "start app",
    "archives",
    "integrity",
    "settings",
    "jobs",
    "look again",
]
"""What deals with a finding: the console maps each to a key, `next` is the command of the same."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that wants attention, or that was looked at and is well (`OK`)."""

    what: str
    status: Word
    detail: str
    next: str = ""
    remedy: Remedy = ""
    subject: str = ""
    """A backup's or a job's id where the finding is about one."""
    collections: tuple[str, ...] = ()
    """The collections that a restore would be about."""
    short: str = ""
    """The same as a clause, where it has to stand beside another one in the verdict."""
    loss: bool = False
    """Live data lacks something that the newest good backup has."""


class PartStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The database or the objects: the newest good backup and its age in hours (None: never)."""

    part: Part
    status: Word
    backup: str | None
    age_hours: float | None
    detail: str


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day of the strip: `ok`, `warn` (only partial, suspicious or unproven ones), `fail` (only failed) or `none`."""

    day: date
    status: Literal["ok", "warn", "fail", "none"]
    backups: int = 0
    bytes: int = 0


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The last backup, verification or restore: when, of what, how it ended; `left` what it left behind."""

    at: datetime
    subject: str
    status: str
    seconds: float | None = None
    left: str = ""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything Health shows; `verdict` is one line. `rto_minutes` is the predicted restore time, None unknown."""

    status: Word
    verdict: str
    at: datetime
    parts: tuple[PartStatus, ...]
    findings: tuple[Finding, ...]
    rpo_hours: float | None
    rpo_target_hours: float
    rto_minutes: float | None
    rto_target_minutes: float
    rto_detail: str = ""
    last_backup: Moment | None = None
    last_verification: Moment | None = None
    last_restore: Moment | None = None
    nights_free: float | None = None
    """How many more nights fit at today's growth, None when it cannot be told."""
    space_detail: str = ""
    days: tuple[Day, ...] = ()
    """14, oldest first."""
    waiting_for: tuple[str, ...] = ()
    """Looks that have not answered yet: what depends on them is left out, never guessed."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why a look has no answer: the four sentences of an error."""

    what: str
    cause: str = ""
    touched: str = ""
    next: str = ""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One rate that was measured: bytes in seconds, by which job, when."""

    verb: str
    job: str
    at: datetime
    bytes: int
    seconds: float

    @property
    def rate(self) -> float:
        """Bytes a second."""
        return self.bytes / self.seconds


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """What journals tell of speed; None where nothing was ever measured.

    `loading` is uncompressed documents into the server with everything else that a restore does, `putting`
    objects into the bucket, `reading` a backup's own bytes in a full verification, `proving` an archive's
    in the read-back of a backup.
    """

    loading: Measured | None = None
    putting: Measured | None = None
    reading: Measured | None = None
    proving: Measured | None = None
    sizes: dict[str, Sizes] = {}
    """By backup id, of the newest ones."""


class Looks(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at: an answer, why there is none, or None where it has not come yet."""

    catalog: Catalog | Trouble | None = None
    live: LiveAnswer | Trouble | None = None
    bucket: BucketAnswer | Trouble | None = None
    locations: LocationsAnswer | Trouble | None = None
    jobs: tuple[JobSummary, ...] | Trouble | None = None
    rates: Rates | Trouble | None = None
