"""What every screen of the console has: the modes' row, the target bar, a body, the keys' row."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Footer, Static

from tui.modes import MODES
from tui.target import target_facts
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


class ModesRow(Static):
    """The modes with their keys, the current one marked by brackets and colour."""

    def __init__(self, current: str) -> None:
        words = []
        for mode in MODES:
            label = f"{mode.key} {mode.title}"
            words.append(f"[{label}]" if mode.name == current else f" {label} ")
        super().__init__(Content("".join(words)), markup=False)


class ConsoleScreen(Screen[None]):
    """A mode's screen. `MODE` is its name in `modes`; `TOPICS` are the looks it shows.

    A subclass gives `compose_body` and `show(topic)`: called once for every topic when the screen is mounted
    or comes back, and whenever one changes while it is in front.
    """

    MODE: ClassVar[str] = ""
    TOPICS: ClassVar[tuple[str, ...]] = ()

    def compose(self) -> ComposeResult:
        yield ModesRow(self.MODE)
        yield TargetBar(target_facts(self.console), self.console.glyphs)
        yield from self.compose_body()
        yield Footer(compact=True, show_command_palette=False)

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

    def _changed(self, topic: str) -> None:
        self.query_one(TargetBar).show(target_facts(self.console))
        self.refresh_bindings()
        if self.is_current and topic in (*self.TOPICS, "profile"):
            self.show(topic)

    def _show_all(self) -> None:
        self.query_one(TargetBar).show(target_facts(self.console))
        for topic in self.TOPICS:
            self.show(topic)


class ConsoleModal(ModalScreen[T]):
    """A dialog of at most 76 x 18 with the target bar above it; Escape always leaves it with None."""

    BINDINGS = [("escape", "dismiss_none", "Back")]

    def compose(self) -> ComposeResult:
        yield TargetBar(target_facts(self.console), self.console.glyphs)
        yield from self.compose_body()
        yield Footer(compact=True, show_command_palette=False)

    def compose_body(self) -> ComposeResult:
        """One container with the class `dialog`."""
        raise NotImplementedError

    @property
    def console(self) -> QuillkeepApp:
        """The app, by its own type."""
        return console_of(self)

    def action_dismiss_none(self) -> None:
        """Leaves without an answer."""
        self.dismiss(None)
