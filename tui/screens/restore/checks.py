"""Step 4: the checks. They run by themselves; what fails says what to do, and holds the restore back."""

from __future__ import annotations

import importlib
from datetime import datetime
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from services.catalog.model import Backup
from services.errors import QuillkeepError
from services.looking.preflight import PreflightAnswer, PreflightRequest
from tui.bridge import apart
from tui.progress import amount, duration
from tui.screens.confirm import YesNoModal
from tui.screens.restore import check_rows
from tui.screens.restore.check_rows import Row
from tui.screens.restore.following import FollowingStep
from tui.screens.restore.holding import key_of
from tui.screens.restore.model import StepName, WizardState
from tui.store import Problem
from widgets.glyphs import tone
from widgets.lines_view import LinesView
from widgets.plain import plain

SKIPPING = (
    "Verifying reads every byte of the backup before anything is touched. Without it, damage is found only while "
    "the restore loads the data aside: it then stops before anything live is changed, and the time is lost."
)


class ChecksStep(FollowingStep):
    """The chosen backup is verified by a job; the server, the bucket and the application are looked at beside it."""

    NAME: ClassVar[StepName] = "checks"
    TOPICS: ClassVar[tuple[str, ...]] = ("bucket", "catalog", "profile")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", "Make the plan", id="checks.go_on"),
        Binding("v", "verify", "Verify again", id="checks.verify"),
        Binding("k", "skip", "Skip verifying", id="checks.skip"),
    ]
    HELP = """
# Checks

They run by themselves and change nothing. A **fail** holds the restore back and says what to do; then `r` looks
again. A **warn** is worth knowing, or a risk that is asked for later.

- `v` verifies the backup again, every byte. A full verification newer than 24 hours counts.
- `k` goes on without verifying (asks first). The restore proves everything again while it loads the data aside.
- `enter` makes the plan, `escape` goes back.
"""

    def __init__(self, state: WizardState) -> None:
        super().__init__(state)
        self._answer: PreflightAnswer | None = None
        self._problem: Problem | None = None
        self._asked: datetime | None = None
        self._looking = False
        self._said = ""
        self._rows: list[Row] = []

    def compose(self) -> ComposeResult:
        yield Static("Can it be restored? The checks run by themselves.", classes="question", markup=False)
        yield Static("", id="checks-verdict", markup=False)
        yield LinesView(ellipsis=self.console.glyphs.ellipsis, id="checks-lines")
        yield Static("", id="checks-next", classes="next", markup=False)

    def entered(self) -> None:
        """Begins what is not known yet; a verification that was begun before goes on being read."""
        self.query_one("#checks-lines").focus()
        state = self.state
        if state.backup is None:
            self.post_message(self.Forward("backup"))
            return
        self._look()
        if state.verify_job and state.verify_result is None and state.verify_folder is not None:
            self.follow(state.verify_job, state.verify_folder)
        elif self._needs_verifying():
            self._begin_verifying()
        self._draw()

    def show(self, topic: str) -> None:
        """The bucket was looked at, or the backups."""
        self._draw()

    def look_again(self) -> None:
        """`r`."""
        self._said = ""
        self._look()
        self._draw()

    def action_verify(self) -> None:
        """Verifies once more."""
        if self._verifying:
            self._say("The backup is being verified already.")
            return
        self.state.verify_skipped = False
        self._said = ""
        self._begin_verifying()
        self._draw()

    def action_skip(self) -> None:
        """Goes on without the verification, when that is said twice."""
        if not self._verifying and not self._needs_verifying():
            self._say("The verification is over: there is nothing to skip.")
            return

        def said(yes: bool | None) -> None:
            if yes:
                self.state.verify_skipped, self._said = True, ""
                if self._verifying:
                    self._cancel(self.state.verify_job)
                    self.unfollow()
                    self.state.verify_job, self.state.verify_folder = "", None
                self._draw()

        self.console.push_screen(YesNoModal("Go on without verifying the backup?", SKIPPING), said)

    def action_go_on(self) -> None:
        """To the plan, when nothing forbids it."""
        closed = self.why_disabled("go_on")
        if closed:
            self._said = ""
            self._draw()
            return
        self.post_message(self.Forward())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what cannot be done now."""
        return None if action == "go_on" and self.why_disabled(action) else True

    def why_disabled(self, action: str) -> str:
        """What forbids to go on."""
        if action != "go_on":
            return ""
        bad = check_rows.failing(self._rows)
        if bad:
            more = f" And {len(bad) - 1} more." if len(bad) > 1 else ""
            return f"{bad[0].name}: {bad[0].detail}{more}"
        if self._verifying:
            return "The backup is still being verified: wait, or k skips it."
        if any(row.status == "waiting" for row in self._rows):
            return "Not everything has answered yet: wait a moment, or r looks again."
        return ""

    def heard(self) -> None:
        """The verification went on, or ended."""
        if not self.run.ended:
            self._draw()
            return
        result = self.run.result
        job = self.followed
        self.unfollow()
        self.state.verify_result = result or {
            "error": {"what": f"The job {job} is gone without a result.", "next": "v verifies again."}
        }
        self.console.look_at("catalog")
        self._draw()

    @property
    def _verifying(self) -> bool:
        return bool(self.state.verify_job) and self.state.verify_result is None

    def _needs_verifying(self) -> bool:
        state = self.state
        if state.backup is None or state.verify_result is not None or state.verify_skipped:
            return False
        return not check_rows.fresh_full(self._newest_known(), self.console.store.backend.now())

    def _newest_known(self) -> Backup:
        """The chosen backup as the catalog has it now: a verification notes its verdict there."""
        backup = self.state.backup
        assert backup is not None
        catalog = self.console.store.catalog.value
        rows = catalog.backups if catalog else ()
        return next((one for one in rows if key_of(one) == key_of(backup)), backup)

    def _begin_verifying(self) -> None:
        self.state.verify_job, self.state.verify_folder, self.state.verify_result = "", None, None
        self._verify()

    @work(exclusive=True, group="verify", description="verify")
    async def _verify(self) -> None:
        await apart(importlib.import_module, "services.operations.verify")
        from services.operations.verify import VerifyPlan

        started = await self.console.begin_job("verify", VerifyPlan(backup=self.state.request.backup))
        if started is None:
            self.state.verify_result = {
                "error": {"what": "The verification did not start.", "next": "v tries again, k skips it."}
            }
        else:
            self.state.verify_job, self.state.verify_folder = started.job, started.folder
            if self.is_mounted:
                self.follow(started.job, started.folder)
        if self.is_mounted:
            self._draw()

    @work(group="cancel", description="cancel verify")
    async def _cancel(self, job: str) -> None:
        try:
            await apart(self.console.store.backend.cancel_job, job)
        except QuillkeepError as error:
            self.console.show_problem(Problem.of(error))

    @work(exclusive=True, group="preflight", description="preflight")
    async def _look(self) -> None:
        store, state = self.console.store, self.state
        if state.backup is None:
            return
        self._asked = store.backend.now()
        self._looking = True
        self._draw()
        request = PreflightRequest(request=state.request, backup=state.backup)
        try:
            answer = await apart(store.backend.look, "preflight", store.profile, request)
        except QuillkeepError as error:
            self._problem = Problem.of(error)
        else:
            self._answer, self._problem = answer, None
        self._looking = False
        if self.is_mounted:
            self._draw()

    def _say(self, text: str) -> None:
        """What a key did not do, and why, where the next key stands."""
        self._said = text
        self._draw()

    def _backup_row(self) -> Row:
        state = self.state
        now = self.console.store.backend.now()
        if state.verify_result is not None:
            return check_rows.result_row(state.verify_result)
        if state.verify_skipped:
            return Row("backup", "skipped", "Not verified here, as you said.", "v verifies it after all.")
        if state.verify_job:
            phase = self.run.current
            if phase is None:
                return Row("backup", "running", "Being verified: every byte is read. k skips it.")
            share = f"{phase.share:.0%}, " if phase.share is not None else ""
            rate = f", {amount(int(phase.rate), phase.unit)}/s" if phase.rate else ""
            left = f", {duration(phase.eta)} left" if phase.eta is not None else ""
            read = f"{share}{amount(phase.done, phase.unit)} read{rate}{left}"
            return Row("backup", "running", f"Being verified: {read}. k skips it.")
        newest = self._newest_known()
        if check_rows.fresh_full(newest, now):
            return check_rows.known_row(newest, now)
        return Row("backup", "waiting", "Its verification is being started.")

    def _draw(self) -> None:
        store, state = self.console.store, self.state
        if state.backup is None:
            return
        self._rows = [
            *check_rows.read_only_row(store.profile, state),
            self._backup_row(),
            *check_rows.preflight_rows(self._answer, self._problem, self._asked),
            *check_rows.bucket_row(store.looked("bucket"), store.profile, state),
        ]
        # What fails comes first: it must be seen without scrolling.
        self._rows.sort(key=lambda row: row.status != "fail")
        glyphs = self.console.glyphs
        self.query_one(LinesView).show(lambda width: check_rows.lines_of(self._rows, width, glyphs))
        bad = check_rows.failing(self._rows)
        warned = sum(row.status in ("warn", "unknown", "skipped") for row in self._rows)
        since = (
            f", looking since {self._asked.astimezone():%H:%M:%S}" if self._looking and self._asked else ""
        )
        if bad:
            count = "one thing holds" if len(bad) == 1 else f"{len(bad)} things hold"
            word, told = "fail", f"{count} the restore back"
        elif self.why_disabled("go_on"):
            word, told = "running", "the checks are running"
        elif any(row.name == "connection" and row.status == "unknown" for row in self._rows):
            word, told = "unknown", "whether it can be restored cannot be told"
        elif warned:
            word, told = "warn", f"it can be restored; {warned} to know about"
        else:
            word, told = "ok", "it can be restored"
        verdict = plain(f"{glyphs.status(word, told)}.").stylize(f"bold $text-{tone(word)}")
        self.query_one("#checks-verdict", Static).update(
            Content.assemble(verdict, plain(f"  {state.backup.id}{since}"))
        )
        next = "Do what stands behind the arrow, then r: look again." if bad else "Enter: make the plan."
        if not bad and self.why_disabled("go_on"):
            next = self.why_disabled("go_on")
        if self._said:
            next = f"{glyphs.of('warn')} {self._said}  {next}"
        self.query_one("#checks-next", Static).update(plain(next))
        self.screen.refresh_bindings()
