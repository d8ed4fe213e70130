"""What the tests of the wizard's first half share: a small deployment with backups, and a recorded one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pymongo.database import Database

from services.catalog.model import Backup
from services.catalog.scan import Catalog
from services.looking.bucket import BucketAnswer
from services.looking.contents import CollectionHeld, ContentsAnswer
from services.looking.live import CollectionSeen, LiveAnswer
from services.looking.preflight import PreflightAnswer, PreflightCheck
from services.objects.bucket import open_bucket
from services.objects.keys import Headers
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.profile import BucketTarget, MongoTarget, Profile
from services.secret import Secret
from tests.recorded import NOW, RecordedBackend
from tests.support import make_context
from tests.tui_support import Console

RECORDED = Profile(
    name="prod",
    mongo=MongoTarget(uri=Secret("mongodb://db.example:27017"), database="quilltap"),
    bucket=BucketTarget(),
)


def fill(db: Database[Any], bucket: BucketTarget) -> None:
    """80 chats, 3 users, 20 characters, a view, three objects."""
    db.chats.insert_many([{"_id": n, "title": "t" * 50} for n in range(80)])
    db.users.insert_many([{"_id": n, "id": f"user-{n}"} for n in range(3)])
    db.characters.insert_many([{"_id": n, "name": f"c{n}"} for n in range(20)])
    opened = open_bucket(bucket)
    for number in range(3):
        body = bytes([number]) * 100
        key = f"users/u/IMAGE/{number}_a.png"
        opened.put(key, body, size=len(body), headers=Headers(content_type="image/png"))


def back_up(profile: Profile, state: Path, *, hours_ago: float, **plan: Any) -> str:
    """One backup, as old as asked; gives its id."""
    at = datetime.now(UTC) - timedelta(hours=hours_ago)
    context = make_context(profile, state, clock=lambda: at)
    return backup(BackupPlan(**plan), context).id


def flat(console: Console) -> str:
    """The screen's text as one line, so that a sentence is found wherever it was wrapped."""
    return " ".join(console.text.split())


async def until_said(console: Console, text: str) -> None:
    """Waits for a sentence, wherever it is wrapped."""
    await console.until(lambda: text in flat(console))


def at_step(console: Console, number: int) -> bool:
    """Whether the stepper stands at a step."""
    return f"[{number} " in console.text.splitlines()[2]


async def to_step(console: Console, number: int) -> None:
    """Enter until a step is reached, each step answered by what it proposes."""
    await console.until(lambda: "since" not in console.line("looking at the"))
    for step in range(1, number):
        await console.until(lambda step=step: at_step(console, step))  # type: ignore[misc]
        if step == 2:
            await until_said(console, "Proposed:")
        if step == 4:
            await until_said(console, "can be restored")
        await console.press("enter")
    await console.until(lambda: at_step(console, number))


def recorded_backup(id: str = "quilltap_20261122_020000", **changed: Any) -> Backup:
    """A good backup of ours."""
    given: dict[str, Any] = {
        "id": id,
        "kind": "quillkeep",
        "location": "nas",
        "folder": Path("/backups"),
        "created": datetime(2026, 11, 22, 2, tzinfo=UTC),
        "created_by": "manifest",
        "parts": ("database", "objects"),
        "good_parts": ("database", "objects"),
        "bytes": 8_000_000,
        "complete": True,
        "ours": True,
        "manifest_path": Path(f"/backups/{id}.json"),
    }
    return Backup(**{**given, **changed})


def recorded(
    names: list[str],
    *,
    backups: tuple[Backup, ...] | None = None,
    live: list[str] | None = None,
    **more: Any,
) -> RecordedBackend:
    """A machine on which the backup has these collections of 7 documents, and the live database some of them."""
    held = tuple(CollectionHeld(name=name, documents=7, bytes=700) for name in names)
    seen = tuple(
        CollectionSeen(name=name, kind="collection", documents=7, bytes=7, index_bytes=1, indexes=1)
        for name in (names if live is None else live)
    )
    looks = {
        "catalog": Catalog(backups=(recorded_backup(),) if backups is None else backups),
        "live": LiveAnswer(
            server="db.example:27017",
            version="6.0.5",
            topology="standalone",
            database="quilltap",
            collections=seen,
        ),
        "bucket": BucketAnswer(bucket="quilltap-files", endpoint="s3", objects=63, bytes=1, whole=True),
        "contents": lambda request: ContentsAnswer(
            id=request.backup.id, database="quilltap", collections=held, objects=63, object_bytes=1
        ),
        "preflight": PreflightAnswer(
            checks=(PreflightCheck(name="connection", status="ok", detail="MongoDB answers."),)
        ),
    }
    return RecordedBackend(now=NOW, looks={**looks, **more.pop("looks", {})}, **more)
