"""What a verify is asked for and what it answers; light enough for a front end."""

from __future__ import annotations

from datetime import datetime

import msgspec

from services.catalog.manifest import Part
from services.catalog.model import CheckStatus, Depth
from services.catalog.notes import BadObject
from services.checks.model import CheckResult
from services.deep.model import DeepOptions, On


class VerifyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Which backup (id, `latest` or path) and how deep.

    With `oldest_first` instead of a backup: those that were verified longest ago, for `seconds` in all.
    Of a deep verify `on` says where it loads, `scratch` is the folder for an embedded server's data, and
    `confirmed` allows loading aside in the live server.
    """

    backup: str = "latest"
    depth: Depth = "full"
    oldest_first: bool = False
    seconds: float = 600.0
    confirmed: bool = False
    on: On = "auto"
    scratch: str | None = None

    @property
    def deep_options(self) -> DeepOptions:
        """Where a deep verify may load."""
        return DeepOptions(on=self.on, scratch=self.scratch, confirmed=self.confirmed)


class CollectionFound(msgspec.Struct, frozen=True, kw_only=True):
    """A collection as the pass over the archive found it."""

    documents: int
    bytes: int
    crc64: str
    content: str


class VerifyResult(msgspec.Struct, frozen=True, kw_only=True):
    """The `verify` document; `proof` is `structure` where the form carries no sums.

    `status` is the backup's `verdict`, but `warn` where that is `ok` and a check about the data (`data` is
    the worst of those, None when none applied) found something. `shared_with` names the other snapshots that hold a bad file too,
    `passed_over` what `latest` did.
    """

    status: CheckStatus
    warnings: tuple[str, ...] = ()
    id: str
    location: str = ""
    path: str = ""
    depth: Depth = "full"
    proof: str = "structure"
    verdict: CheckStatus = "skipped"
    data: CheckStatus | None = None
    checks: tuple[CheckResult, ...] = ()
    collections: dict[str, CollectionFound] = {}
    parts: dict[Part, CheckStatus] = {}
    bad_objects: tuple[BadObject, ...] = ()
    shared_with: tuple[str, ...] = ()
    passed_over: tuple[tuple[str, str], ...] = ()


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """One backup of a verify of several; `seconds` is how long it took, `bytes` how much it read.

    `checks` are those that did not end `ok`.
    """

    id: str
    location: str
    status: CheckStatus
    verdict: CheckStatus
    data: CheckStatus | None
    detail: str
    next: str = ""
    seconds: float = 0.0
    bytes: int = 0
    last: datetime | None = None
    """When a verify of this depth last came to a verdict before; None: never."""
    checks: tuple[CheckResult, ...] = ()


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was not looked at, why, and when it was last verified at this depth (None: never)."""

    id: str
    location: str
    why: str
    last: datetime | None = None


class OldestResult(msgspec.Struct, frozen=True, kw_only=True):
    """The `verify --oldest-first` document; `checks` has one entry for each backup that was verified.

    `seconds` is the budget, `spent` what was used of it. `gone` were deleted before their turn.
    """

    status: CheckStatus
    warnings: tuple[str, ...] = ()
    depth: Depth = "full"
    seconds: float = 0.0
    spent: float = 0.0
    verified: tuple[Verified, ...] = ()
    left: tuple[Left, ...] = ()
    gone: tuple[Left, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    collections: dict[str, CollectionFound] = {}
    summary: str = ""
