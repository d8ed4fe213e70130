"""Release of rollback copies: counted first, then the job's id typed; what goes is gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from services.operations.restore_model import ReleasePlan
from tui.screens.restore.confirm import Confirming
from tui.screens.restore.model import StepName, WizardState
from tui.screens.restore.plan import PlanView
from tui.screens.restore.proof import ProofStep
from tui.screens.restore.proof_rows import released_rows
from tui.screens.restore.rollback import ShortWizard, elsewhere
from tui.screens.restore.running import RunningStep
from tui.screens.restore.step import Step
from widgets.glyphs import Glyphs
from widgets.lines_view import Line

if TYPE_CHECKING:
    from tui.app import QuillkeepApp


class ReleaseCount(PlanView):
    """What would go, and how much of it exists nowhere else."""

    NAME: ClassVar[StepName] = "plan"
    VERB = "release"
    HELP: ClassVar[str] = """
# Release: what would go

The rollback copies of one job, counted: how many of their documents exist nowhere else, and what they take.
Nothing is dropped here. `enter` goes on to the confirmation, `p` counts again, `escape` leaves.
"""

    def request(self) -> msgspec.Struct:
        return ReleasePlan(job=self.state.job, dry_run=True)

    def heading(self, plan: dict[str, Any]) -> list[str]:
        return [f"The rollback copies of job {plan.get('job')}."]

    def verdict(self, plan: dict[str, Any]) -> Line:
        glyphs = self.console.glyphs
        only = only_here(plan)
        if only:
            return Line(
                f"{glyphs.of('warning')} {nowhere_else(only)}: released, gone for ever",
                "warning",
            )
        return Line(f"{glyphs.of('ok')} Every document of these copies is live as well", "success")

    def body(self, plan: dict[str, Any], glyphs: Glyphs, width: int, *, unfolded: bool) -> list[Line]:
        return released_rows(plan, glyphs, width)

    def why_disabled(self, action: str) -> str:
        if action == "unfold":
            return "Nothing is folded here."
        return super().why_disabled(action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return False if action == "unfold" else super().check_action(action, parameters)


class ReleaseConfirm(Confirming):
    """The job's id has to be typed."""

    NAME: ClassVar[StepName] = "confirm"
    VERB = "release"
    BUTTON = "Drop these copies for ever (Enter)"
    HELP: ClassVar[str] = """
# Confirm the release

Type the job's id. Enter on wrong words stays and says why; on the right ones it only moves to the button.
"""

    def __init__(self, state: WizardState) -> None:
        super().__init__(state)
        self._job = state.job

    @property
    def words(self) -> str:
        return self._job

    @property
    def _touches_app(self) -> bool:
        return False

    def effects(self, plan: Mapping[str, Any]) -> list[str]:
        return [
            f"Drops the rollback copies of job {self._job} for ever; {nowhere_else(only_here(plan))}.",
            "What is live is not touched. Afterwards that job cannot be rolled back any more.",
        ]

    def job_plan(self) -> msgspec.Struct:
        return ReleasePlan(job=self._job)


class ReleaseScreen(ShortWizard):
    """The release of one job's copies."""

    VERB = "release"
    TITLE_WORDS = "Release the rollback copies"
    CLASSES: ClassVar[dict[str, type[Step]]] = {
        "plan": ReleaseCount,
        "confirm": ReleaseConfirm,
        "running": RunningStep,
        "proof": ProofStep,
    }


def nowhere_else(count: int) -> str:
    """So many documents."""
    return "1 document exists nowhere else" if count == 1 else f"{count:,} documents exist nowhere else"


def only_here(counted: Mapping[str, Any]) -> int:
    """Documents of the copies that are not live."""
    return sum(int(entry.get("only_here") or 0) for entry in counted.get("collections") or ())


def open_release(console: QuillkeepApp, job: str) -> None:
    """Opens the release of `job`'s copies; another profile's is refused."""
    if not elsewhere(console, job):
        console.push_screen(ReleaseScreen(job))
