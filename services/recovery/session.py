"""The open connections of one restore, and what is known of the server behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from services.errors import Refused
from services.mongo.connect import ServerInfo, connect, server_info
from services.mongo.patience import told_while_waiting
from services.mongo.rights import Rights, read_rights
from services.profile import MongoTarget, Profile

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.database import Database

    from services.jobs.context import JobContext


class Session:
    """`database` is the target; `fast` a second client with w:1 and raw documents for loading."""

    def __init__(
        self, client: MongoClient[Any], fast: MongoClient[Any], name: str, target: MongoTarget
    ) -> None:
        self.client = client
        self.fast = fast
        self.target = target
        self.database: Database[Any] = client[name]
        self.server: ServerInfo = server_info(client)
        self.rights: Rights = read_rights(client, name)

    @property
    def guard(self) -> bool:
        """Whether commands can name the collection's UUID."""
        return self.server.uuid_guard


@contextmanager
def open_session(
    profile: Profile, database: str | None = None, *, writing: bool = False, ctx: JobContext | None = None
) -> Iterator[Session]:
    """Connects to the profile's server for work on `database` (default: the profile's).

    With `ctx` a wait for the server is told in the job's journal.

    Errors: `Refused` without a configured database, or, for `writing`, when this user's roles do not do;
    `DatabaseUnreachable`.
    """
    if profile.mongo is None:
        raise Refused(
            "No database is configured.",
            next="Set MONGODB_URI, or name a profile with --profile; `quillkeep doctor` shows what was found.",
        )
    name = database or profile.mongo.database
    target = replace(profile.mongo, database=name)
    with told_while_waiting(target, ctx):
        client = connect(target)
    try:
        fast = connect(target, raw=True, write_concern=1)
        try:
            with told_while_waiting(target, ctx):
                session = Session(client, fast, name, target)
            missing = session.rights.missing_words(name)
            if missing and (writing or not session.rights.may_read):
                raise Refused(missing, next="Then run the same command again.")
            yield session
        finally:
            fast.close()
    finally:
        client.close()
