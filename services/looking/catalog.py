"""Looks through the locations: every backup, and what could not be read."""

from __future__ import annotations

import msgspec

from services.catalog.scan import Catalog as Catalog
from services.catalog.scan import survey
from services.paths import Paths
from services.profile import Profile


class CatalogRequest(msgspec.Struct, frozen=True, kw_only=True):
    """All locations of the profile."""


def look(request: CatalogRequest, profile: Profile, paths: Paths) -> Catalog:
    """The catalog, newest first."""
    return survey(profile.locations, profile, paths)
