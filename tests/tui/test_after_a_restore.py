"""What is left to do after a restore: starting the application, and restoring what is still missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.widgets import Static

from services.demo.servers import Mongod
from services.looking.contents import CollectionHeld, ContentsAnswer
from services.operations.restore import restore
from services.operations.restore_model import RestorePlan
from services.paths import Paths
from services.profile import AppControl
from services.recovery.request import RestoreRequest
from tests.recorded import NOW
from tests.services.swap_support import Deployment, deployed, fill
from tests.tui.wizard_run_support import (
    PROFILE,
    ended,
    finished,
    flat,
    hosted,
    restored,
    running_state,
    swapping,
)
from tests.tui.wizard_run_support import recorded as journals_of
from tests.tui.wizard_start_support import RECORDED, at_step, recorded, recorded_backup, until_said
from tests.tui_support import opened, run
from tui.screens.restore.done import DoneStep
from tui.screens.restore.holding import key_of
from tui.screens.restore.model import WizardState
from tui.screens.restore.wizard import RestoreScreen

NAMES = ["chats", "folders", "notes", "tags", "users"]


@pytest.fixture
def flag(tmp_path: Path) -> Path:
    path = tmp_path / "running"
    path.touch()
    return path


@pytest.fixture
def left_stopped(mongod: Mongod, tmp_path: Path, flag: Path) -> Iterator[Deployment]:
    """A deployment whose restore left the application stopped, as it was asked to."""
    with deployed(mongod, tmp_path) as made:
        app = AppControl(stop=f"rm -f {flag}", start=f"touch {flag}", status=f"test -e {flag}")
        made.profile = replace(made.profile, name="night", app=app)
        fill(made.db)
        request = RestoreRequest(backup=made.backup())
        plan = RestorePlan(request=request, allow=("writers",), leave_app_stopped=True)
        restore(plan, made.context())
        assert not flag.exists()
        yield made


def test_health_starts_what_a_restore_left_stopped_once_asked(left_stopped: Deployment, flag: Path) -> None:
    async def test() -> None:
        async with opened(left_stopped.profile, Paths(left_stopped.folder / "state")) as console:
            await until_said(console, "nobody has started it")
            await until_said(console, "Enter asks, then starts it.")
            for no in ("enter", "escape", "n"):
                await console.press("a")
                await until_said(console, "Start the application?")
                await console.press(no)
                await console.until("[1 Health]")
            assert not flag.exists()
            await console.press("a", "y")
            await console.until(flag.exists)
            await console.press("1")
            await console.until(lambda: "nobody has started it" not in flat(console), 30)

    run(test())


def test_health_offers_no_start_read_only_nor_while_it_runs(left_stopped: Deployment, flag: Path) -> None:
    async def test() -> None:
        paths = Paths(left_stopped.folder / "state")
        async with opened(replace(left_stopped.profile, read_only=True), paths) as console:
            await until_said(console, "nobody has started it")
            await console.press("a")
            await until_said(console, "READ-ONLY: the application is not started")
        flag.touch()
        async with opened(left_stopped.profile, paths) as console:
            await until_said(console, "Rollback copies of restore")
            await console.press("a")
            assert "Start the application?" not in console.text

    run(test())


def done_state() -> WizardState:
    """A wizard at its last step, a minute after the restore of one collection; what the backup holds was read."""
    state = running_state(
        step="done", result=restored(collections={"chats": {"documents": 7, "indexes": []}})
    )
    backup = recorded_backup()
    held = tuple(CollectionHeld(name=name, documents=7, bytes=700) for name in NAMES)
    state.backup, state.ended = backup, NOW - timedelta(minutes=1)
    state.held[key_of(backup)] = ContentsAnswer(
        id=backup.id, database="quilltap", collections=held, objects=63, object_bytes=1
    )
    return state


@pytest.mark.parametrize("live", [NAMES[:3], NAMES], ids=["missing", "whole"])
def test_done_leads_to_the_restore_of_what_is_still_missing(live: list[str]) -> None:
    state = done_state()
    backend = recorded(
        NAMES,
        live=live,
        journals={"restore": [*swapping(), finished(dict(state.result or {}), -60)]},
    )

    async def test() -> None:
        async with opened(RECORDED, backend, mode="restore") as console:
            await until_said(console, "CHOOSE WHAT FITS BEST")
            wizard = console.app.screen
            assert isinstance(wizard, RestoreScreen)
            wizard._fresh = state
            wizard._change_to("done")
            await console.until(lambda: at_step(console, 9))
            await console.until(lambda: "Reading where" not in flat(console))
            if live == NAMES:
                await until_said(console, "Enter goes to Health")
                await console.press("m")
                await until_said(console, "Nothing is seen missing by counts.")
                assert at_step(console, 9)
                return
            await until_said(console, "till missing: ")
            assert "m restores the rest" in flat(console)
            await console.press("m")
            await console.until(lambda: at_step(console, 1))
            await until_said(console, "fits what is seen")
            assert "users" in flat(console) and wizard.state is not state
            assert not wizard.state.job, "it is another restore"
            await console.press("enter")
            await until_said(console, "Proposed:")
            assert wizard.state.collections == ("tags", "users")

    run(test())


@pytest.mark.parametrize(("app", "named"), [("stopped", True), ("started", False)])
def test_the_last_line_of_done_names_the_start_while_there_is_one(app: str, named: bool) -> None:
    async def test() -> None:
        state = running_state(step="done", result=restored(), ended=NOW)
        backend = journals_of(restore=ended(restored(), app=app))
        profile = replace(PROFILE, app=AppControl(stop="s", start="docker compose start app"))
        async with hosted(DoneStep, state, backend, profile=profile) as (console, _):
            await console.until(lambda: "Reading where" not in flat(console))
            last = console.app.screen.query_one(".next", Static)
            assert ("a starts the application" in str(last.render())) is named

    run(test())
