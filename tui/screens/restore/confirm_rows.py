"""What is confirmed one by one: a row that only the space key accepts, while it has the focus."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from widgets.plain import plain

MEANINGS = {
    "writers": "What is written in that moment will not be in the restored collections.",
    "unknown-space": "If the server's disk fills up while the backup is loaded, MongoDB may go down and stay down.",
    "rejected-documents": "These documents will not be live again. They are written into a file beside the job.",
    "weak-guard": "If somebody re-creates a collection in the moment of its rename, the wrong one could be renamed.",
    "possible-loss": "What is written in the moment of the swap, or an object that cannot be copied first, could be "
    "lost for good. Stop whatever writes.",
    "other-deployment": "Users, keys and files of that other Quilltap would take the place of yours.",
}


class Acceptable(Static, can_focus=True):
    """One thing to accept: never preselected, and only by space."""

    DEFAULT_CSS = """
    Acceptable { height: auto; width: 100%; padding: 0 0 0 0; }
    Acceptable:focus { background: $surface-lighten-1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "accept", "Accept or take back", id="confirm.accept")
    ]

    class Changed(Message):
        """It was accepted, or taken back."""

        def __init__(self, word: str, accepted: bool) -> None:
            super().__init__()
            self.word = word
            self.accepted = accepted

    def __init__(self, word: str, title: str, detail: str, *, accepted: bool, id: str | None = None) -> None:
        super().__init__("", markup=False, id=id)
        self.word = word
        self.accepted = accepted
        self._here = False
        self._title = title
        self._detail = detail

    def on_mount(self) -> None:
        """Shows where it stands."""
        self._draw()

    def on_focus(self) -> None:
        """Where one is stands there as a sign too, not only as a colour."""
        self._here = True
        self._draw()

    def on_blur(self) -> None:
        """Elsewhere."""
        self._here = False
        self._draw()

    def action_accept(self) -> None:
        """The space key."""
        self.accepted = not self.accepted
        self._draw()
        self.post_message(self.Changed(self.word, self.accepted))

    def _draw(self) -> None:
        mark = f"{'>' if self._here else ' '} {'[x]' if self.accepted else '[ ]'}"
        head = plain(f"{mark} {self._title}").stylize("bold")
        self.update(Content.assemble(head, " ", plain(self._detail)))


class RiskRow(Acceptable):
    """One risk: its word, what was found, what it means."""

    def __init__(self, word: str, detail: str, *, accepted: bool, id: str | None = None) -> None:
        ending = "" if detail.endswith((".", "!", "?")) else "."
        meaning = MEANINGS.get(word, "")
        super().__init__(
            word, f"I accept {word}:", f"{detail}{ending} {meaning}".strip(), accepted=accepted, id=id
        )


class LeaveStopped(Acceptable):
    """The choice to keep the application stopped after the proof."""

    WORD = "leave-app-stopped"

    def __init__(self, *, accepted: bool) -> None:
        super().__init__(
            self.WORD,
            "Leave the application stopped afterwards",
            "(else the job starts it again)",
            accepted=accepted,
            id="leave-stopped",
        )
