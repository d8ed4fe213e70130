"""Integrity on real servers: a verify that finds damage, and the live checks from their keys to their findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services.catalog import layout
from services.demo.sample import SAMPLE_PEPPER, fill_bucket, fill_database
from services.objects.bucket import open_bucket
from services.paths import Paths
from services.profile import BucketTarget, Location, Profile
from services.secret import Secret
from tests.fabric import NIGHT, make_backup
from tests.tui_support import Console, opened, run
from widgets.inventory_table import InventoryTable


@pytest.fixture
def state(tmp_path: Path) -> Paths:
    """A state folder of this test."""
    return Paths(tmp_path / "state")


async def told(console: Console, text: str, seconds: float = 40.0) -> None:
    """Waits for a notification; on the screen its lines are broken."""
    await console.until(lambda: any(text in one.message for one in console.app._notifications), seconds)


def rows(console: Console) -> dict[str, tuple[str, ...]]:
    """The cells of the rows by the first."""
    return {one.cells[0]: one.cells for one in console.app.screen.query_one(InventoryTable).rows}


def test_a_verify_finds_damage_and_says_where(location: Path, state: Paths) -> None:
    whole = make_backup(location)
    hurt = make_backup(location, NIGHT.replace(day=21))
    objects = location / layout.objects_name(hurt.id)
    victim = next(path for path in sorted(objects.rglob("*.png")))
    victim.chmod(0o600)
    victim.write_bytes(b"!" * victim.stat().st_size)
    profile = Profile(name="prod", locations=(Location(name="backups", path=str(location)),))

    async def test() -> None:
        async with opened(profile, state, mode="integrity") as console:
            await console.until("2 backups, 2 never verified", 30)
            assert rows(console)["…20261122_020000"][2:9] == ("· none",) * 7
            await console.press("end")
            await console.press("v", "f")
            await told(console, f"Verify of {hurt.id} ended fail")
            await console.until(lambda: rows(console)["…20261121_020000"][4] == "✗ fail", 30)
            assert rows(console)["…20261121_020000"][2:4] == ("✓ ok", "✓ ok")
            await console.press("f", "enter")
            await console.until("✗ fail    objects", 30)
            await console.until(victim.name)
            await console.press("escape", "escape")
            # The other one is never verified, and now the only one of these.
            await console.press("V", "1")
            await told(console, "The verify of the oldest ended")
            await console.until(lambda: rows(console)["…20261122_020000"][2:5] == ("✓ ok",) * 3, 30)
            assert "1 failing" in console.text and "never verified" not in console.text
            await console.press("r")
            await console.until(lambda: not console.app.store.looked("integrity").waiting)

    run(test())
    assert whole.id != hurt.id


def test_the_live_checks_find_what_is_missing_and_which_backup_has_it(
    profile: Profile, db: Database[Any], bucket: BucketTarget, state: Paths
) -> None:
    fill_database(db, scale=0.002, seed=7, indexes=False)
    fill_bucket(bucket, scale=0.002, seed=7)
    given = msgspec.structs.replace(profile, pepper=Secret(SAMPLE_PEPPER))
    keys = [row["s3Key"] for row in db.files.find({"s3Key": {"$type": "string"}}, limit=50)]
    there = {one.key for one in open_bucket(bucket).list()}
    lost = next(key for key in keys if key in there)

    async def test() -> None:
        async with opened(given, state, mode="integrity") as console:
            await console.until("No backups yet", 30)
            assert rows(console)["live"][6:9] == ("· none",) * 3
            await console.press("l", "p")
            await told(console, "pairs ended ok")
            await console.until(lambda: rows(console)["live"][6] == "✓ ok", 30)
            open_bucket(bucket).delete(lost)
            await console.press("v", "a")
            await console.until(lambda: rows(console)["live"][6] == "✗ fail", 60)
            await console.until(lambda: rows(console)["live"][8] == "✓ ok", 60)
            await console.until(lambda: rows(console)["live"][7] not in ("· none", ""), 60)
            await console.until(lambda: "▶" not in "".join(rows(console)["live"]), 60)
            await console.press("enter")
            await console.until("✗ fail    pairs", 30)
            await console.press("a")
            await console.until("live: pairs: fail", 30)
            assert lost in console.app.screen.text.replace("\\", "")  # type: ignore[attr-defined]

    run(test())
