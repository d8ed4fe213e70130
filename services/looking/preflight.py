"""Looks at everything a restore of one backup needs beside the backup itself; what a plan refuses is known before it."""

from __future__ import annotations

import msgspec

from services.catalog.model import Backup, CheckStatus
from services.paths import Paths
from services.profile import Profile
from services.recovery.request import RestoreRequest


class PreflightRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What would be restored, and the backup of the catalog it means."""

    request: RestoreRequest
    backup: Backup


class PreflightCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One condition: `fail` refuses a restore, `warn` is a risk or worth knowing, `unknown` could not be told now."""

    name: str
    status: CheckStatus
    detail: str
    next: str = ""


class PreflightAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """In the order an admin reads them."""

    checks: tuple[PreflightCheck, ...]


def look(request: PreflightRequest, profile: Profile, paths: Paths) -> PreflightAnswer:
    """Connects, asks, and leaves; writes nothing and takes at most 18 s. What fails is an answer, never an error."""
    from services.looking.preflight_asking import ask

    return ask(request, profile)
