"""Archives on real servers: the first backup by keys, its verify, pin, delete and refusals, down to the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.catalog.scan import Catalog, survey
from services.paths import Paths
from services.profile import Location, Profile
from tests.fabric import NIGHT, as_nobody, make_backup, open_folder
from tests.recorded import RecordedBackend
from tests.tui.archives_support import listed
from tests.tui_support import Console, opened, run
from widgets.inventory_table import InventoryTable


@pytest.fixture
def state(tmp_path: Path) -> Paths:
    """A state folder of this test."""
    return Paths(tmp_path / "state")


async def told(console: Console, text: str, seconds: float = 30.0) -> None:
    """Waits for a notification; on the screen its lines are broken."""
    await console.until(lambda: any(text in one.message for one in console.app._notifications), seconds)


def rows(console: Console) -> list[tuple[str, ...]]:
    """The cells of the inventory's rows."""
    return [one.cells for one in console.app.screen.query_one(InventoryTable).rows]


def test_a_backup_from_its_first_key_to_its_refused_deletion(
    profile: Profile, db: Database[Any], location: Path, state: Paths
) -> None:
    db.chats.insert_many([{"_id": number, "text": "x" * 100} for number in range(200)])

    async def test() -> None:
        async with opened(profile, state, mode="archives") as console:
            await console.until("No backups yet")
            await console.press("b")
            await console.until("Start this backup?")
            await console.press("2", "enter")
            await told(console, "No backup was started.")
            assert not list(location.iterdir())
            await console.press("b", "2", "y")
            await console.until(lambda: type(console.app.screen).__name__ == "JobScreen")
            await console.until(lambda: list(location.glob("quilltap_2*.json")), 60)
            await console.press("escape")
            await console.until(lambda: console.app.screen.query(InventoryTable), 10)
            await console.until(lambda: len(rows(console)) == 1, 30)
            id, _, _, words, _, verdict, checked, *_ = rows(console)[0]
            assert words == "database + objects" and verdict == "✓ good" and checked == "✓ own"
            await console.press("v", "f")
            await told(console, f"Verify of {id} ended ok")
            await console.until(lambda: rows(console)[0][6] == "✓ full", 30)
            await console.press("p")
            await told(console, "is pinned: no rule deletes it")
            await console.until(lambda: "pinned" in rows(console)[0][8], 30)
            await console.press("d")
            await told(console, "is pinned: p takes the pin away")
            await console.press("enter")
            await console.until("before an upgrade", 30)
            await console.press("p")
            await told(console, "is no longer pinned")
            await console.until(lambda: "Pinned" not in console.text, 30)
            await console.press("d")
            await console.until("newest good backup", 30)
            await console.press("enter", "y")
            assert "It is not deleted. Escape goes back." in console.text
            await console.press("escape", "escape")
            await console.until("1 backup,")
            await console.press("R")
            await console.until("[3 Restore]")
            await console.press("2")
            assert len(list(location.glob("quilltap_2*.json"))) == 1

    run(test())


def test_delete_by_typing_the_id(location: Path, state: Paths) -> None:
    older = make_backup(location)
    profile = Profile(name="prod", locations=(Location(name="backups", path=str(location)),))

    async def test() -> None:
        async with opened(profile, state, mode="archives") as console:
            await listed(console, 1)
            await console.press("d")
            await console.until(f"Type {older.id} to confirm", 30)
            assert "emptying the trash will free" in console.text and "another deployment's" in console.text
            await console.press("enter")
            await console.until("Nothing was typed")
            await console.type("quilltap")
            await console.press("enter")
            await console.until("That is not")
            await console.press("escape")
            assert (location / f"{older.id}.json").exists()
            await console.press("d")
            await console.until(f"Type {older.id} to confirm", 30)
            await console.type(older.id)
            await console.press("enter")
            assert (location / f"{older.id}.json").exists()
            await console.until("Enter does it")
            await console.press("enter")
            await told(console, "is in the trash of its location (t in Archives).")
            await console.until("No backups yet", 30)
            assert not (location / f"{older.id}.json").exists()
            assert list((location / ".trash").rglob(f"{older.id}.json"))

    run(test())


def test_accept_makes_a_suspicious_one_good(location: Path, state: Paths) -> None:
    make_backup(location, suspicious=("chats fell by 60%.",))
    profile = Profile(name="prod", locations=(Location(name="backups", path=str(location)),))

    async def test() -> None:
        async with opened(profile, state, mode="archives") as console:
            await console.until("! suspicious")
            await console.press("a", "n")
            assert "! suspicious" in console.text
            await console.press("a", "y")
            await told(console, "is accepted as it is and counts as good")
            await console.until("✓ good", 30)

    run(test())


def test_compare_marks_one_and_takes_another(location: Path, state: Paths) -> None:
    from datetime import timedelta

    make_backup(location)
    make_backup(location, NIGHT - timedelta(days=1))
    profile = Profile(name="prod", locations=(Location(name="backups", path=str(location)),))

    async def test() -> None:
        async with opened(profile, state, mode="archives") as console:
            await listed(console, 2)
            await console.press("l")
            await told(console, "Neither a database nor a bucket is configured.")
            await console.press("c")
            await console.until("marked")
            await console.until("is marked: c on another compares, l with live")
            await console.press("c")
            await console.until("2 backups")
            await console.press("c", "down", "c")
            await console.until(lambda: type(console.app.screen).__name__ == "CompareScreen")
            await console.until("4 collections the same by content", 30)
            await console.press("escape")
            await listed(console, 2)
            assert "marked" not in "".join(cell for row in rows(console) for cell in row)

    run(test())


def test_a_location_that_may_not_be_read(state: Paths) -> None:
    async def test(profile: Profile, catalogs: list[Catalog]) -> None:
        backend = RecordedBackend(looks={"catalog": lambda request: catalogs.pop(0)})
        async with opened(profile, backend, mode="archives") as console:
            await console.until("? closed: no permission to read it")
            assert "? gone: the folder does not exist (not mounted?)" in console.text
            assert len(rows(console)) == 1
            await console.press("r")
            await console.until("No backup can be seen: a folder could not be read.")
            assert "No backups yet" not in console.text and "0 backups" in console.text

    with open_folder() as folder:
        good, closed = folder / "good", folder / "closed"
        good.mkdir(mode=0o755)
        make_backup(good)
        closed.mkdir(mode=0o000)
        places = tuple(Location(name=one.name, path=str(one)) for one in (good, closed, folder / "gone"))
        profile = Profile(name="prod", locations=places)
        with as_nobody():
            catalogs = [survey(chosen, profile, Paths(folder / "state")) for chosen in (places, places[1:])]
        run(test(profile, catalogs))
