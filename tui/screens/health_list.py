"""The list of what wants attention: one line a finding, with the key that deals with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from services.status.model import Finding, Remedy, Word
from tui.present_status import GLYPHS
from widgets.glyphs import Glyphs, tone
from widgets.key_names import bound_key
from widgets.lines_view import fitted
from widgets.text import escape

BINDINGS: dict[Remedy, tuple[str, str]] = {
    "backup": ("health.backup", "b"),
    "verify": ("health.verify", "v"),
    "restore": ("mode.restore", "3"),
    "finish": ("health.finish", "f"),
    "release": ("health.release", "D"),
    "rollback": ("health.rollback", "Z"),
    "start app": ("health.app", "a"),
    "archives": ("mode.archives", "2"),
    "integrity": ("mode.integrity", "4"),
    "settings": ("mode.settings", "8"),
    "jobs": ("mode.jobs", "6"),
    "look again": ("health.look", "r"),
    "": ("health.copy", "y"),
}
"""Each remedy's binding and its usual key; copying the command is what is left where only the shell helps."""
Keys = Mapping[Remedy, str]


def keys_of(keymap: Mapping[str, str]) -> dict[Remedy, str]:
    """Each remedy's key as it is bound now, in words."""
    return {remedy: bound_key(keymap, binding, usual) for remedy, (binding, usual) in BINDINGS.items()}


DOES: dict[Remedy, str] = {
    "backup": "starts a backup",
    "verify": "verifies it",
    "restore": "opens the restore",
    "finish": "opens it",
    "release": "counts them first",
    "rollback": "shows what would come back; D drops the copies",
    "start app": "asks, then starts it",
    "archives": "opens the archive",
    "integrity": "shows which, and what to do about each",
    "settings": "opens the settings",
    "jobs": "opens the job",
    "look again": "looks again",
    "": "copies the command",
}
WORD_WIDTH = 10


class Row(NamedTuple):
    """One line before it is cut to the width."""

    status: Word
    start: str
    text: str


def row_of(finding: Finding, glyphs: Glyphs, keys: Keys) -> Row:
    """Glyph, word and key stand before the text; a notice has no alarm word."""
    word = glyphs.status(GLYPHS[finding.status], finding.status)
    if finding.status == "OK":
        word = glyphs.status("none", "note")
    return Row(finding.status, f"{word:<{WORD_WIDTH}} {keys[finding.remedy]} ", escape(finding.what))


class AttentionList(OptionList):
    """Findings, the worst on top; the cursor stays on its finding until something worse appears."""

    DEFAULT_CSS = """
    AttentionList {
        height: 1fr; min-height: 2; border: none; padding: 0; scrollbar-size-vertical: 1; scrollbar-gutter: stable;
        overflow-x: hidden; background: $background; text-wrap: nowrap; text-overflow: ellipsis;
    }
    AttentionList:focus { border: none; background-tint: transparent 0%; }
    """

    class RoomChanged(Message):
        """It has more or fewer rows than before."""

    def __init__(self, glyphs: Glyphs, keys: Keys, *, id: str) -> None:
        super().__init__(id=id, compact=True, markup=False)
        self._glyphs = glyphs
        self._keys = keys
        self._findings: tuple[Finding, ...] = ()
        self._width = 0
        self._plain: int | None = None

    @property
    def focused_finding(self) -> Finding | None:
        """The one under the cursor."""
        place = self.highlighted
        return self._findings[place] if place is not None and place < len(self._findings) else None

    def show(self, findings: Sequence[Finding]) -> bool:
        """Other findings; False when they are the same."""
        if tuple(findings) == self._findings and self._width == self._room:
            return False
        before = self.focused_finding
        known = {(one.what, one.subject) for one in self._findings}
        fresh = any(one.status != "OK" and (one.what, one.subject) not in known for one in findings)
        if fresh and before is not None and before.status == "OK":
            # An alarm that just came up is not out of sight, nor is the cursor left on a mere note.
            before = None
        self._findings = tuple(findings)
        self._fill(before)
        return True

    @property
    def hidden(self) -> int:
        """How many findings have no row on the screen."""
        return max(0, len(self._findings) - self.size.height) if self.size.height else 0

    def on_resize(self) -> None:
        """Lines are cut to the width."""
        if self._room != self._width:
            self._fill(self.focused_finding)
        self.post_message(self.RoomChanged())

    @property
    def _room(self) -> int:
        return max(0, self.scrollable_content_region.width)

    def _fill(self, before: Finding | None) -> None:
        self._width = self._room
        moved = bool(self.highlighted)
        self.clear_options()
        if not self._width:
            return
        self.add_options([Option(self._line(finding, tinted=True)) for finding in self._findings])
        if self._findings:
            self.highlighted = self._place_of(before, moved=moved)
            if not self.highlighted:
                self.scroll_home(animate=False)

    def _place_of(self, finding: Finding | None, *, moved: bool) -> int:
        """Where the finding is now; who has not moved the cursor stays at the top, where the worst stands."""
        if finding is None or not moved:
            return 0
        same = (
            place
            for place, other in enumerate(self._findings)
            if (other.what, other.subject) == (finding.what, finding.subject)
        )
        return next(same, 0)

    def is_cut(self, finding: Finding) -> bool:
        """Whether its line does not fit."""
        row = row_of(finding, self._glyphs, self._keys)
        return cell_len(f"{row.start}{row.text}") > self._room

    def watch_highlighted(self, highlighted: int | None) -> None:
        """The cursor's own colours are the only ones on its line: tinted words could not be read there."""
        super().watch_highlighted(highlighted)
        for place in {self._plain, highlighted} - {None}:
            if place is not None and place < len(self._findings) == self.option_count:
                line = self._line(self._findings[place], tinted=place != highlighted)
                self.replace_option_prompt_at_index(place, line)
        self._plain = highlighted

    def _line(self, finding: Finding, *, tinted: bool) -> Content:
        row = row_of(finding, self._glyphs, self._keys)
        text = fitted(f"{row.start}{row.text}", self._width, self._glyphs.ellipsis)
        colour = tone(GLYPHS[row.status]) if row.status != "OK" and tinted else ""
        content = Content(text)
        return content.stylize(f"$text-{colour}", 0, WORD_WIDTH) if colour else content
