"""Stands in for a step whose file is not there yet; goes when the last one is."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from tui.screens.restore.model import StepName
from tui.screens.restore.step import Step


def pending(step: str) -> type[Step]:
    """A step that only goes on."""

    class PendingStep(Step):
        NAME: ClassVar[StepName] = step  # type: ignore[assignment]
        BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "forward", "Go on")]
        can_focus = True

        def compose(self) -> ComposeResult:
            yield Static(f"{step}: not there yet", markup=False)

        def entered(self) -> None:
            self.focus()

        def action_forward(self) -> None:
            self.post_message(Step.Forward())

    return PendingStep
