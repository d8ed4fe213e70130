"""Runs a short operation in this process: the same operation a job would run, with a listener that narrates."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from services.jobs.context import JobContext
from services.jobs.events import AnyEvent, Log
from tui.session import Session


@contextlib.contextmanager
def local_context(session: Session) -> Iterator[JobContext]:
    """A context whose log goes to stderr and whose folder is gone afterwards."""

    def report(event: AnyEvent) -> None:
        if isinstance(event, Log):
            session.output.say(event.text)

    with tempfile.TemporaryDirectory(prefix="quillkeep-") as folder:
        yield JobContext(
            job="", profile=session.profile, paths=session.paths, folder=Path(folder), report=report
        )
