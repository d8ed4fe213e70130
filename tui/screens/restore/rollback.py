"""Rollback from the console: its own plan, y/n or typed words as the plan says, then the job and its proof."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from services.operations.restore_model import RollbackPlan
from tui.screens.base import ConsoleScreen
from tui.screens.restore.confirm import Confirming
from tui.screens.restore.interrupted import standing_rows
from tui.screens.restore.model import StepName, WizardState
from tui.screens.restore.plan import PlanView
from tui.screens.restore.plan_rows import many
from tui.screens.restore.proof import ProofStep
from tui.screens.restore.running import RunningStep
from tui.screens.restore.step import Step
from tui.store import Problem
from widgets.glyphs import Glyphs
from widgets.lines_view import Line, wrapped
from widgets.plain import plain

if TYPE_CHECKING:
    from services.looking.live import SwapSeen
    from tui.app import QuillkeepApp


class RollbackPlanStep(PlanView):
    """What comes back, and what was written since."""

    NAME: ClassVar[StepName] = "plan"
    VERB = "rollback-plan"
    BACK = True
    HELP: ClassVar[str] = """
# The plan of a rollback

What would come back from the rollback copies, and what was written since they were put aside. Nothing is
changed here. `enter` goes on to the confirmation, `p` plans again, `escape` leaves.
"""

    def request(self) -> msgspec.Struct:
        return RollbackPlan(job=self.state.job or None)

    def planned(self) -> None:
        """The plan that is confirmed names its job, so that a newer one cannot slip in."""
        self.state.job = str((self.state.plan or {}).get("backup") or "").split()[-1]
        self.state.acknowledged.clear()

    def heading(self, plan: dict[str, Any]) -> list[str]:
        return [f"Puts the {plan.get('backup')} back into {plan.get('target')}."]

    @property
    def unfinished(self) -> SwapSeen | None:
        """The swap to roll back, when it was interrupted."""
        return swap_of(self.console, self.state.job, "unfinished", "loading")

    def verdict(self, plan: dict[str, Any]) -> Line:
        if self.unfinished is None or plan.get("refusals"):
            return super().verdict(plan)
        words = "It was interrupted: what was live before is put back, what never went live is dropped"
        return Line(f"{self.console.glyphs.of('warning')} {words}", "warning")

    def body(self, plan: dict[str, Any], glyphs: Glyphs, width: int, *, unfolded: bool) -> list[Line]:
        swap = self.unfinished
        if swap is None or plan.get("refusals"):
            return super().body(plan, glyphs, width, unfolded=unfolded)
        kept = "A collection that went live and was written since is kept as a copy, not lost."
        risks = [f"risk {risk['word']}: {risk.get('detail') or ''}" for risk in plan.get("risks") or ()]
        said = [
            Line(part, "warning")
            for text in risks
            for part in wrapped(text, width, first=f"{glyphs.of('warning')} ", rest="  ")
        ]
        rows = standing_rows(swap.collections, glyphs) if swap.collections else []
        return [*rows, *said, *(Line(part, "dim") for part in wrapped(kept, width))]


class RollbackConfirm(Confirming):
    """y/n while nothing was written since, else the typed confirmation."""

    NAME: ClassVar[StepName] = "confirm"
    VERB = "rollback"
    BUTTON = "Roll back now (Enter)"
    HELP: ClassVar[str] = """
# Confirm the rollback

Each risk is accepted by itself with `space`. While nothing was written since the restore, the button asks y/n;
otherwise the target is typed as it stands there. `escape` goes back to the plan.
"""

    def effects(self, plan: Mapping[str, Any]) -> list[str]:
        count = len(plan.get("collections") or ())
        if swap_of(self.console, self.state.job, "loading"):
            return [
                f"Drops what {self.state.job} had loaded beside the live data in {plan.get('target')}.",
                "No collection was renamed by it: what is live is not touched. This cannot be rolled back.",
            ]
        objects = plan.get("objects")
        beside = ""
        if isinstance(objects, Mapping):
            back, stay = int(objects.get("put") or 0), int(objects.get("only_live") or 0)
            beside = f" Objects: {back:,} replaced ones come back, {stay:,} added ones stay in the bucket."
        what = many(count, "collection") if count else "no collection"
        first = f"Puts the {plan.get('backup')} back into {plan.get('target')}: {what}.{beside}"
        if swap_of(self.console, self.state.job, "unfinished"):
            return [
                first,
                "It was interrupted: copies that never went live are dropped. This cannot be rolled back.",
            ]
        return [first, "What is live now is set aside, not dropped: this can be rolled back too."]

    def question(self) -> str:
        return f"Nothing was written since. Roll back {self.state.job}?"

    def job_plan(self) -> msgspec.Struct:
        return RollbackPlan(
            job=self.state.job, allow=self.allowed, leave_app_stopped=self.state.leave_app_stopped
        )


class ShortWizard(ConsoleScreen):
    """A plan, a confirmation, the job and its proof, over whatever screen was in front."""

    MODE: ClassVar[str] = "restore"
    TOPICS: ClassVar[tuple[str, ...]] = ("jobs", "live")
    CSS_PATH = ["../../styles/restore.tcss", "../../styles/restore_run.tcss"]
    VERB: ClassVar[str] = "rollback"
    TITLE_WORDS: ClassVar[str] = "Rollback"
    CLASSES: ClassVar[dict[str, type[Step]]] = {
        "plan": RollbackPlanStep,
        "confirm": RollbackConfirm,
        "running": RunningStep,
        "proof": ProofStep,
    }
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back", id="rollback.back")]

    def __init__(self, job: str | None) -> None:
        super().__init__()
        self.target = job or ""
        self._state: WizardState | None = None
        self._step: Step | None = None

    @property
    def state(self) -> WizardState:
        """What was gathered; its `job` is the one to roll back until its own job was started."""
        if self._state is None:
            now = self.console.store.backend.now()
            self._state = WizardState(opened=now, step="plan", job=self.target, verb=self.VERB)
        return self._state

    def compose_body(self) -> ComposeResult:
        of = f" of {self.target}" if self.target else " of the newest restore that holds copies"
        yield Static(plain(f" {self.TITLE_WORDS}{of}"), id="short-title", markup=False)
        yield Vertical(id="wizard-body")

    def on_mount(self) -> None:
        """The plan comes first."""
        self.call_later(self._go, "plan")

    def show(self, topic: str) -> None:
        if self._step is not None and topic in self._step.TOPICS:
            self._step.show(topic)

    def on_step_forward(self, message: Step.Forward) -> None:
        """To the next of the four; behind the proof it is over."""
        message.stop()
        if message.origin is not self._step:
            return
        order: tuple[StepName, ...] = ("plan", "confirm", "running", "proof")
        following = order.index(self.state.step) + 1
        to = message.to or (order[following] if following < len(order) else None)
        if to is None:
            self.dismiss(None)
            return
        self.call_later(self._go, to)

    def on_step_back(self, message: Step.Back) -> None:
        """A step back."""
        message.stop()
        self.action_back()

    def action_back(self) -> None:
        """From the confirmation to the plan, else out; a running job goes on."""
        if self.state.step == "confirm":
            # Not awaited: the key's own widget is among those that go.
            self.call_later(self._go, "plan")
            return
        if self.state.step == "running":
            self.console.say(f"Job {self.state.job} goes on; 6 shows it.")
        self.console.look_at("live")
        self.dismiss(None)

    def why_disabled(self, action: str) -> str:
        """Asks the step in hand."""
        return self._step.why_disabled(action) if self._step else ""

    async def _go(self, name: StepName) -> None:
        state = self.state
        state.step = name
        body = self.query_one("#wizard-body", Vertical)
        self._step = None
        await body.remove_children()
        step = self.CLASSES[name](state)
        self._step = step
        await body.mount(step)
        step.entered()
        for topic in step.TOPICS:
            step.show(topic)
        self.refresh_bindings()


class RollbackScreen(ShortWizard):
    """The rollback of one restore or rollback."""


def swap_of(console: QuillkeepApp, job: str, *states: str) -> SwapSeen | None:
    """What the database last told of a job's swap, when it is in one of these states."""
    live = console.store.looked("live").value
    found = next((swap for swap in live.swaps if swap.job == job), None) if live else None
    return found if found is not None and found.state in states else None


def open_rollback(console: QuillkeepApp, job: str | None) -> None:
    """Opens the rollback of `job`, of the newest that holds copies without one; another profile's is refused."""
    if not elsewhere(console, job):
        console.push_screen(RollbackScreen(job))


def elsewhere(console: QuillkeepApp, job: str | None) -> bool:
    """Says so when a job was run for another profile: naming the job names its deployment."""
    known = next((one for one in console.store.jobs.value or () if one.id == job), None)
    if known is None or known.profile is None or known.profile == console.store.profile.name:
        return False
    console.show_problem(
        Problem(
            what=f"Job {job} was run for the profile {known.profile}, not for {console.store.profile.name or 'this one'}.",
            touched="Nothing was touched.",
            next=f"Switch to {known.profile} with P, then try again.",
        )
    )
    return True
