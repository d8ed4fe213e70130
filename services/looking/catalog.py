"""Looks through the locations: every backup, and what could not be read."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from services.catalog.scan import Catalog as Catalog
from services.catalog.scan import survey
from services.paths import Paths
from services.profile import Profile


class CatalogRequest(msgspec.Struct, frozen=True, kw_only=True):
    """All locations of the profile."""


def look(request: CatalogRequest, profile: Profile, paths: Paths) -> Catalog:
    """The catalog, newest first, with what the newest good backup of each part counted.

    The counts come from its manifest: the journal of the job that made it may lie on another host, in another
    user's state folder, or be gone.
    """
    from services.catalog.sizes import sizes_of
    from services.status.parts import find_parts

    catalog = survey(profile.locations, profile, paths)
    newest = [found.backup for found in find_parts(profile, catalog, datetime.now(UTC)) if found.backup]
    counted = {backup.id: sizes for backup in newest if (sizes := sizes_of(backup)) is not None}
    return msgspec.structs.replace(catalog, sizes=counted)
