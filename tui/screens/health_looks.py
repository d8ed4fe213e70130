"""What the store knows, as the status takes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.status.model import Looks, Trouble
from tui.store import Looked, Problem, Store

NAMES = ("catalog", "locations", "live", "bucket", "rates")
"""The looks behind Health, beside the jobs."""
WORDS = {
    "catalog": "backups",
    "locations": "space",
    "live": "database",
    "bucket": "bucket",
}


def looks_of(store: Store) -> Looks:
    """Answers and problems; None for what has not come yet. An old answer stands until the new one."""
    jobs = store.jobs
    return Looks(
        **{name: _answer(store.looked(name)) for name in NAMES},
        jobs=_trouble(jobs.problem) if jobs.problem else None if jobs.value is None else tuple(jobs.value),
    )


def _answer(looked: Looked[Any]) -> Any:
    return _trouble(looked.problem) if looked.problem is not None else looked.value


def _trouble(problem: Problem) -> Trouble:
    return Trouble(what=problem.what, cause=problem.cause, touched=problem.touched, next=problem.next)


def waiting_for(store: Store) -> tuple[list[str], datetime | None]:
    """The looks under way in words, and since when the first of them; what this host itself holds is not named."""
    waiting = [(name, looked) for name in WORDS if (looked := store.looked(name)).waiting]
    since = min((looked.asked for _, looked in waiting if looked.asked is not None), default=None)
    return [WORDS[name] for name, _ in waiting], since
