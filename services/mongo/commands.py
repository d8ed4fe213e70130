"""Running database commands so that no failure is overlooked: pymongo does not raise on write concern errors."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from services.errors import QuillkeepError
from services.redact import redact

if TYPE_CHECKING:
    from bson.binary import Binary
    from pymongo.database import Database

DURABLE = {"w": "majority", "j": True, "wtimeout": 60_000}
"""Write concern of everything a later step relies on; `j` counts on a standalone too (`swap.md` 5)."""

NAMESPACE_NOT_FOUND = 26
NAMESPACE_EXISTS = 48
MAX_TIME_EXPIRED = 50
UUID_MISMATCH = 361
UNAUTHORIZED = 13
BACKGROUND_OPERATION = 12587
INDEX_NOT_FOUND = 27
T = TypeVar("T")
OUTAGE_SECONDS = 60.0
"""How long a lost connection or an election is waited out."""
DIRECT_SECONDS = 3.0
"""The same for a connection direct to one replica set member, which never sees the new primary."""
PAUSE_SECONDS = 0.2
STALE_OUTCOMES = frozenset({10107, 11600, 11602, 13435, 13436, 189, 91, 6, 7, 89, 9001, 64, 100})
"""Codes after which it is unknown, or not yet durable, whether a command took effect."""


class CommandFailed(QuillkeepError):
    """A server refused a command; `code` is the server's number, `unknown` whether it may have happened."""

    def __init__(self, what: str, *, code: int | None, cause: str, unknown: bool) -> None:
        super().__init__(what, cause=cause)
        self.code = code
        self.unknown = unknown


def run(database: Database[Any], command: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Runs a command whose every kind of failure raises `CommandFailed` with the words of `what`."""
    from pymongo.errors import OperationFailure, PyMongoError

    try:
        reply: dict[str, Any] = dict(database.command(dict(command)))
    except OperationFailure as error:
        raise CommandFailed(
            f"MongoDB refused to {what}.",
            code=error.code,
            cause=server_words(error),
            unknown=error.code in STALE_OUTCOMES,
        ) from None
    except PyMongoError as error:
        raise CommandFailed(
            f"The connection broke while trying to {what}.",
            code=getattr(error, "code", None),
            cause=server_words(error),
            unknown=True,
        ) from None
    for key in ("writeErrors", "writeConcernError"):
        if reply.get(key):
            first = reply[key][0] if isinstance(reply[key], list) else reply[key]
            raise CommandFailed(
                f"MongoDB could not {what} safely.",
                code=first.get("code"),
                cause=redact(f"{key}: {first.get('errmsg', '')}"),
                unknown=key == "writeConcernError",
            )
    return reply


def outage_seconds(database: Database[Any]) -> float:
    """How long it is worth waiting for this connection's server to take commands again."""
    description = database.client.topology_description
    members = description.server_descriptions().values()
    direct = description.topology_type_name == "Single" and any(member.replica_set_name for member in members)
    return DIRECT_SECONDS if direct else OUTAGE_SECONDS


def run_again(database: Database[Any], command: Mapping[str, Any], what: str) -> dict[str, Any]:
    """`run` for a command that may be sent twice: repeated through an election or a restart."""
    return again(database, lambda: run(database, command, what))


def ask_again(database: Database[Any], ask: Callable[[], T], what: str) -> T:
    """Repeats a read through an election or a restart. Errors: `CommandFailed` with the words of `what`."""
    from pymongo.errors import ConnectionFailure, PyMongoError

    def once() -> T:
        try:
            return ask()
        except PyMongoError as error:
            code = getattr(error, "code", None)
            raise CommandFailed(
                f"MongoDB did not {what}.",
                code=code,
                cause=server_words(error),
                unknown=isinstance(error, ConnectionFailure) or code in STALE_OUTCOMES,
            ) from error

    return again(database, once)


def again(database: Database[Any], action: Callable[[], T]) -> T:
    """Repeats what may be done twice while it fails with `CommandFailed` of an unknown outcome."""
    started = time.monotonic()
    while True:
        try:
            return action()
        except CommandFailed as error:
            if not error.unknown or time.monotonic() - started > outage_seconds(database):
                raise
        time.sleep(PAUSE_SECONDS)


def server_words(error: Exception) -> str:
    """What the server said, without the command or documents it quotes, and with its code."""
    code = getattr(error, "code", None)
    text = redact(str(error).split(", full error:")[0].split(", Timeout:")[0])
    if len(text) > 300:
        text = text[:300] + "…"
    return f"{text} (code {code})" if code is not None else text


def uuid_of(hexed: str) -> Binary:
    """A collection UUID as commands take it."""
    from bson.binary import Binary

    return Binary(uuid.UUID(hex=hexed).bytes, 4)
