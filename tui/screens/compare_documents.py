"""One collection of a comparison document by document: which came, went or changed, and in which fields."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widgets import Static

from services.operations.diff_model import LIVE, DiffPlan
from tui.present_diff import detail_words, side_words
from tui.screens.compare_documents_rows import (
    code,
    document_lines,
    document_name,
    document_row,
    sides_of,
    verdict_words,
)
from tui.screens.compare_job import ComparisonScreen, say
from widgets.filter_bar import FilterBar, matching
from widgets.inventory_table import Column, InventoryTable
from widgets.plain import plain_lines
from widgets.problem_box import ProblemBox
from widgets.progress_line import ProgressLine
from widgets.text import escape

NARROW = (Column("STATE", 13, toned=True), Column("DOCUMENT", 28), Column("FIELDS THAT DIFFER"))
WIDE = (Column("STATE", 13, toned=True), Column("DOCUMENT", 44), Column("FIELDS THAT DIFFER"))
WIDE_CELLS = 120


class CompareDocumentsScreen(ComparisonScreen):
    """Starts its own job; leaving it does not touch the job, whose result stays in Jobs."""

    HELP = """
# Document by document

One collection of both sides, read whole and compared by `_id`: documents *only in A*, *only in B*, and *changed*
ones with the paths of the fields that differ. The first of each kind are shown; the counts are of all.

- `v` compares once more and shows the fields' values; those of secret fields (password hashes, tokens, what the
  pepper encrypts) are never shown.
- Enter shows everything of one document; `R` opens the restore wizard on this collection from A.
- `/` filters by id or field, `y` copies, `s` saves all of it as Markdown, `t` shows the JSON.
- `j` shows the job, `r` compares again, Escape goes back; a comparison that still runs goes on, in Jobs.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="compare.back", tooltip="The job goes on"),
        Binding("v", "values", "Values", id="documents.values", tooltip="Once more, with the fields' values"),
        Binding(
            "R",
            "restore",
            "Restore",
            id="documents.restore",
            tooltip="This collection, in the restore wizard",
        ),
        Binding("slash", "filter", "Filter", key_display="/", id="documents.filter"),
        Binding("y", "copy", "Copy", id="compare.copy"),
        Binding("s", "save", "Save", id="compare.save", tooltip="As a new Markdown file"),
        Binding("a", "text", "All", id="compare.text", show=False, tooltip="Everything as one text"),
        Binding("t", "json", "JSON", id="compare.json", show=False, tooltip="The document of `diff --json`"),
        Binding("j", "job", "Job", id="compare.job", tooltip="Its log, and how to stop it"),
        Binding("r", "again", "Again", id="compare.again", tooltip="Compare again"),
    ]

    def __init__(self, a: str, b: str, collection: str) -> None:
        super().__init__()
        self._refs = (a, b)
        self._sides = sides_of(b)
        self._collection = collection
        self._values = False
        self._looked_at = ""
        """The document to come back to once the values are there."""

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="compare-sides", markup=False)
        yield Static("", id="compare-verdict", markup=False)
        yield Static("", id="compare-warning", markup=False)
        yield ProgressLine(glyphs, id="compare-progress")
        yield ProblemBox(glyphs=glyphs, id="compare-problem")
        yield InventoryTable((), ellipsis=glyphs.ellipsis, id="compare-table")
        yield FilterBar(id="compare-filter")
        yield Static("", id="compare-fields", markup=False)

    def on_mount(self) -> None:
        """The comparison begins."""
        self.query_one(InventoryTable).focus()
        self.begin()

    def on_resize(self, event: Resize) -> None:
        """Longer ids where there is room."""
        self.show_rows()

    def on_inventory_table_highlighted(self) -> None:
        """Another document."""
        self._show_about()

    def on_inventory_table_opened(self) -> None:
        """Enter: all fields of it."""
        one = self._document
        if one is not None:
            text = "\n".join(document_lines(one, self._sides, every=True))
            self.console.show_text(f"{self._collection}  {document_name(one)}", text, name="document.txt")

    def on_filter_bar_changed(self) -> None:
        """Other words."""
        self.show_rows()

    def on_filter_bar_left(self) -> None:
        """Back to the list."""
        self.query_one(InventoryTable).focus()

    def plan(self) -> DiffPlan:
        """This collection alone."""
        a, b = self._refs
        return DiffPlan(
            a=a, b=b, documents=True, values=self._values, collections=(self._collection,), alone=True
        )

    @property
    def row(self) -> dict[str, Any] | None:
        """The collection as the result has it."""
        rows = self._result["collections"] if self._result is not None else ()
        return next((one for one in rows if one["name"] == self._collection), None)

    @property
    def _examples(self) -> list[dict[str, Any]]:
        row = self.row
        documents = row["documents"] if row is not None else None
        return list(documents["examples"]) if documents else []

    @property
    def _document(self) -> dict[str, Any] | None:
        """The one under the cursor."""
        row = self.query_one(InventoryTable).cursor
        return self._examples[int(row.key)] if row is not None else None

    def why_disabled(self, action: str) -> str:
        """The documents' own keys too."""
        if action == "values" and self._still_runs:
            return "The comparison still runs."
        if action == "values" and self._values:
            return "The values are shown already."
        if action in ("values", "filter") and not self._examples:
            return self._why_no_result if self._result is None else "No document differs."
        if action == "restore" and LIVE not in self._refs:
            return "Neither side is live."
        return super().why_disabled(action)

    def action_values(self) -> None:
        """Compares once more, with values; the cursor comes back to its document."""
        one = self._document
        self._looked_at = one["id"] if one is not None else ""
        self._values = True
        self.begin()

    def action_filter(self) -> None:
        """Opens the filter's line."""
        self.query_one(FilterBar).open()

    async def action_restore(self) -> None:
        """The wizard, on this collection of the side that is a backup."""
        backup = next(ref for ref in self._refs if ref != LIVE)
        await self.console.open_restore(backup=backup, collections=(self._collection,))

    def action_back(self) -> None:
        """Takes the filter away, else leaves; the job goes on."""
        bar = self.query_one(FilterBar)
        if bar.text:
            bar.clear()
        else:
            super().action_back()

    def markdown(self) -> str:
        """All that is shown, as a file to keep."""
        if self._result is None or self.row is None:
            return ""
        head = [f"# {code(self._collection)} document by document", ""]
        head += [
            f"- {letter}: {code(side_words(self._result[key]))}" for letter, key in (("A", "a"), ("B", "b"))
        ]
        head += [
            f"- {verdict_words(self.row, self._sides)}",
            *(f"- {escape(str(text))}" for text in self._result["warnings"]),
        ]
        lines = [
            line for one in self._examples for line in ["", *document_lines(one, self._sides, every=True)]
        ]
        return (
            "\n".join([*head, "", "```text", *(line.replace("```", "'''") for line in lines), "```"]) + "\n"
        )

    def verdict(self, result: dict[str, Any]) -> tuple[str, str]:
        """How many came, went and changed."""
        row = self.row
        if row is None:
            return (
                "unknown",
                f"{self.console.glyphs.of('unknown')} The result says nothing of this collection.",
            )
        status = {"same": "ok", "not compared": "unknown"}.get(row["state"], "warn")
        return (
            status,
            f"{self.console.glyphs.status(status, row['state'])}: {verdict_words(row, self._sides)}",
        )

    def show_words(self) -> None:
        """The collection and both sides in one line."""
        result = self._result
        sides = [
            result[key]["id"] if result is not None else self._refs[place] for place, key in enumerate("ab")
        ]
        arrow = self.console.glyphs.arrow
        say(
            self.query_one("#compare-sides", Static),
            f"{self._collection}:  A {sides[0]}  {arrow}  B {sides[1]}",
        )

    def show_rows(self) -> None:
        """The first documents of each kind."""
        rows = [
            document_row(place, one, self.console.glyphs, self._sides)
            for place, one in enumerate(self._examples)
        ]
        bar = self.query_one(FilterBar)
        shown = list(matching(rows, bar.text))
        bar.count(len(shown), len(rows))
        columns = WIDE if self.size.width >= WIDE_CELLS else NARROW
        table = self.query_one(InventoryTable)
        table.show(shown, columns if rows else ())
        if rows and self._looked_at:
            places = (str(place) for place, one in enumerate(self._examples) if one["id"] == self._looked_at)
            table.go_to(next(places, ""))
            self._looked_at = ""
        self._show_about()
        self.refresh_bindings()

    def _show_about(self) -> None:
        one = self._document
        lines: list[str] = []
        if one is not None:
            lines = document_lines(one, self._sides, every=False)
        elif self._result is None and not self._story.ended:
            lines = ["Nothing is changed by comparing. Escape leaves, the job goes on."]
        elif self.row is not None and (words := detail_words(self.row)):
            lines = [words]
        say(self.query_one("#compare-fields", Static), plain_lines("\n".join(lines)))
