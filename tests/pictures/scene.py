"""A picture: a console on what was recorded, the keys that lead to it, and what must stand there."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from textual.pilot import Pilot

from services.jobs.events import AnyEvent
from services.jobs.listing import JobSummary
from services.profile import Profile
from tests.pictures import recording
from tests.recorded import RecordedBackend
from tests.tui_support import Console
from tui.app import QuillkeepApp
from tui.store import Store
from widgets.glyphs import Glyphs

NARROW = (80, 24)
WIDE = (120, 40)


@dataclass(frozen=True)
class Scene:
    """`play` leads from the first frame to the picture; `sizes` are columns and rows."""

    name: str
    play: Callable[[Console], Awaitable[None]]
    looks: Mapping[str, Any] = field(default_factory=dict)
    jobs: Callable[[], list[JobSummary]] = list
    journals: Mapping[str, Callable[[], list[AnyEvent]]] = field(default_factory=dict)
    profile: Profile = recording.PROFILE
    mode: str = "health"
    sizes: tuple[tuple[int, int], ...] = (NARROW, WIDE)
    theme: str = ""
    utf8: bool = True
    no_color: bool = False
    store: Mapping[str, Any] = field(default_factory=dict)

    def app(self) -> QuillkeepApp:
        """A fresh console for one picture."""
        backend = RecordedBackend(
            recording.PATHS,
            now=recording.now(),
            looks={**healthy(), **self.looks},
            jobs=self.jobs(),
            journals={verb: read() for verb, read in self.journals.items()},
        )
        store = Store(backend, self.profile, **self.store)
        app = QuillkeepApp(store, glyphs=Glyphs(utf8=self.utf8), start_mode=self.mode)
        if self.theme:
            app.theme = self.theme
        return app

    async def lead(self, pilot: Pilot[Any]) -> None:
        """Plays it in an open console and lets it come to rest."""
        assert isinstance(pilot.app, QuillkeepApp)
        await at_rest(Console(pilot.app, pilot))
        await self.play(Console(pilot.app, pilot))
        pilot.app.clear_notifications()
        await at_rest(Console(pilot.app, pilot))


STILL_LOOKS = 4
AT_MOST_SECONDS = 3.0


async def at_rest(console: Console) -> None:
    """Waits until the screen stands still and no worker but one that never answers is at work."""
    deadline = time.monotonic() + AT_MOST_SECONDS
    before, still = "", 0
    while still < STILL_LOOKS and time.monotonic() < deadline:
        await console.pilot.pause(0.03)
        still = still + 1 if console.text == before else 0
        before = console.text


def healthy() -> dict[str, Any]:
    """What every look answered while all was well."""
    kinds = (
        "catalog",
        "live",
        "bucket",
        "locations",
        "show",
        "rates",
        "contents",
        "preflight",
        "trash",
        "discover",
    )
    return {kind: recording.look(kind) for kind in kinds}
