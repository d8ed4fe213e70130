"""Making room for a job that holds the lock: those that work aside are asked, waited for, and cleared away."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from services.jobs.database_lock import jobs_documents, patiently
from services.jobs.events import Level
from services.jobs.locks import SILENCE_SECONDS
from services.jobs.registered import Registered, entry_id, read_registered

if TYPE_CHECKING:
    from pymongo.database import Database

WAIT_SECONDS = 30.0
"""How long a job that took the lock waits for those that give way."""
FORGOTTEN_SECONDS = 600.0
"""A registration of another host is removed once its heartbeat stood still this long."""
POLL_SECONDS = 0.2


def clear_registered(
    database: Database[Any],
    *,
    job: str,
    cancel: bool,
    check: Callable[[], None] = lambda: None,
    log: Callable[[str, Level], None] = lambda text, level: None,
    wait_seconds: float = WAIT_SECONDS,
) -> list[str]:
    """Makes room: drops what dead jobs left aside, and with `cancel` what the living load, too.

    The living are asked first and waited for, `wait_seconds` at most. `cancel` is for a job that holds the
    lock. `check` may raise `Cancelled` while it waits. Gives the copies that could not be dropped, with the
    reason. Errors: `QuillkeepError` when the server does not answer.
    """
    left: list[str] = []
    asked: list[Registered] = []
    for entry in read_registered(database):
        if entry.owner.job == job:
            continue
        if entry.dead or (cancel and entry.silent >= FORGOTTEN_SECONDS):
            left += _clear(database, entry, forget=True, log=log)
        elif cancel:
            _ask(database, entry, job)
            log(f"Asked {entry.describe()} to give way.", "info")
            asked.append(entry)
    for entry in _waited_for(database, asked, check, wait_seconds):
        log(f"The {entry.owner.verb} {entry.owner.job} did not give way; its copies are dropped.", "warning")
        left += _clear(database, entry, forget=entry.dead, log=log)
    return left


def _waited_for(
    database: Database[Any], asked: list[Registered], check: Callable[[], None], seconds: float
) -> list[Registered]:
    """Those that are still there after so long; one that has been silent for a minute is not waited for."""
    deadline = time.monotonic() + seconds
    waiting = {entry.token for entry in asked if entry.silent < SILENCE_SECONDS}
    while waiting:
        there = {entry.token: entry for entry in read_registered(database)}
        waiting = {token for token in waiting if token in there and not there[token].dead}
        if not waiting or time.monotonic() > deadline:
            break
        check()
        time.sleep(POLL_SECONDS)
    tokens = {entry.token for entry in asked}
    return [entry for entry in read_registered(database) if entry.token in tokens] if tokens else []


def _ask(database: Database[Any], entry: Registered, job: str) -> None:
    mine = {"_id": entry_id(entry.owner.job), "token": entry.token}
    documents = jobs_documents(database)
    patiently(database, lambda: documents.update_one(mine, {"$set": {"cancelled_by": job}}))


def _clear(
    database: Database[Any], entry: Registered, *, forget: bool, log: Callable[[str, Level], None]
) -> list[str]:
    from services.mongo.aside import drop_copies

    end_operations(database, entry.owner.job)
    left = drop_copies(database, entry.owner.job)
    if left:
        log(f"Copies of the job {entry.owner.job} could not be dropped: {'; '.join(left)}", "warning")
        return left
    if forget:
        mine = {"_id": entry_id(entry.owner.job), "token": entry.token}
        documents = jobs_documents(database)
        patiently(database, lambda: documents.delete_one(mine))
        marker = {"_id": f"durable-{entry.owner.job}"}
        patiently(database, lambda: documents.delete_one(marker))
        log(f"Dropped what the dead job {entry.owner.job} ({entry.owner.verb}) had loaded aside.", "info")
    return left


def comment_of(job: str) -> str:
    """Marks a job's long commands, so that they can be found and ended."""
    return f"quillkeep-{job}"


def end_operations(database: Database[Any], job: str) -> None:
    """Ends a job's commands that still run in the server, as far as this user may: a drop would wait for them."""
    from pymongo.errors import PyMongoError

    admin = database.client.admin
    stages: list[Mapping[str, Any]] = [
        {"$currentOp": {"allUsers": False}},
        {"$match": {"command.comment": comment_of(job)}},
        {"$project": {"opid": 1}},
    ]
    with contextlib.suppress(PyMongoError):
        for found in admin.aggregate(stages):
            admin.command({"killOp": 1, "op": dict(found)["opid"]})
