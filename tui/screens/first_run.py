"""First run: with nothing set up, what was looked for, what was found and answers, and what is missing."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from services.errors import QuillkeepError
from services.looking.discover import DiscoverAnswer, DiscoverRequest
from services.looking.try_out import TryAnswer, TryPart, TryRequest
from services.profile import Profile
from services.settings.config import SYSTEM_CONFIG
from services.settings.discover import choose_env_file, lacking, with_found
from services.settings.flags import Flags
from services.settings.layers import KNOWN
from services.settings.resolve import Settings, resolve_settings
from services.settings.save import Draft, config_to_write, draft_profile, save_profile
from tui.bridge import apart
from tui.first_run import OPEN_DEMO
from tui.screens.base import ConsoleScreen
from tui.screens.first_run_dialogs import EnvFileModal, NameModal, WriteModal
from tui.screens.first_run_lines import PARTS, Verdict, View, lines, to_write, verdict
from tui.store import Looked, Problem
from tui.work import start_work
from widgets.glyphs import tone
from widgets.key_value import AlignedRows, aligned
from widgets.lines_view import LinesView
from widgets.plain import plain

COLOURS = {"success": "$text-success", "warning": "$text-warning", "error": "$text-error"}


class VerdictRows(AlignedRows):
    """How it stands, and the next step."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._said = Verdict("waiting", "", "")
        self._glyph = ""

    def show(self, said: Verdict, glyph: str) -> None:
        """Another verdict; nothing is drawn again when it is the same."""
        if (said, glyph) != (self._said, self._glyph):
            self._said, self._glyph = said, glyph
            self.refresh(layout=True)

    def lines(self, width: int) -> list[Content]:
        style = f"bold {COLOURS.get(tone(self._said.status), '$foreground')}"
        rows = [(self._glyph, plain(self._said.text).stylize(style))]
        if self._said.next:
            rows.append(("", plain(self._said.next)))
        return aligned(rows, width, style=style)


class FirstRunScreen(ConsoleScreen):
    """Looks, tries, and changes nothing; only `w` then `y` writes a file."""

    MODE: ClassVar[str] = "first-run"
    TOPICS: ClassVar[tuple[str, ...]] = ("discover", "profile")
    HELP = """
# First run

Quillkeep looked for settings and found too few to work with. It only looked: nothing was changed.

- **Looked for**: the files, variables and ports that may describe a Quilltap deployment.
- **Tried**: what settings name, and whether it answers. Each failure says its next step.
- **Missing**: the lines to write, and into which file.

`e` names Quilltap's own `.env` file. `w` saves what was found as a profile. `D` opens a demo on servers of
its own. `r` looks again. `y` shows the missing lines to copy or save. `1` goes to Health as it is.
"""
    CSS_PATH = "../styles/first_run.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "env_file", ".env file", id="first.env_file", tooltip="Read another .env file"),
        Binding("w", "save", "Save as profile", id="first.save"),
        Binding("D", "demo", "Demo", id="first.demo", tooltip="Leaves this console and opens the demo"),
        Binding("r", "look_again", "Look again", id="first.look"),
        Binding("y", "lines", "Lines to write", id="first.lines"),
        Binding("1", "app.show_mode('health')", "Health", id="mode.health"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._tries: dict[TryPart, Looked[TryAnswer]] = {}
        self._tried_for: Profile | None = None
        self._env_file = ""

    def compose_body(self) -> ComposeResult:
        yield VerdictRows(id="verdict")
        yield LinesView(id="found", ellipsis=self.console.glyphs.ellipsis)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(LinesView).focus()
        self.call_after_refresh(self._look)

    def show(self, topic: str) -> None:
        """Everything again: the parts draw what changed; other settings are tried at once."""
        if topic == "profile" and self._tried_for is not None and self._tried_for != self._candidate:
            self._look()
        self._draw()

    @property
    def _found(self) -> Looked[DiscoverAnswer]:
        looked: Looked[DiscoverAnswer] = self.console.store.looked("discover")
        return looked

    @property
    def _candidate(self) -> Profile:
        """What would be saved: the settings, and a local MongoDB where they name none."""
        profile = self.console.store.profile
        return with_found(profile, self._found.value.findings) if self._found.value else profile

    @property
    def _view(self) -> View:
        candidate = self._candidate
        findings = self._found.value.findings if self._found.value else ()
        lacks = lacking(candidate, findings) if self._found.known else ()
        problem = self.console.store.settings_problem
        return View(self._found, self._tries, candidate, lacks, self.console.glyphs, problem)

    def _draw(self) -> None:
        view = self._view
        said = verdict(view)
        self.query_one(VerdictRows).show(said, self.console.glyphs.of(said.status))
        self.query_one(LinesView).show(lambda width: lines(view, width))
        self.refresh_bindings()

    def action_look_again(self) -> None:
        """Reads the settings again, looks for everything, then tries what is there."""
        self._look(read=True)

    def _look(self, *, read: bool = False) -> None:
        self._tries = {}
        start_work(
            self,
            partial(self._look_and_try, read),
            exclusive=True,
            group="first-run",
            description="look around",
        )

    async def _read_settings(self) -> None:
        """What was written since: the lines that this screen asks for, say."""
        console = self.console
        if console.flags is None or console.store.profile.name is not None:
            return
        flags = console.flags
        if self._env_file:
            flags = msgspec.structs.replace(flags, env_file=self._env_file)
        try:
            settings = await apart(resolve_settings, flags)
        except QuillkeepError as error:
            console.store.settings_problem = Problem.of(error)
            return
        console.store.settings_problem = None
        if settings != console.store.settings:
            self._tried_for = None
            console.config = settings.config
            console.store.set_profile(settings.profile, settings)

    async def _look_and_try(self, read: bool) -> None:
        if read:
            await self._read_settings()
        store = self.console.store
        settings = store.settings
        request = DiscoverRequest(
            cwd=_working_folder(),
            env_file=settings.env_file if settings else "",
            config_files=_config_files(settings),
            names=tuple(name for name in KNOWN if os.environ.get(name)),
        )
        await store.refresh("discover", request)
        candidate = self._tried_for = self._candidate
        named: dict[TryPart, object] = {
            "database": candidate.mongo,
            "bucket": candidate.bucket,
            "folder": candidate.locations,
        }
        self._tries = {part: Looked() for part in PARTS if named[part]}
        for part, tried in self._tries.items():
            start_work(
                self,
                partial(self._try, part, tried, candidate),
                group=f"try-{part}",
                exclusive=True,
                description=part,
            )
        self._draw()

    async def _try(self, part: TryPart, tried: Looked[TryAnswer], candidate: Profile) -> None:
        backend = self.console.store.backend
        tried.asked = backend.now()
        self._draw()
        try:
            tried.value = await apart(backend.look, "try_out", candidate, TryRequest(part=part))
        except QuillkeepError as error:
            tried.problem = Problem.of(error)
        tried.answered = backend.now()
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What cannot be done now is grey."""
        return None if self.why_disabled(action) else True

    def why_disabled(self, action: str) -> str:
        """The reason, for the palette and for whoever presses the key."""
        if action == "save":
            candidate = self._candidate
            if candidate.name is not None or candidate.demo:
                return f"This is the profile {candidate.name} already."
            if candidate.mongo is None and candidate.bucket is None:
                return "Neither a database nor a bucket was found, so there is nothing to save yet."
        if action == "lines" and not self._view.lacks:
            return "Nothing is missing."
        if action == "demo" and self.console.store.profile.demo:
            return "This is the demo."
        return ""

    def action_lines(self) -> None:
        """The missing lines, to copy or to save."""
        view = self._view
        self.console.show_text(f"To write into {view.file}", to_write(view), name="quilltap.env")

    def action_env_file(self) -> None:
        """Asks for a `.env` file and works on what it describes from then on."""
        store = self.console.store
        config = store.settings.named_config or None if store.settings else None
        read_only = store.profile.read_only

        def take(typed: str) -> Settings:
            return choose_env_file(typed, config=config, read_only=read_only)

        def taken(settings: Settings | None) -> None:
            if settings is not None:
                self._tried_for = None
                self._env_file = settings.env_file
                store.settings_problem = None
                store.set_profile(settings.profile, settings)
                self._look()

        explained = "It names the database, the bucket, their keys and the pepper. It is only read."
        known = store.settings.env_file if store.settings else ""
        self.app.push_screen(EnvFileModal("Where is Quilltap's .env file?", explained, known, take), taken)

    def action_save(self) -> None:
        """Asks for a name, shows the lines, writes them after `y`."""
        store = self.console.store
        candidate, settings = self._candidate, store.settings
        env_file = settings.env_file if settings else ""

        def take(typed: str) -> Draft:
            return draft_profile(typed.strip(), candidate, settings, env_file=env_file)

        def named(draft: Draft | None) -> None:
            if draft is not None:
                asked = WriteModal(draft, self._unproven())
                self.app.push_screen(asked, lambda yes: self._answered(yes, draft))

        explained = (
            f"It goes into {config_to_write(settings)}; the lines are shown before anything is written."
        )
        self.app.push_screen(
            NameModal("What shall this deployment be called?", explained, "prod", take), named
        )

    def _unproven(self) -> tuple[str, ...]:
        """What did not answer when it was tried."""
        return tuple(
            f"{PARTS[part]}: {tried.problem.what}" for part, tried in self._tries.items() if tried.problem
        )

    def _answered(self, yes: bool | None, draft: Draft) -> None:
        if yes:
            start_work(self, partial(self._save, draft), group="save", description="save a profile")
        else:
            self.console.say("Nothing was written.")

    async def _save(self, draft: Draft) -> None:
        console = self.console
        before = self._candidate
        old = console.store.settings
        try:
            path = await apart(save_profile, draft)
        except QuillkeepError as error:
            console.show_problem(Problem.of(error))
            return
        others = bool(old and old.config.profiles)
        flags = Flags(
            profile=draft.name if others else None,
            config=old.named_config or None if old else None,
            read_only=before.read_only,
        )
        try:
            settings = await apart(resolve_settings, flags)
        except QuillkeepError as error:
            console.show_problem(
                Problem(
                    what=f"Saved as {path}, but it cannot be used like this.",
                    cause=f"{error.what} {error.cause}".strip(),
                    touched=f"{path} holds the new profile {draft.name}.",
                    next=error.next,
                )
            )
            return
        console.config = settings.config
        console.store.set_profile(settings.profile, settings)
        console.look_at_everything()
        console.say(f"Saved as profile {draft.name} in {path}.")
        if (settings.profile.mongo, settings.profile.bucket) != (before.mongo, before.bucket):
            console.say(
                "The profile names another database or bucket than was tried: look at 8 Settings.",
                severity="warning",
            )
        await console.action_show_mode("health")

    def action_demo(self) -> None:
        """Gives way to the demo; jobs that run go on."""
        start_work(self, self._open_demo, exclusive=True, group="demo", description="open the demo")

    async def _open_demo(self) -> None:
        try:
            await apart(_demo_is_installed)
        except QuillkeepError as error:
            self.console.show_problem(Problem.of(error))
            return
        self.app.exit(OPEN_DEMO)


def _demo_is_installed() -> None:
    """Raises what says how to install its servers."""
    from services.demo.mongod import mongod_program
    from services.demo.weed import weed_program

    mongod_program()
    weed_program()


def _working_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "/"


def _config_files(settings: Settings | None) -> tuple[str, ...]:
    if settings is not None and settings.named_config:
        return (settings.named_config,)
    return (str(SYSTEM_CONFIG), str(config_to_write(settings)))
