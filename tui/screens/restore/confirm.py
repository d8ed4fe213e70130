"""Step 6: each risk accepted by itself, then the target typed; only then a job that changes live data starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Button, Static

from services.operations.restore_model import ROLLBACK_HOURS, RestorePlan
from tui.screens.confirm import YesNoModal
from tui.screens.restore.confirm_rows import Acceptable, LeaveStopped, RiskRow
from tui.screens.restore.model import StepName, WizardState
from tui.screens.restore.plan_rows import loss, many
from tui.screens.restore.step import Step
from tui.work import start_work
from widgets.plain import plain, plain_lines
from widgets.typed_confirmation import TypedConfirmation

READ_ONLY = "READ-ONLY: nothing live may be changed from this console. It cannot be turned off here; start one without it."


class Rows(VerticalScroll, inherit_bindings=False):
    """Scrolls to what has the focus; up and down move between its rows."""


class Confirming(Step):
    """Risks, the choice about the application, and the words; a restore's and a rollback's alike."""

    VERB: ClassVar[str] = "restore"
    BUTTON: ClassVar[str] = "Restore now (Enter)"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Next", show=False, id="confirm.next"),
        Binding("up", "app.focus_previous", "Previous", show=False, id="confirm.previous"),
    ]

    def __init__(self, state: WizardState) -> None:
        super().__init__(state)
        self._starting = False

    def compose(self) -> ComposeResult:
        plan = self.state.plan or {}
        yield Static(
            plain_lines("\n".join(self.effects(plan))), classes="question", id="effects", markup=False
        )
        with Rows(id="confirm-body", can_focus=False):
            for word, detail in self.risks().items():
                yield RiskRow(word, detail, accepted=word in self.state.acknowledged, id=f"risk-{word}")
            if self._controls_app:
                yield LeaveStopped(accepted=self.state.leave_app_stopped)
            elif self._touches_app:
                yield Static(
                    plain("Quillkeep does not control the application: keep it stopped until the proof."),
                    classes="why",
                    markup=False,
                )
            if self.words:
                yield TypedConfirmation(self.words, self.BUTTON, id="typed")
            else:
                yield Button(plain(self.BUTTON), id="ask-yes", compact=True)
        yield Static("", id="confirm-next", classes="next", markup=False)

    def effects(self, plan: Mapping[str, Any]) -> list[str]:
        """Two lines: what will happen, and what stays."""
        raise NotImplementedError

    def job_plan(self) -> msgspec.Struct:
        """What the job is asked."""
        raise NotImplementedError

    @property
    def words(self) -> str:
        """What has to be typed; empty where y/n is enough."""
        return str((self.state.plan or {}).get("confirmation") or "")

    def question(self) -> str:
        """What is asked where y/n is enough."""
        return "Start it?"

    def why_not_this(self, plan: Mapping[str, Any]) -> str:
        """Why this plan is not the one for what was chosen; empty when it is."""
        return ""

    def risks(self) -> dict[str, str]:
        """The plan's risks and those that a started job found later, each with its detail."""
        found = {
            str(risk["word"]): str(risk.get("detail") or "")
            for risk in (self.state.plan or {}).get("risks") or ()
        }
        return {**found, **self.state.late_risks}

    @property
    def missing(self) -> list[str]:
        """Risks nobody accepted yet."""
        return [word for word in self.risks() if word not in self.state.acknowledged]

    @property
    def allowed(self) -> tuple[str, ...]:
        """The words that were accepted, of those that are asked for."""
        return tuple(word for word in self.risks() if word in self.state.acknowledged)

    @property
    def _controls_app(self) -> bool:
        app = self.console.store.profile.app
        return self._touches_app and app is not None and bool(app.stop)

    @property
    def _touches_app(self) -> bool:
        return True

    def entered(self) -> None:
        """Focus on the first thing to decide, once the rows stand."""
        if not self.children:
            # The console is being left while the step is put there.
            return
        self._show()
        self.call_after_refresh(self._begin_at)

    def show(self, topic: str) -> None:
        """READ-ONLY that is turned on here closes it at once."""
        if topic == "profile" and self.is_mounted and self.closed:
            self._show()
            self._begin_at()

    def left(self) -> None:
        """Nobody finds a button in focus that they did not come to just now."""
        for typed in self.query(TypedConfirmation):
            typed.disarm()

    def _begin_at(self) -> None:
        if self.closed:
            for widget in self.query("Acceptable, TypedConfirmation, #ask-yes"):
                widget.disabled = True
            body = self.query_one("#confirm-body")
            body.can_focus = True
            body.focus()
            return
        first = next((row for row in self.query(RiskRow) if not row.accepted), None)
        (first or self.query("#words, #ask-yes").first()).focus()

    @property
    def closed(self) -> str:
        """Why nothing can be confirmed here at all."""
        if self.console.store.profile.read_only:
            return READ_ONLY
        if self.state.plan is None:
            return "There is no plan: Escape goes back to it."
        if self.state.plan.get("refusals"):
            return "The plan is refused: Escape goes back to it."
        return self.why_not_this(self.state.plan)

    def on_acceptable_changed(self, event: Acceptable.Changed) -> None:
        """One risk, or the choice about the application."""
        event.stop()
        if event.word == LeaveStopped.WORD:
            self.state.leave_app_stopped = event.accepted
        elif event.accepted:
            self.state.acknowledged.add(event.word)
        else:
            self.state.acknowledged.discard(event.word)
        self._show()

    def on_typed_confirmation_confirmed(self, event: TypedConfirmation.Confirmed) -> None:
        """The words stand there and the button was pressed; risks come first all the same."""
        event.stop()
        if not self._held_back():
            self._start()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Where nothing has to be typed, y/n is asked."""
        event.stop()
        if self._held_back():
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._start()

        self.console.push_screen(
            YesNoModal(self.question(), "\n".join(self.effects(self.state.plan or {}))), answered
        )

    def _held_back(self) -> bool:
        if self.closed:
            self.console.say(self.closed, severity="warning")
            return True
        if self.missing:
            self.console.say(
                f"Not yet accepted: {', '.join(self.missing)}. Nothing was started.", severity="warning"
            )
            self.query_one(f"#risk-{self.missing[0]}").focus()
            return True
        return self._starting

    def _start(self) -> None:
        self._starting = True
        self._show()
        start_work(self, self._begin, exclusive=True, group="start", description=f"start {self.VERB}")

    async def _begin(self) -> None:
        started = await self.console.begin_job(self.VERB, self.job_plan())
        self._starting = False
        if started is None:
            self._show()
            return
        state = self.state
        state.job, state.folder, state.verb = started.job, started.folder, self.VERB
        state.result, state.committed = None, False
        self.post_message(self.Forward("running"))

    def _show(self) -> None:
        if not self.is_mounted or not self.children:
            return
        if self._starting:
            words = f"Starting the {self.VERB}."
        elif self.closed:
            words = self.closed
        elif self.missing:
            words = f"{many(len(self.missing), 'risk')} to accept: space takes the one in focus, Tab goes on."
        elif self.query("#typed"):
            words = "Type the words, Enter, then Enter on the button. Escape goes back."
        else:
            words = "Enter on the button asks once more (y/n). Escape goes back."
        self.query_one("#confirm-next", Static).update(plain(words))


class ConfirmStep(Confirming):
    """The confirmation of a restore."""

    NAME: ClassVar[StepName] = "confirm"
    HELP: ClassVar[str] = """
# Confirm

Each risk of the plan is accepted by itself: `tab` moves, `space` accepts the one in focus or takes it back.
None is accepted beforehand, and no key accepts them all.

Then the target is typed as it stands there (profile/database). Enter on wrong words stays and says why; on the
right words it only moves to the button, and Enter on the button starts the restore. `escape` goes back.
"""

    def effects(self, plan: Mapping[str, Any]) -> list[str]:
        rows = [row for row in plan.get("collections") or () if row.get("action") not in ("keep", "nothing")]
        parts = [f"{many(len(rows), 'collection')} into {plan.get('target')}"] if rows else []
        objects = plan.get("objects")
        outside = ""
        if isinstance(objects, Mapping):
            bucket = self.console.store.profile.bucket
            name = f" {bucket.bucket}" if bucket is not None and bucket.bucket else ""
            parts.append(f"{many(int(objects.get('put') or 0), 'object')} into the bucket{name}")
        else:
            outside = " Objects: not part of this."
        what = " and ".join(parts) or "nothing"
        first = f"From {plan.get('backup')}: puts {what}.{outside}"
        if not rows:
            first += " No collection is part of this."
        lost = loss(plan)
        if plan.get("strategy") == "in place":
            return [
                first,
                *([f"{lost}."] if lost else []),
                "In place: a safety backup is written and proven first; then live collections are dropped and loaded.",
            ]
        kept = f"What is live now stays beside it, {ROLLBACK_HOURS} h at least; Z brings it back."
        return [first, f"{lost}. {kept}" if lost else kept]

    def why_not_this(self, plan: Mapping[str, Any]) -> str:
        request = self.state.planned or self.state.request
        if (request.with_objects or request.only == "objects") and plan.get("objects") is None:
            return "Objects were chosen, and this plan has none: Escape goes back, p plans again."
        return ""

    def job_plan(self) -> msgspec.Struct:
        plan = self.state.plan or {}
        return RestorePlan(
            request=self.state.planned or self.state.request,
            allow=self.allowed,
            leave_app_stopped=self.state.leave_app_stopped,
            fingerprint=str(plan["fingerprint"]),
        )
