"""One document as a tree, without what is secret, and beside it the newest good backup's version of it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Resize
from textual.widgets import Static

from services.counted import counted
from services.errors import QuillkeepError
from services.looking.collections_held import BackupKept, CollectionsHeldAnswer
from services.looking.document import BACKUP_SECONDS, DocumentAnswer, DocumentRequest, DocumentSeen, FieldSeen
from tui.bridge import apart
from tui.screens.archive_detail import place_of
from tui.screens.archives_rows import size
from tui.screens.base import ConsoleScreen
from tui.screens.collections_actions import HELD_LOOK
from tui.store import Problem
from tui.work import start_work
from widgets.glyphs import Glyphs
from widgets.lines_view import Line, LinesView, wrapped
from widgets.plain import plain, plain_lines
from widgets.problem_box import ProblemBox
from widgets.sections import SectionsRow
from widgets.text import escape

LIVE, KEPT, FIELDS = range(3)
WIDE_CELLS = 120


class Tree(LinesView, inherit_bindings=False):
    """Lines that scroll up and down and leave the other arrow keys to the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", show=False, id="tree.up"),
        Binding("down", "scroll_down", show=False, id="tree.down"),
        Binding("pageup", "page_up", show=False, id="tree.pageup"),
        Binding("pagedown", "page_down", show=False, id="tree.pagedown"),
        Binding("home", "scroll_home", show=False, id="tree.home"),
        Binding("end", "scroll_end", show=False, id="tree.end"),
    ]
    beside: Tree | None = None
    """What scrolls along."""

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Both sides show the same lines."""
        super().watch_scroll_y(old_value, new_value)
        if self.beside is not None:
            self.beside.scroll_to(y=new_value, animate=False)


class DocumentScreen(ConsoleScreen):
    """Live first; `b` reads the backup's collection until the document is found."""

    MODE: ClassVar[str] = "collections"
    TOPICS: ClassVar[tuple[str, ...]] = (HELD_LOOK,)
    CSS_PATH = "../styles/collections.tcss"
    HELP = """
# One document

The document as it is live. Values of secret fields (password hashes, tokens, what the pepper encrypts) are never
read onto the screen; long texts and lists are cut, and the last line says so.

- `b` reads the same document from the newest good backup. Left and right then go through *Live*, *Backup* and
  *Differences*; a wide terminal shows both beside each other.
- `R` opens the restore wizard on its collection, from that backup.
- `y` copies what is shown, `s` saves it, `r` reads again, Escape goes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="document.back"),
        Binding(
            "b", "backup", "Beside the backup", id="document.backup", tooltip="Of the newest good backup"
        ),
        Binding("left", "section(-1)", "Section", id="document.previous", key_display="<- ->"),
        Binding("right", "section(1)", "Next section", id="document.next", show=False),
        Binding("tab", "section(1)", "Next section", id="document.tab", show=False),
        Binding(
            "R", "restore", "Restore", id="document.restore", tooltip="Its collection, in the restore wizard"
        ),
        Binding("y", "copy", "Copy", id="document.copy"),
        Binding("s", "save", "Save", id="document.save"),
        Binding("r", "look", "Look again", id="document.look", show=False),
    ]

    def __init__(self, collection: str, key: str, words: str) -> None:
        super().__init__()
        self._collection = collection
        self._key = key
        self._words = words
        self._place: object = None
        self._section = LIVE
        self._answer: DocumentAnswer | None = None
        self._asked: datetime | None = None
        self._asked_backup = ""
        self._problem: Problem | None = None

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="document-name", markup=False)
        yield SectionsRow(("Live", "Backup", "Differences"), id="document-sections")
        yield ProblemBox(id="document-problem", glyphs=glyphs)
        yield Static("", id="document-verdict", markup=False)
        with Horizontal(id="document-sides"):
            tree = Tree(ellipsis=glyphs.ellipsis, id="document-live")
            tree.beside = Tree(ellipsis=glyphs.ellipsis, id="document-kept")
            tree.beside.can_focus = False
            yield tree
            yield tree.beside

    def on_mount(self) -> None:
        """Reads what is live."""
        self._place = place_of(self.console.store.profile)
        self._ask("")
        self.query_one("#document-live", Tree).focus()

    @property
    def newest(self) -> BackupKept | None:
        """The newest good backup."""
        held: CollectionsHeldAnswer | None = self.console.store.looked(HELD_LOOK).value
        return held.newest if held is not None else None

    def why_disabled(self, action: str) -> str:
        """Why a key does nothing now; empty while it works."""
        newest = self.newest
        if action in ("backup", "restore") and newest is None:
            return "There is no good backup."
        if (
            action in ("backup", "restore")
            and newest is not None
            and self._collection not in newest.collections
        ):
            return f"{newest.id} does not hold {self._collection}."
        if action == "backup" and self._asked is not None and self._asked_backup:
            return "The backup is being read."
        if action == "section" and not (self._answer and self._answer.backup):
            return "Only what is live is shown: b reads the backup."
        if action in ("copy", "save") and self._answer is None:
            return "It is still being read."
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what cannot be done; `why_disabled` says why."""
        return None if self.why_disabled(action) else True

    def show(self, topic: str) -> None:
        """Another newest backup, or another deployment, of which nothing here is true."""
        if self._place is not None and self._place != place_of(self.console.store.profile):
            self.app.call_later(self.close_in_front)
            return
        self.refresh_bindings()

    def on_resize(self, event: Resize) -> None:
        """Both sides where there is room."""
        self._draw()

    def _ask(self, backup: str) -> None:
        self._asked, self._asked_backup = self.console.store.backend.now(), backup
        request = DocumentRequest(collection=self._collection, key=self._key, backup=backup)
        self._draw()
        start_work(
            self, partial(self._look, request), group="document", description="document", exclusive=True
        )

    async def _look(self, request: DocumentRequest) -> None:
        store = self.console.store
        seconds = BACKUP_SECONDS if request.backup else None
        try:
            answer: DocumentAnswer = await apart(
                store.backend.look, "document", store.profile, request, seconds=seconds
            )
        except QuillkeepError as error:
            self._problem = Problem.of(error)
            if request.backup:
                self._problem = Problem(
                    what=self._problem.what,
                    cause=self._problem.cause,
                    touched=self._problem.touched,
                    next=f"{self._problem.next} Escape, then c in the list, compares the whole collection as a job.",
                )
        else:
            self._answer, self._problem = answer, None
            if answer.backup and self._section == LIVE and (answer.fields or answer.live is None):
                self._section = FIELDS if answer.live is not None else KEPT
        self._asked = None
        self._draw()

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        answer, glyphs, problem = self._answer, self.console.glyphs, self._problem
        box = self.query_one(ProblemBox)
        box.show(problem.what, problem.cause, problem.touched, problem.next) if problem else box.show("")
        said = [f" {escape(self._collection)}", escape(self._words)]
        if self._asked:
            what = "the backup" if self._asked_backup else "it"
            said.append(f"{glyphs.of('waiting')} reading {what} since {self._asked:%H:%M:%S} UTC")
        elif answer is not None and answer.live is not None:
            said.append(size(answer.live.bytes))
        self._say("#document-name", "   ".join(said))
        sections = self.query_one(SectionsRow)
        sections.display = answer is not None and bool(answer.backup)
        found = len(answer.fields) + answer.more_fields if answer is not None else 0
        sections.show(("Live", "Backup", f"Differences {found:,}"), self._section)
        verdict = verdict_words(answer, glyphs) if answer is not None else ""
        self.query_one("#document-verdict").display = bool(verdict)
        self._say("#document-verdict", verdict)
        both = (
            self.size.width >= WIDE_CELLS
            and answer is not None
            and bool(answer.backup)
            and self._section != FIELDS
        )
        kept = self.query_one("#document-kept", Tree)
        kept.display = both
        if answer is not None:
            shown = LIVE if both else self._section
            self.query_one("#document-live", Tree).show(partial(lines_for, answer, shown, titled=both))
            if both:
                kept.show(partial(lines_for, answer, KEPT, titled=True))
        self.refresh_bindings()

    def _say(self, selector: str, text: str) -> None:
        line = self.query_one(selector, Static)
        content = plain_lines(text) if "\n" in text else plain(text)
        if line.content != content:
            line.update(content)

    def action_backup(self) -> None:
        """Reads it from the newest good backup too."""
        if self.newest is not None:
            self._ask(self.newest.reference)

    def action_look(self) -> None:
        """Reads it again, beside the backup where that was read."""
        self._ask(self._asked_backup)

    def action_section(self, step: int) -> None:
        """Live, the backup, or what differs."""
        self._section = (self._section + step) % 3
        self._draw()
        tree = self.query_one("#document-live", Tree)
        tree.scroll_home(animate=False)
        tree.focus()

    async def action_restore(self) -> None:
        """The wizard, on its collection alone."""
        if self.newest is not None:
            await self.console.open_restore(backup=self.newest.reference, collections=(self._collection,))

    def action_copy(self) -> None:
        """What is shown."""
        self.console.copy_text(self._text, name="the document")

    def action_save(self) -> None:
        """What is shown, as a new file."""
        self.console.save_text(
            self._text, name=f"quillkeep-document-{self.console.store.backend.now():%Y%m%d_%H%M%S}.txt"
        )

    @property
    def _text(self) -> str:
        assert self._answer is not None
        lines = lines_for(self._answer, self._section, 10_000, titled=True)
        return "\n".join([f"{self._collection} _id {self._words}", "", *(line.text for line in lines)]) + "\n"

    def action_leave(self) -> None:
        """Back to the list."""
        self.app.pop_screen()


def verdict_words(answer: DocumentAnswer, glyphs: Glyphs) -> str:
    """How the two belong together, in one line; empty while only what is live was read."""
    if answer.problem:
        return f"{glyphs.status('unknown', 'what is live is not known')}: {answer.problem}"
    if not answer.backup:
        return (
            ""
            if answer.live is not None
            else f"{glyphs.status('warn', 'It is not live any more')}: b looks in the backup."
        )
    if answer.live is None and answer.kept is None:
        return f"{glyphs.status('warn', 'nowhere')}: neither live nor in {answer.backup}."
    if answer.live is None:
        return f"{glyphs.status('warn', 'gone')}: it is in {answer.backup}, and not live. R restores its collection."
    if answer.kept is None:
        return f"{glyphs.status('warn', 'new')}: {answer.backup} does not have it."
    found = len(answer.fields) + answer.more_fields
    if not found:
        return f"{glyphs.status('ok', 'same')}: it is in {answer.backup} exactly as it is live."
    return f"{glyphs.status('warn', 'differs')}: {counted(found, 'fields')} are not as in {answer.backup}.".replace(
        "1 field are", "1 field is"
    )


def lines_for(answer: DocumentAnswer, section: int, width: int, *, titled: bool) -> list[Line]:
    """A section's lines for a width."""
    if section == FIELDS:
        return field_lines(answer, width)
    seen = answer.live if section == LIVE else answer.kept
    head = [Line("Live" if section == LIVE else answer.backup, "strong")] if titled else []
    if seen is None:
        return [*head, Line("It is not there.", "warning")]
    changed = {one.path.partition(".")[0].partition("[")[0] for one in answer.fields}
    return [*head, *_tree_lines(seen, changed, width)]


def _tree_lines(seen: DocumentSeen, changed: set[str], width: int) -> list[Line]:
    lines: list[Line] = []
    differs = False
    for text in seen.lines:
        if not text.startswith(" "):
            differs = text.partition(":")[0] in changed
        blanks = " " * (len(text) - len(text.lstrip(" ")))
        tone = "dim" if text.endswith(": (not shown)") else "warning" if differs else ""
        lines += [
            Line(one, tone) for one in wrapped(text[len(blanks) :], width, first=blanks, rest=f"{blanks}    ")
        ]
    if seen.cut:
        lines += [Line(one, "dim") for one in wrapped(seen.cut, width)]
    if seen.hidden:
        words = f"{counted(seen.hidden, 'fields')} hold what is never shown."
        lines += [Line(one, "dim") for one in wrapped(words.replace("1 field hold", "1 field holds"), width)]
    return lines


def field_lines(answer: DocumentAnswer, width: int) -> list[Line]:
    """Path by path what is live and what the backup has."""
    lines: list[Line] = []
    for one in answer.fields:
        lines.append(Line(escape(one.path), "strong"))
        lines += _side_lines("live  ", one.live, one, width)
        lines += _side_lines("backup", one.kept, one, width)
    if answer.more_fields:
        lines.append(Line(f"and {answer.more_fields:,} more fields", "dim"))
    return lines or [
        Line("Nothing differs." if answer.live and answer.kept else "There is nothing to compare.", "dim")
    ]


def _side_lines(side: str, value: str | None, field: FieldSeen, width: int) -> list[Line]:
    if field.secret:
        return [Line(f"  {side}  (not shown: the values differ)", "dim")]
    text = "(absent)" if value is None else value
    return [
        Line(one, "dim" if value is None else "")
        for one in wrapped(text, width, first=f"  {side}  ", rest=" " * 10)
    ]
