"""Looks at the folders of backups: free space and what they can do."""

from __future__ import annotations

import msgspec

from services.paths import Paths
from services.profile import Profile


class LocationsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """All locations of the profile."""


class LocationSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One location; bytes; `abilities` in words (`hard links`, `modes`, `case-sensitive names` ...)."""

    name: str
    path: str
    free: int | None
    total: int | None
    writable: bool
    filesystem: str = ""
    abilities: tuple[str, ...] = ()
    problem: str = ""


class LocationsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """In the profile's order."""

    locations: tuple[LocationSeen, ...]


def look(request: LocationsRequest, profile: Profile, paths: Paths) -> LocationsAnswer:
    """Each by itself: one that cannot be read carries its problem."""
    raise NotImplementedError
