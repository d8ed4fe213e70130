"""What a comparison is asked for and what it answers; light enough for a front end."""

from __future__ import annotations

from typing import Literal

import msgspec

LIVE = "live"

RowState = Literal["same", "differs", "only in A", "only in B", "not compared"]
Verdict = Literal["same", "differs", "not all compared"]


class DiffPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`a` and `b` are ids, paths, `latest`, or (one of them) `live`.

    `documents` compares the collections that differ document by document; `values` shows what the fields
    hold, never of secret ones; `collections` limits that to some, empty for all that differ.
    """

    a: str
    b: str = LIVE
    documents: bool = True
    values: bool = False
    collections: tuple[str, ...] = ()
    alone: bool = False
    """`collections` are all that is read and compared: neither the others nor the objects."""


class SideSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One side: a backup, or what is live; `created` is RFC 3339 UTC, for what is live when it was read."""

    id: str
    live: bool = False
    kind: str = ""
    created: str = ""
    location: str = ""
    database: str = ""
    """The database that was compared, empty when none was."""
    objects: str = ""
    """Where the compared objects are, in words; empty when none were."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A collection on one side; `content` is the order-free sum of its documents (16 hex digits). A view has none."""

    documents: int | None = None
    bytes: int | None = None
    content: str | None = None


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """A field path (`participants[2].isActive`) and, on demand, its values as relaxed Extended JSON, cut.

    `kind` says what became of it from A to B; `types` both BSON types (`int -> string`) where they differ.
    `order`: the fields of the document at `path` (empty: of the whole) stand in another order. `secret`: its
    values are never shown.
    """

    path: str
    a: str | None = None
    b: str | None = None
    secret: bool = False
    kind: Literal["changed", "added", "removed", "type", "order"] = "changed"
    types: str = ""


class DocumentDiff(msgspec.Struct, frozen=True, kw_only=True):
    """One document, by its `_id` as relaxed Extended JSON; `fields` are the first that differ.

    `own_id` is the application's own `id`, of messages their chat's; `note` says why there are no fields, or that it moved.
    """

    id: str
    state: Literal["added", "removed", "changed"]
    fields: tuple[FieldChange, ...] = ()
    more_fields: int = 0
    own_id: str = ""
    note: str = ""


class DocumentsDiff(msgspec.Struct, frozen=True, kw_only=True):
    """From A to B: documents only in B, only in A, and in both but not equal; `examples` are the first of each."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    same: int = 0
    examples: tuple[DocumentDiff, ...] = ()


class CollectionDiff(msgspec.Struct, frozen=True, kw_only=True):
    """One name. `detail` says in words what differs beside the documents, or why nothing could be told."""

    name: str
    state: RowState
    kind: str = "collection"
    a: Held | None = None
    b: Held | None = None
    detail: tuple[str, ...] = ()
    documents: DocumentsDiff | None = None


class ObjectsHeld(msgspec.Struct, frozen=True, kw_only=True):
    """The objects of one side; bytes of all of them together."""

    count: int = 0
    bytes: int = 0


class ObjectsDiff(msgspec.Struct, frozen=True, kw_only=True):
    """Keys by what became of them from A to B: `added` are only in B, `removed` only in A.

    `untold` have the same size and nothing that proves more; `unreadable` could not be read when their
    backup was made. `examples` has the first keys of each.
    """

    a: ObjectsHeld
    b: ObjectsHeld
    same: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0
    untold: int = 0
    unreadable: int = 0
    examples: dict[str, tuple[str, ...]] = {}

    @property
    def differ(self) -> int:
        """Keys that are certainly not the same."""
        return self.added + self.removed + self.changed


class DiffResult(msgspec.Struct, frozen=True, kw_only=True):
    """The `diff` document: rows that differ first. `same` is True only when everything was compared and is equal."""

    status: Literal["ok", "warnings"]
    warnings: tuple[str, ...] = ()
    verdict: Verdict
    same: bool
    a: SideSeen
    b: SideSeen
    collections: tuple[CollectionDiff, ...] = ()
    objects: ObjectsDiff | None = None
    summary: str = ""
