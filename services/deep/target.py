"""The server a backup is loaded into: what an embedded one and the live one, aside, have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from services.jobs.context import JobContext

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.database import Database

LOOK_SECONDS = 1.0


class Target(Protocol):
    """Where collections are loaded; `watch` is called between batches and raises to end the load."""

    own: bool
    """Whether the server ends with this job, so that what is under way in it may be left behind."""
    version: str
    fast: MongoClient[Any]
    guard: bool
    bypass: bool
    """Whether documents that a validator refuses can be loaded all the same."""
    series: str
    """Why time series cannot be loaded here; empty when they can."""
    not_validated: str
    """Why the server's validate is not run, with the line that allows it; empty when it is."""

    def database(self, name: str) -> Database[Any]:
        """Where the collections of a backup's database go."""

    def name_of(self, ordinal: int, name: str) -> str:
        """What a collection is called here."""

    def metadata(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """A collection's options and indexes as they are used here."""

    def watch(self) -> None:
        """Ends the load when it was cancelled, has to give way, or when the disk fills."""

    def confirm(self) -> None:
        """`watch` without its pace: what was found counts only when this says nothing."""

    def close(self) -> None:
        """Leaves nothing behind."""


class Paced:
    """Calls `look` at most once a second, and the job's own check each time."""

    def __init__(self, ctx: JobContext, look: Callable[[], None]) -> None:
        self._ctx = ctx
        self._look = look
        self._next = 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._next:
            self.now()
        else:
            self._ctx.check()

    def now(self) -> None:
        """Looks in any case."""
        self._ctx.check()
        self._next = time.monotonic() + LOOK_SECONDS
        self._look()
