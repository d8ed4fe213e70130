"""One rename, decided by UUIDs: repeated until listCollections shows the collection where it belongs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from services.errors import QuillkeepError
from services.mongo.commands import (
    BACKGROUND_OPERATION,
    DURABLE,
    MAX_TIME_EXPIRED,
    CommandFailed,
    run,
    uuid_of,
)
from services.mongo.connect import LiveCollection, list_live

if TYPE_CHECKING:
    from pymongo.database import Database

RENAME_MS = 5_000
"""maxTimeMS of one try: a rename waits for open transactions, and writers of that collection wait behind it."""
BLOCKED_SECONDS = 75.0
"""Longer than the server lets a transaction live (60 s)."""
OUTAGE_SECONDS = 60.0
"""How long a lost connection or an election is waited out."""


class ConnectionLost(QuillkeepError):
    """The server did not come back; what it did last is unknown."""


def listing(database: Database[Any], *, seconds: float = OUTAGE_SECONDS) -> dict[str, LiveCollection]:
    """listCollections, through elections and restarts of at most `seconds`."""
    from pymongo.errors import PyMongoError

    deadline = time.monotonic() + seconds
    while True:
        try:
            return list_live(database)
        except PyMongoError as error:
            if time.monotonic() > deadline:
                from services.mongo.commands import server_words

                raise ConnectionLost(
                    "MongoDB does not answer any more.", cause=server_words(error), touched=""
                ) from None
            time.sleep(0.5)


def name_of(live: dict[str, LiveCollection], uuid: str | None) -> str | None:
    """The name a UUID has now."""
    if uuid is None:
        return None
    return next((entry.name for entry in live.values() if entry.uuid == uuid), None)


def try_rename(
    database: Database[Any],
    source: str,
    target: str,
    *,
    uuid: str,
    guard: bool,
    drop_uuid: str | None = None,
) -> None:
    """One rename command; `CommandFailed` when it did not, or may not have, happened."""
    command: dict[str, Any] = {
        "renameCollection": f"{database.name}.{source}",
        "to": f"{database.name}.{target}",
        "maxTimeMS": RENAME_MS,
        "writeConcern": DURABLE,
    }
    if guard:
        command["collectionUUID"] = uuid_of(uuid)
    elif name_of(list_live(database), uuid) != source:
        raise CommandFailed(f"The collection {source} was replaced.", code=361, cause="", unknown=False)
    if drop_uuid is not None:
        command["dropTarget"] = uuid_of(drop_uuid) if guard else True
    run(database.client.admin, command, f"rename {source} to {target}")


def rename_by_uuid(
    database: Database[Any],
    uuid: str,
    target: str,
    *,
    guard: bool,
    on_wait: Callable[[str], None],
) -> None:
    """Moves the collection with this UUID to a free name, and is done when it is there.

    Errors: `CommandFailed` for a refusal that waiting does not cure, `ConnectionLost`.
    """
    blocked_until = time.monotonic() + BLOCKED_SECONDS
    told = False
    while True:
        live = listing(database)
        source = name_of(live, uuid)
        if source == target:
            return
        if source is None:
            raise CommandFailed(
                f"The collection that belongs under {target} is gone.",
                code=None,
                cause="somebody dropped it",
                unknown=False,
            )
        try:
            try_rename(database, source, target, uuid=uuid, guard=guard)
        except CommandFailed as error:
            if error.code in (MAX_TIME_EXPIRED, BACKGROUND_OPERATION):
                if time.monotonic() > blocked_until:
                    raise
                if not told:
                    on_wait(f"{source} is held by an open transaction or index build; waiting for it to end")
                    told = True
                continue
            if not error.unknown:
                raise
            time.sleep(0.2)
