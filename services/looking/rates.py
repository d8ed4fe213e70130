"""Looks at how quick this deployment's own restores, verifications and backups were, in the journals of its jobs."""

from __future__ import annotations

import msgspec

from services.paths import Paths
from services.profile import Profile
from services.status.model import Rates


class RatesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The profile's jobs on this host."""


def look(request: RatesRequest, profile: Profile, paths: Paths) -> Rates:
    """Errors: `QuillkeepError` where this user may not read the jobs."""
    from services.status.rates import measure

    return measure(profile, paths)
