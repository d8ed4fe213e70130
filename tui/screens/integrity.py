"""Integrity: every backup and the live data against the checks, what was never verified first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import Static

from services.catalog.model import Backup
from services.looking.integrity import IntegrityAnswer, LiveSeen
from tui.bridge import apart
from tui.screens import integrity_words as words
from tui.screens.archives_list import MANY
from tui.screens.archives_rows import reference
from tui.screens.integrity_actions import LIVE_CHECKS, RESTORE, VERIFY, WATCH, IntegrityActions
from tui.screens.integrity_list import ORDERS, entries_of, in_order, with_running
from tui.screens.integrity_report import Form, report
from tui.screens.integrity_rows import LIVE_KEY, Entry, columns_for
from tui.screens.integrity_watch import LIVE
from tui.work import start_work
from widgets.empty import Empty
from widgets.filter_bar import FilterBar, matching
from widgets.inventory_table import InventoryTable
from widgets.key_names import keys_line
from widgets.lines_view import Line, LinesView
from widgets.plain import plain, plain_lines
from widgets.problem_box import ProblemBox

MINUTE = 60.0
STALE_SECONDS = 60.0
"""Ages on the screen are computed again when it comes back after this long."""


class IntegrityScreen(IntegrityActions):
    """The matrix."""

    MODE: ClassVar[str] = "integrity"
    TOPICS: ClassVar[tuple[str, ...]] = ("integrity", "jobs")
    CSS_PATH = "../styles/integrity.tcss"
    HELP = """
# Integrity

Would this backup bring everything back? Is the live data whole? Each row is a backup, the first the **live**
data; each column a group of checks, the worst of them as glyph and word:

- **FILES** (in DUMP where there is little room): files, sizes, checksum file, manifest. **DUMP**: every byte
  and document of the database part. **OBJ**: every object file. **DEEP**: loaded into a server and compared.
- **PAIRS**: rows of `files` against objects. **DATA**: references, shapes, and of live the server's own
  validation. **PEPPER**: does the pepper open what is encrypted? These three are about the data, and never
  make a backup bad.
- *none* = it never ran; *part* = only its quick checks ran; *skip* = it could not be looked at, which is not
  a pass; *unkn* = it could not be read; *old* = a restore put other data in place since. *WHEN*: how long ago anything was verified.

| key | |
| --- | --- |
| Enter | every check of this row: evidence, when, next step |
| `v` | verify this backup; on *live* its checks |
| `V` | verify the oldest first, for as long as you say |
| `l` | check the live data: pairs, validate, pepper |
| `f` `/` `o` | by severity, by words, another order |
| `R` | the restore wizard on what has the good version |
| `s` `j` | save what is shown as Markdown, as JSON |
| `w` `y` `r` | watch the running job, copy the id, look again |
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        VERIFY,
        Binding(
            "V", "oldest", "Oldest", id="integrity.oldest", tooltip="Verify the oldest first, for a time"
        ),
        LIVE_CHECKS,
        Binding(
            "f", "severity", "Severity", id="integrity.severity", tooltip="All, failing, warnings, never"
        ),
        RESTORE,
        Binding("slash", "filter", "Filter", key_display="/", id="integrity.filter"),
        Binding("s", "save", "Save", id="integrity.save", tooltip="What is shown, as Markdown"),
        Binding("j", "save_json", "Save JSON", id="integrity.json", show=False),
        Binding("o", "sort", "Order", id="integrity.sort", show=False),
        WATCH,
        Binding("y", "copy", "Copy id", id="integrity.copy", show=False),
        Binding("r", "rescan", "Look again", id="integrity.rescan", show=False),
        Binding("escape", "clear", "Everything again", id="integrity.clear", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._answer: IntegrityAnswer | None = None
        self._backups: Sequence[Backup] = ()
        self._entries: Sequence[Entry] = ()
        self._by_key: Mapping[str, Entry] = {}
        self._severity = 0
        self._order = 0
        self._said: dict[str, str] = {}
        self._built_at: Any = None
        self._again = False

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="integrity-head", markup=False)
        yield ProblemBox(id="integrity-problem", glyphs=glyphs)
        yield Static("", id="integrity-places", markup=False)
        with Container(id="integrity-main"):
            with Vertical(id="integrity-left"):
                yield InventoryTable(columns_for, ellipsis=glyphs.ellipsis, id="integrity-table")
                yield Empty("", id="integrity-empty")
            pane = LinesView(ellipsis=glyphs.ellipsis, id="integrity-pane")
            pane.can_focus = False
            yield pane
        yield Static(plain(self._more_keys()), id="integrity-keys", markup=False)
        yield FilterBar(id="integrity-filter")

    def on_mount(self) -> None:
        """Asks for what no other screen asks for."""
        super().on_mount()
        self.query_one(InventoryTable).focus()
        if not self.console.store.looked("integrity").known:
            self.rescan()
        self.set_interval(MINUTE, self._tell_ages)

    def _tell_ages(self) -> None:
        """Ages are told anew once a minute, unless that is work; what says the same is not drawn again."""
        if self.is_current and self._answer is not None and len(self._entries) < MANY:
            self._built_at = None
            self.show("integrity")

    def _more_keys(self) -> str:
        """The keys for which the row at the bottom has no room at 80 columns."""
        return keys_line(
            self.console.keymap,
            (
                ("integrity.severity", "f", "severity"),
                ("integrity.filter", "slash", "filter"),
                ("integrity.sort", "o", "order"),
                ("integrity.restore", "R", "restore"),
                ("integrity.save", "s", "save"),
                ("integrity.json", "j", "save as JSON"),
                ("integrity.watch", "w", "watch"),
            ),
        )

    @property
    def _focused(self) -> Entry | None:
        if not self.is_mounted:
            return None
        row = self.query_one(InventoryTable).cursor
        return self._by_key.get(row.key) if row else None

    @property
    def focused_backup(self) -> Backup | None:
        """The backup under the cursor."""
        entry = self._focused
        return entry.backup.backup if entry and entry.backup else None

    @property
    def on_live(self) -> bool:
        """Whether the cursor is on the first row."""
        entry = self._focused
        return entry is not None and entry.key == LIVE_KEY

    @property
    def every_backup(self) -> Sequence[Backup]:
        """All of the newest answer."""
        return self._backups

    @property
    def live(self) -> Sequence[LiveSeen]:
        """The live data's part of the newest answer."""
        return self._answer.live if self._answer else ()

    def why_disabled(self, action: str) -> str:
        """The matrix's own keys too."""
        if action in ("severity", "filter", "save", "save_json", "sort") and self._answer is None:
            return "Nothing is known yet."
        return super().why_disabled(action)

    def rescan(self) -> None:
        """Looks now, or once more when a look is under way that may have begun too early."""
        if self.console.store.looked("integrity").waiting:
            self._again = True
        else:
            self.console.look_at("integrity")

    def show(self, topic: str) -> None:
        """The newest answer, or what runs."""
        if topic == "jobs":
            self.watch_jobs()
            return
        looked = self.console.store.looked("integrity")
        if self._answer is not None and looked.value is None:
            # Another deployment: nothing that was read of the last one stays.
            self._answer, self._entries, self._by_key, self._ended = None, (), {}, None
            self._backups = ()
            self._filter()
            self.rescan()
        if self._again and not looked.waiting:
            self._again = False
            self.call_later(self.rescan)
        now = self.console.store.backend.now()
        stale = self._built_at is None or (now - self._built_at).total_seconds() > STALE_SECONDS
        if looked.value is not None and (looked.value is not self._answer or stale):
            self._answer, self._built_at = looked.value, now
            self._backups = [seen.backup for seen in looked.value.backups]
            build = partial(self._build, looked.value)
            start_work(self, build, exclusive=True, group="rows", description="rows")
        self._show_words()

    async def _build(self, answer: IntegrityAnswer) -> None:
        now, glyphs = self.console.store.backend.now(), self.console.glyphs
        entries = await apart(entries_of, answer, now, glyphs)
        if answer is not self._answer:
            return
        self._entries = entries
        self._by_key = {entry.key: entry for entry in entries}
        self._arrange()
        self._show_words()
        self._show_pane()

    def progressed(self) -> None:
        """Rows say what runs on them."""
        if self._entries:
            self._filter()
            self._show_pane()
        self.refresh_bindings()

    def _arrange(self) -> None:
        self._entries = in_order(self._entries, self._order)
        self._filter()

    def _filter(self) -> None:
        severity = words.FILTERS[self._severity][0]
        bar = self.query_one(FilterBar)
        wanted = [entry.row for entry in self._entries if words.passes(entry, severity)]
        shown = matching(wanted, bar.text)
        if self.watches and self._answer is not None:
            now, glyphs = self.console.store.backend.now(), self.console.glyphs
            watches = [*self.watches.values()]
            shown = with_running(shown, self._by_key, watches, self._answer.live, now, glyphs)
        self.query_one(InventoryTable).show(shown)
        bar.count(len(shown), len(self._entries))
        self._show_words()

    def _show_words(self) -> None:
        store, glyphs = self.console.store, self.console.glyphs
        looked, severity = store.looked("integrity"), words.FILTERS[self._severity][0]
        problem, box = looked.problem, self.query_one(ProblemBox)
        box.show(problem.what, problem.cause, problem.touched, problem.next) if problem else box.show("")
        places = words.places_lines(self._answer, glyphs)
        advice = words.hint(store, self._answer) if self._answer else ""
        said = "\n".join(filter(None, (places, f" {advice}" if advice else "")))
        self._say("integrity-places", said)
        self.query_one("#integrity-places").display = bool(said)
        self._say(
            "integrity-head", words.head_words(store, looked, self._entries, severity, ORDERS[self._order])
        )
        table, empty = self.query_one(InventoryTable), self.query_one(Empty)
        nothing = not table.rows
        if nothing:
            empty.show(*words.empty_words(store, looked, severity, self.query_one(FilterBar).text))
        if (table.display, empty.display) != (not nothing, nothing):
            had = self.focused in (table, empty, None)
            table.display, empty.display = not nothing, nothing
            if had:
                (empty if nothing else table).focus()
        self.refresh_bindings()

    def _say(self, id: str, text: str) -> None:
        """Draws a text again only when it says something else."""
        if self._said.get(id) != text:
            self._said[id] = text
            self.query_one(f"#{id}", Static).update(plain_lines(text), layout=id != "integrity-head")

    def _show_pane(self) -> None:
        pane = self.query_one(LinesView)
        pane.display = bool(self._entries)
        pane.show(self._pane_lines)

    def _pane_lines(self, width: int) -> list[Line]:
        entry, glyphs = self._focused, self.console.glyphs
        now = self.console.store.backend.now()
        if entry is None or self._answer is None:
            return []
        subject = entry.backup.backup.id if entry.backup else LIVE
        lines = words.running_lines(self.running_on(subject), glyphs, width)
        if entry.backup is not None:
            lines += words.backup_lines(entry.backup, now, glyphs, width)
        else:
            lines += words.live_lines(self._answer.live, now, glyphs, width)
        return words.cut_to(lines, self.query_one(LinesView).size.height, glyphs)

    def on_inventory_table_highlighted(self, event: InventoryTable.Highlighted) -> None:
        """The pane follows the cursor."""
        self._show_pane()
        self.refresh_bindings()

    async def on_inventory_table_opened(self, event: InventoryTable.Opened) -> None:
        """Enter: every check of the row."""
        from tui.screens.integrity_detail import IntegrityDetailScreen

        entry = self._focused
        if entry is None:
            return
        backup = entry.backup.backup if entry.backup else None
        name = reference(backup, self.every_backup) if backup else ""
        await self.app.push_screen(IntegrityDetailScreen(backup, name, begun=self.begun))

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Filters as it is typed."""
        self._filter()
        self._show_pane()

    def on_filter_bar_left(self) -> None:
        """The matrix has the keys again."""
        table = self.query_one(InventoryTable)
        (table if table.display else self.query_one(Empty)).focus()

    def action_filter(self) -> None:
        """Words to filter by."""
        self.query_one(FilterBar).open()

    def action_clear(self) -> None:
        """Takes both filters away."""
        self.query_one(FilterBar).clear()
        self._severity = 0
        self._filter()
        self._show_pane()

    def action_severity(self) -> None:
        """The next severity."""
        self._severity = (self._severity + 1) % len(words.FILTERS)
        self._filter()
        self._show_pane()

    def action_sort(self) -> None:
        """The next order."""
        self._order = (self._order + 1) % len(ORDERS)
        self._arrange()

    def action_copy(self) -> None:
        """The id, as the verbs take it."""
        backup = self.focused_backup
        name = reference(backup, self.every_backup) if backup else LIVE
        self.console.copy_text(name, name="the backup's id" if backup else "the word live")

    def action_oldest(self) -> None:
        """How long, then the job that verifies one after another."""
        from services.operations.verify_model import VerifyPlan
        from tui.screens.integrity_dialogs import BudgetModal

        backups = [entry for entry in in_order(self._entries, 0) if entry.backup]
        first = backups[0].backup.backup.id if backups and backups[0].backup else ""

        async def begin(seconds: float) -> None:
            if await self.begin("verify", VerifyPlan(oldest_first=True, seconds=seconds)):
                self.console.say(
                    "Verifying the oldest first: rows show what runs. w watches, 6 shows the job."
                )

        def answered(seconds: float | None) -> None:
            if seconds is not None:
                start_work(self, partial(begin, seconds), group="begin-verify", description="verify")

        self.app.push_screen(BudgetModal(sum(entry.never for entry in backups), first), answered)

    def action_save(self) -> None:
        """What is shown, as Markdown."""
        self._save("md")

    def action_save_json(self) -> None:
        """What is shown, as JSON."""
        self._save("json")

    def _save(self, form: Form) -> None:
        shown = [
            self._by_key[row.key] for row in self.query_one(InventoryTable).rows if row.key in self._by_key
        ]
        if self._answer is not None:
            now, profile = self.console.store.backend.now(), self.console.store.profile
            text = report(self._answer, shown, profile, now, form)
            self.console.save_text(text, name=f"quillkeep-integrity-{now:%Y%m%d_%H%M%S}.{form}")
