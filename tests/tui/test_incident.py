"""A whole incident by keyboard alone at 80x24: damage, the wizard to its proof, then the way back; and kill -9 in between."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pymongo.database import Database
from textual.widgets import Button, Input

from services.demo.sample import fill_bucket, fill_database
from services.jobs.events import Checkpoint, Finished, Started
from services.jobs.journal import follow_events, read_events
from services.jobs.launch import start_job
from services.mongo.connect import list_live
from services.mongo.live_sums import live_sums
from services.objects.bucket import open_bucket
from services.operations.backup_model import BackupPlan
from services.operations.restore_model import RestorePlan
from services.paths import Paths
from services.profile import AppControl, BucketTarget, Profile
from services.recovery.request import RestoreRequest
from tests.tui_support import Console, opened, run
from tui.screens.restore.confirm_rows import RiskRow
from tui.screens.restore.wizard import RestoreScreen

SCALE = 0.001
Sums = dict[str, tuple[int, int]]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "state")


@pytest.fixture
def deployment(profile: Profile, db: Database[Any], bucket: BucketTarget, tmp_path: Path) -> Profile:
    """A small Quilltap with sample data, whose application is a file that its commands make and remove."""
    fill_database(db, scale=SCALE, seed=7)
    fill_bucket(bucket, scale=SCALE, seed=7)
    runs = tmp_path / "app-runs"
    runs.touch()
    app = AppControl(stop=f"rm -f {runs}", start=f"touch {runs}", status=f"test -e {runs}")
    return replace(profile, name="night", app=app)


def sums(db: Database[Any]) -> Sums:
    """Documents and content sum of every live collection."""
    found = {}
    for name, entry in list_live(db).items():
        if entry.kind == "collection" and not name.startswith("__quillkeep_"):
            held = live_sums(db, name)
            found[name] = (held.documents, held.content)
    return found


def back_up(profile: Profile, paths: Paths) -> str:
    """A real backup job; gives the backup's id."""
    started = start_job("backup", BackupPlan(), profile, paths)
    ended = [event for event in follow_events(started.folder) if isinstance(event, Finished)]
    assert ended and ended[0].exit_code in (0, 3), ended
    return str(ended[0].result["id"])


def flat(console: Console) -> str:
    """The screen's words in one line."""
    return " ".join(console.text.split())


async def said(console: Console, text: str, seconds: float = 60.0) -> None:
    """Waits for words, wherever they are wrapped."""
    try:
        await console.until(lambda: text in flat(console), seconds)
    except AssertionError as error:
        raise AssertionError(f"never said: {text}\n{console.text}") from error


async def to_the_plan(console: Console) -> None:
    """The first four steps, by the keys that they name."""
    await said(console, "What happened")
    await said(console, "fits what is seen")
    while "Everything is gone" not in console.line("> "):
        await console.press("down")
    await console.press("enter")
    await said(console, "Proposed:")
    await console.press("enter")
    await said(console, "Everything: database and objects")
    await console.press("enter")
    await said(console, "it can be restored")
    await console.press("enter")


async def confirm(console: Console, words: str) -> None:
    """Every risk by itself, then the words, then the second key."""
    while isinstance(console.app.focused, RiskRow):
        await console.press("space", "tab")
    while not isinstance(console.app.focused, Input):
        await console.press("tab")
    await console.type(words)
    await console.press("enter")
    assert isinstance(console.app.focused, Button)
    await console.until("Enter does it")
    await console.press("enter")


def test_an_incident_from_damage_to_proof_and_rollback(
    deployment: Profile, db: Database[Any], bucket: BucketTarget, paths: Paths, tmp_path: Path
) -> None:
    backup = back_up(deployment, paths)
    good = sums(db)
    db.users.insert_one({"_id": "written-after-the-backup"})
    db.characters.drop()
    db.memories.update_many({}, {"$set": {"content": "(overwritten)"}})
    objects = open_bucket(bucket)
    keys = sorted(entry.key for entry in objects.list())
    objects.delete(keys[0])
    damaged = sums(db)

    async def test() -> None:
        async with opened(deployment, paths, mode="restore") as console:
            screen = console.app.screen
            assert isinstance(screen, RestoreScreen)
            await to_the_plan(console)
            await said(console, "EFFECT")
            assert "loses 1" in console.line("users ")
            assert "created" in console.line("characters ")
            assert screen.state.plan is not None
            await console.press("enter")
            await said(console, f"From {backup}: puts 18 collections into")
            await console.press("escape")
            await said(console, "EFFECT")
            await console.press("enter")
            await said(console, "Type night/")
            await console.press("enter")
            assert sums(db) == damaged, "nothing is touched before it was confirmed"
            await confirm(console, f"night/{db.name}")
            await said(console, "Restored, ", 90)
            assert "[8 of 9 Proof]" in console.text
            await said(console, "Content: every document of")
            assert sums(db) == good
            assert sorted(entry.key for entry in objects.list()) == keys
            assert "not live any more: documents of users (1), at least" in flat(console)
            await console.press("escape")
            assert "Restored, " in console.text, "the way back is the rollback alone"
            await console.press("enter")
            await said(console, "The application was started again by the job.")
            assert (tmp_path / "app-runs").exists()
            await said(console, "within the target (RTO) of 30 min")
            await console.press("escape")
            assert "[9 of 9 Done]" in console.text
            await console.press("Z")
            await said(console, "documents from view; set aside, not lost")
            await console.press("enter")
            await said(console, "Enter on the button asks once more (y/n)")
            await console.press("enter")
            await said(console, "Nothing was written since.")
            await console.press("enter")
            await said(console, "Enter on the button asks once more (y/n)")
            assert sums(db) == good, "Enter means no"
            await console.press("enter", "y")
            await said(console, "Rolled back, ", 90)
            assert sums(db) == damaged
            await console.press("enter")
            await said(console, "It was rolled back since")
            await console.press("enter")
            await console.until(lambda: console.app.current_mode == "health")

    run(test())


def kill_at(folder: Path, name: str) -> None:
    """kill -9 of a job as soon as a checkpoint stands in its journal; waits for its watcher's word."""
    deadline = time.monotonic() + 60
    while not any(isinstance(event, Checkpoint) and event.name == name for event in read_events(folder)):
        assert time.monotonic() < deadline, f"never {name}: {read_events(folder)[-1]}"
        time.sleep(0.002)
    first = next(event for event in read_events(folder) if isinstance(event, Started))
    os.kill(first.pid, signal.SIGKILL)
    while not any(isinstance(event, Checkpoint) and event.name == "lost" for event in read_events(folder)):
        assert time.monotonic() < deadline, "the watcher never spoke"
        time.sleep(0.02)


def many_collections(deployment: Profile, db: Database[Any], paths: Paths) -> tuple[RestorePlan, Sums]:
    """A swap that takes long enough to be killed in; gives its plan and what the backup holds."""
    for number in range(40):
        db[f"extra_{number:02}"].insert_one({"_id": number})
    backup = back_up(deployment, paths)
    good = sums(db)
    db.memories.update_many({}, {"$set": {"content": "(overwritten)"}})
    db.characters.drop()
    return RestorePlan(request=RestoreRequest(backup=backup, only="database"), allow=("writers",)), good


def test_a_restore_killed_before_ones_eyes_is_finished_from_there(
    deployment: Profile, db: Database[Any], paths: Paths
) -> None:
    plan, good = many_collections(deployment, db, paths)

    async def test() -> None:
        async with opened(deployment, paths, mode="restore") as console:
            await said(console, "What happened")
            started = await console.app.begin_job("restore", plan)
            assert started is not None
            await asyncio.to_thread(kill_at, started.folder, "renaming")
            await said(console, "LOST: the restore ended without a result")
            await said(console, "f Finish it (recommended).")
            await said(console, "WHERE IT STANDS")
            await console.press("f", "y")
            await said(console, "Finished, ", 90)
            assert sums(db) == good

    run(test())


@pytest.fixture
def half_swapped(deployment: Profile, db: Database[Any], paths: Paths) -> tuple[Profile, Sums, Sums]:
    """A restore killed right behind its first rename; what the backup holds and what was live before."""
    plan, good = many_collections(deployment, db, paths)
    before = sums(db)
    started = start_job("restore", plan, deployment, paths)
    kill_at(started.folder, "renaming")
    return deployment, good, before


def test_a_killed_restore_is_what_the_next_console_opens_on_and_it_is_finished(
    half_swapped: tuple[Profile, Sums, Sums], db: Database[Any], paths: Paths, tmp_path: Path
) -> None:
    profile, good, _ = half_swapped
    assert not (tmp_path / "app-runs").exists(), "the watcher keeps the application stopped"

    async def test() -> None:
        async with opened(profile, paths, mode="restore") as console:
            await said(console, "A restore was interrupted")
            await said(console, "f Finish it (recommended).")
            await said(console, "The application is still stopped")
            await said(console, "WHERE IT STANDS")
            assert "waits" in flat(console)
            await console.press("f", "enter")
            await said(console, "A restore was interrupted")
            await console.press("f", "y")
            await said(console, "Finished, ", 90)
            assert sums(db) == good
            await console.press("enter")
            await said(console, "The application was started again by the job.")
            assert (tmp_path / "app-runs").exists()

    run(test())


def test_a_killed_restore_is_rolled_back_instead(
    half_swapped: tuple[Profile, Sums, Sums], db: Database[Any], paths: Paths
) -> None:
    profile, _, before = half_swapped

    async def test() -> None:
        async with opened(profile, paths, mode="restore") as console:
            await said(console, "A restore was interrupted")
            await said(console, "Or roll it back.")
            await console.press("Z")
            await said(console, "what never went live is dropped")
            await said(console, "WHERE IT STANDS")
            await console.press("enter")
            await said(console, "Escape goes back")
            assert "It was interrupted: copies that never went live are dropped." in flat(console)
            if console.app.screen.query("#words"):
                await confirm(console, f"night/{db.name}")
            else:
                await console.press("enter", "y")
            await said(console, "Rolled back, ", 90)
            assert sums(db) == before
            await console.press("enter")
            await console.until(lambda: isinstance(console.app.screen, RestoreScreen))
            wizard = console.app.screen
            assert isinstance(wizard, RestoreScreen)
            await said(console, "CHOOSE WHAT FITS BEST")
            assert not wizard.state.job and "Rolled back" not in console.text, "it was shown already"
            assert "was interrupted" not in console.text

    run(test())
