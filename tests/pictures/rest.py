"""When a console stands still: nothing it asked is on its way, no message waits, no short timer runs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textual.app import App
from textual.events import Key
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot
from textual.worker import WorkerState

from tests.recorded import RESTING
from tests.tui_support import text_of

STILL_LOOKS = 3
AT_MOST_SECONDS = 20.0
SHORT_SECONDS = 2.0
"""A timer that fires once, within this, belongs to what was just done; a notice's own ten seconds do not."""


@contextmanager
def hurried() -> Iterator[None]:
    """The console without the pauses that spare a slow line and a person who scrolls."""
    from tui import bridge
    from tui.screens import job
    from tui.screens.restore import choose_backup

    pauses: list[tuple[Any, str]] = [
        (bridge, "FLUSH_SECONDS"),
        (job, "LOG_SECONDS"),
        (choose_backup, "PAUSE_SECONDS"),
    ]
    before = [getattr(module, name) for module, name in pauses]
    for module, name in pauses:
        setattr(module, name, 0.001)
    try:
        yield
    finally:
        for (module, name), value in zip(pauses, before, strict=True):
            setattr(module, name, value)


async def at_rest(pilot: Pilot[Any]) -> None:
    """Waits until the screen stands still. Errors: AssertionError with what still moves."""
    deadline = time.monotonic() + AT_MOST_SECONDS
    before, still = "", 0
    while still < STILL_LOOKS:
        await pilot.pause(0)
        if pilot.app._exception is not None:
            raise pilot.app._exception
        if busy := moving(pilot.app):
            still = 0
            await asyncio.sleep(0.003)
        else:
            now = text_of(pilot.app)  # type: ignore[arg-type]
            still = still + 1 if now == before else 0
            before = now
        if time.monotonic() > deadline:
            raise AssertionError(f"it never stood still: {busy or 'the text changes'}\n{before}")


def moving(app: App[Any]) -> str:
    """What is still under way, empty when nothing is."""
    for thread in threading.enumerate():
        if thread.name.startswith(("apart-", "follow-")) and thread not in RESTING:
            return thread.name
    working = [worker for worker in app.workers if worker.state in (WorkerState.PENDING, WorkerState.RUNNING)]
    backend = getattr(getattr(app, "store", None), "backend", None)
    if len(working) > getattr(backend, "silenced", 0):
        return ", ".join(worker.description for worker in working)
    for widget in (app, *app.screen.walk_children(with_self=True)):
        if not widget._message_queue.empty():
            return f"a message for {widget}"
        for timer in widget._timers:
            running = timer._task is not None and not timer._task.done()
            if running and timer._repeat == 0 and timer._interval < SHORT_SECONDS:
                return f"a timer of {widget}"
    return ""


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Keys as a terminal sends them, the screen at rest after each: quicker than the pilot's own pauses."""
    import unicodedata

    for given in keys:
        key = _character_to_key(given) if len(given) == 1 and not given.isalnum() else given
        char: str | None
        try:
            char = unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(key, key)))
        except KeyError:
            char = key if len(key) == 1 else None
        event = Key(key, char)
        event.set_sender(pilot.app)
        assert pilot.app._driver is not None
        pilot.app._driver.send_message(event)
        await at_rest(pilot)
