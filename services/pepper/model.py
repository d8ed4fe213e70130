"""What the pepper probe is asked for and what it answers; light enough for a front end."""

from __future__ import annotations

from typing import Literal

import msgspec

from services.catalog.model import CheckStatus
from services.findings import Finding
from services.secret import Secret

LIVE = "live"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A pepper to try; `label` says where it came from, never what it is."""

    label: str
    pepper: Secret


class PepperPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`target` is `live` or a backup; without candidates the profile's pepper is tried."""

    target: str = LIVE
    candidates: tuple[Candidate, ...] = ()


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """Values opened of those tried; `untold` could not be told, since not every user could be tried."""

    opened: int = 0
    total: int = 0
    untold: int = 0


class CandidateTried(msgspec.Struct, frozen=True, kw_only=True):
    """What one candidate opens; `key_check` compares it with the backup's own value without any data."""

    label: str
    opened: int = 0
    total: int = 0
    untold: int = 0
    key_check: Literal["equal", "differs", "none"] = "none"


class PepperResult(msgspec.Struct, frozen=True, kw_only=True):
    """The `pepper` document, of the best candidate; `by_user` has the user's id or `nobody`."""

    status: CheckStatus
    warnings: tuple[str, ...] = ()
    target: str = LIVE
    opened: int = 0
    total: int = 0
    untold: int = 0
    by_collection: dict[str, Opened] = {}
    by_user: dict[str, Opened] = {}
    key_check: Literal["equal", "differs", "none"] = "none"
    candidates: tuple[CandidateTried, ...] = ()
    findings: tuple[Finding, ...] = ()
    summary: str = ""
