"""Archives: every backup of every location, to sort, filter, open and act upon."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from services.catalog.model import Backup
from services.catalog.scan import Catalog
from tui.bridge import apart
from tui.screens.archive_actions import BACK_UP, COPY, OTHERS, RESTORE, VERIFY, BackupActions
from tui.screens.archives_list import NOTHING, listed
from tui.screens.archives_rows import (
    FEW_NOTES,
    NOTES,
    SORTS,
    VERDICT,
    columns_for,
    facts_of,
)
from tui.screens.archives_words import empty_words, focus_lines, head_words, jump_target, places_lines
from tui.work import start_work
from widgets.empty import Empty
from widgets.filter_bar import FilterBar, matching
from widgets.inventory_table import InventoryTable, TableRow
from widgets.key_names import keys_line
from widgets.key_value import KeyValues
from widgets.plain import plain, plain_lines
from widgets.problem_box import ProblemBox

STALE_SECONDS = 60.0
"""Ages on the screen are computed again when it comes back after this long."""


class ArchivesScreen(BackupActions):
    """The inventory."""

    MODE: ClassVar[str] = "archives"
    TOPICS: ClassVar[tuple[str, ...]] = ("catalog", "jobs")
    CSS_PATH = "../styles/archives.tcss"
    HELP = """
# Archives

Every backup of every location, also those made by other tools (*foreign*) and of other deployments.

- **Verdict**: *good* = complete, not suspicious, every byte proven; *suspicious* = much smaller than the one
  before; *incomplete* = files are gone; *damaged* = a verify found wrong bytes; *not verified* = nobody looked yet.
- **Checked**: the newest verify and its depth; *own* = proven by the backup's own read-back when it was made.

| key | |
| --- | --- |
| Enter | everything about this backup, and the stock commands that restore it |
| `b` `v` `R` | start a backup, verify this one, restore this one |
| `c` `l` | compare: `c` marks, `c` on another compares; `l` compares with live |
| `p` `a` `d` | pin or unpin, accept as it is, delete (type its id) |
| `t` | the trash: deleted backups, and the way back of each |
| `/` `o` `g` | filter as you type, sort, go to an id or date |
| `y` `r` | copy the id, look again |
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        BACK_UP,
        VERIFY,
        RESTORE,
        Binding("slash", "filter", "Filter", id="archives.filter"),
        *OTHERS,
        Binding("o", "sort", "Sort", id="archives.sort", tooltip="Newest, largest, location, verdict"),
        COPY,
        Binding("t", "trash", "Trash", id="archives.trash", tooltip="Deleted backups, and their way back"),
        Binding("g", "jump", "Go to an id or date", id="archives.jump", show=False),
        Binding("escape", "back", "Everything again", id="archives.back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._catalog: Catalog | None = None
        self._listed = NOTHING
        self._said: dict[str, str] = {}
        self._sort = 0
        self._built_at: Any = None

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="archives-head", markup=False)
        yield ProblemBox(id="archives-problem", glyphs=glyphs)
        yield Static("", id="archives-places", markup=False)
        with Horizontal(id="archives-main"):
            with Vertical(id="archives-left"):
                yield InventoryTable(columns_for, ellipsis=glyphs.ellipsis, marker=">", id="inventory")
                yield Empty("", id="archives-empty")
            with VerticalScroll(id="archives-side", can_focus=False):
                yield Static("", id="archives-name", markup=False)
                yield KeyValues(id="archives-facts")
        yield Static("", id="archives-focus", markup=False)
        yield Static(plain(self._more_keys()), id="archives-keys", markup=False)
        yield FilterBar(id="filter")
        yield FilterBar("Go to (id or date):", id="jump")

    def _more_keys(self) -> str:
        """The keys for which the row at the bottom has no room at 80 columns."""
        return keys_line(
            self.console.keymap,
            (
                ("archives.compare", "c", "compare"),
                ("archives.compare_live", "l", "with live"),
                ("archives.delete", "d", "delete"),
                ("archives.pin", "p", "pin"),
                ("archives.accept", "a", "accept"),
                ("archives.trash", "t", "trash"),
                ("archives.sort", "o", "sort"),
                ("archives.jump", "g", "go to"),
            ),
        )

    @property
    def focused_backup(self) -> Backup | None:
        """The backup under the cursor, as the newest answer knows it."""
        if not self.is_mounted:
            return None
        row = self.query_one(InventoryTable).cursor
        return self._listed.backups.get(row.key) if row else None

    def why_disabled(self, action: str) -> str:
        """The list's own keys too."""
        if action in ("filter", "sort", "jump") and not self._listed.rows:
            return "There is nothing in the list."
        return super().why_disabled(action)

    def show(self, topic: str) -> None:
        """The catalog's newest answer, or what runs."""
        if topic == "jobs":
            self.watch_jobs()
            self.notes_changed()
            self._say_head()
            return
        if self._catalog is not None and self.console.store.catalog.value is None:
            # Another deployment: nothing that was read of the last one stays.
            self._catalog, self._listed, self._running_jobs = None, NOTHING, None
            self._filter()
            self.rescan()
        looked = self.console.store.catalog
        if self._again and not looked.waiting:
            self._again = False
            self.call_later(self.rescan)
        now = self.console.store.backend.now()
        stale = self._built_at is None or (now - self._built_at).total_seconds() > STALE_SECONDS
        if looked.value is not None and (looked.value is not self._catalog or stale):
            self._catalog, self._built_at = looked.value, now
            start_work(
                self, partial(self._build, looked.value), exclusive=True, group="rows", description="rows"
            )
        self._show_words()

    async def _build(self, catalog: Catalog) -> None:
        now, glyphs = self.console.store.backend.now(), self.console.glyphs
        sort = self._sort
        made = await apart(listed, catalog.backups, now, glyphs, sort)
        if catalog is not self._catalog:
            return
        self._listed = made if sort == self._sort else made.sorted_by(self._sort)
        self._filter()
        self._show_words()
        self._show_focus()

    def _arrange(self) -> None:
        self._listed = self._listed.sorted_by(self._sort)
        self._filter()

    def _filter(self) -> None:
        bar = self.query_one("#filter", FilterBar)
        shown = matching(self._listed.rows, bar.text)
        self.query_one(InventoryTable).show(self._with_notes(shown))
        bar.count(len(shown), len(self._listed.rows))
        self._show_words()

    def _with_notes(self, rows: Any) -> list[TableRow]:
        """The rows, with what runs on a backup now in its notes."""
        marked = self.console.store.marked
        about = {self.about(job) for job in self.console.store.running}
        keys = {key for id in about | {marked.id if marked else ""} for key in self._listed.keys.get(id, ())}
        return (
            [self._with_note(row, marked) if row.key in keys else row for row in rows] if keys else list(rows)
        )

    def _with_note(self, row: TableRow, marked: Backup | None) -> TableRow:
        backup = self._listed.backups[row.key]
        cells, look = list(row.cells), row.tone
        if note := self.note_of(backup):
            cells[VERDICT], look = self.console.glyphs.status("running", note), "accent"
        if backup == marked:
            cells[NOTES] = ", ".join(filter(None, ["marked", cells[NOTES]]))
            cells[FEW_NOTES] = "marked"
        return row._replace(cells=tuple(cells), tone=look)

    def notes_changed(self) -> None:
        """What runs is said in the rows."""
        if self._listed.rows:
            rows = matching(self._listed.rows, self.query_one("#filter", FilterBar).text)
            self.query_one(InventoryTable).show(self._with_notes(rows))

    def marked_changed(self) -> None:
        """The mark stands in its row, and what it waits for above the list."""
        self.notes_changed()
        self._say_head()

    def _show_words(self) -> None:
        store, glyphs = self.console.store, self.console.glyphs
        looked = store.catalog
        problem = looked.problem
        box = self.query_one(ProblemBox)
        box.show(problem.what, problem.cause, problem.touched, problem.next) if problem else box.show("")
        places = places_lines(looked.value, glyphs)
        self._say("archives-places", places)
        self.query_one("#archives-places").display = bool(places)
        self._say_head()
        table, empty = self.query_one(InventoryTable), self.query_one(Empty)
        nothing = not table.rows
        if nothing:
            filtered = self.query_one("#filter", FilterBar).text if self._listed.rows else ""
            empty.show(*empty_words(store, filtered, building=self._building))
        if (table.display, empty.display) != (not nothing, nothing):
            had = self.focused in (table, empty, None)
            table.display, empty.display = not nothing, nothing
            if had:
                (empty if nothing else table).focus()
        self.refresh_bindings()

    def _say(self, id: str, text: str, *, layout: bool = True) -> None:
        """Draws a text again only when it says something else."""
        if self._said.get(id) != text:
            self._said[id] = text
            self.query_one(f"#{id}", Static).update(plain_lines(text), layout=layout)

    def _say_head(self) -> None:
        words = head_words(self.console.store, SORTS[self._sort][0], self.console.glyphs)
        self._say("archives-head", words, layout=False)

    @property
    def _building(self) -> bool:
        """Whether backups are known whose rows are not made yet."""
        return self._catalog is not None and bool(self._catalog.backups) and not self._listed.rows

    def _show_focus(self) -> None:
        backup = self.focused_backup
        if backup is None:
            self._say("archives-name", "")
            self._say("archives-focus", "", layout=False)
            self.query_one(KeyValues).show(())
            return
        facts = facts_of(backup, self.console.store.backend.now(), self.console.glyphs)
        if self.has_class("-wide"):
            self._say("archives-name", backup.id)
            self.query_one(KeyValues).show(facts)
        else:
            # Three rows that stay three rows: nothing has to be laid out again for a key.
            self._say("archives-focus", focus_lines(backup, dict(facts)), layout=False)

    def on_resize(self) -> None:
        """A wider terminal has the facts at the side, a narrower one below."""
        self.call_after_refresh(self._show_focus)

    def on_inventory_table_highlighted(self, event: InventoryTable.Highlighted) -> None:
        """The summary follows the cursor."""
        self._show_focus()
        self.refresh_bindings()

    async def on_inventory_table_opened(self, event: InventoryTable.Opened) -> None:
        """Enter: everything about it."""
        from tui.screens.archive_detail import ArchiveDetailScreen

        backup = self.focused_backup
        if backup is not None:
            await self.app.push_screen(ArchiveDetailScreen(backup))

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Filters, or goes to, as it is typed."""
        if event.bar.id == "filter":
            self._filter()
            self._show_focus()
        elif event.text.strip():
            key = jump_target(event.text, self._listed.backups, self.query_one(InventoryTable).rows)
            self.query_one(InventoryTable).go_to(key)

    def on_filter_bar_left(self) -> None:
        """The list has the keys again."""
        self.query_one("#jump", FilterBar).clear()
        table = self.query_one(InventoryTable)
        (table if table.display else self.query_one(Empty)).focus()

    def action_filter(self) -> None:
        """Words to filter by."""
        self.query_one("#filter", FilterBar).open()

    def action_jump(self) -> None:
        """An id or a date to go to."""
        self.query_one("#jump", FilterBar).open()

    def action_sort(self) -> None:
        """The next order."""
        self._sort = (self._sort + 1) % len(SORTS)
        self._arrange()

    def action_trash(self) -> None:
        """What was deleted; an entry that is chosen comes back by a job."""
        from services.operations.trash import TrashRestorePlan
        from tui.screens.trash import TrashModal

        async def bring_back(entry: str) -> None:
            started = await self.console.begin_job("trash-restore", TrashRestorePlan(entry=entry))
            if started is not None:
                self.console.say(f"Bringing {entry} back as job {started.job}; 6 shows it.")

        def chosen(entry: str | None) -> None:
            if entry:
                start_work(self, partial(bring_back, entry), group="trash", description="trash-restore")

        self.app.push_screen(TrashModal(), chosen)

    def action_back(self) -> None:
        """Takes the filter away."""
        self.query_one("#filter", FilterBar).clear()
