"""What the tests of restore, finish, rollback and release share."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from pymongo.database import Database

from services.archive.documents import hex64
from services.mongo.connect import list_live
from services.mongo.live_sums import live_sums
from services.mongo.specs import comparable, comparable_options
from services.operations.restore import RestorePlan, RestoreResult, restore
from services.operations.rollback import RollbackPlan, rollback
from services.profile import Profile
from services.recovery.request import RestoreRequest
from tests.support import FIXTURES, RecordingContext, make_context

ARCHIVE = str(FIXTURES / "quilltap-20261101.gz")
FORMS = {
    "archive.gz": ARCHIVE,
    "archive": str(FIXTURES / "quilltap-20261101.archive"),
    "directory": str(FIXTURES / "backup-20261101"),
    "directory.gz": str(FIXTURES / "backup-gz-20261101"),
    "tar.gz": str(FIXTURES / "quilltap_mongo_20261101_020000.tar.gz"),
}

_numbers = itertools.count(1)
Picture = dict[str, tuple[Any, ...]]


def picture(database: Database[Any]) -> Picture:
    """Everything the application would see: content sums, options and indexes by name; views by definition."""
    seen: Picture = {}
    for name, entry in list_live(database).items():
        if name.startswith("__quillkeep_") or name in ("system.views",):
            continue
        options = comparable_options(entry.options)
        if entry.kind != "collection":
            seen[name] = (entry.kind, options)
            continue
        held = live_sums(database, name)
        indexes = sorted(str(comparable(dict(index))) for index in database[name].list_indexes())
        seen[name] = (held.documents, held.bytes, hex64(held.content), str(options), tuple(indexes))
    return seen


def ours(database: Database[Any]) -> set[str]:
    """Our own collections, the lock's aside."""
    return {
        name for name in list_live(database) if name.startswith("__quillkeep_") and name != "__quillkeep_jobs"
    }


def job_id() -> str:
    """An id such as the launcher gives, unique within a test run."""
    return f"20261123_{next(_numbers):06d}"


def run_restore(
    profile: Profile,
    state: Path,
    backup: str = ARCHIVE,
    *,
    allow: tuple[str, ...] = ("writers",),
    **request: Any,
) -> tuple[RestoreResult, RecordingContext]:
    """One restore in this process; the tests' own clients are writers, so that risk is allowed."""
    request.setdefault("from_database", "quilltap" if "fixtures" in backup else None)
    ctx = make_context(profile, state, job=job_id())
    plan = RestorePlan(request=RestoreRequest(backup=backup, **request), allow=allow)
    return restore(plan, ctx), ctx


def run_rollback(profile: Profile, state: Path, job: str | None = None) -> RestoreResult:
    """One rollback in this process."""
    return rollback(RollbackPlan(job=job, allow=("writers",)), make_context(profile, state, job=job_id()))
