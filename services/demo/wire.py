"""What the console of the demo and the keeper of its servers say to each other: JSON lines over pipes."""

from __future__ import annotations

import msgspec

from services.demo.breaking import BreakName
from services.profile import Profile


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The first line in: what to prepare. `parent` is the folder to make the demo's own in, the usual one if empty."""

    replica_set: bool = False
    parent: str = ""
    scale: float
    seed: int


class Do(msgspec.Struct, frozen=True, kw_only=True):
    """A later line in: break something, or start the database again."""

    name: BreakName


class Said(msgspec.Struct, frozen=True, kw_only=True, tag="said"):
    """A line out for the person who waits."""

    text: str


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag="ready"):
    """The demo stands: its profile (secrets in clear: this is a pipe), and its folder."""

    profile: Profile
    folder: str
    state: str


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """What was broken, in a sentence."""

    text: str


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """An error's four sentences."""

    error: dict[str, str]
    exit_code: int = 1


Reply = Said | Ready | Done | Failed
