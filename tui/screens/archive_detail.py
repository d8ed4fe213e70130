"""One backup: what it holds, what is known of it, and how to use it without Quillkeep."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from services.catalog.model import Backup
from services.errors import QuillkeepError
from services.looking.show import ShowRequest
from services.profile import Profile
from tui.bridge import apart
from tui.screens import archive_sections as sections
from tui.screens.archive_actions import BACK_UP, COPY, OTHERS, RESTORE, VERIFY, BackupActions
from tui.screens.archive_sections import Section
from tui.screens.archives_rows import facts_of, reference
from tui.store import Problem
from tui.work import start_work
from widgets.empty import Empty
from widgets.filter_bar import FilterBar, matching
from widgets.inventory_table import InventoryTable
from widgets.key_value import KeyValues
from widgets.plain import plain
from widgets.problem_box import ProblemBox
from widgets.sections import Page, SectionsRow

COMMANDS_HINT = "y copies all of this, s saves it as a file; there each command is one line."
NAMES = ("Summary", "Collections", "Objects", "Checks", "Files", "Commands")
SUMMARY, COLLECTIONS, OBJECTS, CHECKS, FILES, COMMANDS = range(6)


class ArchiveDetailScreen(BackupActions):
    """Six sections, gone through by the arrow keys; the same actions as in the list."""

    MODE: ClassVar[str] = "archives"
    TOPICS: ClassVar[tuple[str, ...]] = ("catalog", "jobs")
    CSS_PATH = "../styles/archives.tcss"
    HELP = """
# One backup

Left and right go through the sections: the summary with the manifest's facts, collections, objects by kind,
checks and notes so far, files on disk, and the **stock commands** that verify and restore exactly this backup
without Quillkeep (`y` copies them, `s` saves them as a file).

`/` filters and `o` sorts collections and objects; Enter on a check shows all that it found.
`b` `v` `R` `c` `l` `p` `a` `d` do what they do in the list. Escape goes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="archive.back"),
        Binding("left", "section(-1)", "Section", id="archive.previous", key_display="<- ->"),
        Binding("right", "section(1)", "Next section", id="archive.next", show=False),
        Binding("tab", "section(1)", "Next section", id="archive.tab", show=False),
        Binding("shift+tab", "section(-1)", "Previous section", id="archive.shift_tab", show=False),
        VERIFY,
        RESTORE,
        COPY,
        Binding("s", "save", "Save", id="archive.save"),
        *OTHERS,
        Binding("slash", "filter", "Filter", id="archive.filter"),
        Binding("o", "sort", "Sort", id="archive.sort"),
        BACK_UP,
    ]

    def __init__(self, backup: Backup) -> None:
        super().__init__()
        self._backup = backup
        self._reference = ""
        self._document: dict[str, Any] | None = None
        self._problem: Problem | None = None
        self._asked: datetime | None = None
        self._section = SUMMARY
        self._table: Section | None = None
        self._sort = 0
        self._place: object = None

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static(plain(f" {self._backup.id}"), id="detail-name", markup=False)
        yield SectionsRow(NAMES, id="detail-sections")
        yield ProblemBox(id="detail-problem", glyphs=glyphs)
        with Page(id="detail-page"):
            yield KeyValues(id="detail-facts")
            yield Static("", id="detail-text", markup=False)
        yield InventoryTable((), ellipsis=glyphs.ellipsis, id="detail-table")
        yield Empty("", id="detail-empty")
        yield FilterBar(id="detail-filter")

    def on_mount(self) -> None:
        """Asks for the whole document."""
        self._place = place_of(self.console.store.profile)
        super().on_mount()
        self._ask()

    @property
    def focused_backup(self) -> Backup | None:
        """The one this screen is about."""
        return self._backup

    def why_disabled(self, action: str) -> str:
        """The sections' own keys too."""
        if action in ("filter", "sort") and (self._table is None or not self._table.rows):
            return "There is nothing to filter or sort in this section."
        if action == "sort" and self._table is not None and not self._table.orders:
            return "This section has one order."
        if action == "save" and self._document is None:
            return "It is still being read."
        return super().why_disabled(action)

    def show(self, topic: str) -> None:
        """The backup as the newest catalog knows it; after a change the document is read again."""
        if self._place != place_of(self.console.store.profile):
            # Another deployment: the keys here would mean its backups.
            self.app.call_later(self.close_in_front)
            return
        if topic == "jobs":
            self.watch_jobs()
            return
        looked = self.console.store.catalog
        if self._again and not looked.waiting:
            self._again = False
            self.call_later(self.rescan)
        mine = (self._backup.id, self._backup.location, self._backup.folder)
        for one in self.every_backup:
            if (one.id, one.location, one.folder) == mine and one != self._backup:
                self._backup = one
                self._ask()
        self._draw()

    def action_rescan(self) -> None:
        """Looks at this backup and at the locations again."""
        self._ask()
        self.rescan()

    def _ask(self) -> None:
        self._reference = reference(self._backup, self.every_backup)
        start_work(self, self._look, exclusive=True, group="show", description="show")

    async def _look(self) -> None:
        store = self.console.store
        self._asked = store.backend.now()
        self._draw()
        try:
            answer = await apart(
                store.backend.look, "show", store.profile, ShowRequest(backup=self._reference)
            )
        except QuillkeepError as error:
            self._problem = Problem.of(error)
        else:
            self._document, self._problem = answer.document, None
        self._asked = None
        self._draw()

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        problem, box = self._problem, self.query_one(ProblemBox)
        box.show(problem.what, problem.cause, problem.touched, problem.next) if problem else box.show("")
        self._table = self._rows()
        names = list(NAMES)
        if self._document is not None:
            manifest = self._document["manifest"]
            if manifest is not None:
                names[COLLECTIONS] = f"Collections {len(manifest['collections']):,}"
            names[CHECKS] = f"Checks {len(self._document['notes']):,}"
        self.query_one(SectionsRow).show(names, self._section)
        self._draw_page()
        self._draw_table()
        self.refresh_bindings()

    def _rows(self) -> Section | None:
        document = self._document
        if document is None or self._section in (SUMMARY, COMMANDS):
            return None
        if self._section == CHECKS:
            return sections.checks(document, self.console.glyphs)
        make = {COLLECTIONS: sections.collections, OBJECTS: sections.objects, FILES: sections.files}[
            self._section
        ]
        return make(document)

    def _draw_page(self) -> None:
        page, facts = self.query_one(Page), self.query_one(KeyValues)
        text = self.query_one("#detail-text", Static)
        page.display = self._section in (SUMMARY, COMMANDS)
        if not page.display:
            return
        now, glyphs = self.console.store.backend.now(), self.console.glyphs
        waiting = f"Reading it since {self._asked:%H:%M:%S} UTC." if self._asked else ""
        facts.display = self._section == SUMMARY
        if self._section == SUMMARY:
            pairs = facts_of(self._backup, now, glyphs)
            if self._document is not None:
                told = sections.manifest_pairs(self._document)
                known = {word for word, _ in told}
                pairs = [pair for pair in pairs if pair[0] not in known - {"Verdict"}] + told
            facts.show(pairs)
            text.update(plain("" if self._document else waiting))
        elif self._document is not None:
            text.update(commands_page(sections.commands_text(self._document)))
        else:
            text.update(plain(waiting or "It could not be read: r looks again."))

    def _draw_table(self) -> None:
        table, empty = self.query_one(InventoryTable), self.query_one(Empty)
        table.opens = self._section == CHECKS
        wanted = self._section not in (SUMMARY, COMMANDS)
        section = self._table
        order = section.orders[self._sort] if section is not None and section.orders else ""
        self.query_one("#detail-name", Static).update(
            plain(f" {self._backup.id}{f'   {order}' if order else ''}"), layout=False
        )
        if section is not None:
            rows = section.rows
            if section.orders and self._sort:
                place = self._sort - 1
                rows = sorted(rows, key=lambda row: section.sums.get(row.key, (0.0, 0.0))[place])
            shown = matching(rows, self.query_one(FilterBar).text)
            table.show(list(shown), section.columns)
            self.query_one(FilterBar).count(len(shown), len(rows))
            nothing = ("Nothing here matches.", "Escape shows all of it again.") if rows else section.empty
            empty.show(*nothing)
        elif wanted:
            table.show([], ())
            since = f" since {self._asked:%H:%M:%S} UTC" if self._asked else ""
            empty.show(f"Reading it{since}." if self._asked else "It could not be read.", "r looks again.")
        table.display = wanted and bool(table.rows)
        empty.display = wanted and not table.rows
        if self.focused is None or not self.focused.display or self.focused not in self._in_filter():
            self._focus_body()

    def _in_filter(self) -> list[Widget]:
        return [*self.query_one(FilterBar).query("Input")]

    def _focus_body(self) -> None:
        for kind in (Page, InventoryTable, Empty):
            body = self.query_one(kind)
            if body.display:
                body.focus()
                return

    def on_inventory_table_opened(self, event: InventoryTable.Opened) -> None:
        """Enter on a check shows all it found."""
        if self._section == CHECKS and self._document is not None:
            note = list(reversed(self._document["notes"]))[int(event.key)]
            self.console.show_text(f"{self._backup.id}", sections.note_text(note), name="check.txt")

    def on_filter_bar_changed(self) -> None:
        """Filters as it is typed."""
        self._draw_table()

    def on_filter_bar_left(self) -> None:
        """The section has the keys again."""
        self._focus_body()

    def action_section(self, step: int) -> None:
        """The next section, or the one before."""
        self._section = (self._section + step) % len(NAMES)
        self._sort = 0
        self.query_one(FilterBar).clear()
        self._draw()
        self.query_one(Page).scroll_home(animate=False)
        self._focus_body()

    def action_filter(self) -> None:
        """Words to filter by."""
        self.query_one(FilterBar).open()

    def action_sort(self) -> None:
        """The next order."""
        if self._table is not None:
            self._sort = (self._sort + 1) % len(self._table.orders)
            self._draw_table()

    def action_copy(self) -> None:
        """The commands where they are shown, else the id."""
        if self._section == COMMANDS and self._document is not None:
            text = sections.commands_text(self._document)
            self.console.copy_text(text, name=f"the commands of {self._backup.id}")
        else:
            super().action_copy()

    def action_save(self) -> None:
        """The commands where they are shown, else everything that is known, as JSON."""
        if self._document is None:
            return
        stem = "".join(char if char.isalnum() or char in "_-." else "_" for char in self._backup.id)[-80:]
        if self._section == COMMANDS:
            self.console.save_text(sections.commands_text(self._document) + "\n", name=f"{stem}-commands.sh")
        else:
            self.console.save_text(json.dumps(self._document, indent=1) + "\n", name=f"{stem}.json")

    def action_leave(self) -> None:
        """Takes the filter away, else goes back to the list."""
        bar = self.query_one(FilterBar)
        if bar.text:
            bar.clear()
        else:
            self.app.pop_screen()


def place_of(profile: Profile) -> object:
    """What makes it the same deployment, whether READ-ONLY or not."""
    return msgspec.structs.replace(profile, read_only=False)


def commands_page(text: str) -> Content:
    """The commands as they are read here: comments are dim, and a line is free after each command."""
    lines = [Content.styled(COMMANDS_HINT, "$text-muted"), Content("")]
    for line in text.split("\n"):
        comment = line.startswith("#")
        lines.append(plain(line).stylize("$text-muted") if comment else plain(line))
        if line and not comment:
            lines.append(Content(""))
    return Content("\n").join(lines)
