"""The command palette: every action by its name, with its key, and why it is disabled when it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.commands import Command
from tui.screens.base import ConsoleModal
from widgets.plain import plain
from widgets.target_bar import shorten
from widgets.text import escape

KEYS_WIDTH = 16
NOT_NOW = "not now"


class PaletteModal(ConsoleModal[Command]):
    """Typing narrows the list; Enter does what is marked, when it can be done."""

    HELP = """
# All actions

Type a part of a name; Up and Down choose, Enter does it. What cannot be done now is in brackets,
and the line below says why. What is not on this screen is looked for in the other modes.
"""

    BINDINGS = [
        Binding("up", "move(-1)", "Up", show=False, id="palette.up"),
        Binding("down", "move(1)", "Down", show=False, id="palette.down"),
        Binding("pageup", "move(-8)", "Page up", show=False, id="palette.page-up"),
        Binding("pagedown", "move(8)", "Page down", show=False, id="palette.page-down"),
    ]

    def __init__(
        self, commands: Sequence[Command], elsewhere: Callable[[], Sequence[Command]] = lambda: ()
    ) -> None:
        """`elsewhere` gives what other screens can do; it is asked when nothing here has the words."""
        super().__init__()
        self._elsewhere = elsewhere
        self._commands = tuple(commands)
        self._shown: tuple[Command, ...] = self._commands

    def compose_body(self) -> ComposeResult:
        with Vertical(classes="dialog", id="palette"):
            yield Input(placeholder="Type a part of an action's name", id="palette-query")
            commands = OptionList(*self._options(), id="palette-list", markup=False)
            commands.can_focus = False
            commands.highlighted = 0 if self._shown else None
            yield commands
            yield Static("", id="palette-why", markup=False)

    def on_mount(self) -> None:
        """Says what is marked first."""
        self._say()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrows."""
        event.stop()
        if self._matching(event.value) != self._shown:
            self._narrow(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Does what is marked."""
        event.stop()
        self._choose()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Does what was selected."""
        event.stop()
        self._choose()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Says what the marked action does, or why it cannot."""
        event.stop()
        self._say()

    def action_move(self, rows: int) -> None:
        """Moves the mark."""
        commands = self.query_one("#palette-list", OptionList)
        if self._shown:
            now = commands.highlighted or 0
            commands.highlighted = max(0, min(len(self._shown) - 1, now + rows))

    def _narrow(self, typed: str) -> None:
        commands = self.query_one("#palette-list", OptionList)
        self._shown = self._matching(typed)
        commands.clear_options()
        commands.add_options(self._options())
        commands.highlighted = 0 if self._shown else None
        self._say()

    def _matching(self, typed: str) -> tuple[Command, ...]:
        return matching(self._commands, typed) or matching(self._elsewhere(), typed)

    def _options(self) -> list[Option]:
        width = min(76, self.app.size.width) - 6 - KEYS_WIDTH - len(NOT_NOW) - 3
        return [Option(_row(command, width), id=str(at)) for at, command in enumerate(self._shown)]

    def _marked(self) -> Command | None:
        at = self.query_one("#palette-list", OptionList).highlighted
        return self._shown[at] if at is not None and at < len(self._shown) else None

    def _say(self) -> None:
        marked = self._marked()
        if marked is None:
            said = plain("No action has a name like that.")
        elif marked.enabled:
            said = plain(marked.help).stylize("dim")
        else:
            said = plain(f"Not now: {marked.why}")
        self.query_one("#palette-why", Static).update(said)

    def _choose(self) -> None:
        marked = self._marked()
        if marked is None:
            return
        if marked.enabled:
            self.dismiss(marked)
        else:
            self.query_one("#palette-why", Static).update(
                plain(f"Nothing was done: {marked.why}").stylize("bold")
            )


def matching(commands: Sequence[Command], typed: str) -> tuple[Command, ...]:
    """Those whose name, key, help or id holds every word typed; names that begin with it first."""
    words = typed.lower().split()
    if not words:
        return tuple(commands)
    hits = [
        command
        for command in commands
        if all(
            word in f"{command.title} {command.id} {command.keys} {command.help}".lower() for word in words
        )
    ]
    return tuple(sorted(hits, key=lambda command: not command.title.lower().startswith(words[0])))


def _row(command: Command, width: int) -> Content:
    name = escape(command.title if command.enabled else f"({command.title})")
    title = Content(shorten(name, width))
    keys = plain(command.keys).truncate(KEYS_WIDTH, pad=True)
    gap = " " * (width - title.cell_length + 1)
    if not command.enabled:
        return Content.assemble(title, gap, keys, " ", NOT_NOW).stylize("dim")
    return Content.assemble(title, gap, keys.stylize("bold"))
