"""The console: modes, global keys, themes and signals, and nothing that a verb could not do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from textual.binding import Binding, BindingType
from textual.events import Event, Key, Resize
from textual.screen import Screen
from textual.signal import Signal
from textual.widgets import Input

from services.errors import QuillkeepError
from tui.attention import Attention
from tui.crash import goes_on
from tui.first_run import needs_first_run
from tui.frame import Frame
from tui.modes import FIRST_RUN
from tui.modes import MODES as EVERY_MODE
from tui.opening import ready_for
from tui.store import Problem, Store
from tui.work import start_work
from widgets.glyphs import Glyphs
from widgets.too_small import is_too_small

if TYPE_CHECKING:
    from services.jobs.launch import StartedJob
    from services.jobs.listing import JobSummary
    from services.profile import Profile
    from services.settings.config import Config
    from services.settings.flags import Flags
    from services.settings.resolve import Settings
    from tui.commands import Command

JOBS_SECONDS = 2.0
"""How often the state folder is looked at for jobs that somebody else started."""

CLIPBOARD_BYTES = 70_000
"""Terminals drop an OSC 52 of more than 100,000 bytes, which are 74,994 of text."""
NOTICE_SECONDS, NOTICE_MOST_SECONDS = 2.0, 6.0
READ_PER_SECOND = 25.0
"""How long a notice stands: what reading it takes."""


class QuillkeepApp(Frame):
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
        Binding("question_mark", "help", "Help", show=False, id="app.help", tooltip="For what has the focus"),
        Binding(
            "ctrl+p",
            "commands",
            "All actions",
            show=False,
            id="app.commands",
            tooltip="Every action, its key, and why it is disabled",
            priority=True,
        ),
        Binding("P", "profiles", "Profiles", show=False, id="app.profiles", tooltip="Another deployment"),
        Binding(
            "L",
            "read_only",
            "READ-ONLY on",
            show=False,
            id="app.read-only",
            tooltip="Nothing turns it off again in this console",
        ),
        Binding(
            "ctrl+q", "leave", "Quit", show=False, id="app.quit", tooltip="Running jobs go on", priority=True
        ),
        Binding(
            "ctrl+l",
            "redraw",
            "Redraw",
            show=False,
            id="app.redraw",
            tooltip="When something else wrote on this terminal",
            priority=True,
        ),
        Binding("ctrl+c", "how_to_quit", show=False, id="app.how-to-quit", system=True),
        Binding("q", "how_to_quit", show=False, id="app.no-quit", system=True),
        Binding(
            "ctrl+z",
            "suspend_process",
            "Suspend",
            show=False,
            id="app.suspend",
            tooltip="Back to the shell; `fg` returns",
            priority=True,
        ),
    ]

    def __init__(
        self,
        store: Store,
        *,
        glyphs: Glyphs | None = None,
        start_mode: str | None = None,
        flags: Flags | None = None,
        config: Config | None = None,
        theme: str = "",
        keymap: dict[str, str] | None = None,
        must_choose: bool = False,
    ) -> None:
        super().__init__(glyphs=glyphs, theme=theme)
        self.store = store
        self.flags = flags
        """What the command line said; None where profiles cannot be switched (the demo)."""
        self.config = config or (store.settings.config if store.settings else None)
        self.changes: Signal[str] = Signal(self, "changes")
        store.changed = self.changes.publish
        self.keymap = keymap or {}
        self.set_keymap(self.keymap)
        self._attention = Attention(self)
        self._must_choose = must_choose
        first = not must_choose and needs_first_run(store)
        self._start_mode = start_mode or (FIRST_RUN.name if first else "health")

    @property
    def running(self) -> Sequence[JobSummary]:
        """The jobs that go on when the console ends."""
        return self.store.running

    async def on_event(self, event: Event) -> None:
        """The first key of whoever sits there ends what the console would show by itself."""
        if isinstance(event, Key):
            self._attention.leave()
            if self._notifications and (event.key == "escape" or isinstance(self.focused, Input)):
                # Escape puts a notice away, and none stays above a line that is being typed into.
                self.clear_notifications()
        await super().on_event(event)

    async def on_mount(self) -> None:
        """The first frame shows what needs no connection; looking begins after it."""
        from tui.signals import heed_signals

        heed_signals(self)
        self.app_resume_signal.subscribe(self, lambda _: self.redraw())
        self.changes.subscribe(self, self._attention.heard)
        await self.switch_mode(self._start_mode)
        if self._must_choose:
            self.action_profiles()
        self._check_size(*self.size)
        self.set_interval(JOBS_SECONDS, self.look_at_jobs)
        self.call_after_refresh(self.look_at_jobs if self._must_choose else self.look_at_everything)
        if self.store.hint:
            self.say(self.store.hint)

    # What every screen may ask of the console.

    def look_at(self, *names: str) -> None:
        """Asks looks again, each in a worker."""
        for name in names:
            start_work(self, partial(self.store.refresh, name), group=f"look-{name}", description=name)

    def look_at_jobs(self) -> None:
        """Reads the jobs again."""
        start_work(self, self.store.refresh_jobs, group="jobs", description="jobs")

    def look_at_everything(self) -> None:
        """All that Health shows."""
        self.look_at_jobs()
        self.look_at("catalog", "live", "bucket", "locations", "rates")

    def say(self, text: str, *, severity: Any = "information", title: str = "") -> None:
        """A notification in place of the one before; its text is never markup."""
        self.clear_notifications()
        seconds = min(NOTICE_MOST_SECONDS, NOTICE_SECONDS + len(text) / READ_PER_SECOND)
        self.notify(text, title=title, severity=severity, markup=False, timeout=seconds)

    async def begin_job(self, verb: str, plan: msgspec.Struct) -> StartedJob | None:
        """Starts a job; what forbids it is shown, and None given."""
        if not await ready_for(self, verb, plan):
            return None
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

        if len(text.encode("utf-8", "replace")) > CLIPBOARD_BYTES:
            self.say(
                f"{name} is too long for a terminal's clipboard: s saves it to a file.", severity="warning"
            )
            return
        self.copy_to_clipboard(redact_values(text))
        self.say(f"Copied: {name}. Not in the clipboard? s saves it.")

    def save_text(self, text: str, *, name: str) -> None:
        """Asks for a path, proposing ~/`name`, and writes the text there as a new file (0600)."""
        from services.redact import redact_values
        from tui.screens.text import SaveModal

        self.push_screen(SaveModal(redact_values(text), name=name))

    # Modes, profiles, READ-ONLY.

    async def action_show_mode(self, name: str) -> None:
        """Switches to a mode; what its screens hold stays. Its own key again, and Health's always, ends on its base."""
        again = name == self.current_mode
        await self.switch_mode(name)
        if again or name == "health":
            # Not awaited: the key's own screen is among those that go.
            while len(self.screen_stack) > 1 and not self.screen.is_modal:
                self.pop_screen()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be broken but the demo."""
        return self.store.demo is not None if action == "break_something" else True

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        """A key whose action is disabled now says why, instead of nothing."""
        if await super()._check_bindings(key, priority):
            return True
        active = None if priority else self.screen.active_bindings.get(key)
        if active is None or active.enabled:
            return False
        from tui.commands import NOT_NOW, why_disabled

        self.say(why_disabled(active.node, active.binding.action) or NOT_NOW, severity="warning")
        return True

    def action_break_something(self) -> None:
        """The demo's menu of disasters."""
        from tui.screens.break_menu import BreakMenu

        self.push_screen(BreakMenu())

    @property
    def profile_names(self) -> tuple[str, ...]:
        """The configured profiles; none where they are not read."""
        return tuple(self.config.profiles) if self.config is not None and self.flags is not None else ()

    @property
    def wizard_open(self) -> bool:
        """Whether the restore wizard holds more than its first step."""
        stack: Sequence[Screen[Any]] = self._screen_stacks.get("restore", ())
        ask: Callable[[], bool] | None = getattr(stack[0], "wizard_open", None) if stack else None
        return bool(ask()) if ask is not None else False

    def why_no_switch(self) -> str:
        """Why the profile cannot be switched now; empty when it can."""
        from tui.switching import why_no_switch

        return why_no_switch(self)

    async def resolve_profile(self, name: str) -> tuple[Profile, Settings]:
        """The settings of a profile, READ-ONLY kept. Errors: `QuillkeepError` when it cannot be switched to."""
        from tui.switching import resolve_profile

        return await resolve_profile(self, name)

    def take_profile(self, profile: Profile, settings: Settings) -> None:
        """Works on another deployment from here on; whatever was shown of the last one is closed."""
        from tui.switching import take_profile

        self._must_choose = False
        start_work(self, partial(take_profile, self, profile, settings), group="profile")

    async def switch_profile(self, name: str) -> None:
        """To a profile by its name; what forbids it is shown."""
        try:
            self.take_profile(*await self.resolve_profile(name))
        except QuillkeepError as error:
            self.show_problem(Problem.of(error))

    def action_profiles(self) -> None:
        """The configured profiles, to switch to one."""
        from tui.screens.profiles import ProfilesModal

        if why := self.why_no_switch():
            self.say(why, severity="warning")
            return
        assert self.config is not None
        profiles = list(self.config.profiles.items())
        self.push_screen(ProfilesModal(profiles, self.store.profile.name, must=self._must_choose))

    def action_read_only(self) -> None:
        """Turns READ-ONLY on; nothing turns it off again in this console."""
        if self.store.profile.read_only:
            self.say(self.why_read_only())
            return
        self.store.make_read_only()
        if self.flags is not None:
            self.flags = msgspec.structs.replace(self.flags, read_only=True)
        self.say(
            "READ-ONLY from here on: the database, the bucket, the app and the backups stay as they are. "
            "Nothing turns it off again in this console."
        )

    def why_read_only(self) -> str:
        """Why changes are forbidden, in words; empty when they are not."""
        if not self.store.profile.read_only:
            return ""
        source = self.store.profile.sources.get("read_only", "")
        return f"READ-ONLY is on{f' ({source})' if source and source != 'default' else ''}."

    def why_disabled(self, action: str) -> str:
        """Why one of the console's own actions is disabled."""
        return {"profiles": self.why_no_switch(), "read_only": self.why_read_only()}.get(action, "")

    # The palette and help.

    def action_commands(self) -> None:
        """Every action of what has the focus, of the screen and of the console."""
        from tui.commands import actions_elsewhere, commands_of
        from tui.screens.leave import TooSmallScreen
        from tui.screens.palette import PaletteModal

        if not isinstance(self.screen, PaletteModal | TooSmallScreen):
            here = self.screen
            modal = PaletteModal(commands_of(self, here), lambda: actions_elsewhere(self, here))
            self.push_screen(modal, self._run_command)

    def _run_command(self, command: Command | None) -> None:
        if command is not None:
            self.call_later(command.run)

    def action_help(self) -> None:
        """Help for what has the focus, and its keys."""
        from tui.commands import keys_table
        from tui.first_run import DEMO_HELP
        from tui.screens.help import HelpModal, help_texts

        if not isinstance(self.screen, HelpModal):
            texts = help_texts(self.screen)
            if self.store.demo is not None:
                texts.append(DEMO_HELP)
            self.push_screen(HelpModal(texts, keys_table(self, self.screen)))

    # Size and leaving.

    def on_resize(self, event: Resize) -> None:
        """Below the smallest size one line says so."""
        self._check_size(event.size.width, event.size.height)

    def _check_size(self, width: int, height: int) -> None:
        from tui.screens.leave import TooSmallScreen

        if is_too_small(width, height) and not isinstance(self.screen, TooSmallScreen):
            # The terminal may have shrunk again while the one before was being taken away.
            self.push_screen(TooSmallScreen(), lambda _: self._check_size(*self.size))

    def action_leave(self) -> None:
        """Leaves; when something goes on it is said first, and the same key again leaves."""
        from tui.screens.leave import LeaveModal

        lines = goes_on(self.store.running)
        asked = any(isinstance(screen, LeaveModal) for screen in self.screen_stack)
        if asked or is_too_small(*self.size) or not (lines or self.wizard_open):
            self.end(0)
        else:
            self.push_screen(LeaveModal(lines, self.wizard_open), lambda yes: self.end(0) if yes else None)

    def action_how_to_quit(self) -> None:
        """Neither ctrl+c nor q quits."""
        self.say("ctrl+q quits; ctrl+c and q do not. A running job is cancelled in Jobs.")
