"""Which deployment: the configured profiles, and the switch to another one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from services.errors import QuillkeepError
from tui.screens.base import ConsoleModal
from tui.work import start_work
from widgets.plain import plain
from widgets.problem_box import ProblemBox

if TYPE_CHECKING:
    from services.settings.config import ProfileConfig


class ProfilesModal(ConsoleModal[None]):
    """Enter switches; what forbids it is said and the console stays where it is."""

    HELP = """
# Profiles

A profile is one Quilltap deployment: its database, bucket and pepper, a `[profiles.NAME]` section of
config.toml. PROD is every profile that does not say `production = false`.

After a switch every screen works on the chosen one. A variable of the environment that names another
database or bucket forbids the switch, and so does a restore wizard that is past its first step.
"""

    def __init__(
        self, profiles: Sequence[tuple[str, ProfileConfig]], current: str | None, *, must: bool = False
    ) -> None:
        super().__init__()
        self._profiles = tuple(profiles)
        self._current = current
        self._must = must

    def compose_body(self) -> ComposeResult:
        said = (
            "Several profiles are configured and none was named. Which one?"
            if self._must
            else "Which profile?"
        )
        with Vertical(classes="dialog"):
            yield Static(plain(said), id="question", markup=False)
            rows = [Option(self._row(name, one), id=str(at)) for at, (name, one) in enumerate(self._profiles)]
            yield OptionList(*rows, id="profiles", markup=False)
            yield ProblemBox(id="problem", status="refused")
            leave = "ctrl+q quits." if self._must else "Escape goes back."
            yield Static(plain(f"Enter switches, {leave}"), id="keys", classes="dim", markup=False)

    def on_mount(self) -> None:
        """The mark stands on the one in use."""
        names = [name for name, _ in self._profiles]
        profiles = self.query_one("#profiles", OptionList)
        profiles.highlighted = names.index(self._current) if self._current in names else 0
        profiles.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Switches."""
        event.stop()
        name = self._profiles[event.option_index][0]
        self.query_one("#problem", ProblemBox).show("")
        self.query_one("#keys", Static).update(plain(f"Reading the settings of {name}."))
        start_work(self, partial(self._switch, name), exclusive=True, description="switch the profile")

    async def _switch(self, name: str) -> None:
        try:
            profile, settings = await self.console.resolve_profile(name)
        except QuillkeepError as error:
            self.query_one("#problem", ProblemBox).show(**error.as_dict(), status="refused")
            self.query_one("#keys", Static).update(plain("Nothing was switched."))
            return
        self.dismiss(None)
        self.console.take_profile(profile, settings)

    def action_dismiss_none(self) -> None:
        """Back, unless there is nothing to go back to."""
        if self._must:
            self.query_one("#keys", Static).update(plain("Choose one with Enter; ctrl+q quits."))
        else:
            self.dismiss(None)

    def _row(self, name: str, one: ProfileConfig) -> Content:
        kind = "PROD" if one.production else ""
        words = (kind, "READ-ONLY" if one.read_only else "", "in use" if name == self._current else "")
        title = plain(name).truncate(40, ellipsis=True, pad=True)
        return Content.assemble(title.stylize("bold"), " ", "  ".join(word for word in words if word))
