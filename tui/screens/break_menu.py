"""The demo's disasters: chosen, confirmed, done on its own servers, and then practised on."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from services.demo.breaking import BREAKAGES, Breakage, BreakName
from services.errors import QuillkeepError
from tui.bridge import apart
from tui.screens.base import ConsoleModal
from tui.screens.confirm import YesNoModal
from tui.store import Problem
from tui.work import start_work
from widgets.plain import plain

ONLY_OURS = "Only the demo's own servers are touched: a random token on them is checked first."
BY_NAME = {each.name: each for each in BREAKAGES}
LOOKS = ("live", "bucket")
"""What a disaster changes beside the jobs."""


class BreakMenu(ConsoleModal[None]):
    """A key for each; nothing happens before `y`."""

    HELP = """
# Break something

Only in the demo. Choose a disaster, say `y`, and practise: `1` shows what Health says, `3` restores.
Nothing but the demo's own servers is touched, and all of it is gone when the demo ends.
"""
    CSS_PATH = "../styles/first_run.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(each.key, f"choose('{each.name}')", each.does, show=False, id=f"demo.{each.name}")
        for each in BREAKAGES
    ]

    def __init__(self) -> None:
        super().__init__()
        self._working = False

    def compose_body(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content("Break something in this demo").stylize("bold"), markup=False)
            yield OptionList(*(Option(_entry(each), id=each.name) for each in BREAKAGES), id="disasters")
            yield Static(Content("Its key or Enter asks, y does it, Escape leaves."), id="said", markup=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on an entry is its key."""
        event.stop()
        name = BREAKAGES[event.option_index].name
        self.action_choose(name)

    def action_choose(self, name: BreakName) -> None:
        """Asks; only `y` does it."""
        if self._working:
            return
        if self.console.store.profile.read_only:
            self.query_one("#said", Static).update(
                plain("READ-ONLY is on: not even the demo is broken. Open a new demo to go on.")
            )
            return
        chosen = BY_NAME[name]

        def answered(yes: bool | None) -> None:
            if yes:
                start_work(self, partial(self._do, chosen), exclusive=True, description=f"demo {name}")

        self.app.push_screen(YesNoModal(f"{chosen.does}?", f"{chosen.seen}\n{ONLY_OURS}"), answered)

    def action_dismiss_none(self) -> None:
        """Not while something is being done: what came of it is to be seen."""
        if not self._working:
            super().action_dismiss_none()

    async def _do(self, chosen: Breakage) -> None:
        console = self.console
        demo = console.store.demo
        if demo is None:
            return
        self._working = True
        since = console.store.backend.now()
        self.query_one("#disasters", OptionList).disabled = True
        self.query_one("#said", Static).update(
            plain(f"{chosen.does}: waiting for the demo's servers since {since:%H:%M:%S}.")
        )
        try:
            text = await apart(demo.do, chosen.name)
        except QuillkeepError as error:
            self.dismiss(None)
            console.show_problem(Problem.of(error))
            return
        console.look_at_jobs()
        console.look_at(*LOOKS)
        self.dismiss(None)
        console.push_screen(BrokenModal(text, chosen.name))


class BrokenModal(ConsoleModal[None]):
    """What was done, and the keys to practise with."""

    HELP = """
# Now practise

`1` opens Health, `4` Integrity, where `l` checks the live data, `3` the restore wizard, which asks what happened and leads from there to the proof.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "go('health')", "Health", id="mode.health"),
        Binding("4", "go('integrity')", "Integrity", id="mode.integrity"),
        Binding("3", "go('restore')", "Restore", id="mode.restore"),
    ]

    def __init__(self, text: str, name: BreakName) -> None:
        super().__init__()
        self._text = text
        self._name = name

    def compose_body(self) -> ComposeResult:
        head = "Done" if self._name == "up" else "Broken"
        follow = "Now practise: press 1 for Health, 4 to find out what is broken, or 3 to restore."
        if self._name == "down":
            follow += " X, then u, starts it again: no restore works before."
        with Vertical(classes="dialog"):
            yield Static(Content(head).stylize("bold"), markup=False)
            yield Static(plain(self._text), id="broken", markup=False)
            yield Static(plain(follow), id="practise", markup=False)

    async def action_go(self, mode: str) -> None:
        """To the place that helps."""
        console = self.console
        self.dismiss(None)
        await console.action_show_mode(mode)


def _entry(each: Breakage) -> Content:
    return Content.assemble(
        Content.styled(f" {each.key} ", "bold"), plain(each.does), "\n   ", plain(each.seen).stylize("dim")
    )
