"""Deletes a backup: what it would do is found out first, then its id has to be typed."""

from __future__ import annotations

from typing import Any

import msgspec
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from services.catalog.model import Backup
from services.jobs.events import Finished
from services.operations.delete import DeletePlan
from tui.bridge import Follower, JobNews
from tui.screens.archive_actions import freed_words
from tui.screens.archives_rows import size
from tui.screens.base import ConsoleModal
from tui.work import start_work
from widgets.plain import plain, plain_lines
from widgets.problem_box import ProblemBox
from widgets.typed_confirmation import TypedConfirmation

WARNINGS_SHOWN = 3


class DeleteModal(ConsoleModal[bool]):
    """Asks the verb by a dry run, which moves nothing; a refusal stays on the screen, and only Escape leaves it."""

    HELP = """
# Delete a backup

It moves into the trash of its location (`.trash/`); nothing is unlinked, and its files take their space until
the trash is emptied (`quillkeep trash empty`). `quillkeep trash restore` brings it back.

Refused are the newest good backup, a pinned one, one that is being read, and everything in READ-ONLY.
Type the id, Enter moves to the button, a second key deletes.
"""
    CSS_PATH = "../styles/archives.tcss"

    def __init__(self, backup: Backup, plan: DeletePlan) -> None:
        super().__init__()
        self._backup = backup
        self._plan = plan
        self._follower: Follower | None = None
        self._finished: Finished | None = None

    def compose_body(self) -> ComposeResult:
        now = self.console.store.backend.now()
        with Vertical(classes="dialog"):
            yield Static(plain(f"Delete {self._backup.id}?"), id="question", markup=False)
            yield Static(
                plain(f"Looking at what that would do since {now:%H:%M:%S} UTC. Nothing is moved yet."),
                id="delete-effects",
                markup=False,
            )
            with VerticalScroll(id="delete-refused", can_focus=False):
                yield ProblemBox(id="delete-problem", glyphs=self.console.glyphs)

    def on_mount(self) -> None:
        """The dry run begins."""
        super().on_mount()
        self.query_one("#delete-refused").display = False
        start_work(self, self._ask, description="dry run of delete")

    def on_unmount(self) -> None:
        """A dry run that still counts goes on by itself and moves nothing."""
        if self._follower is not None:
            self._follower.close()

    async def _ask(self) -> None:
        plan = msgspec.structs.replace(self._plan, dry_run=True)
        started = await self.console.begin_job("delete", plan)
        if started is None:
            self.dismiss(None)
            return
        self._follower = Follower(self.console.store.backend, self, started.job, started.folder)

    def on_job_news(self, news: JobNews) -> None:
        """What it would do, or why it is refused."""
        if news.finished is not None:
            self._finished = news.finished
        if not news.ended:
            return
        result = self._finished.result if self._finished is not None else {}
        error = result.get("error")
        if isinstance(error, dict) or not result:
            said = error if isinstance(error, dict) else {"what": "What it would do could not be found out."}
            self._refuse({name: str(said.get(name) or "") for name in ("what", "cause", "touched", "next")})
            return
        self.query_one("#delete-effects", Static).update(plain_lines(effects(self._backup, result)))
        start_work(self, self._offer, description="offer")

    async def _offer(self) -> None:
        typed = TypedConfirmation(self._backup.id, "Delete it")
        await self.query_one(".dialog").mount(typed)
        typed.query_one("#words").focus()

    def _refuse(self, said: dict[str, str]) -> None:
        self.query_one("#delete-effects", Static).update(plain("It is not deleted. Escape goes back."))
        self.query_one("#delete-refused").display = True
        self.query_one(ProblemBox).show(said["what"], said["cause"], said["touched"], said["next"])

    def on_screen_suspend(self) -> None:
        """Back from anything, the words have the focus."""
        for typed in self.query(TypedConfirmation):
            typed.disarm()

    def on_typed_confirmation_confirmed(self) -> None:
        """Typed, and a second key pressed."""
        self.dismiss(True)


def effects(backup: Backup, result: dict[str, Any]) -> str:
    """What deleting does, what it will free, and what to know before."""
    files = result.get("files") or ()
    count = len(files)
    lines = [
        f"It moves {count} file{'s' if count != 1 else ''} or folders ({size(backup.bytes)}) into the trash of "
        f"{backup.location}. Nothing is freed until the trash is emptied, and until then it can be brought back.",
        freed_words(result.get("frees"), "Of it, emptying the trash will free")
        or "What emptying the trash would free could not be counted.",
    ]
    warnings = [str(text) for text in result.get("warnings") or ()]
    lines += [f"! {text}" for text in warnings[:WARNINGS_SHOWN]]
    if len(warnings) > WARNINGS_SHOWN:
        lines.append(f"! and {len(warnings) - WARNINGS_SHOWN} more")
    return "\n".join(lines)
