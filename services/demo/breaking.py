"""The ways the demo can be broken: a key, what it does, and what will be seen of it. Imports no driver."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

BreakName = Literal["drop", "alter", "corrupt", "empty", "down", "up"]


class Breakable(Protocol):
    """The running demo as a screen sees it."""

    def do(self, name: BreakName) -> str:
        """Breaks something, or starts the database again; says what was done. Blocks; raises `QuillkeepError`."""


class Breakage(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the menu: `does` is what happens to the demo, `seen` what an admin notices of it."""

    name: BreakName
    key: str
    does: str
    seen: str


BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="drop",
        key="d",
        does="Drop the collection characters",
        seen="Users see no characters; everything else is there.",
    ),
    Breakage(
        name="alter",
        key="a",
        does="Overwrite a fifth of the memories",
        seen="No count changes: only the content tells.",
    ),
    Breakage(
        name="corrupt",
        key="c",
        does="Corrupt a fifth of the objects",
        seen="Pictures do not open; names and sizes are right.",
    ),
    Breakage(
        name="empty",
        key="e",
        does="Empty the bucket",
        seen="Every picture and file is missing.",
    ),
    Breakage(
        name="down",
        key="t",
        does="Take the database down",
        seen="Nothing answers, and no restore works until it is up.",
    ),
    Breakage(
        name="up",
        key="u",
        does="Start the database again",
        seen="Not a break: a restore needs a server.",
    ),
)
