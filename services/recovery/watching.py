"""The watcher around everything that may leave the application stopped or data half swapped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.jobs.context import JobContext
from services.jobs.journal import JOURNAL


@contextmanager
def watched(ctx: JobContext) -> Iterator[Callable[[], None]]:
    """Starts the job's watcher; call what it gives before anything is stopped or changed: then it watches.

    It comes up while the plan is made. An operation that runs inside another process has no journal and
    needs none. Errors of the call: `QuillkeepError` when the watcher did not start.
    """
    if not (ctx.folder / JOURNAL).exists():
        yield lambda: None
        return
    failures: list[BaseException] = []

    def start() -> None:
        from services.jobs.watcher import start_watcher

        try:
            start_watcher(ctx)
        except BaseException as error:  # noqa: BLE001 - raised by `ready` in the operation's thread
            failures.append(error)

    thread = threading.Thread(target=start, daemon=True)
    thread.start()

    def ready() -> None:
        thread.join()
        if failures:
            raise failures[0]

    try:
        yield ready
    finally:
        thread.join()
