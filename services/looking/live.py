"""Looks at the live database: what is there, who else is there, and what earlier restores left."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from services.paths import Paths
from services.profile import Profile


class LiveRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The profile's database."""


class CollectionSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One live collection or view of the application; sizes in bytes, None for a view."""

    name: str
    kind: Literal["collection", "view", "timeseries"]
    documents: int | None
    bytes: int | None
    index_bytes: int | None
    indexes: int | None


class SwapSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore or rollback left in the database, by its record and by listCollections.

    `state` is `unfinished` (live data may be half old and half new: `way_on` are the commands), `holds copies`
    (can be rolled back until released) or `released`; `loading` died before it touched anything live. `collections` says of each name where it stands.
    """

    job: str
    verb: Literal["restore", "rollback"]
    state: Literal["loading", "unfinished", "holds copies", "released"]
    backup: str
    started: datetime
    finished: datetime | None = None
    until: datetime | None = None
    documents: int = 0
    bytes: int = 0
    objects: int = 0
    collections: dict[str, str] = {}
    way_on: tuple[str, ...] = ()
    app_stopped: bool = False
    """This job stopped the application, and nobody has started it since."""
    working: str = ""
    """The living job that works on it right now: then it is unfinished because it is not over. Empty: nobody."""


class LiveAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The live database now; `problems` are sentences on what could not be told, each with its next step."""

    server: str
    version: str
    topology: Literal["standalone", "replica set", "sharded"]
    database: str
    collections: tuple[CollectionSeen, ...]
    rights_missing: tuple[str, ...] = ()
    """Actions a restore needs that this user lacks."""
    grant: str = ""
    """The line to run in mongosh for them, empty when nothing is missing."""
    space_free: int | None = None
    space_needed_factor: float = 1.05
    lock: str = ""
    """Who holds the lock of writing jobs, in words; empty when nobody does."""
    swaps: tuple[SwapSeen, ...] = ()
    """Newest first."""
    writers: str = ""
    """Other clients that may write, in words; empty when none were seen."""
    writers_known: bool = True
    app: Literal["running", "stopped", "unknown", "no control"] = "no control"
    application_version: str = ""
    problems: tuple[str, ...] = ()


def look(request: LiveRequest, profile: Profile, paths: Paths) -> LiveAnswer:
    """Connects, asks, and leaves; writes nothing and takes at most 8 s.

    Errors: `QuillkeepError` without a configured database; `DatabaseUnreachable` in the words of
    `services.mongo.unreachable` (refused, unknown host, wrong password, no rights, TLS, no primary).
    """
    from services.looking.live_asking import ask

    return ask(profile)
