"""What a deep verification is asked, where it runs, and what it found: light, so that a front end can read it."""

from __future__ import annotations

from typing import Literal

import msgspec

On = Literal["auto", "embedded", "live"]
"""`auto`: the embedded server, else aside in the live one."""
Where = Literal["embedded", "live"]
Step = Literal["create", "index", "compare", "documents", "validate"]
MAX_EXAMPLES = 10


class DeepOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`scratch` is the folder for the embedded server's data; `confirmed` allows loading aside in the live one."""

    on: On = "auto"
    scratch: str | None = None
    confirmed: bool = False


ANYWHERE = DeepOptions()
"""The defaults: embedded where that is possible, never unasked in the live server."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a backup is loaded: `where` is None when nowhere, for `reason`, with the `next` step.

    `folder` holds the embedded server's data. `reason` beside a place says why no better one was taken;
    `refused` that READ-ONLY forbids the only one.
    """

    where: Where | None
    folder: str = ""
    reason: str = ""
    next: str = ""
    refused: bool = False

    @property
    def words(self) -> str:
        """Where, in words."""
        if self.where == "embedded":
            return f"an embedded server with its data in {self.folder}"
        return "the live server, aside" if self.where == "live" else "nowhere"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a server would not do with a collection, or does otherwise than the backup says."""

    step: Step
    collection: str
    what: str
    count: int = 1
    examples: tuple[str, ...] = ()


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """How far a load came: what was loaded, on which server, and every problem met."""

    server_version: str
    backup_version: str
    collections: int = 0
    documents: int = 0
    bytes: int = 0
    indexes: int = 0
    views: int = 0
    validators: int = 0
    problems: tuple[Problem, ...] = ()
    not_validated: str = ""
    """Why the server's validate was not run, with the line that allows it."""
    left_out: tuple[str, ...] = ()
    """Time series that this user may not load, and why."""
    why_left_out: str = ""

    @property
    def other_major(self) -> bool:
        """Whether the server is another major version than the backup's; False where the backup does not say."""
        theirs, ours = self.backup_version.split(".")[0], self.server_version.split(".")[0]
        return theirs.isdigit() and ours.isdigit() and theirs != ours


class DeepOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a deep run ended: `loaded`, or why not: `skipped` (it had no place) or `unknown` (it broke off)."""

    place: Place
    loaded: Loaded | None = None
    skipped: str = ""
    unknown: str = ""
    damaged: str = ""
    """The archive could not be read to its end while it was loaded."""
    next: str = ""
