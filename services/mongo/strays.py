"""A writer re-created a name in the gap between two renames: its documents are kept, never dropped unseen."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from services.mongo.commands import (
    DURABLE,
    NAMESPACE_EXISTS,
    NAMESPACE_NOT_FOUND,
    UUID_MISMATCH,
    CommandFailed,
    run_again,
    uuid_of,
)
from services.mongo.connect import LiveCollection
from services.mongo.rename import count_of, try_rename

if TYPE_CHECKING:
    from pymongo.database import Database


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """`drop_uuid` is what the rename may drop now: its documents are copied, or `lost_possible` is said.

    `empty` says that the late collection was made and holds nothing.
    """

    empty: bool = False
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
    follow: Callable[[], None],
) -> Kept:
    """Closes the stray to writers and copies it to `late`, or without collMod renames it there.

    `follow` is the rename that wants the freed name; it is sent all the while from another thread, since
    the server's lock queue then puts it before the writers. `last` says that outrunning the writer has failed for long enough, and the rename may drop the stray.
    """
    assert stray.uuid is not None
    if collmod:
        try:
            return _close_and_copy(database, stray, late, guard=guard)
        except CommandFailed as error:
            if error.code in (UUID_MISMATCH, NAMESPACE_NOT_FOUND):
                return Kept(drop_uuid=None)
            if not last:
                raise
    if last:
        return Kept(drop_uuid=stray.uuid, lost_possible=True)
    try:
        with _following(follow):
            try_rename(database, stray.name, late, uuid=stray.uuid, guard=guard)
    except CommandFailed as error:
        if error.code in (UUID_MISMATCH, NAMESPACE_NOT_FOUND) or error.unknown:
            return Kept(drop_uuid=None)
        raise
    return Kept(empty=not count_of(database, late), drop_uuid=None)


@contextlib.contextmanager
def _following(follow: Callable[[], None]) -> Iterator[None]:
    ended = threading.Event()

    def repeat() -> None:
        while True:
            once_more = not ended.is_set()
            try:
                follow()
            except CommandFailed as error:
                # What became of it is read from listCollections by the one who asked.
                if not once_more or error.code != NAMESPACE_EXISTS:
                    return
            else:
                return

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


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
    run_again(database, close, f"close {stray.name} to writers")
    run_again(database, copy, f"copy what was written to {stray.name}")
    return Kept(empty=not count_of(database, late), drop_uuid=stray.uuid)
