"""One operation of the past: what it changed, its timeline by phase; and how such operations developed."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from services.history.export import to_json, to_markdown
from services.history.model import Operation
from services.history.trends import Series
from tui.bridge import apart
from tui.screens import history_parts as parts
from tui.screens.base import ConsoleModal, ConsoleScreen
from tui.screens.way_back import is_offered, why_no_rollback
from tui.work import start_work
from widgets.lines_view import Line, LinesView
from widgets.plain import plain


class ExportModal(ConsoleModal[str]):
    """Which form; the path is asked next."""

    HELP = """
# Export

JSON is for programs, Markdown for people and tickets. The path is asked next; the new file can be read
by you alone, and a file that exists is never overwritten.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "choose('json')", "JSON", id="export.json"),
        Binding("m", "choose('markdown')", "Markdown", id="export.markdown"),
    ]

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def compose_body(self) -> ComposeResult:
        many = "this operation" if self._count == 1 else f"these {self._count:,} operations"
        with VerticalScroll(classes="dialog"):
            yield Static(plain(f"Export {many} as which form?"), id="title", markup=False)
            yield Static(Content("j JSON    m Markdown    Escape goes back"), classes="dim", markup=False)

    def action_choose(self, form: str) -> None:
        """Leaves with the form."""
        self.dismiss(form)


def export(screen: ConsoleScreen, operations: Sequence[Operation], name: str) -> None:
    """Asks for the form and then for the path."""

    def chosen(form: str | None) -> None:
        if form == "json":
            screen.console.save_text(to_json(operations), name=f"{name}.json")
        elif form == "markdown":
            screen.console.save_text(to_markdown(operations), name=f"{name}.md")

    screen.console.push_screen(ExportModal(len(operations)), chosen)


class HistoryDetailScreen(ConsoleScreen):
    """One operation."""

    CSS_PATH = "../styles/history.tcss"
    HELP = """
# One operation

What it changed stands first, then warnings or the error, then its timeline: one bar a phase, placed
where it ran. All of it comes from the job's journal, which also knows the user and the host it ran on.

- `Z` shows how to roll this restore back; its plan changes nothing.
- `l` shows the whole log, `e` exports this operation as JSON or Markdown, `y` copies it.
- The arrow keys, Page Up and Page Down scroll; Escape goes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="operation.back"),
        Binding("Z", "rollback", "Roll back", id="operation.rollback", tooltip="What was live before it"),
        Binding("l", "log", "Log", id="operation.log"),
        Binding("e", "export", "Export", id="operation.export"),
        Binding("y", "copy", "Copy", id="operation.copy"),
        Binding("s", "save", "Save", id="operation.save"),
    ]

    def __init__(self, operation: Operation) -> None:
        super().__init__()
        self._operation = operation

    def compose_body(self) -> ComposeResult:
        yield LinesView(ellipsis=self.console.glyphs.ellipsis, id="operation")

    def on_mount(self) -> None:
        """Draws it for the width there is."""
        super().on_mount()
        view = self.query_one(LinesView)
        view.show(lambda width: parts.detail_lines(self._operation, width, self.console.glyphs))
        view.focus()

    def action_back(self) -> None:
        """To the list."""
        self.dismiss(None)

    def why_disabled(self, action: str) -> str:
        """Why an action does nothing now; empty when it works."""
        one = self._operation
        if action == "rollback":
            return why_no_rollback(self.console, one.id, verb="plan" if one.only_looked else one.verb)
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what cannot be done; `why_disabled` says why."""
        if action == "rollback" and (self._operation.only_looked or not is_offered(self._operation.verb)):
            return False
        return None if self.why_disabled(action) else True

    def action_rollback(self) -> None:
        """Its rollback, on the plan."""
        from tui.screens.restore.rollback import open_rollback

        open_rollback(self.console, self._operation.id)

    def action_log(self) -> None:
        """The job's own screen."""
        self.console.open_job(self._operation.id)

    def action_export(self) -> None:
        """This one alone."""
        export(self, [self._operation], self._stem)

    def action_copy(self) -> None:
        """As Markdown, into the terminal's clipboard."""
        self.console.copy_text(to_markdown([self._operation]), name=f"{self._stem}.md")

    def action_save(self) -> None:
        """As Markdown, into a new file."""
        self.console.save_text(to_markdown([self._operation]), name=f"{self._stem}.md")

    @property
    def _stem(self) -> str:
        return f"quillkeep-{self._operation.verb or 'job'}-{self._operation.id}"


class TrendsScreen(ConsoleScreen):
    """Plots of text."""

    CSS_PATH = "../styles/history.tcss"
    HELP = """
# Trends

Size, duration and rate of the backups, duration and rate of the restores, over time, from zero up;
only operations that ended well count. The rate of a restore is what a prediction for the next one rests on.
`y` copies the plots, `s` saves them; Escape goes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="trends.back"),
        Binding("y", "copy", "Copy", id="trends.copy"),
        Binding("s", "save", "Save", id="trends.save"),
    ]

    def __init__(self, series: Sequence[Series]) -> None:
        super().__init__()
        self._series = tuple(series)

    def compose_body(self) -> ComposeResult:
        yield LinesView(ellipsis=self.console.glyphs.ellipsis, id="trends")

    def on_mount(self) -> None:
        """The plots follow once what draws them is there."""
        super().on_mount()
        view = self.query_one(LinesView)
        view.show(lambda width: [Line("Drawing the plots.", "dim")])
        view.focus()
        start_work(self, self._draw, description="draw the plots")

    async def _draw(self) -> None:
        await apart(importlib.import_module, "plotext")
        self.query_one(LinesView).show(
            lambda width: parts.plot_lines(self._series, width, self.console.glyphs)
        )

    def action_back(self) -> None:
        """To the list."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """The plots, into the terminal's clipboard."""
        self.console.copy_text(self._text, name="quillkeep-trends.txt")

    def action_save(self) -> None:
        """The plots, as a new file."""
        self.console.save_text(self._text, name="quillkeep-trends.txt")

    @property
    def _text(self) -> str:
        return "\n".join(line.text for line in self.query_one(LinesView).lines) + "\n"
