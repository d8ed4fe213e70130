"""The documents of one live collection by id: pages that follow as the cursor reaches their end, and a search."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from services.errors import QuillkeepError
from services.looking.documents import DocumentRow, DocumentsAnswer, DocumentsRequest
from tui.bridge import apart
from tui.screens.archive_detail import place_of
from tui.screens.base import ConsoleScreen
from tui.store import Problem
from tui.work import start_work
from widgets.empty import Empty
from widgets.filter_bar import FilterBar
from widgets.inventory_table import Column, InventoryTable, TableRow
from widgets.plain import plain, plain_lines
from widgets.problem_box import ProblemBox
from widgets.text import escape

OWN_CELLS = 36
UPDATED_CELLS = 16


class DocumentsScreen(ConsoleScreen):
    """Ids and names only; Enter opens one document."""

    MODE: ClassVar[str] = "collections"
    CSS_PATH = "../styles/collections.tcss"
    HELP = """
# Documents

The live documents of one collection in the order of their `_id`, with their own id, name and last change; nothing
else of them is read. The next page comes when the cursor reaches the end.

- `/` finds by the beginning of an `_id`, an `id` or a chat's id: type it, then Enter. Escape shows all again.
- Enter shows one document, without what is secret; there `b` shows it beside the newest good backup.
- `y` copies the id, `r` reads the first page again, Escape goes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="documents.back"),
        Binding(
            "slash", "find", "Find", key_display="/", id="documents.find", tooltip="By the beginning of an id"
        ),
        Binding("y", "copy", "Copy", id="documents.copy", tooltip="The id"),
        Binding("r", "look", "Look again", id="documents.look"),
    ]

    def __init__(self, collection: str) -> None:
        super().__init__()
        self._collection = collection
        self._place: object = None
        self._rows: dict[str, DocumentRow] = {}
        self._more = False
        self._find = ""
        self._asked: datetime | None = None
        self._problem: Problem | None = None

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="documents-name", markup=False)
        yield ProblemBox(id="documents-problem", glyphs=glyphs)
        yield InventoryTable(columns_for, ellipsis=glyphs.ellipsis, id="documents-table")
        yield Empty("", id="documents-empty")
        yield FilterBar("Id begins with:", id="documents-find")
        yield Static("", id="documents-about", markup=False)

    def on_mount(self) -> None:
        """The first page."""
        self._place = place_of(self.console.store.profile)
        self._ask(DocumentsRequest(collection=self._collection))
        self._draw()

    def show(self, topic: str) -> None:
        """Of another deployment nothing here is true any more."""
        if topic == "profile" and self._place != place_of(self.console.store.profile):
            self.app.call_later(self.close_in_front)

    def why_disabled(self, action: str) -> str:
        """Why a key does nothing now; empty while it works."""
        if action == "copy" and self.focused_document is None:
            return "There is no document under the cursor."
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what cannot be done; `why_disabled` says why."""
        return None if self.why_disabled(action) else True

    @property
    def focused_document(self) -> DocumentRow | None:
        """The document under the cursor."""
        row = self.query_one(InventoryTable).cursor if self.is_mounted else None
        return self._rows.get(row.key) if row is not None else None

    def _ask(self, request: DocumentsRequest) -> None:
        self._asked = self.console.store.backend.now()
        start_work(
            self, partial(self._look, request), group="documents", description="documents", exclusive=True
        )

    async def _look(self, request: DocumentsRequest) -> None:
        store = self.console.store
        self._draw()
        try:
            answer: DocumentsAnswer = await apart(store.backend.look, "documents", store.profile, request)
        except QuillkeepError as error:
            self._problem = Problem.of(error)
        else:
            self._problem = None
            if not request.after:
                self._rows = {}
            self._rows |= {one.key: one for one in answer.rows}
            self._more, self._find = answer.more, request.find
        self._asked = None
        self._draw()

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        glyphs, problem = self.console.glyphs, self._problem
        box = self.query_one(ProblemBox)
        box.show(problem.what, problem.cause, problem.touched, problem.next) if problem else box.show("")
        said = [f" {escape(self._collection)}"]
        if self._rows:
            said.append(f"{len(self._rows):,} documents{', more follow' if self._more else ''}")
        if self._find:
            said.append(f"ids that begin with {escape(self._find)}")
        if self._asked:
            said.append(f"{glyphs.of('waiting')} reading since {self._asked:%H:%M:%S} UTC")
        name = plain("   ".join(said))
        line = self.query_one("#documents-name", Static)
        if line.content != name:
            line.update(name, layout=False)
        table, empty = self.query_one(InventoryTable), self.query_one(Empty)
        table.show([table_row(one) for one in self._rows.values()])
        table.display, empty.display = bool(self._rows), not self._rows
        empty.show(*self._empty_words())
        if self.focused is None or not self.focused.display:
            (table if self._rows else empty).focus()
        self._show_about()

    def _empty_words(self) -> tuple[str, str]:
        if self._asked is not None:
            return "Reading the first documents.", f"Since {self._asked:%H:%M:%S} UTC."
        if self._problem is not None:
            return "Which documents there are is not known.", "r reads again."
        if self._find:
            return f"No _id, id or chatId begins with {escape(self._find)}.", "Escape shows all documents."
        return "The collection holds no document.", "r looks again."

    def _show_about(self) -> None:
        one = self.focused_document
        lines = (
            []
            if one is None
            else [
                f" _id {escape(one.id)}   {escape(one.own)}",
                f" {escape(one.name)}   {escape(one.updated)}",
            ]
        )
        content = plain_lines("\n".join(lines))
        line = self.query_one("#documents-about", Static)
        if line.content != content:
            line.update(content)
        self.refresh_bindings()

    def on_inventory_table_highlighted(self) -> None:
        """At the end of what is known, the next page is read."""
        self._show_about()
        table = self.query_one(InventoryTable)
        at_end = bool(table.rows) and table.cursor is table.rows[-1]
        if at_end and self._more and self._asked is None and self._problem is None:
            self._ask(
                DocumentsRequest(collection=self._collection, find=self._find, after=table.rows[-1].key)
            )

    def on_inventory_table_opened(self) -> None:
        """Enter."""
        from tui.screens.document import DocumentScreen

        one = self.focused_document
        if one is not None:
            self.app.push_screen(DocumentScreen(self._collection, one.key, one.id))

    def on_filter_bar_left(self) -> None:
        """Enter searches; cleared, everything is shown again."""
        wanted = self.query_one(FilterBar).text.strip()
        if wanted != self._find or self._problem is not None:
            self._ask(DocumentsRequest(collection=self._collection, find=wanted))
        table = self.query_one(InventoryTable)
        (table if table.display else self.query_one(Empty)).focus()

    def action_find(self) -> None:
        """Opens the line for the beginning of an id."""
        self.query_one(FilterBar).open()

    def action_copy(self) -> None:
        """The application's id where there is one, else `_id`."""
        one = self.focused_document
        if one is not None:
            self.console.copy_text(one.own or one.id, name="the document's id")

    def action_look(self) -> None:
        """The first page again."""
        self._ask(DocumentsRequest(collection=self._collection, find=self._find))
        self._draw()

    def action_leave(self) -> None:
        """Takes the search away, else goes back."""
        if self._find:
            self.query_one(FilterBar).clear()
            self._ask(DocumentsRequest(collection=self._collection))
            self._draw()
        else:
            self.app.pop_screen()


def columns_for(width: int) -> tuple[Column, ...]:
    """The application's id, the name and the last change; where there is room also `_id`."""
    own = Column("ID", min(OWN_CELLS, max(12, width // 2)), cell=1)
    name, updated = Column("NAME", cell=2), Column("CHANGED", UPDATED_CELLS, cell=3)
    return (Column("_ID", 24, cell=0), own, name, updated) if width >= 110 else (own, name, updated)


def table_row(one: DocumentRow) -> TableRow:
    """One line; without an id of the application's the `_id` stands for it."""
    changed = one.updated[:16].replace("T", " ")
    return TableRow(one.key, (escape(one.id), escape(one.own or one.id), escape(one.name), escape(changed)))
