"""What a step of the wizard is: a widget in the wizard's body that reads and fills the wizard's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.message import Message

from tui.screens.restore.model import StepName, WizardState

if TYPE_CHECKING:
    from tui.app import QuillkeepApp


class Step(Vertical):
    """One step. `NAME` is its place; `entered` is called when it is shown, also on the way back.

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

    class Back(Message):
        """To the step before."""

    def __init__(self, state: WizardState) -> None:
        super().__init__(id=f"step-{self.NAME}", classes="step")
        self.state = state

    @property
    def console(self) -> QuillkeepApp:
        """The app, by its own type."""
        from tui.screens.base import console_of

        return console_of(self.screen)

    def entered(self) -> None:
        """Called once it is mounted; focus goes to the first control."""

    def show(self, topic: str) -> None:
        """A look of `TOPICS` changed."""
