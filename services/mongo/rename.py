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
    PAUSE_SECONDS,
    CommandFailed,
    ask_again,
    outage_seconds,
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


class ConnectionLost(QuillkeepError):
    """The server did not come back; what it did last is unknown."""


class Outage:
    """Counts how long commands have had no certain outcome; one answer begins anew."""

    def __init__(self, database: Database[Any]) -> None:
        self._database = database
        self._since: float | None = None

    def over(self) -> None:
        """The server answered."""
        self._since = None

    def wait(self, error: CommandFailed) -> None:
        """A pause before the next try; `ConnectionLost` when it is not worth another one."""
        now = time.monotonic()
        self._since = self._since or now
        if now - self._since > outage_seconds(self._database):
            raise ConnectionLost(
                "MongoDB does not take commands any more.", cause=error.cause, touched=""
            ) from None
        time.sleep(PAUSE_SECONDS)


def listing(database: Database[Any]) -> dict[str, LiveCollection]:
    """listCollections, through elections and restarts. Errors: `ConnectionLost`, `CommandFailed`."""
    try:
        return ask_again(database, lambda: list_live(database), "list its collections")
    except CommandFailed as error:
        if not error.unknown:
            raise
        raise ConnectionLost("MongoDB does not answer any more.", cause=error.cause, touched="") from None


def indexes_of(database: Database[Any], name: str) -> list[dict[str, Any]]:
    """listIndexes, through elections and restarts."""
    return ask_again(
        database,
        lambda: [dict(index) for index in database[name].list_indexes()],
        f"list the indexes of {name}",
    )


def count_of(database: Database[Any], name: str) -> int:
    """Documents of a collection, counted one by one; through elections and restarts."""
    return ask_again(database, lambda: database[name].count_documents({}), f"count the documents of {name}")


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
    elif name_of(listing(database), uuid) != source:
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
    outage = Outage(database)
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
                outage.over()
                continue
            if not error.unknown:
                raise
            outage.wait(error)
