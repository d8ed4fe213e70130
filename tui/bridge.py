"""Blocking calls and journals, brought to the event loop: nothing here blocks it or keeps the console alive."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from textual.message import Message
from textual.message_pump import MessagePump

from services.jobs.events import AnyEvent, Finished, Progress
from tui.backend import Backend

P = ParamSpec("P")
T = TypeVar("T")
FLUSH_SECONDS = 0.25
"""A job's events reach a screen at most four times a second."""


async def apart(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs a blocking call in a daemon thread of its own.

    Unlike an executor's threads, one that hangs (a dead mount) neither takes another's place nor is waited
    for when the console ends; a caller that is cancelled simply never hears of it.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def deliver(settle: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            settle(value)

    def run() -> None:
        try:
            value = function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - handed to whoever awaits it
            outcome: tuple[Callable[[Any], None], Any] = (future.set_exception, error)
        else:
            outcome = (future.set_result, value)
        try:
            loop.call_soon_threadsafe(deliver, *outcome)
        except RuntimeError:
            # The loop is closed: the console has ended and nobody awaits this any more.
            return

    threading.Thread(target=run, name=f"apart-{getattr(function, '__name__', 'call')}", daemon=True).start()
    return await future


class JobNews(Message):
    """What a job's journal says since the last time, in order; of progress only the newest."""

    def __init__(self, job: str, events: tuple[AnyEvent, ...], *, ended: bool) -> None:
        super().__init__()
        self.job = job
        self.events = events
        self.ended = ended
        """Nothing more will come: it finished, or its process is gone."""

    @property
    def finished(self) -> Finished | None:
        """The last line, when it is among these."""
        return next((event for event in self.events if isinstance(event, Finished)), None)


class _Closed(Exception):
    """The reader has gone."""


class Follower:
    """Reads a job's journal in a thread and posts `JobNews` to a screen or widget until it ends or is closed."""

    def __init__(self, backend: Backend, listener: MessagePump, job: str, folder: Path) -> None:
        self.job = job
        self._backend = backend
        self._listener = listener
        self._folder = folder
        self._closed = threading.Event()
        self._held: list[AnyEvent] = []
        self._flushed = 0.0
        self._caught_up = False
        threading.Thread(target=self._run, name=f"follow-{job}", daemon=True).start()

    def close(self) -> None:
        """Stops reading; the job is not touched."""
        self._closed.set()

    def _run(self) -> None:
        try:
            for event in self._backend.follow(self._folder, idle=self._idle):
                if isinstance(event, Progress) and self._held and isinstance(self._held[-1], Progress):
                    self._held.pop()
                self._held.append(event)
                self._flush_when_due()
        except _Closed:
            return
        except OSError as error:
            from datetime import UTC, datetime

            from services.jobs.events import Log

            text = f"The journal of job {self.job} cannot be read: {error.strerror or error}."
            self._held.append(Log(at=datetime.now(UTC), level="error", text=text))
        self._flush(ended=True)

    def _idle(self) -> None:
        """Everything that stood in the journal was read."""
        self._caught_up = True
        self._flush_when_due()

    def _flush_when_due(self) -> None:
        """Nothing before the journal was read to its end once: half of it would tell of an hour ago as of now."""
        if self._closed.is_set():
            raise _Closed
        if self._held and self._caught_up and time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self._flush(ended=False)

    def _flush(self, *, ended: bool) -> None:
        self._flushed = time.monotonic()
        events, self._held = tuple(self._held), []
        if not self._closed.is_set():
            self._listener.post_message(JobNews(self.job, events, ended=ended))
