"""Two backups, or a backup and what is live, side by side: a `diff` job, its progress, and its result."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widgets import Static

from services.operations.diff_model import LIVE, DiffPlan
from tui.present_diff import VERDICTS, diff_markdown, side_words
from tui.screens.compare_job import ComparisonScreen, say
from tui.screens.compare_rows import FOLDED, NARROW, WIDE, about, objects_words, rows_of, verdict_words
from widgets.inventory_table import InventoryTable
from widgets.plain import plain_lines
from widgets.problem_box import ProblemBox
from widgets.progress_line import ProgressLine

WIDE_CELLS = 120


class CompareScreen(ComparisonScreen):
    """Starts the job when it is opened; leaving it does not touch the job, whose result stays in Jobs."""

    HELP = """
# Compare

A is what you marked, B is the other one, or *live*: the database and the bucket as they are now.
Collections are compared by number of documents, bytes, and *content*: a sum over every document, whatever
their order. The sums of our own backups stand in their manifests; a foreign dump and the live data are read.
Objects are compared by key, size and checksum.

What differs stands first; what is the same is folded into one line.

- `d` (or Enter on a collection that differs) compares that one document by document, as a job of its own.
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
        Binding("d", "documents", "Documents", id="compare.documents", tooltip="Document by document"),
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
        self._unfolded = False

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
        self.query_one(InventoryTable).focus()
        self.begin()

    def on_resize(self, event: Resize) -> None:
        """More columns where there is room."""
        self.show_rows()

    def on_inventory_table_highlighted(self) -> None:
        """Another row."""
        self._show_about()
        self.refresh_bindings()

    def on_inventory_table_opened(self, event: InventoryTable.Opened) -> None:
        """Enter on the folded line unfolds it; on a collection its documents are compared."""
        if event.key == FOLDED:
            self.action_unfold()
        elif not self.why_disabled("documents"):
            self.action_documents()

    def plan(self) -> DiffPlan:
        """By counts and sums: documents are compared a collection at a time, when they are asked for."""
        a, b = self._refs
        return DiffPlan(a=a, b=b, documents=False)

    def why_disabled(self, action: str) -> str:
        """The rows' own keys too."""
        if action in ("unfold", "documents") and self._result is None:
            return self._why_no_result
        if action == "unfold" and not self._has_same:
            return "No collection is the same."
        if action == "documents":
            return self._why_no_documents
        return super().why_disabled(action)

    @property
    def _row(self) -> dict[str, Any] | None:
        """The collection under the cursor, as the result has it."""
        row = self.query_one(InventoryTable).cursor
        kind, _, name = row.key.partition(":") if row is not None else ("", "", "")
        rows = self._result["collections"] if self._result is not None and kind == "collection" else ()
        return next((one for one in rows if one["name"] == name), None)

    @property
    def _why_no_documents(self) -> str:
        row = self._row
        if row is None:
            return "No collection is under the cursor."
        if row["kind"] == "view":
            return "A view holds no documents of its own."
        if row["state"] == "same":
            return "It is the same by content: no document differs."
        if row["a"] is None or row["b"] is None:
            return "Only one side has it, so that every document of it is only there."
        return ""

    @property
    def _has_same(self) -> bool:
        result = self._result
        return result is not None and any(row["state"] == "same" for row in result["collections"])

    def action_unfold(self) -> None:
        """Shows or folds what is the same."""
        self._unfolded = not self._unfolded
        self.show_rows()

    def action_documents(self) -> None:
        """The collection under the cursor, document by document."""
        from tui.screens.compare_documents import CompareDocumentsScreen

        row = self._row
        if row is not None:
            self.app.push_screen(CompareDocumentsScreen(*self._refs, row["name"]))

    def markdown(self) -> str:
        """The comparison as a file to keep."""
        return diff_markdown(self._result) if self._result is not None else ""

    def begin(self) -> None:
        """Folded again."""
        self._unfolded = False
        super().begin()

    def verdict(self, result: dict[str, Any]) -> tuple[str, str]:
        """How many differ."""
        word = str(result["verdict"])
        status = VERDICTS[word][0]
        return status, f"{self.console.glyphs.status(status, word)}: {verdict_words(result)}"

    def show_words(self) -> None:
        """Both sides, and the objects."""
        result = self._result
        for place, key in enumerate(("a", "b")):
            side = side_words(result[key]) if result is not None else self._refs[place]
            say(self.query_one(f"#compare-{key}", Static), f"{key.upper()}  {side}")
        objects = self.query_one("#compare-objects", Static)
        words = objects_words(result) if result is not None else ""
        objects.display = bool(words)
        say(objects, words)

    def show_rows(self) -> None:
        """What differs first."""
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
        say(self.query_one("#compare-about", Static), plain_lines("\n".join(lines)))
