"""Looks whether an encrypted backup opens with the profile's passphrase; only its first bytes are read."""

from __future__ import annotations

import msgspec

from services.catalog.model import Backup
from services.paths import Paths
from services.profile import Profile


class OpeningRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A backup of the catalog."""

    backup: Backup


class OpeningAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Empty when it opens; `why` as `services.streams.locked.Why`."""

    why: str = ""
    what: str = ""
    next: str = ""


def look(request: OpeningRequest, profile: Profile, paths: Paths) -> OpeningAnswer:
    """What cannot be read is an empty answer: the job that follows says it."""
    from services.opening import why_closed
    from services.passphrase import key_of

    closed = why_closed(request.backup, key_of(profile), limits=profile.limits)
    if closed is None:
        return OpeningAnswer()
    return OpeningAnswer(why=closed.why, what=f"{closed.what} {closed.cause}".strip(), next=closed.next)
