"""Looks at one backup: everything that `show` says of it."""

from __future__ import annotations

from typing import Any

import msgspec

from services.catalog.listing import show
from services.paths import Paths
from services.profile import Profile


class ShowRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An id, `latest` or a path."""

    backup: str = "latest"


class ShowAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The `show` document."""

    document: dict[str, Any]


def look(request: ShowRequest, profile: Profile, paths: Paths) -> ShowAnswer:
    """Errors as `services.catalog.find.find_backup`."""
    return ShowAnswer(document=show(request.backup, profile, paths))
