"""Jobs: what runs now, with its progress, and what ran, with its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from tui.screens import jobs_parts as parts
from tui.screens.job import JobScreen
from tui.screens.job_parts import moment
from tui.screens.list_screen import ListScreen
from tui.screens.way_back import why_no_rollback
from widgets.empty import Empty
from widgets.filter_bar import FilterBar
from widgets.inventory_table import InventoryTable, TableRow
from widgets.plain import plain, plain_lines
from widgets.problem_box import ProblemBox

if TYPE_CHECKING:
    from services.jobs.listing import JobSummary


class JobsScreen(ListScreen):
    """The jobs of this state folder; Enter opens one."""

    MODE: ClassVar[str] = "jobs"
    TOPICS: ClassVar[tuple[str, ...]] = ("jobs",)
    CSS_PATH = "../styles/jobs.tcss"
    HELP = """
# Jobs

Every long operation is a *job*: a process of its own with a journal, which goes on without this
console. Those that run stand on top; the others follow, newest first, with how they ended.
*lost* means that the process is gone and left no result: open it to see what it left.

- Enter opens a job: its phases, log, result, and how to go on.
- `Z` shows how to roll back the restore under the cursor; its plan changes nothing.
- `x` opens the running job under the cursor and asks whether to cancel it.
- `p` shows plans and dry runs as well: they changed nothing, and are left out until then.
- `/` filters by state, verb, user or any word; Escape shows all again.
- `y` copies the list, `s` saves it, `r` looks again.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="jobs.open"),
        Binding("x", "cancel", "Cancel job", id="jobs.cancel"),
        Binding("Z", "rollback", "Roll back", id="jobs.rollback", tooltip="What was live before a restore"),
        Binding("p", "plans", "Plans too", id="jobs.plans", tooltip="Plans and dry runs as well"),
        Binding("slash", "filter", "Filter", key_display="/", id="jobs.filter"),
        Binding("escape", "clear", "Show all", show=False, id="jobs.clear"),
        Binding("r", "look", "Look again", id="jobs.look"),
        Binding("y", "copy", "Copy", id="jobs.copy"),
        Binding("s", "save", "Save", id="jobs.save"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[str, tuple[JobSummary, TableRow]] = {}
        self._plans = False
        self._left_out = 0
        self._words = ""

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="jobs-head", markup=False)
        yield ProblemBox(glyphs=glyphs, id="jobs-problem")
        yield Empty("Reading the jobs.", id="jobs-empty")
        yield InventoryTable(parts.COLUMNS, ellipsis=glyphs.ellipsis, id="jobs-table")
        yield FilterBar(id="jobs-filter")
        yield Static("", id="jobs-about", markup=False)

    def show(self, topic: str) -> None:
        looked = self.console.store.jobs
        self.show_problem(looked.problem)
        glyphs = self.console.glyphs
        held: dict[str, tuple[JobSummary, TableRow]] = {}
        jobs = parts.in_order(looked.value or ())
        wanted = [job for job in jobs if self._plans or not job.only_looked or job.state in parts.LIVE]
        self._left_out = len(jobs) - len(wanted)
        for job in wanted:
            before = self._held.get(job.id)
            same = before is not None and before[0] == job
            held[job.id] = before if same and before is not None else (job, parts.row_of(job, glyphs))
        self._held = held
        rows = [row for _, row in held.values()]
        self._draw_head()
        self.show_list(rows)

    def on_resize(self) -> None:
        """More or fewer words above the list."""
        self._draw_head()

    def _draw_head(self) -> None:
        head = self.query_one("#jobs-head", Static)
        width = head.content_size.width or self.app.size.width
        words = parts.head_of([job for job, _ in self._held.values()], self._left_out, width)
        if words != self._words:
            self._words = words
            head.update(plain(words))

    def empty_words(self) -> tuple[str, str]:
        """Why there are no jobs."""
        looked = self.console.store.jobs
        if looked.value is None and looked.problem is None:
            since = f"Since {moment(looked.asked)}." if looked.asked else ""
            return "Reading the journals of the jobs.", since
        if looked.problem is not None:
            return "Which jobs there are is not known.", "r looks again."
        if self._left_out:
            return "Only plans and dry runs so far.", "p shows them."
        return "There are no jobs yet.", "2 Archives, then b, makes a backup; it will show here."

    def show_about(self) -> None:
        """The job under the cursor."""
        job = self._selected
        self.query_one("#jobs-about", Static).update(plain_lines(parts.details_of(job) if job else ""))

    @property
    def _selected(self) -> JobSummary | None:
        row = self.query_one(InventoryTable).cursor
        return self._held[row.key][0] if row is not None and row.key in self._held else None

    def on_inventory_table_opened(self, event: InventoryTable.Opened) -> None:
        """Enter."""
        self.console.open_job(event.key)

    def why_disabled(self, action: str) -> str:
        """Why an action does nothing now; empty when it works."""
        if action not in ("open", "cancel", "rollback") or not self.is_mounted:
            return ""
        job = self._selected
        if job is None:
            return "There is no job under the cursor."
        if action == "cancel" and job.state not in parts.LIVE:
            return "This job has ended."
        if action == "rollback":
            return why_no_rollback(self.console, job.id, verb="plan" if job.only_looked else job.verb)
        return ""

    def action_open(self) -> None:
        """The job under the cursor."""
        if self._selected is not None:
            self.console.open_job(self._selected.id)

    def action_cancel(self) -> None:
        """Opens the job, which then asks."""
        if self._selected is not None:
            self.console.push_screen(JobScreen(self._selected.id, asks_to_cancel=True))

    def action_rollback(self) -> None:
        """The rollback of the restore under the cursor, on its plan."""
        from tui.screens.restore.rollback import open_rollback

        if self._selected is not None:
            open_rollback(self.console, self._selected.id)

    def action_plans(self) -> None:
        """Shows plans and dry runs as well, or leaves them out."""
        self._plans = not self._plans
        self.show("jobs")

    def action_look(self) -> None:
        """Reads the journals again."""
        self.console.look_at_jobs()

    def action_copy(self) -> None:
        """The rows shown, into the terminal's clipboard."""
        self.console.copy_text(self._text, name="quillkeep-jobs.txt")

    def action_save(self) -> None:
        """The rows shown, as a new file."""
        self.console.save_text(self._text, name="quillkeep-jobs.txt")

    @property
    def _text(self) -> str:
        return parts.list_text(self.query_one(InventoryTable).rows)
