"""Two backups, or a backup and what is live, side by side: a `diff` job, its progress, and its result."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widgets import Static

from services.history.story import Story
from services.operations.diff_model import LIVE, DiffPlan
from tui.bridge import Follower, JobNews
from tui.present_diff import VERDICTS, diff_markdown, side_words
from tui.screens import job_parts
from tui.screens.base import ConsoleScreen
from tui.screens.compare_rows import FOLDED, NARROW, WIDE, about, objects_words, rows_of, verdict_words
from tui.store import Problem
from tui.work import start_work
from widgets.glyphs import tone
from widgets.inventory_table import InventoryTable
from widgets.plain import plain, plain_lines
from widgets.problem_box import ProblemBox
from widgets.progress_line import ProgressLine

WIDE_CELLS = 120
TONES = ("success", "warning", "error", "accent")
NO_RESULT = "There is no result yet."


class CompareScreen(ConsoleScreen):
    """Starts the job when it is opened; leaving it does not touch the job, whose result stays in Jobs."""

    CSS_PATH = "../styles/compare.tcss"
    HELP = """
# Compare

A is what you marked, B is the other one, or *live*: the database and the bucket as they are now.
Collections are compared by number of documents, bytes, and *content*: a sum over every document, whatever
their order. The sums of our own backups stand in their manifests; a foreign dump and the live data are read.
Objects are compared by key, size and checksum.

What differs stands first; what is the same is folded into one line.

- `u` (or Enter on that line) unfolds and folds what is the same.
- `a` shows everything as one text, `t` the same as JSON; both can be copied and saved there.
- `y` copies the comparison, `s` saves it as a new file (Markdown).
- `j` shows the job: its log, and how to stop it.
- `r` compares again.
- Escape goes back; a comparison that still runs goes on, and its result is in Jobs.

*not compared* and *not told* are no differences: the line below the table says why.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="compare.back", tooltip="The job goes on"),
        Binding("u", "unfold", "Same ones", id="compare.unfold", tooltip="Show or fold what is the same"),
        Binding("a", "text", "All", id="compare.text", tooltip="Everything as one text"),
        Binding("y", "copy", "Copy", id="compare.copy"),
        Binding("s", "save", "Save", id="compare.save", tooltip="As a new Markdown file"),
        Binding("t", "json", "JSON", id="compare.json", show=False, tooltip="The document of `diff --json`"),
        Binding("j", "job", "Job", id="compare.job", tooltip="Its log, and how to stop it"),
        Binding("r", "again", "Again", id="compare.again", tooltip="Compare again"),
    ]

    def __init__(self, a: str, b: str = LIVE) -> None:
        super().__init__()
        self._refs = (a, b)
        self._job = ""
        self._story = Story()
        self._since: datetime | None = None
        self._follower: Follower | None = None
        self._result: dict[str, Any] | None = None
        self._unfolded = False
        self._starting = False

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="compare-a", markup=False)
        yield Static("", id="compare-b", markup=False)
        yield Static("", id="compare-verdict", markup=False)
        yield Static("", id="compare-objects", markup=False)
        yield Static("", id="compare-warning", markup=False)
        yield ProgressLine(glyphs, id="compare-progress")
        yield ProblemBox(glyphs=glyphs, id="compare-problem")
        yield InventoryTable(NARROW, ellipsis=glyphs.ellipsis, id="compare-table")
        yield Static("", id="compare-about", markup=False)

    def on_mount(self) -> None:
        """The comparison begins."""
        super().on_mount()
        self.query_one(InventoryTable).focus()
        self._begin()

    def on_unmount(self) -> None:
        """Stops reading the journal; the job goes on."""
        self._close()

    def on_resize(self, event: Resize) -> None:
        """More columns where there is room."""
        self._show_rows()

    def on_job_news(self, news: JobNews) -> None:
        """What the journal says since the last time; a job that was replaced by a newer one is not heard."""
        if news.job != self._job:
            return
        for event in news.events:
            self._story.add(event)
        if news.ended:
            self._story.end()
        finished = self._story.finished
        if finished is not None and "verdict" in finished.result:
            self._result = finished.result
        self._show_state()
        if news.ended:
            self._show_rows()
            self.console.look_at_jobs()
        self.refresh_bindings()

    def on_inventory_table_highlighted(self) -> None:
        """Another row."""
        self._show_about()

    def on_inventory_table_opened(self, event: InventoryTable.Opened) -> None:
        """Enter on the folded line unfolds it."""
        if event.key == FOLDED:
            self.action_unfold()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what cannot be done; `why_disabled` says why."""
        return None if self.why_disabled(action) else True

    def why_disabled(self, action: str) -> str:
        """Why an action does nothing now; empty when it works."""
        if action in ("unfold", "text", "copy", "save", "json") and self._result is None:
            return "The comparison did not come to a result." if self._story.ended else NO_RESULT
        if action == "unfold" and not self._has_same:
            return "No collection is the same."
        if action == "job" and not self._job:
            return "No job has started."
        if action == "again" and (self._starting or (self._job and not self._story.ended)):
            return "The comparison still runs."
        return ""

    @property
    def _has_same(self) -> bool:
        result = self._result
        return result is not None and any(row["state"] == "same" for row in result["collections"])

    def action_back(self) -> None:
        """Leaves; the job goes on."""
        if self._job and not self._story.ended:
            self.console.say(f"The comparison goes on: job {self._job} is in Jobs.")
        self.dismiss(None)

    def action_unfold(self) -> None:
        """Shows or folds what is the same."""
        self._unfolded = not self._unfolded
        self._show_rows()

    def action_text(self) -> None:
        """Everything as one text."""
        self.console.show_text("Comparison", self._markdown, name=self._file("md"))

    def action_json(self) -> None:
        """The verb's document."""
        text = msgspec.json.format(msgspec.json.encode(self._result), indent=2).decode()
        self.console.show_text("Comparison as JSON", text, name=self._file("json"))

    def action_copy(self) -> None:
        """The comparison, into the terminal's clipboard."""
        self.console.copy_text(self._markdown, name="the comparison")

    def action_save(self) -> None:
        """The comparison, as a new file."""
        self.console.save_text(self._markdown, name=self._file("md"))

    def action_job(self) -> None:
        """The job itself."""
        self.console.open_job(self._job)

    def action_again(self) -> None:
        """Compares again; what is shown stays until then."""
        self._begin()

    @property
    def _markdown(self) -> str:
        return diff_markdown(self._result) if self._result is not None else ""

    def _file(self, ending: str) -> str:
        return f"quillkeep-comparison-{self._job}.{ending}"

    def _close(self) -> None:
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def _begin(self) -> None:
        self._close()
        self._story = Story()
        self._job = ""
        self._result = None
        self._unfolded = False
        self._starting = True
        self._since = self.console.store.backend.now()
        self._show_state()
        self._show_rows()
        start_work(self, self._start, exclusive=True, group="compare", description="compare")

    async def _start(self) -> None:
        a, b = self._refs
        started = await self.console.begin_job("diff", DiffPlan(a=a, b=b))
        self._starting = False
        if started is None:
            self._story.end()
        else:
            self._job = started.job
            self._follower = Follower(self.console.store.backend, self, started.job, started.folder)
        self._show_state()
        self.refresh_bindings()

    def _show_state(self) -> None:
        story, result = self._story, self._result
        for place, key in enumerate(("a", "b")):
            side = side_words(result[key]) if result is not None else self._refs[place]
            _say(self.query_one(f"#compare-{key}", Static), f"{key.upper()}  {side}")
        self._show_verdict()
        progress = self.query_one(ProgressLine)
        progress.display = bool(self._job) and not story.ended
        phase = story.phase
        if progress.display:
            progress.show(phase.share if phase else None, job_parts.progress_of(phase))
        problem: Problem | None = None
        if self._job and story.ended and result is None:
            folder = self.console.store.backend.paths.jobs / self._job
            problem = job_parts.problem_of(self._job, story, folder)
        box = self.query_one(ProblemBox)
        if problem is None:
            box.show("")
        else:
            box.show(problem.what, problem.cause, problem.touched, problem.next)
        objects = self.query_one("#compare-objects", Static)
        words = objects_words(result) if result is not None else ""
        objects.display = bool(words)
        _say(objects, words)
        warnings = [str(text) for text in (result or {}).get("warnings") or ()]
        more = f" (and {len(warnings) - 1} more: a)" if len(warnings) > 1 else ""
        line = self.query_one("#compare-warning", Static)
        line.display = bool(warnings)
        _say(line, f"{self.console.glyphs.of('warn')} {warnings[0]}{more}" if warnings else "")

    def _show_verdict(self) -> None:
        glyphs = self.console.glyphs
        line = self.query_one("#compare-verdict", Static)
        status, text = "running", ""
        if self._result is not None:
            verdict = str(self._result["verdict"])
            status = VERDICTS[verdict][0]
            text = f"{glyphs.status(status, verdict)}: {verdict_words(self._result)}"
        elif not self._story.ended:
            since = f"{self._since.astimezone(UTC):%H:%M}" if self._since else ""
            phase = self._story.phase
            doing = f": {phase.detail or phase.name}" if phase is not None else ""
            text = f"{glyphs.status('running', 'comparing')} since {since} UTC{doing}"
        else:
            status = self._story.state if self._job else "unknown"
            text = f"{glyphs.status(status)}  There is no result: r compares again."
        for name in TONES:
            line.set_class(tone(status) == name, f"-{name}")
        _say(line, text)

    def _show_rows(self) -> None:
        table = self.query_one(InventoryTable)
        wide = self.size.width >= WIDE_CELLS
        rows = (
            rows_of(self._result, self.console.glyphs, unfolded=self._unfolded, wide=wide)
            if self._result is not None
            else []
        )
        # Headings without rows would read as if there were nothing to compare.
        table.show(rows, () if self._result is None else WIDE if wide else NARROW)
        self._show_about()

    def _show_about(self) -> None:
        row = self.query_one(InventoryTable).cursor
        lines: list[str] = []
        if self._result is not None and row is not None:
            lines = about(self._result, row.key)
        elif not self._story.ended:
            lines = ["Nothing is changed by comparing. Escape leaves, the job goes on."]
        line = self.query_one("#compare-about", Static)
        content = plain_lines("\n".join(lines))
        if line.content != content:
            line.update(content)


def _say(line: Static, text: str) -> None:
    """Another text; nothing is drawn again when it is the same."""
    content = plain(text)
    if line.content != content:
        line.update(content)
