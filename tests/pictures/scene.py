"""A picture: a console on what was recorded, the keys that lead to it, and what must stand there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from textual.pilot import Pilot

from services.history.model import History
from services.jobs.events import AnyEvent
from services.jobs.listing import JobSummary
from services.profile import Profile
from tests.pictures import recording
from tests.pictures.rest import at_rest, hurried
from tests.recorded import RecordedBackend
from tui.app import QuillkeepApp
from tui.store import Store
from widgets.glyphs import Glyphs

Play = Callable[[Pilot[Any]], Awaitable[None]]
NARROW = (80, 24)
WIDE = (120, 40)


@dataclass(frozen=True)
class Scene:
    """`play` leads from the first frame to the picture; `sizes` are columns and rows."""

    name: str
    play: Play
    looks: Mapping[str, Any] = field(default_factory=dict)
    afterwards: Mapping[str, Any] = field(default_factory=dict)
    """Answers of looks once a restore was started."""
    jobs: Callable[[], list[JobSummary]] = list
    journals: Mapping[str, Callable[[], list[AnyEvent]]] = field(default_factory=dict)
    history: Callable[[], History] = recording.history
    now: Callable[[], datetime] = recording.now
    profile: Profile = recording.PROFILE
    mode: str = "health"
    sizes: tuple[tuple[int, int], ...] = (NARROW, WIDE)
    theme: str = ""
    utf8: bool = True
    no_color: bool = False
    store: Mapping[str, Any] = field(default_factory=dict)
    app_options: Mapping[str, Any] = field(default_factory=dict)

    def app(self) -> QuillkeepApp:
        """A fresh console for one picture."""
        backend = RecordedBackend(
            now=self.now(),
            looks={**healthy(), **self.looks},
            jobs=self.jobs(),
            journals={verb: read() for verb, read in self.journals.items()},
            history=self.history(),
            kept=recording.PATHS.jobs,
            afterwards=self.afterwards,
        )
        store = Store(backend, self.profile, **{"settings": recording.SETTINGS, **self.store})
        app = QuillkeepApp(
            store, glyphs=Glyphs(utf8=self.utf8), start_mode=self.mode or None, **self.app_options
        )
        if self.theme:
            app.theme = self.theme
        return app

    async def lead(self, pilot: Pilot[Any]) -> None:
        """Plays it in an open console and lets it come to rest."""
        assert isinstance(pilot.app, QuillkeepApp)
        with hurried():
            await at_rest(pilot)
            await self.play(pilot)
            pilot.app.clear_notifications()
            await at_rest(pilot)


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
        "integrity",
    )
    return {kind: recording.look(kind) for kind in kinds}
