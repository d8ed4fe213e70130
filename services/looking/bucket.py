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


ANSWER_SECONDS = 6.0
"""How long the first answer may take: a stopped server accepts connections and never says a word."""
LIST_SECONDS = 9.0
"""When the listing is ended with what it has."""


def look(request: BucketRequest, profile: Profile, paths: Paths) -> BucketAnswer:
    """Lists, for 9 s and `request.most` objects at most; what is over is said by `whole`.

    Errors: `QuillkeepError` without a configured bucket; `Refused` without keys; `BucketMissing`,
    `WrongCredentials`, `BucketForbidden`, `BucketUnreachable`, each with its own next step.
    """
    from services.looking.bucket_listing import list_bucket

    return list_bucket(request.most, profile)
