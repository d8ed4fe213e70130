"""Every check of one backup, or of the live data: how it ended, its evidence, when, and the next step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static

from services.catalog.model import Backup
from services.errors import QuillkeepError
from services.findings import Finding
from services.looking.integrity import IntegrityAnswer, IntegrityRequest, LiveSeen
from tui.bridge import apart
from tui.screens import integrity_detail_rows as made
from tui.screens.archive_detail import place_of
from tui.screens.integrity_actions import LIVE_CHECKS, RESTORE, VERIFY, WATCH, IntegrityActions
from tui.screens.integrity_report import Form, one_report
from tui.screens.integrity_watch import LIVE, Begun
from tui.screens.integrity_words import cut_to
from tui.store import Problem
from tui.work import start_work
from widgets.empty import Empty
from widgets.filter_bar import FilterBar, matching
from widgets.inventory_table import InventoryTable
from widgets.lines_view import Line, LinesView
from widgets.plain import plain
from widgets.problem_box import ProblemBox
from widgets.progress_line import ProgressLine

TEXT_CELLS = 70
"""Cells of a dialog's text."""


class IntegrityDetailScreen(IntegrityActions):
    """Without a backup it is about the live data."""

    MODE: ClassVar[str] = "integrity"
    TOPICS: ClassVar[tuple[str, ...]] = ("integrity", "jobs")
    CSS_PATH = "../styles/integrity.tcss"
    HELP = """
# The checks of one row

The worst stands first; below it is what the one under the cursor found: its evidence, when it ran, what brings
it back, and the next step. Of the live data each job's findings follow it.

- *none*: it never ran, or not at the depth that it needs.
- While a check runs, its results appear here as its journal tells them; leaving the screen leaves the job.
- Enter shows all that the one under the cursor found.
- `R` opens the restore wizard on what has the good version; of a finding that names a collection, on that one.
- `v` verifies (on live: its checks), `w` watches the job, `a` shows everything as one text,
  `s` saves it as Markdown, `j` as JSON, `/` filters, `r` looks again, Escape goes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="integrity_detail.back"),
        VERIFY,
        RESTORE,
        LIVE_CHECKS,
        Binding("a", "text", "All", id="integrity_detail.text", tooltip="Everything as one text"),
        Binding("slash", "filter", "Filter", key_display="/", id="integrity_detail.filter"),
        Binding("s", "save", "Save", id="integrity_detail.save", tooltip="As Markdown"),
        Binding("j", "save_json", "Save JSON", id="integrity_detail.json", show=False),
        WATCH,
        Binding("y", "copy", "Copy", id="integrity_detail.copy", show=False),
        Binding("r", "rescan", "Look again", id="integrity_detail.rescan", show=False),
    ]

    def __init__(
        self, backup: Backup | None = None, reference: str = "", *, begun: Begun | None = None
    ) -> None:
        super().__init__(begun)
        self._backup = backup
        self._reference = reference
        self._answer: IntegrityAnswer | None = None
        self._problem: Problem | None = None
        self._asked: datetime | None = None
        self._again = False
        self._place: object = None
        self._rows: Mapping[str, made.Told] = {}

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="checks-title", markup=False)
        yield ProblemBox(id="checks-problem", glyphs=glyphs)
        yield ProgressLine(glyphs, id="checks-progress")
        with Container(id="checks-main"):
            yield InventoryTable(made.columns_for, ellipsis=glyphs.ellipsis, id="checks-table")
            yield Empty("", id="checks-empty")
            about = LinesView(ellipsis=glyphs.ellipsis, id="checks-about")
            about.can_focus = False
            yield about
        yield FilterBar(id="checks-filter")

    def on_mount(self) -> None:
        """Asks for everything about it."""
        self._place = place_of(self.console.store.profile)
        super().on_mount()
        self.query_one(InventoryTable).focus()
        if self._backup is not None:
            self.rescan()

    @property
    def focused_backup(self) -> Backup | None:
        """The one this screen is about."""
        return self._backup

    @property
    def on_live(self) -> bool:
        """Whether it is about the live data."""
        return self._backup is None

    @property
    def every_backup(self) -> Sequence[Backup]:
        """All that the matrix knows."""
        value = self.console.store.looked("integrity").value
        return [seen.backup for seen in value.backups] if value is not None else []

    @property
    def live(self) -> Sequence[LiveSeen]:
        """The live data's part of the newest answer."""
        value = self.console.store.looked("integrity").value
        return value.live if value is not None else ()

    @property
    def finding(self) -> Finding | None:
        """The one under the cursor, where it names a backup; on live else the first that does."""
        told = self._told
        if told is not None and told.good_in is not None:
            return told.good_in
        return super().finding

    @property
    def _told(self) -> made.Told | None:
        if not self.is_mounted:
            return None
        row = self.query_one(InventoryTable).cursor
        return self._rows.get(row.key) if row is not None else None

    def why_disabled(self, action: str) -> str:
        """Its own keys too."""
        if action in ("text", "save", "save_json", "filter") and not self._rows:
            return "Nothing is known yet."
        return super().why_disabled(action)

    def rescan(self) -> None:
        """Reads this row's notes and journals again."""
        if self._backup is None:
            if not self.console.store.looked("integrity").waiting:
                self.console.look_at("integrity")
            return
        if self._asked is not None:
            self._again = True
            return
        start_work(self, self._look, exclusive=True, group="integrity", description="one backup's checks")

    async def _look(self) -> None:
        store = self.console.store
        self._asked = store.backend.now()
        self._draw()
        try:
            request = IntegrityRequest(backup=self._reference)
            self._answer = await apart(store.backend.look, "integrity", store.profile, request)
            self._problem = None
            if self._answer is not None and self._answer.backups:
                self._backup = self._answer.backups[0].backup
        except QuillkeepError as error:
            self._problem = Problem.of(error)
        self._asked = None
        if self._again:
            self._again = False
            self.call_later(self.rescan)
        self._draw()

    def show(self, topic: str) -> None:
        """What runs, or another answer about the live data."""
        if self._place != place_of(self.console.store.profile):
            # Another deployment: the keys here would mean its backups.
            self.app.call_later(self.close_in_front)
            return
        if topic == "jobs":
            self.watch_jobs()
        self._draw()

    def progressed(self) -> None:
        """The journal went on."""
        self._draw()

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        store, glyphs = self.console.store, self.console.glyphs
        now = store.backend.now()
        looked = store.looked("integrity")
        problem = self._problem if self._backup is not None else looked.problem
        box = self.query_one(ProblemBox)
        box.show(problem.what, problem.cause, problem.touched, problem.next) if problem else box.show("")
        running = self.running_on(self._backup.id if self._backup else LIVE)
        progress = self.query_one(ProgressLine)
        progress.display = bool(running)
        if running:
            more = f" and {len(running) - 1} more" if len(running) > 1 else ""
            text = f"{glyphs.status('running', running[0].words)} {running[0].phase}{more} (w watches)"
            progress.show(running[0].share, text)
        told: list[made.Told] = [*made.streamed(running, glyphs)]
        if self._backup is None:
            told += made.of_live(self.live, now, glyphs)
        elif self._answer is not None and self._answer.backups:
            told += made.of_backup(self._answer, now, glyphs)
        self._rows = {one.row.key: one for one in told}
        shown = matching([one.row for one in told], self.query_one(FilterBar).text)
        table, empty = self.query_one(InventoryTable), self.query_one(Empty)
        table.show(list(shown))
        self.query_one(FilterBar).count(len(shown), len(told))
        since = f" since {self._asked:%H:%M:%S} UTC" if self._asked else ""
        if told:
            empty.show("Nothing here has these words.", "Escape shows all of it.")
        elif problem is not None:
            empty.show("Which checks ran is not known.", "r looks again.")
        else:
            empty.show(f"Reading its notes{since}.", "")
        table.display, empty.display = bool(table.rows), not table.rows
        if self.focused is None or not self.focused.display:
            (table if table.display else empty).focus()
        title = made.title_of(self._backup, self._answer, self.live, now, glyphs)
        line = self.query_one("#checks-title", Static)
        content = plain(f" {title}")
        if line.content != content:
            line.update(content)
        self._show_about()
        self.refresh_bindings()

    def _show_about(self) -> None:
        told = self._told
        self.query_one(LinesView).show(lambda width: self._about_lines(told, width))

    def _about_lines(self, told: made.Told | None, width: int) -> list[Line]:
        room = self.query_one(LinesView).size.height
        return cut_to(told.lines(width), room, self.console.glyphs) if told is not None else []

    def on_inventory_table_opened(self, event: InventoryTable.Opened) -> None:
        """Enter: all that it found, to read, copy and save."""
        told = self._told
        if told is not None:
            text = "\n".join(line.text for line in told.lines(TEXT_CELLS))
            self.console.show_text(self._subject, text, name=self._file("md"))

    def on_inventory_table_highlighted(self, event: InventoryTable.Highlighted) -> None:
        """What the one under the cursor found."""
        self._show_about()
        self.refresh_bindings()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Filters as it is typed."""
        self._draw()

    def on_filter_bar_left(self) -> None:
        """The table has the keys again."""
        table = self.query_one(InventoryTable)
        (table if table.display else self.query_one(Empty)).focus()

    def action_filter(self) -> None:
        """Words to filter by."""
        self.query_one(FilterBar).open()

    def action_text(self) -> None:
        """Everything as one text."""
        self.console.show_text(self._subject, self._text("md"), name=self._file("md"))

    def action_save(self) -> None:
        """Everything, as Markdown."""
        self.console.save_text(self._text("md"), name=self._file("md"))

    def action_save_json(self) -> None:
        """Everything, as JSON."""
        self.console.save_text(self._text("json"), name=self._file("json"))

    def action_copy(self) -> None:
        """Everything, into the terminal's clipboard."""
        self.console.copy_text(self._text("md"), name=self._file("md"))

    def _text(self, form: Form) -> str:
        return one_report(self._backup, self._answer, self.live, self.console.store.backend.now(), form)

    @property
    def _subject(self) -> str:
        return self._backup.id if self._backup else LIVE

    def _file(self, form: Form) -> str:
        stem = "".join(char if char.isalnum() or char in "_-." else "_" for char in self._subject)[-60:]
        return f"quillkeep-integrity-{stem}.{form}"

    def action_back(self) -> None:
        """Takes the filter away, else goes back to the matrix; jobs go on."""
        bar = self.query_one(FilterBar)
        if bar.text:
            bar.clear()
        else:
            self.app.pop_screen()
