"""What a restore of objects would do, did, and can take back."""

from __future__ import annotations

from typing import Literal

import msgspec


class LiveObject(msgspec.Struct, frozen=True):
    """An object as the bucket lists it; `size` in bytes, `etag` as the server says it."""

    size: int
    etag: str


class NamedObject(msgspec.Struct, frozen=True):
    """A key and what is to be said of it."""

    key: str
    why: str


class ObjectPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Keys by what a restore would do: put `new` ones (sizes in bytes), `replace`, `keep`, leave `only_live`.

    `lacking` are objects of the backup without bytes; `ignored` is what the backup holds that is no object.
    """

    bucket: str
    prefix: str
    new: dict[str, int] = {}
    replace: dict[str, LiveObject] = {}
    keep: dict[str, LiveObject] = {}
    only_live: dict[str, LiveObject] = {}
    lacking: tuple[NamedObject, ...] = ()
    ignored: tuple[str, ...] = ()
    put_bytes: int = 0

    def counts(self) -> dict[str, int]:
        """The plan's `objects` in the headless contract."""
        return {
            "put": len(self.new) + len(self.replace),
            "keep": len(self.keep),
            "only_live": len(self.only_live),
        }


class Placement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change to the bucket, journalled before it is made.

    `copy` is the key that holds what was there (`size` in bytes and `etag` as it was); None for an added
    object, and for one replaced without a copy.
    """

    key: str
    action: Literal["added", "replaced", "removed"]
    copy: str | None = None
    size: int = 0
    etag: str = ""


class ObjectsResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: counts, `placements` to take back, `placed` what the bucket now has of what was put.

    `failed` could not be put, `left` stay as they were since no copy could be made, `without_copy` were
    replaced without one, `lacking` had no good bytes.
    """

    put: int = 0
    put_bytes: int = 0
    kept: int = 0
    removed: int = 0
    placements: tuple[Placement, ...] = ()
    placed: dict[str, LiveObject] = {}
    failed: tuple[NamedObject, ...] = ()
    left: tuple[NamedObject, ...] = ()
    without_copy: tuple[str, ...] = ()
    lacking: tuple[NamedObject, ...] = ()


class UndoResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was put back and proven; `added` objects stay; `failed` are not as they were before.

    `placements` are the changes of the undoing itself when what was live was kept aside (a rollback).
    """

    put_back: int = 0
    added: tuple[str, ...] = ()
    failed: tuple[NamedObject, ...] = ()
    placements: tuple[Placement, ...] = ()


class ReleaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """Copies deleted (`bytes` of them), and those that could not be."""

    deleted: int = 0
    bytes: int = 0
    failed: tuple[str, ...] = ()
