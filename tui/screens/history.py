"""History: every operation with who, when, from where, how long, and what it changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from services.errors import QuillkeepError
from services.history.model import History, Operation
from services.history.trends import trends_of
from tui.bridge import apart
from tui.screens import history_parts as parts
from tui.screens.history_detail import HistoryDetailScreen, TrendsScreen, export
from tui.screens.job_parts import LIVE, left_out, moment
from tui.screens.list_screen import ListScreen
from tui.screens.way_back import why_no_rollback
from tui.store import Looked, Problem
from tui.work import start_work
from widgets.empty import Empty
from widgets.filter_bar import FilterBar
from widgets.inventory_table import InventoryTable, TableRow
from widgets.plain import plain
from widgets.problem_box import ProblemBox

if TYPE_CHECKING:
    from services.jobs.listing import JobSummary


class HistoryScreen(ListScreen):
    """Reads the journals of the state folder when it is shown and whenever a job ended."""

    MODE: ClassVar[str] = "history"
    TOPICS: ClassVar[tuple[str, ...]] = ("jobs",)
    CSS_PATH = "../styles/history.tcss"
    HELP = """
# History

Every operation of this state folder: who started it, when, on which host, how long it took and what it
changed. All of it is read from the jobs' journals; nothing is kept beside them.

- Enter opens an operation: its timeline by phase and its result.
- `Z` shows how to roll back the restore under the cursor; its plan changes nothing.
- `t` plots how size, duration and rate developed.
- `e` exports what is shown (filtered, if it is) as JSON or Markdown.
- `p` shows plans and dry runs as well: they changed nothing, and are left out until then.
- `/` filters by verb, state, user, host, date or any word; Escape shows all again.
- `y` copies the list, `r` reads the journals again.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="history.open"),
        Binding(
            "Z", "rollback", "Roll back", id="history.rollback", tooltip="What was live before a restore"
        ),
        Binding("t", "trends", "Trends", id="history.trends"),
        Binding("e", "export", "Export", id="history.export"),
        Binding("p", "plans", "Plans too", id="history.plans", tooltip="Plans and dry runs as well"),
        Binding("slash", "filter", "Filter", key_display="/", id="history.filter"),
        Binding("escape", "clear", "Show all", show=False, id="history.clear"),
        Binding("r", "look", "Look again", id="history.look"),
        Binding("y", "copy", "Copy", id="history.copy"),
        Binding("s", "save", "Save", id="history.save"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._looked: Looked[History] = Looked()
        self._operations: dict[str, Operation] = {}
        self._plans = False
        self._ended: frozenset[str] = frozenset()
        self._wide = False

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="history-head", markup=False)
        yield ProblemBox(glyphs=glyphs, id="history-problem")
        yield Empty("Reading the journals.", id="history-empty")
        yield InventoryTable(parts.NARROW_COLUMNS, ellipsis=glyphs.ellipsis, id="history-table")
        yield FilterBar(id="history-filter")
        yield Static("", id="history-about", markup=False)

    def on_mount(self) -> None:
        """Begins to read."""
        super().on_mount()
        self.action_look()

    def on_resize(self, event: events.Resize) -> None:
        """A wide terminal shows more columns."""
        if (event.size.width >= parts.WIDE) != self._wide:
            self._make_rows()

    def show(self, topic: str) -> None:
        """Reads again when another job has ended."""
        ended = frozenset(job.id for job in self.console.store.jobs.value or () if _is_over(job))
        if ended != self._ended:
            self._ended = ended
            if self._looked.known:
                self.action_look()

    def action_look(self) -> None:
        """Reads the journals that are new or changed."""
        if not self._looked.waiting:
            self._looked.asked = self.console.store.backend.now()
            self._show(self.rows)
            start_work(self, self._read, group="history", description="read the history")

    async def _read(self) -> None:
        looked = self._looked
        try:
            looked.value = await apart(self.console.store.backend.history)
            looked.problem = None
        except QuillkeepError as error:
            looked.problem = Problem.of(error)
        looked.answered = self.console.store.backend.now()
        if looked.value is not None:
            self._operations = {one.id: one for one in looked.value.operations}
        self._make_rows()

    @property
    def _wanted(self) -> list[Operation]:
        return [one for one in self._operations.values() if self._plans or not one.only_looked]

    def _make_rows(self) -> None:
        wide = self.size.width >= parts.WIDE
        if wide != self._wide:
            self._wide = wide
            columns = parts.WIDE_COLUMNS if wide else parts.NARROW_COLUMNS
            self.query_one(InventoryTable).show([], columns)
        glyphs = self.console.glyphs
        self._show([parts.row_of(one, glyphs, wide=wide) for one in self._wanted])

    def _show(self, rows: Sequence[TableRow]) -> None:
        looked, wanted = self._looked, self._wanted
        self.show_problem(looked.problem)
        head = parts.head_of(wanted, looked.value.forbidden if looked.value else ())
        left = left_out(len(self._operations) - len(wanted))
        self.query_one("#history-head", Static).update(plain(f"{head}{left}".removeprefix("; ")))
        self.show_list(rows)

    def empty_words(self) -> tuple[str, str]:
        """Why nothing is told."""
        looked = self._looked
        if looked.value is None and looked.problem is None:
            return "Reading the journals.", f"Since {moment(looked.asked)}."
        if looked.problem is not None:
            return "What was done is not known.", "r looks again."
        if self._operations:
            return "Only plans and dry runs so far.", "p shows them."
        return "Nothing was done yet.", "2 Archives, then b, makes a backup; it will show here."

    def show_about(self) -> None:
        """The operation under the cursor."""
        one = self._selected
        self.query_one("#history-about", Static).update(plain(parts.about_of(one) if one else ""))

    @property
    def _selected(self) -> Operation | None:
        row = self.query_one(InventoryTable).cursor
        return self._operations.get(row.key) if row is not None else None

    @property
    def _shown(self) -> list[Operation]:
        return [self._operations[row.key] for row in self.query_one(InventoryTable).rows]

    def why_disabled(self, action: str) -> str:
        """Why an action does nothing now; empty when it works."""
        if action in ("open", "export", "trends", "copy", "save") and self.is_mounted and not self.rows:
            return "There is no operation yet."
        if action == "rollback" and self.is_mounted:
            one = self._selected
            if one is None:
                return "There is no operation under the cursor."
            return why_no_rollback(self.console, one.id, verb="plan" if one.only_looked else one.verb)
        return ""

    def on_inventory_table_opened(self) -> None:
        """Enter."""
        self.action_open()

    def action_open(self) -> None:
        """The operation under the cursor; one that runs is shown live."""
        one = self._selected
        if one is None:
            return
        if one.state in LIVE:
            self.console.open_job(one.id)
        else:
            self.console.push_screen(HistoryDetailScreen(one))

    def action_rollback(self) -> None:
        """The rollback of the restore under the cursor, on its plan."""
        from tui.screens.restore.rollback import open_rollback

        if self._selected is not None:
            open_rollback(self.console, self._selected.id)

    def action_trends(self) -> None:
        """The plots."""
        self.console.push_screen(TrendsScreen(trends_of(list(self._operations.values()))))

    def action_export(self) -> None:
        """What is shown."""
        export(self, self._shown, "quillkeep-history")

    def action_plans(self) -> None:
        """Shows plans and dry runs as well, or leaves them out."""
        self._plans = not self._plans
        self._make_rows()

    def action_copy(self) -> None:
        """The rows shown, into the terminal's clipboard."""
        self.console.copy_text(self._text, name="quillkeep-history.txt")

    def action_save(self) -> None:
        """The rows shown, as a new file."""
        self.console.save_text(self._text, name="quillkeep-history.txt")

    @property
    def _text(self) -> str:
        return "\n".join("  ".join(row.cells) for row in self.query_one(InventoryTable).rows) + "\n"


def _is_over(job: JobSummary) -> bool:
    return job.state not in LIVE
