"""The question before a verify: how deep, and for a deep one in the live server whether it may load there."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from services.catalog.model import Backup, Depth
from services.errors import QuillkeepError
from services.looking.deep_place import DeepPlaceAnswer, DeepPlaceRequest
from services.operations.verify_model import VerifyPlan
from tui.bridge import apart
from tui.screens.archives_rows import size
from tui.screens.base import ConsoleModal, ConsoleScreen
from tui.work import start_work
from widgets.key_value import KeyValues
from widgets.plain import plain, plain_lines

Answer = tuple[Depth, bool]
"""How deep, and whether loading aside in the live server was confirmed."""
DEEP = "full, and loaded into a server: indexes built, validated, compared, removed. It never uses the live one unasked."


def open_verify(
    screen: ConsoleScreen, backup: Backup, reference: str, begin: Callable[[VerifyPlan], None]
) -> None:
    """Asks how deep `backup` (which verbs know as `reference`) is verified, then calls `begin` with the plan."""

    def answered(answer: Answer | None) -> None:
        if answer is not None:
            depth, confirmed = answer
            begin(VerifyPlan(backup=reference, depth=depth, confirmed=confirmed))

    screen.app.push_screen(DepthModal(backup), answered)


class DepthModal(ConsoleModal[Answer]):
    """How deep to verify: it only reads, so Enter takes the full one; a deep one says where it loads."""

    HELP = """
# Verify a backup

*Full* reads every byte and compares it with the sums taken when it was made. *Quick* looks only at what
costs no reading: files, sizes, the checksum file. *Deep* is full, and loads the database part into a server:
every index is built, every validator applied, everything validated and compared, then removed. It takes the
embedded server where one is installed, and asks before it loads aside in the live one. None of them changes the
backup; the verdict is noted beside it.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "choose('full')", "Full", id="verify.full"),
        Binding("q", "choose('quick')", "Quick", id="verify.quick"),
        Binding("d", "deep", "Deep", id="verify.deep"),
        Binding("y", "yes", "Yes", show=False, id="verify.yes"),
        Binding("enter", "enter", "Full", show=False, id="verify.enter"),
        Binding("n", "no", "No", show=False, id="verify.no"),
    ]

    def __init__(self, backup: Backup) -> None:
        super().__init__()
        self._backup = backup
        self._state: Literal["asking", "looking", "confirming"] = "asking"

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            yield Static(plain(f"Verify {self._backup.id}"), id="question", markup=False)
            yield KeyValues(
                [
                    (
                        "f, y full",
                        f"reads every byte ({size(self._backup.bytes)}) and proves it. Enter means this.",
                    ),
                    ("q quick", "files, sizes and the checksum file; proves no byte."),
                    ("d deep", DEEP),
                    ("Escape", "goes back."),
                ],
                id="depths",
            )
            yield Static("", id="deep", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Once the live server is asked for, only that question is left."""
        return not (self._state == "confirming" and action in ("choose", "deep"))

    def action_choose(self, depth: Depth) -> None:
        """Leaves with a depth that needs no server."""
        self.dismiss((depth, False))

    def action_yes(self) -> None:
        """The key of the full one, and the word for the live server once that was asked."""
        if self._state == "confirming":
            self.dismiss(("deep", True))
        elif self._state == "asking":
            self.dismiss(("full", False))

    def action_enter(self) -> None:
        """The full one; to the question it means No."""
        if self._state == "confirming":
            self.dismiss(None)
        elif self._state == "asking":
            self.dismiss(("full", False))

    def action_no(self) -> None:
        """No to the question; nothing else."""
        if self._state == "confirming":
            self.dismiss(None)

    def action_deep(self) -> None:
        """Looks where it can run."""
        if self._state == "asking":
            self._state = "looking"
            self._say("Looking where it can run…")
            start_work(self, self._look, group="deep-place", description="deep-place")

    async def _look(self) -> None:
        store = self.console.store
        request = DeepPlaceRequest(encrypted=self._backup.encrypted is not None)
        try:
            found: DeepPlaceAnswer = await apart(store.backend.look, "deep_place", store.profile, request)
        except QuillkeepError as error:
            found = DeepPlaceAnswer(where=None, reason=error.what, next=error.next)
        if found.where == "embedded":
            self.dismiss(("deep", False))
        elif found.where == "live":
            self._confirm(found)
        else:
            self._state = "asking"
            self._say(f"A deep verify cannot run here: {found.reason}.\n{found.next}")

    def _confirm(self, found: DeepPlaceAnswer) -> None:
        self._state = "confirming"
        self.refresh_bindings()
        self.query_one("#depths", KeyValues).display = False
        self.query_one("#question", Static).update(plain(f"Load {self._backup.id} aside in the live server?"))
        why = f"\nWhy there: {found.reason}." if found.reason else ""
        if self._backup.encrypted is not None:
            why += "\nThe backup is encrypted: its documents lie on that server's disk meanwhile, as the live ones do."
        self._say(
            f"It goes into {found.words}, under names of its own, is looked at there and dropped.{why}\n\n"
            "No live collection is touched. The server has the work of a restore meanwhile, and needs the space; "
            "that is looked at first. A restore that begins meanwhile ends it.\n\n"
            "y yes    n no (Enter and Escape mean no)"
        )

    def _say(self, text: str) -> None:
        self.query_one("#deep", Static).update(Content("\n") + plain_lines(text) if text else Content(""))
