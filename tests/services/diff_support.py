"""What the tests of `diff` by document share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from bson import ObjectId
from pymongo.database import Database

from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.diff import DiffPlan, diff
from services.operations.diff_model import DiffResult, DocumentsDiff
from services.profile import Profile
from tests.support import RecordingContext

Contexts = Callable[..., RecordingContext]
NIGHT = datetime(2026, 11, 20, 2, 0, 0, tzinfo=UTC)
FIRST, SECOND = "quilltap_20261120_020000", "quilltap_20261121_020000"


def night(profile: Profile, make_context: Contexts, day: int) -> str:
    at = NIGHT + timedelta(days=day)
    return backup(BackupPlan(only="database"), make_context(profile, clock=lambda: at)).id


def compare(
    profile: Profile, make_context: Contexts, a: str = FIRST, b: str = "live", **more: Any
) -> DiffResult:
    ctx = make_context(profile)
    result = diff(DiffPlan(a=a, b=b, **more), ctx)
    assert msgspec.json.encode(result)
    assert [path.name for path in ctx.folder.iterdir()] == []
    return result


def found(result: DiffResult, name: str) -> DocumentsDiff:
    (row,) = [row for row in result.collections if row.name == name]
    assert row.documents is not None, row
    return row.documents


def fill(profile: Profile, db: Database[Any], make_context: Contexts) -> Profile:
    """300 chats, users with secrets, and a first backup; the profile without its bucket."""
    db.chats.insert_many(
        [
            {
                "_id": ObjectId(f"{number:024x}"),
                "id": f"chat-{number}",
                "title": f"chat {number:03}",
                "participants": [{"id": place, "isActive": True} for place in range(3)],
            }
            for number in range(300)
        ]
    )
    db.users.insert_many(
        [
            {"id": f"u{n}", "name": "u", "passwordHash": f"$2b$12$hash-{n}", "totp": {"iv": "aa"}}
            for n in range(3)
        ]
    )
    db.accounts.insert_one({"userId": "u1", "provider": "google", "access_token": "ya29.old", "scope": "a b"})
    db.sessions.insert_one({"id": "s", "sessionToken": "token-old", "expires": "2036"})
    night(profile, make_context, 0)
    return msgspec.structs.replace(profile, bucket=None)
