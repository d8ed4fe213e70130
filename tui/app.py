"""The console: modes, global keys, themes and signals, and nothing that a verb could not do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from textual.app import App
from textual.binding import Binding, BindingType
from textual.signal import Signal

from services.errors import QuillkeepError
from tui.first_run import needs_first_run
from tui.modes import FIRST_RUN
from tui.modes import MODES as EVERY_MODE
from tui.store import Problem, Store
from widgets.glyphs import Glyphs

if TYPE_CHECKING:
    from services.jobs.launch import StartedJob

JOBS_SECONDS = 2.0
"""How often the state folder is looked at for jobs that somebody else started."""


class QuillkeepApp(App[int]):
    """Wiring only; `store` is what it knows, `changes` tells screens what of it is new."""

    TITLE = "Quillkeep"
    CSS_PATH = "styles/console.tcss"
    MODES = {mode.name: mode.load() for mode in (*EVERY_MODE, FIRST_RUN)}
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (120, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(mode.key, f"show_mode('{mode.name}')", mode.title, show=False, id=f"mode.{mode.name}")
            for mode in EVERY_MODE
        ),
        Binding("X", "break_something", "Break something", id="demo.break", tooltip="Only in the demo"),
        Binding("ctrl+q", "leave", "Quit", id="app.quit", tooltip="Leave; running jobs go on", priority=True),
    ]

    def __init__(
        self, store: Store, *, glyphs: Glyphs | None = None, start_mode: str | None = None
    ) -> None:
        super().__init__()
        self.store = store
        self.glyphs = glyphs or Glyphs()
        self.changes: Signal[str] = Signal(self, "changes")
        store.changed = self.changes.publish
        self._start_mode = start_mode or (FIRST_RUN.name if needs_first_run(store) else "health")

    async def on_mount(self) -> None:
        """The first frame shows what needs no connection; looking begins after it."""
        await self.switch_mode(self._start_mode)
        self.set_interval(JOBS_SECONDS, self.look_at_jobs)
        self.call_after_refresh(self.look_at_everything)
        if self.store.hint:
            self.say(self.store.hint)

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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be broken but the demo."""
        return self.store.demo is not None if action == "break_something" else True

    def action_break_something(self) -> None:
        """The demo's menu of disasters."""
        from tui.screens.break_menu import BreakMenu

        self.push_screen(BreakMenu())

    def action_leave(self) -> None:
        """Leaves the console; jobs go on."""
        self.exit(0)

    def say(self, text: str, *, severity: Any = "information", title: str = "") -> None:
        """A notification; its text is never markup."""
        self.notify(text, title=title, severity=severity, markup=False)

    async def begin_job(self, verb: str, plan: msgspec.Struct) -> StartedJob | None:
        """Starts a job; what forbids it is shown, and None given."""
        try:
            return await self.store.start_job(verb, plan)
        except QuillkeepError as error:
            self.show_problem(Problem.of(error))
            return None

    def open_job(self, job: str) -> None:
        """Shows one job over the screen in front, live while it runs."""
        from tui.screens.job import JobScreen

        self.push_screen(JobScreen(job))

    async def open_restore(self, *, backup: str = "", collections: tuple[str, ...] = ()) -> None:
        """The restore wizard, on a backup and collections when they are named; an open wizard is kept."""
        from tui.screens.restore.wizard import RestoreScreen

        await self.switch_mode("restore")
        if isinstance(self.screen, RestoreScreen):
            self.screen.begin(backup=backup, collections=collections)

    def show_problem(self, problem: Problem) -> None:
        """An error as a dialog: what happened, what was and wasn't touched, the next step."""
        from tui.screens.text import ProblemModal

        self.push_screen(ProblemModal(problem))

    def show_text(self, title: str, text: str, *, name: str) -> None:
        """A text to read, copy (OSC 52) or save as a file called `name`."""
        from tui.screens.text import TextModal

        self.push_screen(TextModal(title, text, name=name))

    def copy_text(self, text: str, *, name: str) -> None:
        """Sends a text to the terminal's clipboard (OSC 52); where that is not heard, `s` saves it."""
        from services.redact import redact_values

        self.copy_to_clipboard(redact_values(text))
        self.say(f"Copied: {name}. Where the clipboard stays empty, s saves it to a file.")

    def save_text(self, text: str, *, name: str) -> None:
        """Asks for a path, proposing ~/`name`, and writes the text there as a new file (0600)."""
        from services.redact import redact_values
        from tui.screens.text import SaveModal

        self.push_screen(SaveModal(redact_values(text), name=name))
