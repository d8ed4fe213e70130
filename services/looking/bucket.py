"""Looks at the live bucket: whether it is there, may be read, and what lies in it."""

from __future__ import annotations

import msgspec

from services.paths import Paths
from services.profile import Profile


class BucketRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`most` objects are listed at most."""

    most: int = 100_000


class BucketAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The application's objects below the prefix; `whole` is False when there are more than were listed."""

    bucket: str
    endpoint: str
    objects: int
    bytes: int
    whole: bool
    categories: dict[str, int] = {}
    problems: tuple[str, ...] = ()


def look(request: BucketRequest, profile: Profile, paths: Paths) -> BucketAnswer:
    """Lists. Errors: `QuillkeepError` naming a wrong key, a missing bucket, an unreachable endpoint."""
    raise NotImplementedError
