"""Backups for the tests of Archives: rows of a recorded catalog, and real ones made without a server."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from services.catalog.model import Backup, Verified
from services.catalog.scan import Catalog
from services.profile import BucketTarget, Location, MongoTarget, Profile
from services.secret import Secret
from tests.recorded import NOW, RecordedBackend
from tests.tui_support import Console, opened
from widgets.inventory_table import InventoryTable

NASTY = (
    "a[/red]b[bold",
    "esc\x1b[31mred\x1b]0;title\x07",
    "new\nline\ttab",
    "right\u202eto left",
    "wide漢字漢字漢字漢字漢字漢字漢字漢字",
    "combining e\u0301\u0301\u0301",
    "n" * 255,
    "$text-error",
    "latest",
)
"""Names nobody should give a backup."""

PROD = Profile(
    name="prod",
    mongo=MongoTarget(uri=Secret("mongodb://ana:hunter22@db.example:27017/"), database="quilltap"),
    bucket=BucketTarget(),
    locations=(
        Location(name="backups", path="/backups/quilltap"),
        Location(name="nas", path="/mnt/nas/quilltap"),
    ),
)


def row(number: int, **other: Any) -> Backup:
    """One good backup of ours, `number` days before the newest."""
    at = NOW - timedelta(hours=1, days=number)
    id = f"quilltap_{at:%Y%m%d_%H%M%S}"
    fields: dict[str, Any] = {
        "id": id,
        "kind": "quillkeep",
        "location": "backups",
        "folder": Path("/backups/quilltap"),
        "created": at,
        "created_by": "manifest",
        "parts": ("database", "objects"),
        "bytes": 600_000_000 + number * 1_000_003,
        "complete": True,
        "ours": True,
        "good_parts": ("database", "objects"),
        "manifest_path": Path(f"/backups/quilltap/{id}.json"),
        "consistency": "snapshot",
        "reason": "routine",
    }
    return Backup(**{**fields, **other})


def foreign(number: int, name: str) -> Backup:
    """One that the guide's commands made."""
    return row(
        number,
        id=name,
        kind="archive",
        ours=False,
        good_parts=(),
        parts=("database",),
        reason="",
        consistency="",
        created_by="mtime",
        manifest_path=None,
        database_path=Path("/backups/quilltap") / "x.gz",
    )


def catalog(*backups: Backup, **other: Any) -> Catalog:
    """A catalog of these."""
    return Catalog(backups=backups, **other)


async def listed(console: Console, count: int = 10) -> None:
    """Waits until the inventory has so many rows."""
    await console.until(lambda: len(console.app.screen.query_one(InventoryTable).rows) == count)


SOME = catalog(
    row(0),
    row(1, suspicious=("chats fell by 60% since the one before.",), good_parts=("objects",)),
    row(
        2,
        verified=Verified(at=NOW - timedelta(days=1), status="ok", depth="full", proof="content"),
        pinned=True,
    ),
    row(3, complete=False, missing=("quilltap_mongo_20261119_021400.gz is gone",), good_parts=()),
    row(4, verified=Verified(at=NOW - timedelta(hours=3), status="fail", depth="full", proof="content")),
    foreign(5, "old/backup-20261117.gz"),
    row(6, ours=False, other_deployment="database other on host b"),
    row(7, problem="no permission to read the manifest", parts=(), complete=False, good_parts=()),
    row(8, location="nas", encrypted="gpg"),
    row(9, counted=False),
)


def archives(looks: dict[str, Any] | None = None, *, profile: Profile = PROD, **other: Any) -> Any:
    """Archives on a recorded machine; `backend` of the result is that machine."""
    size, glyphs = other.pop("size", (80, 24)), other.pop("glyphs", None)
    backend = RecordedBackend(looks=looks if looks is not None else {"catalog": SOME}, **other)
    manager = opened(profile, backend, mode="archives", size=size, glyphs=glyphs)
    return manager, backend


def shown(console: Console) -> list[str]:
    """The ids of the rows, as the table has them."""
    return [one.cells[0] for one in console.app.screen.query_one(InventoryTable).rows]


def cursor(console: Console) -> str:
    """The id under the cursor."""
    found = console.app.screen.query_one(InventoryTable).cursor
    return found.cells[0] if found else ""


async def told(console: Console, text: str) -> None:
    """Waits for a notification; on the screen its lines are broken."""
    await console.until(lambda: any(text in one.message for one in console.app._notifications))
