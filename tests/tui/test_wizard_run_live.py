"""The wizard's second half on real servers: cancel, a plan that no longer holds, typed rollback, release, READ-ONLY."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pymongo.database import Database
from textual.widgets import Button, Input

from services.catalog.scan import survey
from services.jobs.events import Finished
from services.jobs.journal import follow_events
from services.jobs.launch import start_job
from services.operations.backup_model import BackupPlan
from services.operations.restore_model import RestorePlan
from services.paths import Paths
from services.profile import AppControl, Profile
from services.recovery.request import RestoreRequest
from tests.support import make_profile
from tests.tui.wizard_run_support import HostScreen, flat, told
from tests.tui_support import Console, opened, run
from tui.screens.restore.confirm import ConfirmStep
from tui.screens.restore.confirm_rows import RiskRow
from tui.screens.restore.model import WizardState
from tui.screens.restore.plan import PlanStep
from tui.screens.restore.proof import ProofStep
from tui.screens.restore.release import open_release
from tui.screens.restore.rollback import ShortWizard, open_rollback
from tui.screens.restore.running import RunningStep
from tui.screens.restore.step import Step


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "state")


@pytest.fixture
def live(mongod: Any, db: Database[Any], location: Path) -> Profile:
    """A database without a bucket."""
    db.chats.insert_many([{"_id": number, "title": "t" * 200} for number in range(3_000)])
    db.users.insert_many([{"_id": number} for number in range(30)])
    return replace(make_profile(mongod.uri, db.name, location=location), name="night")


def job(profile: Profile, paths: Paths, verb: str, plan: Any) -> dict[str, Any]:
    """A job from its start to its end."""
    started = start_job(verb, plan, profile, paths)
    found = [event for event in follow_events(started.folder) if isinstance(event, Finished)]
    assert found and found[0].exit_code in (0, 3), found
    return {"started": started.job, **found[0].result}


def wizard_of(profile: Profile, paths: Paths) -> WizardState:
    """A wizard on a fresh backup."""
    made = job(profile, paths, "backup", BackupPlan(only="database"))
    state = WizardState(opened=datetime.now(UTC))
    state.backup = next(
        one for one in survey(profile.locations, profile, paths).backups if one.id == made["id"]
    )
    return state


@asynccontextmanager
async def on(console: Console, kind: type[Step], state: WizardState) -> AsyncIterator[HostScreen]:
    """One step in front."""
    screen = HostScreen(kind(state))
    await console.app.push_screen(screen)
    await console.until(lambda: screen.step.is_mounted)
    yield screen
    if console.app.screen is screen:
        await console.app.pop_screen()


async def confirmed(console: Console, words: str) -> None:
    """Risks one by one, the words, and the second key."""
    await console.until(lambda: isinstance(console.app.focused, RiskRow | Input))
    while isinstance(console.app.focused, RiskRow):
        await console.press("space", "tab")
    while not isinstance(console.app.focused, Input):
        await console.press("tab")
    await console.type(words)
    await console.press("enter")
    assert isinstance(console.app.focused, Button)
    await console.until("Enter does it")
    await console.press("enter")


def test_a_plan_that_no_longer_holds_starts_nothing_and_is_made_again(
    live: Profile, db: Database[Any], paths: Paths
) -> None:
    state = wizard_of(live, paths)

    async def test() -> None:
        async with opened(live, paths, mode="restore") as console:
            async with on(console, PlanStep, state) as screen:
                await console.until("goes on to the confirmation", 60)
                await console.press("enter")
                assert screen.told == ["next"]
            db.create_collection("made_in_between")
            async with on(console, ConfirmStep, state) as screen:
                await confirmed(console, f"night/{db.name}")
                await console.until(lambda: screen.told == ["running"])
            async with on(console, RunningStep, state) as screen:
                await console.until(lambda: screen.told == ["plan"], 60)
            assert db.chats.count_documents({}) == 3_000
            async with on(console, PlanStep, state) as screen:
                await console.until(lambda: "has changed since the plan was made" in flat(console))
                await console.until(lambda: "made_in_between" in flat(console), 60)

    run(test())


def test_a_cancel_before_the_first_rename_leaves_everything_as_it_was(
    live: Profile, db: Database[Any], paths: Paths, tmp_path: Path
) -> None:
    runs = tmp_path / "app-runs"
    runs.touch()
    app = AppControl(stop=f"sleep 2; rm -f {runs}", start=f"touch {runs}", status=f"test -e {runs}")
    live = replace(live, app=app)
    state = wizard_of(live, paths)
    db.users.delete_many({"_id": {"$lt": 10}})
    asked = RestorePlan(request=state.request, allow=("writers",))

    async def test() -> None:
        async with opened(live, paths, mode="restore") as console:
            started = await console.app.begin_job("restore", asked)
            assert started is not None
            state.job, state.folder = started.job, started.folder
            async with on(console, RunningStep, state) as screen:
                assert isinstance(screen.step, RunningStep)
                step = screen.step
                await console.until(lambda: step.run.app == "stopping", 60)
                await console.until("the application: it is being stopped")
                await console.press("x")
                await console.until("The application is started again.")
                await console.press("y")
                await console.until(lambda: screen.told == ["proof"], 60)
            async with on(console, ProofStep, state) as screen:
                await console.until("CANCELLED: nothing was restored")
                assert "Live data is as it was." in flat(console)
                await console.press("p")
                assert screen.told == ["plan"]
        assert db.users.count_documents({}) == 20
        assert runs.exists()
        assert [name for name in db.list_collection_names() if "new" in name] == []

    run(test())


@pytest.fixture
def restored(live: Profile, db: Database[Any], paths: Paths) -> str:
    """A restore that ended well and holds copies; gives its job."""
    state = wizard_of(live, paths)
    db.users.insert_one({"_id": "between"})
    result = job(live, paths, "restore", RestorePlan(request=state.request, allow=("writers",)))
    return str(result["job"])


def test_a_rollback_asks_for_typed_words_once_something_was_written(
    live: Profile, db: Database[Any], paths: Paths, restored: str
) -> None:
    db.users.insert_one({"_id": "since"})

    async def test() -> None:
        async with opened(live, paths, mode="restore") as console:
            open_rollback(console.app, restored)
            await console.until("EFFECT", 60)
            assert "1 collection was written since; that is set aside, not lost" in flat(console)
            assert " yes " in console.line("users ") and " no " in console.line("chats ")
            await console.press("enter")
            await console.until(lambda: f"Type night/{db.name}" in flat(console))
            await console.press("escape")
            await console.until("EFFECT")
            await console.press("enter")
            await console.until(lambda: isinstance(console.app.focused, RiskRow | Input))
            assert db.users.count_documents({"_id": "since"}) == 1
            await confirmed(console, f"night/{db.name}")
            await console.until("Rolled back, ", 60)
            assert db.users.count_documents({"_id": "between"}) == 1
            assert db.users.count_documents({"_id": "since"}) == 0
            await console.press("escape")
            await console.until(lambda: not isinstance(console.app.screen, ShortWizard))

    run(test())


def test_release_counts_first_and_takes_only_the_jobs_own_id(
    live: Profile, db: Database[Any], paths: Paths, restored: str
) -> None:
    copies = [name for name in db.list_collection_names() if "_old_" in name]
    assert copies

    async def test() -> None:
        async with opened(live, paths, mode="restore") as console:
            open_release(console.app, restored)
            await console.until(lambda: "1 document exists nowhere else" in flat(console), 60)
            await console.press("enter")
            await console.until(lambda: f"Type {restored}" in flat(console))
            await console.type("20200101_000000")
            await console.press("enter", "enter")
            assert "Nothing was done." in flat(console)
            assert set(copies) <= set(db.list_collection_names())
            await console.press("ctrl+u")
            await console.type(restored)
            await console.press("enter")
            await console.until("Enter does it")
            await console.press("enter")
            await console.until(lambda: "Released: " in flat(console), 60)
            assert not set(copies) & set(db.list_collection_names())
            await console.press("enter")
            await console.until(lambda: not isinstance(console.app.screen, ShortWizard))

    run(test())


def test_read_only_shows_the_rollback_and_the_count_and_starts_neither(
    live: Profile, paths: Paths, restored: str
) -> None:
    async def test() -> None:
        async with opened(replace(live, read_only=True), paths, mode="restore") as console:
            for show, seen in ((open_rollback, "EFFECT"), (open_release, "NOWHERE ELSE")):
                show(console.app, restored)
                await console.until(seen, 60)
                await console.press("enter")
                assert seen in console.text
                assert "READ-ONLY: nothing live may be changed" in flat(console)
                await console.press("escape")
                await console.until(lambda: not isinstance(console.app.screen, ShortWizard))

    run(test())


def test_a_job_of_another_profile_is_refused_by_name(live: Profile, paths: Paths, restored: str) -> None:
    async def test() -> None:
        async with opened(replace(live, name="other"), paths, mode="restore") as console:
            await console.app.store.refresh_jobs()
            open_rollback(console.app, restored)
            await console.until("was run for the profile night")
            await console.press("escape")
            assert not isinstance(console.app.screen, ShortWizard)
            assert "night" not in told(console)

    run(test())


def test_a_release_of_nothing_says_so(live: Profile, paths: Paths) -> None:
    async def test() -> None:
        async with opened(live, paths, mode="restore") as console:
            open_release(console.app, "20200101_000000")
            await console.until("No restore or rollback 20200101_000000 holds copies", 60)
            await console.press("enter")
            assert "No plan could be made" in console.text

    run(test())


def test_a_request_for_some_collections_is_what_is_planned(live: Profile, paths: Paths) -> None:
    state = wizard_of(live, paths)
    state.collections = ("users",)
    assert state.request == RestoreRequest(backup=state.request.backup, collections=("users",))
    assert state.backup is not None

    async def test() -> None:
        async with opened(live, paths, mode="restore") as console, on(console, PlanStep, state):
            await console.until("1 collection is the same by content", 60)
            await console.press("u")
            assert console.line("users") and not console.line("chats")

    run(test())


def test_a_new_console_comes_back_to_a_running_restore(
    live: Profile, db: Database[Any], paths: Paths, tmp_path: Path
) -> None:
    runs = tmp_path / "app-runs"
    runs.touch()
    app = AppControl(stop=f"sleep 5; rm -f {runs}", start=f"touch {runs}", status=f"test -e {runs}")
    live = replace(live, app=app)
    state = wizard_of(live, paths)
    db.users.delete_many({"_id": {"$lt": 10}})
    asked = RestorePlan(request=state.request, allow=("writers",))

    async def test() -> None:
        async with opened(live, paths, mode="restore") as console:
            assert await console.app.begin_job("restore", asked) is not None
        async with opened(live, paths, mode="restore") as console:
            await console.until("Touched right now", 60)
            await console.press("escape")
            assert "Touched right now" in console.text
            await console.press("1", "3")
            await console.until("Restored, ", 60)
            assert db.users.count_documents({}) == 30

    run(test())
