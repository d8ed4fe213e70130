"""A job that waits for the server says so in its journal: what for, and since when."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from services.mongo.unreachable import host_of
from services.profile import MongoTarget

if TYPE_CHECKING:
    from services.jobs.context import JobContext

TELL_SECONDS = 1.0
"""A server that answers sooner is not worth a sentence."""


@contextmanager
def told_while_waiting(target: MongoTarget, ctx: JobContext | None) -> Iterator[None]:
    """Around what asks the server: once `TELL_SECONDS` have passed, one sentence goes into the journal."""
    if ctx is None:
        yield
        return
    since = ctx.clock()
    words = f"Waiting since {since:%H:%M:%S} UTC for MongoDB at {host_of(target)} to answer."
    timer = threading.Timer(TELL_SECONDS, ctx.log, (words,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        # A sentence on its way is in the journal before anything else is said.
        timer.join()
