"""One collection compared alone: nothing else is read, from a backup or live, and no object is listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.errors import UsageProblem
from services.jobs.events import PhaseStarted
from services.operations.diff import diff
from services.operations.diff_model import DiffPlan
from services.profile import Profile
from tests.services.diff_support import FIRST, Contexts, fill, found


def test_nothing_else_is_read(
    profile: Profile, db: Database[Any], make_context: Contexts, tmp_path: Path
) -> None:
    fill(profile, db, make_context)
    db.chats.update_one({"id": "chat-7"}, {"$set": {"title": "other"}})
    db.users.delete_many({})
    ctx = make_context(profile)
    result = diff(DiffPlan(a=FIRST, collections=("chats",), alone=True), ctx)
    assert [row.name for row in result.collections] == ["chats"] and result.objects is None
    assert (found(result, "chats").changed, found(result, "chats").same) == (1, 299)
    told = [event for event in ctx.events if isinstance(event, PhaseStarted)]
    assert told[0].detail == "reading chats" and told[0].total and told[0].total < 100_000
    assert not any("listing" in event.detail for event in told), "no object is listed"
    assert result.warnings == ()
    users = diff(DiffPlan(a=FIRST, collections=("users",), alone=True), make_context(profile))
    assert users.collections[0].state == "differs" and found(users, "users").removed
    with pytest.raises(UsageProblem, match="Neither side has a collection nobody"):
        diff(DiffPlan(a=FIRST, collections=("nobody",), alone=True), make_context(profile))


def test_the_same_alone(profile: Profile, db: Database[Any], make_context: Contexts) -> None:
    fill(profile, db, make_context)
    db.users.delete_many({})
    result = diff(DiffPlan(a=FIRST, collections=("chats",), alone=True), make_context(profile))
    assert result.verdict == "same" and result.collections[0].state == "same", "of the others nothing is said"
