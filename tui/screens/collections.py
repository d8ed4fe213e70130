"""Collections: what is live beside the newest good backups, what was found in it, and the way back of each."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from services.looking.collections_view import CollectionRow, rows_of
from tui.screens import collections_words as words
from tui.screens.collections_actions import (
    COMPARE,
    DOCUMENTS,
    HELD_LOOK,
    LIVE_LOOK,
    LOOK,
    RESTORE,
    VALIDATE,
    VALIDATE_ALL,
    CollectionActions,
)
from tui.screens.collections_rows import SEVERITIES, columns_for, finding_line, severe, table_rows
from tui.screens.list_screen import ListScreen
from widgets.empty import Empty
from widgets.filter_bar import FilterBar
from widgets.glyphs import tone
from widgets.inventory_table import Column, InventoryTable
from widgets.key_names import keys_line
from widgets.key_value import KeyValues
from widgets.plain import plain, plain_lines
from widgets.problem_box import ProblemBox

TONES = ("success", "warning", "error", "accent")
SIDE_FINDINGS = 6


class CollectionsScreen(CollectionActions, ListScreen):
    """The live collections, the worst first; Enter opens one."""

    MODE: ClassVar[str] = "collections"
    TOPICS: ClassVar[tuple[str, ...]] = (LIVE_LOOK, HELD_LOOK, "jobs", "live")
    CSS_PATH = "../styles/collections.tcss"
    HELP = """
# Collections

Every live collection beside the newest good backup; what is broken, gone or fell stands first.

- **VS BACKUP**: documents more or fewer than in the newest good backup. `!` marks a fall of over 30 % and what is
  gone: what would make a backup *suspicious*.
- **VALIDATED**: the newest verdict and its age. A quick *ok* never hides an older full *fail*; *outdated* means that
  a restore replaced the data since.
- **FOUND**: how many findings, behind the worst one's glyph. The server's own counts may be off after a crash; a
  validation corrects them.
- *unknown* collections are none of the application's that Quillkeep knows; that is not wrong.

| key | |
| --- | --- |
| Enter | one collection: facts, findings, indexes against the backup |
| `v` `V` | validate this one, or all; asks how deep and says what it locks |
| `d` | its documents by id |
| `c` | the newest good backup with live, by document |
| `R` | the restore wizard on this collection alone |
| `/` `f` | filter as you type, or by severity |
| `s` `y` `r` | save as Markdown, copy the name, look again |
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        VALIDATE,
        VALIDATE_ALL,
        RESTORE,
        DOCUMENTS,
        COMPARE,
        Binding(
            "f", "severity", "Severity", id="collections.severity", tooltip="All, with findings, failures"
        ),
        Binding("slash", "filter", "Filter", key_display="/", id="collections.filter"),
        Binding(
            "s", "save", "Save", id="collections.save", tooltip="The list and every finding, as Markdown"
        ),
        Binding("y", "copy", "Copy", id="collections.copy", tooltip="The name"),
        LOOK,
        Binding("escape", "clear", "Show all", show=False, id="collections.clear"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._held_rows: dict[str, CollectionRow] = {}
        self._severity = 0
        self._said: dict[str, str] = {}

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="collections-verdict", markup=False)
        yield Static("", id="collections-against", markup=False)
        yield ProblemBox(glyphs=glyphs, id="collections-problem")
        yield Static("", id="collections-warning", markup=False)
        with Horizontal(id="collections-main"):
            with Vertical(id="collections-left"):
                yield InventoryTable(self._columns, ellipsis=glyphs.ellipsis, id="collections-table")
                yield Empty("", id="collections-empty")
            with VerticalScroll(id="collections-side", can_focus=False):
                yield KeyValues(id="collections-facts")
                yield Static("", id="collections-findings", markup=False)
        yield Static("", id="collections-about", markup=False)
        yield Static(plain(self._more_keys()), id="collections-keys", markup=False)
        yield FilterBar(id="collections-filter")

    def _more_keys(self) -> str:
        """The keys for which the row at the bottom has no room at 80 columns."""
        return keys_line(
            self.console.keymap,
            (
                ("collections.documents", "d", "documents"),
                ("collections.compare", "c", "compare"),
                ("collections.severity", "f", "severity"),
                ("collections.filter", "slash", "filter"),
                ("collections.save", "s", "save"),
                ("collections.copy", "y", "copy"),
            ),
        )

    def _columns(self, width: int) -> tuple[Column, ...]:
        return columns_for(width, live=self.live.value is not None)

    @property
    def focused_row(self) -> CollectionRow | None:
        """The collection under the cursor."""
        if not self.is_mounted:
            return None
        row = self.query_one(InventoryTable).cursor
        return self._held_rows.get(row.key) if row is not None else None

    def why_disabled(self, action: str) -> str:
        """The list's own keys too."""
        if action in ("filter", "severity", "save") and not self._held_rows:
            return "There is nothing in the list."
        if action == "copy" and self.focused_row is None:
            return "No collection is selected."
        return super().why_disabled(action)

    def show(self, topic: str) -> None:
        """The newest answers, beside each other."""
        if topic == "jobs":
            self.watch_jobs()
            return
        if topic == "live":
            self.heard_of_live()
            return
        self.look_if_needed()
        self._draw()

    def jobs_changed(self) -> None:
        """What runs is said in the rows."""
        if self.is_mounted:
            self._draw()

    def on_resize(self) -> None:
        """A wider terminal has the facts at the side, a narrower one below."""
        self.call_after_refresh(self.show_about)

    def empty_words(self) -> tuple[str, str]:
        """Why there is no row."""
        for looked in (self.live, self.held):
            if looked.waiting or looked.asked is None:
                since = f"Since {looked.asked:%H:%M:%S} UTC." if looked.asked else ""
                return "Asking the database, and reading what the backups hold.", since
        if self._severity and self._held_rows:
            return f"Nothing here: {SEVERITIES[self._severity]} only.", "f goes on to the next severity."
        if self.live.problem is not None:
            return "What is live is not known, and no good backup says what was.", "r asks again."
        return "There is no collection.", "The database is empty: 3 restores a backup into it."

    def show_about(self) -> None:
        """More of the row under the cursor, at the side or below."""
        row, held = self.focused_row, self.held.value
        now, glyphs = self.console.store.backend.now(), self.console.glyphs
        if row is None:
            self._say("collections-about", "")
            self.query_one(KeyValues).show(())
            self._say("collections-findings", "")
        elif self.has_class("-wide"):
            self.query_one(KeyValues).show(words.facts_of(row, held, now, glyphs))
            found = [finding_line(one, glyphs) for one in row.findings[:SIDE_FINDINGS]]
            if len(row.findings) > SIDE_FINDINGS:
                found.append(f"and {len(row.findings) - SIDE_FINDINGS} more: Enter")
            self._say("collections-findings", "\n".join(["", *found] if found else []))
        else:
            self._say("collections-about", "\n".join(words.about(row, held, now, glyphs)))

    def action_open(self) -> None:
        """Enter: everything about it."""
        from tui.screens.collection_detail import CollectionDetailScreen

        row = self.focused_row
        if row is not None:
            self.app.push_screen(CollectionDetailScreen(row.name))

    def on_inventory_table_opened(self) -> None:
        """Enter."""
        self.action_open()

    def action_severity(self) -> None:
        """The next severity."""
        self._severity = (self._severity + 1) % len(SEVERITIES)
        self._draw()

    def action_clear(self) -> None:
        """Neither words nor severity filter any more."""
        self._severity = 0
        super().action_clear()
        self._draw()

    def action_copy(self) -> None:
        """The name, as the verbs take it."""
        row = self.focused_row
        if row is not None:
            self.console.copy_text(row.name, name="the collection's name")

    def action_save(self) -> None:
        """All rows, whatever the filter shows, with their findings."""
        now = self.console.store.backend.now()
        head = (self._said.get("collections-verdict", ""), self._said.get("collections-against", ""))
        text = words.markdown(list(self._held_rows.values()), head)
        self.console.save_text(text, name=f"quillkeep-collections-{now:%Y%m%d_%H%M%S}.md")

    def _draw(self) -> None:
        now, glyphs = self.console.store.backend.now(), self.console.glyphs
        self._held_rows = {row.name: row for row in rows_of(self.live.value, self.held.value)}
        rows = list(self._held_rows.values())
        self._draw_head(rows, now)
        table = self.query_one(InventoryTable)
        heading = "live" if self.live.value is not None else "kept"
        if self._said.get("heading") != heading:
            self._said["heading"] = heading
            table.show(table.rows, self._columns)
        shown = severe(rows, self._severity)
        self.show_list(table_rows(shown, now, glyphs, running=self.running_names))

    def _draw_head(self, rows: list[CollectionRow], now: datetime) -> None:
        glyphs = self.console.glyphs
        status, verdict = words.verdict(rows, self.live, self.held, now, glyphs)
        line = self.query_one("#collections-verdict", Static)
        for name in TONES:
            line.set_class(tone(status) == name, f"-{name}")
        self._say("collections-verdict", verdict)
        doing = f"{glyphs.of('running')} {self.doing}; " if self.doing else ""
        severity = f"{SEVERITIES[self._severity]} (f); " if self._severity else ""
        against = words.against(self.live, self.held, now)
        self._say("collections-against", f"{severity}{doing}{against}")
        self.show_problem(self.live.problem or self.held.problem)
        told = [
            *(self.live.value.problems if self.live.value else ()),
            *(self.held.value.problems if self.held.value else ()),
        ]
        warning = self.query_one("#collections-warning", Static)
        warning.display = bool(told)
        more = f" (and {len(told) - 1} more: s saves them)" if len(told) > 1 else ""
        self._say("collections-warning", f"{glyphs.of('warn')} {told[0]}{more}" if told else "")

    def _say(self, id: str, text: str) -> None:
        """Draws a text again only when it says something else."""
        if self._said.get(id) != text:
            self._said[id] = text
            content = plain_lines(text) if "\n" in text else plain(text)
            self.query_one(f"#{id}", Static).update(content)
