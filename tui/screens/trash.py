"""The trash of every location: what lies in it, the commands for it, and the way back of one backup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from services.errors import QuillkeepError
from services.looking.trash import TrashRequest
from tui.bridge import apart
from tui.screens.archives_rows import size
from tui.screens.base import ConsoleModal
from tui.store import Problem
from tui.work import start_work
from widgets.plain import plain, plain_lines
from widgets.problem_box import ProblemBox

EMPTY = "quillkeep trash empty"
STATES = {
    "moving": "deletion interrupted",
    "restoring": "return interrupted",
    "emptying": "half gone, cannot come back",
}


class TrashModal(ConsoleModal[str]):
    """Leaves with the key of the entry that is to come back, None for none; nothing is emptied from here."""

    HELP = """
# Trash

Deleted backups lie here until the trash is emptied; their files take their space until then. `enter` brings
the one under the cursor back to where it was, which changes nothing else. `y` copies its command.
Emptying deletes for good and is done in a shell: `e` copies `quillkeep trash empty`, which asks first.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "bring_back", "Bring back", id="trash.restore"),
        Binding("y", "copy", "Copy command", id="trash.copy"),
        Binding(
            "e", "copy_empty", "Copy empty", id="trash.empty", tooltip="The command that empties the trash"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Mapping[str, Any]] = []

    def compose_body(self) -> ComposeResult:
        now = self.console.store.backend.now()
        with Vertical(classes="dialog"):
            yield Static(plain("Trash"), id="title", markup=False)
            yield Static(plain(f"Looking into it since {now:%H:%M:%S} UTC."), id="trash-said", markup=False)
            yield OptionList(id="trash-list", markup=False)
            yield ProblemBox(id="trash-problem", glyphs=self.console.glyphs)
            yield Static("", id="trash-commands", classes="dim", markup=False)

    def on_mount(self) -> None:
        """Looks."""
        super().on_mount()
        self.query_one(OptionList).display = False
        start_work(self, self._look, description="look into the trash")

    async def _look(self) -> None:
        store = self.console.store
        try:
            answer = await apart(store.backend.look, "trash", store.profile, TrashRequest())
        except QuillkeepError as error:
            problem = Problem.of(error)
            self._say("What lies in the trash is not known.")
            self.query_one(ProblemBox).show(problem.what, problem.cause, problem.touched, problem.next)
            return
        document = answer.document
        self._rows = list(document["trash"])
        warnings = list(document["warnings"])
        many = (
            f"{len(self._rows):,} deleted backup{'s' if len(self._rows) != 1 else ''}, newest deletion first."
        )
        # Where a location could not be read, nothing seen is not nothing there.
        none = "Nothing can be seen in it." if warnings else "The trash is empty."
        self._say(" ".join([many if self._rows else none, *map(str, warnings[:1])]))
        if self._rows:
            rows = self.query_one(OptionList)
            rows.display = True
            rows.add_options([Option(_row(row)) for row in self._rows])
            rows.highlighted = 0
            rows.focus()
        self._show_command()
        self.refresh_bindings()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Its command."""
        event.stop()
        self._show_command()
        self.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter."""
        event.stop()
        if why := self.why_disabled("bring_back"):
            self._say(why)
        else:
            self.action_bring_back()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what cannot be done; `why_disabled` says why."""
        return None if self.why_disabled(action) else True

    def why_disabled(self, action: str) -> str:
        """Why an action does nothing now; empty when it works."""
        row = self._marked
        if action in ("bring_back", "copy", "copy_empty") and row is None:
            return "Nothing lies in the trash."
        if action == "bring_back" and row is not None and row.get("state") == "emptying":
            return "It is half gone: it cannot come back."
        return ""

    def action_bring_back(self) -> None:
        """Leaves with the entry."""
        if self._marked is not None:
            self.dismiss(str(self._marked["key"]))

    def action_copy(self) -> None:
        """The command that brings the marked one back."""
        if self._marked is not None:
            self.console.copy_text(_command(self._marked), name=_command(self._marked))

    def action_copy_empty(self) -> None:
        """The command that empties."""
        self.console.copy_text(EMPTY, name=EMPTY)

    @property
    def _marked(self) -> Mapping[str, Any] | None:
        if not self.is_mounted:
            return None
        place = self.query_one(OptionList).highlighted
        return self._rows[place] if place is not None and place < len(self._rows) else None

    def _say(self, text: str) -> None:
        self.query_one("#trash-said", Static).update(plain(text))

    def _show_command(self) -> None:
        if self._marked is not None:
            said = f"Enter brings it back; in a shell (y copies, e copies the other):\n{_command(self._marked)}\n{EMPTY}   deletes all of it for good"
            self.query_one("#trash-commands", Static).update(plain_lines(said))


def _command(row: Mapping[str, Any]) -> str:
    return f"quillkeep trash restore {row['entry'] if row.get('state') == 'restoring' else row['id']}"


def _row(row: Mapping[str, Any]) -> Content:
    state = STATES.get(str(row.get("state")), "")
    about = [
        f"deleted {str(row['deleted'])[:16].replace('T', ' ')}",
        size(row["bytes"]),
        str(row["location"]),
    ]
    return plain("  ".join([str(row["id"]), *about, *([state] if state else [])]))
