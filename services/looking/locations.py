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
    last_backup: str = ""
    """Id of the newest backup of ours there with an objects part, empty when there is none."""
    last_added: int | None = None
    """Bytes it really added: its files, and the objects not shared with the one before by hard links.

    None when there is no earlier one to compare with, or that could not be told.
    """


class LocationsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """In the profile's order."""

    locations: tuple[LocationSeen, ...]


LOCATION_SECONDS = 6.0
"""How long each location is waited for; all are asked at once."""


def look(request: LocationsRequest, profile: Profile, paths: Paths) -> LocationsAnswer:
    """Each by itself, read-only, in a process of its own: one that hangs carries its problem and holds up no other."""
    from services.looking.locations_probe import probe_all

    return LocationsAnswer(locations=probe_all(profile.locations, LOCATION_SECONDS))
