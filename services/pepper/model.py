"""What the pepper probe is asked for and what it answers; light enough for a front end."""

from __future__ import annotations

from typing import Literal

import msgspec

from services.catalog.model import CheckStatus
from services.findings import Finding
from services.secret import Secret

LIVE = "live"
CONFIGURED = "the configured pepper"
NOBODY = "nobody"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A pepper to try; `label` says where it came from, never what it is."""

    label: str
    pepper: Secret


class PepperPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`target` is `live` or a backup; without candidates the profile's pepper is tried."""

    target: str = LIVE
    candidates: tuple[Candidate, ...] = ()


KeyCheck = Literal["equal", "differs", "none"]


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """Values opened of those tried; `untold` could not be told, since not every user could be tried.

    `damaged` are no encrypted values any more, whatever the pepper. Both are part of `total`; the rest that
    is not `opened` does not open.
    """

    opened: int = 0
    total: int = 0
    untold: int = 0
    damaged: int = 0

    @property
    def failed(self) -> int:
        """Values that were tried with everyone they may belong to, and do not open."""
        return self.total - self.opened - self.untold - self.damaged


class CandidateTried(msgspec.Struct, frozen=True, kw_only=True):
    """What one candidate opens; `key_check` compares it with the backup's own value without any data.

    `short`: fewer characters than the application accepts.
    """

    label: str
    opened: int = 0
    total: int = 0
    untold: int = 0
    damaged: int = 0
    key_check: KeyCheck = "none"
    short: bool = False


class PepperResult(msgspec.Struct, frozen=True, kw_only=True):
    """The `pepper` document, of the best candidate; `by_user` has the user's id or `nobody`.

    `stored` are all encrypted values there are: a probe tries `total` of them. `more_users` are left out of
    `by_user`, those whose values do not open last of all. `next` is the step that goes on.
    """

    status: CheckStatus
    warnings: tuple[str, ...] = ()
    target: str = LIVE
    opened: int = 0
    total: int = 0
    untold: int = 0
    damaged: int = 0
    stored: int = 0
    by_collection: dict[str, Opened] = {}
    by_user: dict[str, Opened] = {}
    more_users: int = 0
    label: str = ""
    key_check: KeyCheck = "none"
    candidates: tuple[CandidateTried, ...] = ()
    findings: tuple[Finding, ...] = ()
    summary: str = ""
    next: str = ""


class PepperProof(msgspec.Struct, frozen=True, kw_only=True):
    """How a restore's result says it. `fail` is less than the backup itself had; `warn` was so there already.

    `opened` and `total` are of up to twelve values.
    """

    status: CheckStatus
    detail: str
    opened: int = 0
    total: int = 0
