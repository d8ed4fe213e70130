"""What a step of the wizard is: a widget in the wizard's body that reads and fills the wizard's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.message import Message

from tui.screens.restore.model import StepName, WizardState

if TYPE_CHECKING:
    from tui.app import QuillkeepApp


class Step(Vertical):
    """One step. `NAME` is its place; a step is made anew whenever it is shown, also on the way back: what has
    to last stands in the state. `entered` is called when it is mounted, then `show` for each of `TOPICS`.

    A step never opens another one: it posts `Forward` when its answer stands, `Back` for the way back; the
    wizard decides. Wrong input stays and says why.
    """

    NAME: ClassVar[StepName]
    TOPICS: ClassVar[tuple[str, ...]] = ()
    """Looks it shows; `show(topic)` is called when one changes."""
    HELP: ClassVar[str] = ""

    class Forward(Message):
        """The step's answer stands in the state; the wizard goes on to `to`, or to the next step."""

        def __init__(self, to: StepName | None = None) -> None:
            super().__init__()
            self.to = to
            self.origin: Step | None = None

    class Back(Message):
        """To the step before."""

        def __init__(self) -> None:
            super().__init__()
            self.origin: Step | None = None

    def __init__(self, state: WizardState) -> None:
        super().__init__(id=f"step-{self.NAME}", classes="step")
        self.state = state

    @property
    def console(self) -> QuillkeepApp:
        """The app, by its own type."""
        from tui.screens.base import console_of

        return console_of(self.screen)

    @property
    def is_mounted(self) -> bool:
        """Whether it is on the screen; Textual's own answer stays yes while a step is taken away, and after."""
        return super().is_mounted and self.is_attached and not self._pruning

    def entered(self) -> None:
        """Called once it is mounted; focus goes to the first control."""

    def show(self, topic: str) -> None:
        """A look of `TOPICS` changed."""

    def look_again(self) -> None:
        """`r`: the wizard's own looks are asked again by the wizard, a step's own ones here."""

    def left(self) -> None:
        """Called when another mode, a dialog or a terminal that is too small comes in front."""

    def why_no_way_back(self) -> str:
        """Why Escape does not go a step back, in words; empty where the way back is open."""
        return ""

    def why_disabled(self, action: str) -> str:
        """Why one of the step's own actions is disabled, empty when it is not."""
        return ""

    def _on_step_forward(self, message: Step.Forward) -> None:
        message.origin = message.origin or self

    def _on_step_back(self, message: Step.Back) -> None:
        message.origin = message.origin or self
