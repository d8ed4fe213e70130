"""Looks at where a deep verify of a backup would load it; asks no server."""

from __future__ import annotations

from typing import Literal

import msgspec

from services.paths import Paths
from services.profile import Profile


class DeepPlaceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`encrypted`: whether the backup is, since such a one is unpacked into memory only."""

    encrypted: bool = False


class DeepPlaceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`where` is None when nowhere, for `reason`, with the `next` step; `words` say where, in words."""

    where: Literal["embedded", "live"] | None
    words: str = ""
    reason: str = ""
    next: str = ""


def look(request: DeepPlaceRequest, profile: Profile, paths: Paths) -> DeepPlaceAnswer:
    """By what is installed, the profile and the folders; room for the documents is looked at by the job."""
    from services.deep.model import DeepOptions
    from services.deep.place import choose
    from services.mongo.unreachable import host_of

    place = choose(profile, paths, DeepOptions(), encrypted=request.encrypted)
    words = place.words
    if place.where == "live" and profile.mongo is not None:
        words = f"{host_of(profile.mongo)}, database {profile.mongo.database}"
    return DeepPlaceAnswer(where=place.where, words=words, reason=place.reason, next=place.next)
