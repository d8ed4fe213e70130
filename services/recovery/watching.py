"""The watcher around everything that may leave the application stopped or data half swapped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.jobs.context import JobContext
from services.jobs.journal import JOURNAL


@contextmanager
def watched(ctx: JobContext) -> Iterator[None]:
    """Starts the job's watcher; an operation that runs inside another process has no journal and needs none."""
    if (ctx.folder / JOURNAL).exists():
        from services.jobs.watcher import start_watcher

        start_watcher(ctx)
    yield
