"""What the console is apart from its screens: how it draws, which terminal it draws on, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.color import ColorSystem
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.events import DescendantFocus, Resize
from textual.filter import LineFilter, Monochrome, NoColor
from textual.scrollbar import ScrollBar
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.ascii_filter import AsciiFilter, UncolouredFilter, UndimmedFilter, WholeCellBars
from tui.crash import crash_text
from tui.glass import Glass
from tui.themes import HIGH_CONTRAST, TERMINAL, register_themes
from widgets.glyphs import Glyphs

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.screen import Screen

    from services.jobs.listing import JobSummary


class Frame(App[int]):
    """Textual's app with the console's manners: nothing blinks, spins, leaks or outlives its terminal."""

    ENABLE_COMMAND_PALETTE = False
    NOTIFICATION_TIMEOUT = 10

    def __init__(self, *, glyphs: Glyphs | None = None, theme: str = "") -> None:
        super().__init__()
        self.glyphs = glyphs or Glyphs()
        self.crash = ""
        """What an unhandled exception left to be printed once the terminal is restored."""
        self._ascii = AsciiFilter(enabled=not self.glyphs.utf8)
        self._uncoloured = UncolouredFilter(enabled=self.no_color)
        self._undimmed = UndimmedFilter()
        self._glass = Glass()
        self._pointer = "default"
        ScrollBar.renderer = WholeCellBars
        register_themes(self)
        if self.no_color or theme:
            self.theme = TERMINAL if self.no_color else theme

    @property
    def running(self) -> Sequence[JobSummary]:
        """The jobs that go on when the console ends."""
        raise NotImplementedError

    def use_theme(self, name: str) -> None:
        """A theme for this session."""
        self.theme = name

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's, but for NO_COLOR; what is dim is made bright before them, and ASCII is the last."""
        first = [self._undimmed] if self.theme == HIGH_CONTRAST else []
        theirs = [one for one in super().get_line_filters() if not isinstance(one, Monochrome | NoColor)]
        return [*first, *theirs, *(one for one in (self._uncoloured, self._ascii) if one.enabled)]

    def get_loading_widget(self) -> Widget:
        """Words: textual's indicator would repaint the screen without end."""
        return Static("Waiting.", markup=False)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """A cursor that blinks would send bytes for ever."""
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    def on_resize(self, event: Resize) -> None:
        """What a terminal of another size made of its cells, or of the same size again, is not known."""
        if self._glass.size != (0, 0):
            self.redraw()

    def redraw(self) -> None:
        """Draws everything again, whatever the terminal shows."""
        self._glass.forget()
        self.refresh(layout=True)

    def action_redraw(self) -> None:
        """For a terminal that something else wrote upon."""
        self.redraw()

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """Sends the cells that differ from what the terminal shows, and nothing while it is still being told."""
        if self.is_headless or (self._driver is not None and self._driver.is_inline):
            super()._display(screen, renderable)
            return
        try:
            if isinstance(renderable, LayoutUpdate | ChopsUpdate) and not self._batch_count:
                colours = self.console._color_system or ColorSystem.TRUECOLOR
                self._glass.take(renderable, screen._compositor.size, colours)
                self._send_changes()
        except Exception as error:  # noqa: BLE001 - told on the terminal like any other defect
            self._handle_exception(error)
        finally:
            self.post_display_hook()

    def _send_changes(self) -> None:
        """Frames that a slow line had no time for are never sent: only the newest one is."""
        driver = self._driver
        if driver is None or not self._running or self._closed:
            return
        when_free = getattr(driver, "when_free", None)
        if when_free is not None and not when_free(self._send_changes):
            return
        if sequence := self._glass.send():
            column, row = self.screen.outer_size.clamp_offset(self.cursor_position)
            started, ended = (SYNC_START, SYNC_END) if self._sync_available else ("", "")
            driver.write(f"{started}{sequence}\x1b[{row + 1};{column + 1}H{ended}")
            driver.flush()

    def _set_pointer_shape(self, shape: str) -> None:
        """Textual says it of every new screen, also where nothing changes."""
        if shape != self._pointer:
            self._pointer = shape
            super()._set_pointer_shape(shape)

    def end(self, code: int) -> None:
        """Ends the console with an exit code; jobs are not touched."""
        self.exit(code, return_code=code)

    def _handle_exception(self, error: Exception) -> None:
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self.crash = self.crash or crash_text(error, self.running)
        self._close_messages_no_wait()

    def panic(self, *renderables: Any) -> None:
        """Errors that textual would print: their text is told without secrets, like any defect."""
        self._handle_exception(RuntimeError(" ".join(str(one) for one in renderables)))

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """The screen as SVG, without any secret this process has seen."""
        from services.redact import redact_values

        return redact_values(super().export_screenshot(title=title, simplify=simplify))

    def get_driver_class(self) -> type[Driver]:
        """Ours, which outlives its terminal only to end."""
        from tui.driver import ConsoleDriver

        return ConsoleDriver
