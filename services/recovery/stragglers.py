"""A rename that a dead job had sent may still wait at the server: nothing is decided by UUIDs before it is over."""

from __future__ import annotations

import re
import time
from typing import Any

from services.jobs.context import JobContext
from services.mongo.commands import server_words
from services.mongo.rename import RENAME_MS
from services.recovery.session import Session

MARGIN_SECONDS = 2.0


def wait_for_renames(session: Session, ctx: JobContext) -> None:
    """Returns when no rename in this database is under way, or none of ours can be (`maxTimeMS` of a rename).

    Without the right `inprog` the server shows this user's own operations, which are those that count.
    """
    from pymongo.errors import PyMongoError

    name = f"^{re.escape(session.database.name)}\\."
    pipeline: list[dict[str, Any]] = [
        {"$currentOp": {}},
        {"$match": {"command.renameCollection": {"$regex": name}}},
        {"$limit": 1},
    ]
    deadline = time.monotonic() + RENAME_MS / 1000 + MARGIN_SECONDS
    told = False
    while time.monotonic() < deadline:
        ctx.check()
        try:
            if not list(session.client.admin.aggregate(pipeline)):
                return
        except PyMongoError as error:
            ctx.log(f"Operations under way cannot be listed ({server_words(error)}); going on.")
            return
        if not told:
            ctx.log("A rename that was sent before is still under way; waiting for its end.")
            told = True
        time.sleep(0.1)
