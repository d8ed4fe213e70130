"""One collection: its facts and trend, what was found in it, and its indexes against the backup."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from services.findings import Finding
from services.looking.collections_view import CollectionRow, rows_of
from tui.screens import collections_words as words
from tui.screens.archive_detail import place_of
from tui.screens.collections_actions import (
    COMPARE,
    DOCUMENTS,
    HELD_LOOK,
    LIVE_LOOK,
    LOOK,
    RESTORE,
    VALIDATE,
    CollectionActions,
)
from widgets.empty import Empty
from widgets.glyphs import Glyphs, tone
from widgets.inventory_table import Column, InventoryTable, TableRow
from widgets.key_value import KeyValues
from widgets.plain import plain, plain_lines
from widgets.problem_box import ProblemBox
from widgets.sections import Page, SectionsRow
from widgets.text import escape

SUMMARY, FINDINGS, INDEXES = range(3)
SEVERITIES = ("all", "fail", "warn", "unknown")
FINDING_COLUMNS = (Column("STATUS", 9, toned=True), Column("COUNT", 7, right=True), Column("FINDING"))
INDEX_COLUMNS = (
    Column("INDEX", 24),
    Column("KEYS"),
    Column("AGAINST THE BACKUP", 18, toned=True),
)
STATES = {
    "same": "ok",
    "not in backup": "warn",
    "differs": "warn",
    "only in backup": "warn",
    "not compared": "unknown",
}


class CollectionDetailScreen(CollectionActions):
    """Three sections, gone through by the arrow keys; the same actions as in the list."""

    MODE: ClassVar[str] = "collections"
    TOPICS: ClassVar[tuple[str, ...]] = (LIVE_LOOK, HELD_LOOK, "jobs", "live")
    CSS_PATH = "../styles/collections.tcss"
    HELP = """
# One collection

Left and right go through the sections: the summary with the trend over the last good backups, the findings of its
newest validation (of `files` also of the pair check), and the indexes against the newest good backup.

Enter on a finding shows its evidence and the next step; `R` opens the restore wizard on the backup that has the
good version of it. `f` shows one severity. `v` `d` `c` do what they do in the list. Escape goes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="collection.back"),
        Binding("left", "section(-1)", "Section", id="collection.previous", key_display="<- ->"),
        Binding("right", "section(1)", "Next section", id="collection.next", show=False),
        Binding("tab", "section(1)", "Next section", id="collection.tab", show=False),
        Binding("shift+tab", "section(-1)", "Previous section", id="collection.shift_tab", show=False),
        RESTORE,
        VALIDATE,
        DOCUMENTS,
        COMPARE,
        Binding("f", "severity", "Severity", id="collection.severity", tooltip="Of the findings"),
        Binding("s", "save", "Save", id="collection.save", tooltip="All of it, as Markdown"),
        Binding("y", "copy", "Copy", id="collection.copy", tooltip="The finding, else the name"),
        LOOK,
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._collection = name
        self._section = SUMMARY
        self._severity = 0
        self._row: CollectionRow | None = None
        self._place: object = None
        self._chosen = False

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static(plain(f" {self._collection}"), id="collection-name", markup=False)
        yield SectionsRow(("Summary", "Findings", "Indexes"), id="collection-sections")
        yield ProblemBox(id="collection-problem", glyphs=glyphs)
        with Page(id="collection-page"):
            yield KeyValues(id="collection-facts")
        yield InventoryTable((), ellipsis=glyphs.ellipsis, id="collection-table")
        yield Empty("", id="collection-empty")
        yield Static("", id="collection-about", markup=False)

    def on_mount(self) -> None:
        """Which deployment it belongs to."""
        self._place = place_of(self.console.store.profile)

    @property
    def focused_row(self) -> CollectionRow | None:
        """The one this screen is about."""
        return self._row

    @property
    def findings(self) -> list[Finding]:
        """Those of the severity that is shown."""
        word = SEVERITIES[self._severity]
        return [one for one in (self._row.findings if self._row else ()) if word in ("all", one.status)]

    @property
    def focused_finding(self) -> Finding | None:
        """The finding under the cursor, in its section."""
        if self._section != FINDINGS or not self.is_mounted:
            return None
        row = self.query_one(InventoryTable).cursor
        found = self.findings
        return found[int(row.key)] if row is not None and int(row.key) < len(found) else None

    def why_disabled(self, action: str) -> str:
        """The section's own keys too."""
        if action == "severity" and (self._row is None or not self._row.findings):
            return "There are no findings."
        if action in ("save", "copy") and self._row is None:
            return "Nothing is known of it yet."
        return super().why_disabled(action)

    def show(self, topic: str) -> None:
        """The collection as the newest answers know it."""
        if self._place is not None and self._place != place_of(self.console.store.profile):
            # Another deployment: the keys here would mean its collections.
            self.app.call_later(self.close_in_front)
            return
        if topic == "jobs":
            self.watch_jobs()
            return
        if topic == "live":
            self.heard_of_live()
            return
        self.look_if_needed()
        rows = rows_of(self.live.value, self.held.value)
        self._row = next((row for row in rows if row.name == self._collection), None)
        self._draw()

    def jobs_changed(self) -> None:
        """What runs is said beside the name."""
        if self.is_mounted:
            self._draw()

    def _draw(self) -> None:
        row, glyphs = self._row, self.console.glyphs
        problem = self.live.problem or self.held.problem
        box = self.query_one(ProblemBox)
        box.show(problem.what, problem.cause, problem.touched, problem.next) if problem else box.show("")
        waiting = [looked for looked in (self.live, self.held) if looked.waiting and looked.asked]
        said = [f" {self._collection}"]
        if self.doing:
            said.append(glyphs.status("running", self.doing))
        elif waiting:
            said.append(f"{glyphs.of('waiting')} asking since {waiting[0].asked:%H:%M:%S} UTC")
        if self._severity and self._section == FINDINGS:
            said.append(f"{SEVERITIES[self._severity]} only (f)")
        self.query_one("#collection-name", Static).update(plain("   ".join(said)), layout=False)
        if row is not None and row.findings and not self._chosen:
            # Whoever opens what is broken wants to see what is broken.
            self._section, self._chosen = FINDINGS, True
        found = len(row.findings) if row else 0
        names = ("Summary", f"Findings {found:,}", f"Indexes {len(row.indexes) if row else 0:,}")
        self.query_one(SectionsRow).show(names, self._section)
        self._draw_section()
        self.refresh_bindings()

    def _draw_section(self) -> None:
        page, table, empty = self.query_one(Page), self.query_one(InventoryTable), self.query_one(Empty)
        row, glyphs = self._row, self.console.glyphs
        now = self.console.store.backend.now()
        page.display = self._section == SUMMARY and row is not None
        table.opens = self._section == FINDINGS
        rows: list[TableRow] = []
        if row is not None and self._section == SUMMARY:
            self.query_one(KeyValues).show(words.facts_of(row, self.held.value, now, glyphs))
        elif row is not None and self._section == FINDINGS:
            rows = [finding_row(place, one, glyphs) for place, one in enumerate(self.findings)]
        elif row is not None:
            rows = [
                TableRow(
                    f"{place}",
                    (escape(one.name), escape(one.keys), glyphs.status(STATES[one.state], one.state)),
                    tone(STATES[one.state]),
                )
                for place, one in enumerate(row.indexes)
            ]
        table.show(rows, FINDING_COLUMNS if self._section == FINDINGS else INDEX_COLUMNS)
        table.display = bool(rows)
        empty.display = not rows and not page.display
        if empty.display:
            empty.show(*self._empty_words())
        self._show_about()
        if self.focused is None or not self.focused.display:
            self._focus_body()

    def _empty_words(self) -> tuple[str, str]:
        row = self._row
        if row is None:
            if self.live.waiting or self.held.waiting:
                return "Asking the database, and reading what the backups hold.", "r asks again."
            return "Nothing is known of it any more.", "Escape goes back to the list."
        if self._section == INDEXES:
            return "No index is known of it.", "A view has none; r asks again."
        if row.findings:
            return f"No finding is {SEVERITIES[self._severity]}.", "f shows the next severity."
        if row.validation is None:
            return "Nobody has looked: it was never validated.", "v validates it."
        now, glyphs = self.console.store.backend.now(), self.console.glyphs
        hint = "v validates it again."
        if row.validation.replaced:
            return "Nothing is known of what is live now.", f"{words.OUTDATED} {hint}"
        return words.validated_words(row, now, glyphs), hint

    def _show_about(self) -> None:
        finding = self.focused_finding
        line = self.query_one("#collection-about", Static)
        line.display = finding is not None
        if finding is None or self._row is None:
            return
        told = [escape(finding.what)]
        if finding.examples:
            told.append(f"e.g. {', '.join(escape(one) for one in finding.examples)}")
        if good := words.good_words(self._row, self.held.value, finding):
            told.append(good)
        if finding.next:
            told.append(f"Next: {escape(finding.next)}")
        content = plain_lines("\n".join(told))
        if line.content != content:
            line.update(content)

    def _focus_body(self) -> None:
        for kind in (Page, InventoryTable, Empty):
            body = self.query_one(kind)
            if body.display:
                body.focus()
                return

    def on_inventory_table_highlighted(self) -> None:
        """Another finding."""
        self._show_about()
        self.refresh_bindings()

    def on_inventory_table_opened(self) -> None:
        """Enter on a finding shows all of it."""
        finding = self.focused_finding
        if finding is not None and self._row is not None:
            self.console.show_text(
                self._collection, words.finding_text(self._row, finding), name="finding.txt"
            )

    def action_section(self, step: int) -> None:
        """The next section, or the one before."""
        self._section, self._chosen = (self._section + step) % 3, True
        self._draw()
        self._focus_body()

    def action_severity(self) -> None:
        """The next severity of the findings, which it shows."""
        if self._section == FINDINGS:
            self._severity = (self._severity + 1) % len(SEVERITIES)
        self._section = FINDINGS
        self._draw()
        self._focus_body()

    def action_copy(self) -> None:
        """The finding under the cursor, else the name."""
        finding = self.focused_finding
        if finding is not None and self._row is not None:
            self.console.copy_text(words.finding_text(self._row, finding), name="the finding")
        else:
            self.console.copy_text(self._collection, name="the collection's name")

    def action_save(self) -> None:
        """Facts, findings and indexes as Markdown."""
        row = self._row
        if row is None:
            return
        now, glyphs = self.console.store.backend.now(), self.console.glyphs
        lines = [f"# {words.code(row.name)}", ""]
        lines += [f"- {word}: {value}" for word, value in words.facts_of(row, self.held.value, now, glyphs)]
        lines += ["", "## Findings", ""]
        lines += [f"- {line}" for one in row.findings for line in words.finding_lines(one)] or ["None."]
        lines += ["", "## Indexes", ""]
        lines += [f"- {words.code(one.name)} {words.code(one.keys)}: {one.state}" for one in row.indexes] or [
            "None."
        ]
        stem = "".join(char if char.isalnum() or char in "_-." else "_" for char in self._collection)[:60]
        self.console.save_text("\n".join(lines) + "\n", name=f"quillkeep-{stem}-{now:%Y%m%d_%H%M%S}.md")

    def action_leave(self) -> None:
        """Back to the list."""
        self.app.pop_screen()


def finding_row(place: int, finding: Finding, glyphs: Glyphs) -> TableRow:
    """One line of the findings."""
    cells = (glyphs.status(finding.status), f"{finding.count:,}", escape(finding.what))
    return TableRow(str(place), cells, tone(finding.status), f"{finding.kind} {finding.what}".lower())
