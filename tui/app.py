"""The console: modes, global keys, themes and signals, and nothing that a verb could not do."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.signal import Signal

from tui.modes import MODES as EVERY_MODE
from tui.store import Store
from widgets.glyphs import Glyphs

JOBS_SECONDS = 2.0
"""How often the state folder is looked at for jobs that somebody else started."""


class QuillkeepApp(App[int]):
    """Wiring only; `store` is what it knows, `changes` tells screens what of it is new."""

    TITLE = "Quillkeep"
    CSS_PATH = "styles/console.tcss"
    MODES = {mode.name: mode.load() for mode in EVERY_MODE}
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (120, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(mode.key, f"show_mode('{mode.name}')", mode.title, show=False, id=f"mode.{mode.name}")
            for mode in EVERY_MODE
        ),
        Binding("ctrl+q", "leave", "Quit", id="app.quit", tooltip="Leave; running jobs go on", priority=True),
    ]

    def __init__(self, store: Store, *, glyphs: Glyphs | None = None, start_mode: str = "health") -> None:
        super().__init__()
        self.store = store
        self.glyphs = glyphs or Glyphs()
        self.changes: Signal[str] = Signal(self, "changes")
        store.changed = self.changes.publish
        self._start_mode = start_mode

    async def on_mount(self) -> None:
        """The first frame shows what needs no connection; looking begins after it."""
        await self.switch_mode(self._start_mode)
        self.set_interval(JOBS_SECONDS, self.look_at_jobs)
        self.call_after_refresh(self.look_at_everything)

    def look_at(self, *names: str) -> None:
        """Asks looks again, each in a worker."""
        for name in names:
            self.run_worker(self.store.refresh(name), group=f"look-{name}", description=name)

    def look_at_jobs(self) -> None:
        """Reads the jobs again."""
        self.run_worker(self.store.refresh_jobs(), group="jobs", description="jobs")

    def look_at_everything(self) -> None:
        """All that Health shows."""
        self.look_at_jobs()
        self.look_at("catalog")

    async def action_show_mode(self, name: str) -> None:
        """Switches to a mode; what its screens hold stays."""
        await self.switch_mode(name)

    def action_leave(self) -> None:
        """Leaves the console; jobs go on."""
        self.exit(0)

    def say(self, text: str, *, severity: Any = "information", title: str = "") -> None:
        """A notification; its text is never markup."""
        self.notify(text, title=title, severity=severity, markup=False)
