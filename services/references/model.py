"""What a look at the references between documents answers; light enough for a front end."""

from __future__ import annotations

import msgspec

from services.catalog.model import CheckStatus
from services.findings import Finding


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """References to documents that were deleted in normal life: a fact, no fault.

    `documents` refer by `path` to `targets` different ids of `target` that are not there; `why` says what
    leaves them.
    """

    collection: str
    path: str
    target: str
    documents: int
    targets: int
    why: str = ""


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """What would bring a finding back: documents of `collection` whose `field` has these values.

    `counts` are the messages each of them should hold, where that matters. `number` is the reference in
    `REFERENCES`, `documents` are those that refer (BSON type and value of their own id, else of their `_id`).
    """

    collection: str
    field: str
    values: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    number: int = -1
    documents: tuple[tuple[int, bytes], ...] = ()


class ReferencesResult(msgspec.Struct, frozen=True, kw_only=True):
    """The references of one side. `status` is the worst of the findings, `unknown` where some could not be told.

    `documents` and `references` were looked at. `unknown_collections` are none of the application's that
    this version knows: not looked into, and not wrong. `untold` says what could not be told, `moved` how
    many references were in the middle of being changed while they were read. `sought` goes with `findings`.
    """

    status: CheckStatus
    findings: tuple[Finding, ...] = ()
    sought: tuple[Sought | None, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    unknown_collections: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    moved: int = 0
    documents: int = 0
    references: int = 0
    summary: str = ""
