"""A writer re-created a name in the gap between two renames: its documents are kept, never dropped unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from services.mongo.commands import (
    DURABLE,
    NAMESPACE_NOT_FOUND,
    UUID_MISMATCH,
    CommandFailed,
    run,
    uuid_of,
)
from services.mongo.connect import LiveCollection
from services.mongo.rename import try_rename

if TYPE_CHECKING:
    from pymongo.database import Database


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """`drop_uuid` is what the rename may drop now: its documents are copied, or `lost_possible` is said."""

    documents: int
    drop_uuid: str | None
    lost_possible: bool = False


def keep_stray(
    database: Database[Any],
    stray: LiveCollection,
    late: str,
    *,
    guard: bool,
    collmod: bool,
    last: bool,
) -> Kept:
    """Closes the stray to writers and copies it to `late`, or without collMod renames it there.

    `last` says that outrunning the writer has failed for long enough, and the rename may drop the stray.
    """
    assert stray.uuid is not None
    if collmod:
        try:
            return _close_and_copy(database, stray, late, guard=guard)
        except CommandFailed as error:
            if error.code in (UUID_MISMATCH, NAMESPACE_NOT_FOUND):
                return Kept(documents=0, drop_uuid=None)
            if not last:
                raise
    if last:
        return Kept(documents=0, drop_uuid=stray.uuid, lost_possible=True)
    try:
        try_rename(database, stray.name, late, uuid=stray.uuid, guard=guard)
    except CommandFailed as error:
        if error.code in (UUID_MISMATCH, NAMESPACE_NOT_FOUND) or error.unknown:
            return Kept(documents=0, drop_uuid=None)
        raise
    return Kept(documents=database[late].count_documents({}), drop_uuid=None)


def _close_and_copy(database: Database[Any], stray: LiveCollection, late: str, *, guard: bool) -> Kept:
    assert stray.uuid is not None
    close: dict[str, Any] = {
        "collMod": stray.name,
        "validator": {"$expr": False},
        "validationLevel": "strict",
        "validationAction": "error",
        "writeConcern": DURABLE,
    }
    copy: dict[str, Any] = {
        "aggregate": stray.name,
        "pipeline": [{"$out": late}],
        "cursor": {},
        "writeConcern": DURABLE,
    }
    if guard:
        close["collectionUUID"] = uuid_of(stray.uuid)
        copy["collectionUUID"] = uuid_of(stray.uuid)
    run(database, close, f"close {stray.name} to writers")
    run(database, copy, f"copy what was written to {stray.name}")
    return Kept(documents=database[late].count_documents({}), drop_uuid=stray.uuid)
