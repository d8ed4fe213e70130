"""The passphrase of an encrypted backup: typed unseen, tried at once, kept for the session and nowhere else."""

from __future__ import annotations

from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from services.catalog.model import Backup
from services.looking.opening import OpeningAnswer
from services.secret import Secret
from tui.opening import ASKED_FOR, try_open
from tui.screens.base import ConsoleModal
from tui.work import start_work
from widgets.plain import plain

KEPT = (
    "It is kept in this console's memory until you leave it, and reaches jobs through a pipe. To have it always "
    "at hand: passphrase_file under [encrypt] in config.toml."
)


class PassphraseModal(ConsoleModal[Secret]):
    """One masked line; a passphrase that does not open the backup is said, and the line stays to be corrected."""

    HELP = """
# The passphrase of an encrypted backup

What you type is not shown. Enter tries it on the first bytes of the backup: what does not fit is said at once.
It is kept in this console's memory until you leave it, reaches jobs through a pipe, and is written nowhere.
Escape goes back, and nothing is begun. A file with the passphrase can be named in config.toml (8 shows where).
"""

    def __init__(self, backup: Backup, answer: OpeningAnswer) -> None:
        super().__init__()
        self._backup = backup
        self._answer = answer

    def compose_body(self) -> ComposeResult:
        tool = self._backup.encrypted or "gpg"
        with Vertical(classes="dialog"):
            question = f"{self._backup.id} is encrypted with {tool}. Its passphrase?"
            yield Static(plain(question).stylize("bold"), id="question", markup=False)
            yield Static(plain(KEPT), classes="dim", markup=False)
            yield Input(password=True, id="passphrase", select_on_focus=False)
            first = self._answer.what if self._answer.why == "passphrase" else ""
            yield Static(plain(first), id="said", markup=False)
            yield Static(Content("Enter tries it, Escape goes back."), classes="dim", markup=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was wrong is being corrected."""
        event.stop()
        if event.value:
            self.query_one("#said", Static).update("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Tries what was typed."""
        event.stop()
        if not event.value:
            self._say("An empty passphrase opens nothing.")
            return
        self._say("Trying it.")
        start_work(self, partial(self._try, event.value), exclusive=True, description="a passphrase")

    async def _try(self, typed: str) -> None:
        answer = await try_open(self.console, self._backup, typed)
        if answer.why in ASKED_FOR or answer.why == "unknown":
            self._say(f"{answer.what} {answer.next}".strip())
            return
        self.dismiss(Secret(typed))

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(plain(text))
