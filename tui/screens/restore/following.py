"""A step that reads a job's journal while it is shown; leaving it leaves the job alone."""

from __future__ import annotations

from pathlib import Path

from textual.binding import Binding

from tui.bridge import Follower, JobNews
from tui.screens.restore.model import WizardState
from tui.screens.restore.run_journal import RunJournal
from tui.screens.restore.step import Step


class FollowingStep(Step):
    """`follow(job, folder)` begins anew with an empty `run`; `heard()` is called when it knows more."""

    def __init__(self, state: WizardState) -> None:
        super().__init__(state)
        self.run = RunJournal()
        self._follower: Follower | None = None
        self._reasons: tuple[str, ...] | None = None

    def follow(self, job: str, folder: Path) -> None:
        """Reads a journal from its beginning."""
        self.unfollow()
        self.run = RunJournal()
        self._follower = Follower(self.console.store.backend, self, job, folder)

    def unfollow(self) -> None:
        """Stops reading; the job goes on."""
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def follow_state(self) -> None:
        """Reads the journal of the state's own job."""
        state = self.state
        if state.job:
            self.follow(state.job, state.folder or self.console.store.backend.paths.jobs / state.job)

    @property
    def followed(self) -> str:
        """The job that is read, empty when none is."""
        return self._follower.job if self._follower else ""

    def on_job_news(self, message: JobNews) -> None:
        """What is new of the job in hand; news of an earlier one is late."""
        message.stop()
        if message.job != self.followed:
            return
        self.run.feed(message.events)
        self.run.ended = message.ended
        self.heard()

    def refresh_keys(self) -> None:
        """Draws the row of keys again, when what may be pressed is not what it was."""
        bindings = [binding for binding in self.BINDINGS if isinstance(binding, Binding)]
        reasons = tuple(self.why_disabled(binding.action) for binding in bindings)
        if reasons != self._reasons:
            self._reasons = reasons
            self.screen.refresh_bindings()

    def heard(self) -> None:
        """`run` knows more than before."""

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self.unfollow()
