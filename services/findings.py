"""A finding: one thing that is wrong with data, in words, with what brings it back."""

from __future__ import annotations

from typing import Literal

import msgspec

MAX_EXAMPLES = 10

FindingStatus = Literal["warn", "fail", "unknown"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of fault, with how often it was seen.

    `kind` is a stable word (`missing-object`, `dangling-reference`), `what` one sentence. `collection` and
    `user` (users.id) say where, empty where it cannot be told. `examples` are at most `MAX_EXAMPLES` ids or
    keys. `good_in` is the id of the newest backup that has the good version, `restore` names the collections
    of it that bring it back (empty: `collection`), `next` the next step.
    """

    kind: str
    status: FindingStatus
    what: str
    collection: str = ""
    user: str = ""
    count: int = 1
    examples: tuple[str, ...] = ()
    good_in: str = ""
    restore: tuple[str, ...] = ()
    next: str = ""
