"""Looks into the trash of every location."""

from __future__ import annotations

from typing import Any

import msgspec

from services.paths import Paths
from services.profile import Profile


class TrashRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`measure` walks every file for what emptying would free; without it those figures are None."""

    measure: bool = False


class TrashAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The `trash list` document."""

    document: dict[str, Any]


def look(request: TrashRequest, profile: Profile, paths: Paths) -> TrashAnswer:
    """What cannot be read is among the document's warnings."""
    from services.operations.trash import trash_document

    return TrashAnswer(document=trash_document(profile, measure=request.measure))
