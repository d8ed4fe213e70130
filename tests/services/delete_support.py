"""Two nights of a small deployment, and what tests of deleting ask of them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.catalog.model import Backup
from services.catalog.scan import scan
from services.catalog.trash import TRASH
from services.errors import Refused
from services.objects.bucket import open_bucket
from services.objects.keys import Headers
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.delete import DeletePlan, DeleteResult, delete
from services.profile import BucketTarget, Profile
from tests.support import RecordingContext

Contexts = Callable[..., RecordingContext]
NIGHT = datetime(2026, 11, 20, 2, 0, 0, tzinfo=UTC)
OLD, NEW = "quilltap_20261120_020000", "quilltap_20261121_020000"
_jobs = itertools.count(1)


def two_nights(profile: Profile, db: Database[Any], bucket: BucketTarget, make_context: Contexts) -> Profile:
    """Two nights of a small deployment: four objects shared by both, one replaced between them."""
    db.chats.insert_many([{"_id": number, "title": "t" * 50} for number in range(20)])
    db.users.insert_many([{"_id": number} for number in range(3)])
    opened = open_bucket(bucket)
    for number in range(4):
        opened.put(f"users/u/{number}.png", b"%d" % number * 9_000, size=9_000, headers=Headers())
    opened.put("users/u/changed.png", b"a" * 20_000, size=20_000, headers=Headers())
    backup(BackupPlan(), make_context(profile, clock=lambda: NIGHT))
    opened.put("users/u/changed.png", b"b" * 20_000, size=20_000, headers=Headers())
    backup(BackupPlan(), make_context(profile, clock=lambda: NIGHT + timedelta(days=1)))
    return profile


def run(profile: Profile, make_context: Contexts, ref: str = OLD, **more: Any) -> DeleteResult:
    return delete(DeletePlan(backup=ref, **more), make_context(profile, job=f"d{next(_jobs)}"))


def refusal(profile: Profile, make_context: Contexts, ref: str = OLD, **more: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        run(profile, make_context, ref, **more)
    assert caught.value.next
    return caught.value


def rows(profile: Profile, make_context: Contexts) -> dict[str, Backup]:
    return {row.id: row for row in scan(profile.locations, profile, make_context(profile).paths)}


def names(folder: Path) -> set[str]:
    return {name for name in os.listdir(folder) if name != TRASH and not name.startswith(".quillkeep-")}


def used(folder: Path) -> int:
    """Bytes of disk below a folder, every inode once."""
    seen: dict[int, int] = {}
    for where, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            status = os.lstat(os.path.join(where, name))
            seen[status.st_ino] = status.st_blocks * 512
    return sum(seen.values())
