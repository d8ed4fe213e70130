"""What every screen of the console has: the modes' row, the target bar, a body, the keys' row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen

from tui.modes import MODES
from tui.target import target_facts
from widgets.key_names import bound_key
from widgets.keys_row import KeysRow, Shown
from widgets.modes_row import ModesRow, ModeWord
from widgets.target_bar import TargetBar

if TYPE_CHECKING:
    from tui.app import QuillkeepApp

T = TypeVar("T")


def console_of(screen: Screen[T]) -> QuillkeepApp:
    """The console a screen belongs to."""
    from tui.app import QuillkeepApp

    app = screen.app
    assert isinstance(app, QuillkeepApp)
    return app


def keys_row(console: QuillkeepApp) -> KeysRow:
    """The row of keys, which always ends with those that open the rest."""
    help_key = bound_key(console.keymap, "app.help", "question_mark")
    commands_key = bound_key(console.keymap, "app.commands", "ctrl+p")
    always = (Shown(help_key, "Help"), Shown(commands_key, "Actions"))
    return KeysRow(always, ellipsis=console.glyphs.ellipsis)


class ConsoleScreen(Screen[None]):
    """A mode's screen. `MODE` is its name in `modes`; `TOPICS` are the looks it shows.

    A subclass gives `compose_body` and `show(topic)`: called once for every topic when the screen is mounted
    or comes back, and whenever one changes while it is in front.
    """

    MODE: ClassVar[str] = ""
    TOPICS: ClassVar[tuple[str, ...]] = ()

    def compose(self) -> ComposeResult:
        words = [ModeWord(mode.key, mode.title, mode.name) for mode in MODES]
        quit_key = bound_key(self.console.keymap, "app.quit", "ctrl+q")
        yield ModesRow(words, self.MODE or self.app.current_mode, beside=f"{quit_key} Quit")
        yield TargetBar(target_facts(self.console), self.console.glyphs)
        yield from self.compose_body()
        yield keys_row(self.console)

    def compose_body(self) -> ComposeResult:
        """What stands between the target bar and the keys."""
        raise NotImplementedError

    @property
    def console(self) -> QuillkeepApp:
        """The app, by its own type."""
        return console_of(self)

    def on_mount(self) -> None:
        """Shows what is known, and hears of what changes."""
        self.console.changes.subscribe(self, self._changed)
        self._show_all()

    def on_screen_resume(self) -> None:
        """What changed while another screen was in front."""
        if self.is_mounted:
            self._show_all()

    def show(self, topic: str) -> None:
        """Shows what is new of one topic."""

    def why_disabled(self, action: str) -> str:
        """Why an action (its name without arguments) cannot be done now; empty where there is no reason to give."""
        return ""

    def _changed(self, topic: str) -> None:
        self.query_one(TargetBar).show(target_facts(self.console))
        self.refresh_bindings()
        if self.is_current and topic in (*self.TOPICS, "profile"):
            self.show(topic)

    def close_in_front(self) -> None:
        """Goes back to the screen below, unless another came in front of this one meanwhile."""
        if self.is_current:
            self.app.pop_screen()

    def _show_all(self) -> None:
        self.query_one(TargetBar).show(target_facts(self.console))
        for topic in self.TOPICS:
            self.show(topic)


class ConsoleModal(ModalScreen[T]):
    """A dialog of at most 76 x 18 with the target bar above it; Escape always leaves it with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss_none", "Back", id="modal.back"),
        Binding("question_mark", "app.help", "Help", show=False, id="app.help"),
    ]

    def compose(self) -> ComposeResult:
        yield TargetBar(target_facts(self.console), self.console.glyphs, id="modal-target")
        yield from self.compose_body()
        yield keys_row(self.console)

    def compose_body(self) -> ComposeResult:
        """One container with the class `dialog`."""
        raise NotImplementedError

    @property
    def console(self) -> QuillkeepApp:
        """The app, by its own type."""
        return console_of(self)

    def on_mount(self) -> None:
        """The bar follows what changes."""
        self.console.changes.subscribe(self, self._bar_changed)

    def _bar_changed(self, topic: Any) -> None:
        self.query_one("#modal-target", TargetBar).show(target_facts(self.console))

    def why_disabled(self, action: str) -> str:
        """Why an action (its name without arguments) cannot be done now; empty where there is no reason to give."""
        return ""

    def action_dismiss_none(self) -> None:
        """Leaves without an answer."""
        self.dismiss(None)
