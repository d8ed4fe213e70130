"""The wizard's first half on real servers: from what is seen to the checks, key by key, and what forbids to go on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pymongo.database import Database

from services.demo.servers import Weed
from services.objects.bucket import open_bucket
from services.paths import Paths
from services.profile import BucketTarget, MongoTarget, Profile
from services.secret import Secret
from tests.support import FIXTURES
from tests.tui.wizard_start_support import at_step, back_up, fill, flat, to_step, until_said
from tests.tui_support import opened, run


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "state")


@pytest.fixture
def filled(profile: Profile, db: Database[Any], bucket: BucketTarget, tmp_path: Path) -> Profile:
    """A deployment with two backups, 26 and 2 hours old."""
    fill(db, bucket)
    back_up(profile, tmp_path / "state", hours_ago=26, reason="before an upgrade")
    back_up(profile, tmp_path / "state", hours_ago=2)
    return profile


def test_a_missing_collection_leads_to_a_plan_for_it_alone(
    filled: Profile, db: Database[Any], paths: Paths
) -> None:
    db.characters.drop()

    async def test() -> None:
        async with opened(filled, paths, mode="restore") as console:
            await until_said(console, "fits what is seen")
            assert "characters: the backup has 20" in flat(console)
            assert "A whole collection is missing" in console.line("fits what is seen")
            await console.press("enter")
            await until_said(console, "Proposed:")
            assert "2 h" in console.line("> ")
            await until_said(console, "3 collections with 103 documents")
            await console.press("enter")
            await until_said(console, "1 of 3 taken")
            assert "[x]" in console.line("missing live")
            assert "[ ]" in console.line("same count")
            assert "bucket are not touched" in flat(console)
            await console.press("enter")
            await until_said(console, "it can be restored")
            assert "Every byte proven" in flat(console)
            await console.press("enter")
            await console.until(lambda: at_step(console, 5))
            state = console.app.screen.state  # type: ignore[attr-defined]
            assert state.request.collections == ("characters",)
            assert state.request.only == "database"
            for number in (4, 3, 2, 1):
                await console.press("escape")
                await console.until(lambda number=number: at_step(console, number))  # type: ignore[misc]
            await console.press("escape")
            assert at_step(console, 1)
            assert state.request.collections == ("characters",)

    run(test())


def test_an_empty_bucket_proposes_the_objects_alone(
    filled: Profile, bucket: BucketTarget, paths: Paths
) -> None:
    opened_bucket = open_bucket(bucket)
    for info in list(opened_bucket.list()):
        opened_bucket.delete(info.key)

    async def test() -> None:
        async with opened(filled, paths, mode="restore") as console:
            await until_said(console, "fits what is seen")
            assert "The bucket is empty" in console.line("fits what is seen")
            assert "bucket: 0 objects now, the backup has 3" in flat(console)
            await to_step(console, 3)
            assert "(*) Only the objects" in flat(console)
            assert "The database is not touched." in flat(console)
            assert "o [x]" in flat(console)

    run(test())


def test_with_the_database_down_a_backup_can_be_chosen_and_the_checks_say_what_to_do(
    filled: Profile, paths: Paths
) -> None:
    dead = MongoTarget(uri=Secret("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=500"), database="quilltap")
    profile = replace(filled, mongo=replace(dead, database=filled.mongo.database if filled.mongo else ""))

    async def test() -> None:
        async with opened(profile, paths, mode="restore") as console:
            await until_said(console, "A restore needs the database up")
            assert "nothing listens there" in flat(console)
            await console.press("down", "down", "down", "down", "down", "down", "enter")
            await until_said(console, "another deployment")
            await console.press("enter")
            await until_said(console, "The live side is not known")
            await console.until(lambda: " ? " in console.line("characters"))
            assert "live not known" in console.text
            await console.press("up", "up", "up", "down", "enter")
            await until_said(console, "the restore back")
            assert "fail" in console.line("connection")
            await console.until(lambda: "verified" not in console.line("running"))
            await console.press("enter")
            assert at_step(console, 4)
            assert "connection: Quillkeep could" in flat(console)

    run(test())


def test_read_only_is_refused_in_the_checks_but_a_plan_to_look_at_is_not(
    filled: Profile, paths: Paths
) -> None:
    async def test() -> None:
        async with opened(replace(filled, read_only=True), paths, mode="restore") as console:
            await to_step(console, 4)
            await until_said(console, "holds the restore back")
            assert "fail READ-ONLY" in flat(console)
            await console.press("enter")
            assert at_step(console, 4)
            assert "READ-ONLY: This" in flat(console)
            await console.press("escape", "escape", "escape")
            await console.press("end", "enter")
            await until_said(console, "Proposed:")
            await console.press("enter", "enter")
            await until_said(console, "can be restored")
            assert "warn READ-ONLY" in flat(console)
            await console.press("enter")
            await console.until(lambda: at_step(console, 5))

    run(test())


def test_without_a_backup_every_step_says_what_to_do(profile: Profile, paths: Paths) -> None:
    async def test() -> None:
        async with opened(profile, paths, mode="restore") as console:
            await until_said(console, "There is no backup here yet")
            await console.press("enter")
            await until_said(console, "No backup was found in")
            assert "BACKUP_DIR" in flat(console)
            assert "press r" in flat(console)
            await console.press("enter")
            assert at_step(console, 2)
            await console.press("r", "escape")
            assert at_step(console, 1)

    run(test())


def test_a_damaged_backup_fails_its_check_and_holds_the_restore_back(
    filled: Profile, location: Path, paths: Paths
) -> None:
    archive = sorted(location.glob("quilltap_mongo_*.gz"))[-1]
    archive.chmod(0o600)
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0xFF
    archive.write_bytes(data)

    async def test() -> None:
        async with opened(filled, paths, mode="restore") as console:
            await to_step(console, 4)
            await until_said(console, "holds the restore back")
            assert "fail" in console.line("backup  ")
            assert "choose another backup" in flat(console)
            await console.press("enter")
            assert at_step(console, 4)
            await console.press("escape", "escape")
            await until_said(console, "damaged")
            await until_said(console, "Passed over")
            assert "the full check failed" in flat(console)

    run(test())


def test_a_fresh_verification_counts_and_v_verifies_again(filled: Profile, paths: Paths) -> None:
    async def test() -> None:
        async with opened(filled, paths, mode="restore") as console:
            await to_step(console, 4)
            await until_said(console, "Every byte proven")
            await console.press("escape", "enter")
            await until_said(console, "Every byte proven")
        async with opened(filled, paths, mode="restore") as console:
            await to_step(console, 4)
            await until_said(console, "Verified in full just now: ok. v verifies again.")
            await console.press("k")
            assert "nothing to skip" in flat(console)
            await console.press("v")
            await until_said(console, "Every byte proven")

    run(test())


def test_encrypted_and_foreign_backups_say_so(filled: Profile, location: Path, paths: Paths) -> None:
    shutil.copy(FIXTURES / "quilltap-20261101.gz.gpg", location / "quilltap_mongo_20261101_020000.gz.gpg")
    shutil.copy(FIXTURES / "quilltap-20261101.gz", location / "quilltap-20261101.gz")

    async def test() -> None:
        async with opened(filled, paths, mode="restore", size=(120, 40)) as console:
            await to_step(console, 2)
            await until_said(console, "foreign: made")
            assert "encrypted with gpg" in flat(console)
            places = console.app.screen.query_one("#backups").rows  # type: ignore[attr-defined]
            place = next(n for n, one in enumerate(places) if "gpg" in one.key)
            await console.press("home", *["down"] * place)
            await until_said(console, "no passphrase is known")
            place = next(n for n, one in enumerate(places) if one.key.endswith("20261101.gz"))
            await console.press("home", *["down"] * place)
            await until_said(console, "Its counts are known once it was read")
            await console.press("enter")
            await console.until(lambda: at_step(console, 3))
            await until_said(console, "not counted")
            await console.press("enter")
            await until_said(console, "Restore the database quilltap of the backup into")
            await console.press("enter")
            assert "Nothing was chosen." in flat(console)
            await console.press("enter", "y")
            await until_said(console, "can be restored")
            assert "skipped" in console.line("space")
            assert "other tools" in flat(console)
            assert console.app.screen.state.request.from_database == "quilltap"  # type: ignore[attr-defined]

    run(test())


def test_saying_when_it_happened_passes_over_later_backups(filled: Profile, paths: Paths) -> None:
    async def test() -> None:
        async with opened(filled, paths, mode="restore") as console:
            await to_step(console, 2)
            await until_said(console, "2 h")
            await console.press("w")
            await console.type("yesterday")
            await console.press("enter")
            assert "no time in the past" in flat(console)
            await console.press("escape")
            assert "It happened" not in flat(console)
            await console.press("w")
            await console.type("5 h")
            await console.press("enter")
            await until_said(console, "from before it happened")
            assert "26 h" in console.line("> ")
            assert "made after it happened" in flat(console)
            await console.press("w", "enter")
            await console.until(lambda: "It happened" not in flat(console))
            assert "2 h" in console.line("> ")

    run(test())


def test_after_an_upgrade_the_backup_made_for_it_is_proposed(filled: Profile, paths: Paths) -> None:
    async def test() -> None:
        async with opened(filled, paths, mode="restore") as console:
            await until_said(console, "nothing is missing by counts")
            await console.press("down", "down", "down", "down", "enter")
            await until_said(console, "26 h ago, before an upgrade")
            assert "26 h" in console.line("> ")
            await console.press("enter")
            await until_said(console, "x [x] exact")
            await console.press("x")
            assert "x [ ] exact" in flat(console)

    run(test())


def test_choosing_collections_by_space(filled: Profile, db: Database[Any], paths: Paths) -> None:
    db.only_live.insert_one({})

    async def test() -> None:
        async with opened(filled, paths, mode="restore") as console:
            await until_said(console, "nothing is missing by counts")
            await console.press("end", "up", "enter")
            await to_step_three(console)
            assert "(*) Everything" in flat(console)
            await console.press("end", "up", "enter")
            assert "No collection is chosen" in flat(console) and at_step(console, 3)
            await console.press("x")
            assert "nothing to set aside" in flat(console)
            await console.press("o")
            assert "none are restored here" in flat(console)
            await console.press("tab", "home", "space", "down", "space")
            assert "2 of 3 taken" in flat(console)
            await console.press("space")
            assert "1 of 3 taken" in flat(console)
            places = [row.key for row in console.app.screen.query_one("#collections").rows]  # type: ignore[attr-defined]
            await console.press("home", *["down"] * places.index("only_live"), "space")
            assert "is not in the backup" in flat(console)
            await console.press("enter")
            await console.until(lambda: at_step(console, 4))
            assert console.app.screen.state.collections == ("characters",)  # type: ignore[attr-defined]

    async def to_step_three(console: Any) -> None:
        await until_said(console, "Proposed:")
        await console.press("enter")
        await until_said(console, "only live")

    run(test())


def test_a_stopped_bucket_fails_where_objects_are_wanted(
    filled: Profile, bucket: BucketTarget, weed: Weed, paths: Paths
) -> None:
    gone = replace(bucket, bucket=f"{bucket.bucket}-gone")

    async def test() -> None:
        async with opened(replace(filled, bucket=gone), paths, mode="restore") as console:
            await until_said(console, "does not exist")

    run(test())
