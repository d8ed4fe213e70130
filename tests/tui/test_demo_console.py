"""The console of the demo: `X` breaks something after `y`, only there; what is broken is then seen."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.catalog.scan import Catalog
from services.demo.breaking import BREAKAGES, BreakName
from services.demo.console import RunningDemo
from services.errors import Refused
from services.looking.child import look
from services.profile import MongoTarget, Profile
from services.secret import Secret
from services.settings.explain import DEMO as THE_DEMO
from services.settings.explain import explain, told_by
from tests.recorded import RecordedBackend
from tests.support import ROOT
from tests.tui_support import opened, run
from tui.first_run import DEMO_HINT


class Wrecker:
    """Stands for the demo's keeper where only the keys are looked at."""

    def __init__(self, refuses: bool = False) -> None:
        self.done: list[BreakName] = []
        self._refuses = refuses

    def do(self, name: BreakName) -> str:
        if self._refuses:
            raise Refused("These are not the demo's own servers.", next="Open a demo.")
        self.done.append(name)
        return f"Did {name}."


def recorded() -> RecordedBackend:
    return RecordedBackend(looks={"catalog": Catalog(backups=())})


DEMO = Profile(name="demo", production=False, demo=True)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    with RunningDemo(parent=tmp_path_factory.mktemp("demo"), scale=0.002) as running:
        yield running


def test_only_the_demo_can_be_broken() -> None:
    """Elsewhere the key does nothing and is not shown."""

    async def test() -> None:
        async with opened(Profile(name="prod"), recorded()) as console:
            assert "Break something" not in console.text
            await console.press("X")
            assert "Break something" not in console.text

    run(test())


def test_commands_on_the_screen_do_not_pretend_to_reach_the_demo() -> None:
    async def test() -> None:
        for wrecker in (None, Wrecker()):
            async with opened(DEMO, recorded(), demo=wrecker) as console:
                await console.until("quillkeep doctor")
                assert ("Outside the demo: quillkeep doctor" in console.text) == (wrecker is not None)
                await console.press("question_mark")
                texts = getattr(console.app.screen, "_texts", ())
                assert any("do not reach the demo" in one for one in texts) == (wrecker is not None)

    run(test())


def test_every_key_of_the_menu() -> None:
    """Each asks first; n, Enter and Escape do nothing; y does it and names the keys to practise with."""
    wrecker = Wrecker()

    async def test() -> None:
        async with opened(DEMO, recorded(), demo=wrecker, hint=DEMO_HINT) as console:
            await console.until("X breaks something")
            for breakage in BREAKAGES:
                await console.press("X")
                assert breakage.does in console.text and breakage.seen in console.text
                for no in ("n", "enter", "escape"):
                    await console.press(breakage.key)
                    assert f"{breakage.does}?" in console.text
                    await console.press(no)
                await console.press("escape")
            assert wrecker.done == []
            await console.press("X", "down", "down", "enter")
            assert f"{BREAKAGES[2].does}?" in console.text
            await console.press("escape", "escape")
            for breakage in BREAKAGES:
                await console.press("X", breakage.key, "y")
                await console.until(f"Did {breakage.name}.")
                assert "1 for Health" in console.text
                await console.press("escape")
            assert wrecker.done == [each.name for each in BREAKAGES]
            await console.press("X", "d", "y")
            await console.until("Did drop.")
            await console.press("3")
            assert console.app.current_mode == "restore"
            await console.press("X", "d", "y")
            await console.until("Did drop.")
            await console.press("1")
            assert console.app.current_mode == "health"
            await console.press("X", "d", "y")
            await console.until("4 to find out what is broken")
            await console.press("4")
            assert console.app.current_mode == "integrity"

    run(test())


def test_refused_and_read_only() -> None:
    """What the keeper refuses is shown with its next step; READ-ONLY breaks nothing."""

    async def test() -> None:
        async with opened(DEMO, recorded(), demo=Wrecker(refuses=True)) as console:
            await console.press("X", "d", "y")
            await console.until("not the demo's own servers")
            await console.press("escape")
            await console.press("L", "X", "d")
            assert "READ-ONLY is on" in console.text
            assert "Drop the collection characters?" not in console.text

    run(test())


def test_broken_for_real(demo: RunningDemo) -> None:
    """The real keeper: a dropped collection, a database that is down and comes back, the console alive throughout."""

    async def test() -> None:
        async with opened(demo.profile, demo.paths, demo=demo, hint=DEMO_HINT) as console:
            assert "DEMO" in console.text and DEMO_HINT in console.line(DEMO_HINT)
            await console.press("X", "d", "y")
            await console.until("Dropped characters")
            await console.press("escape")
            await console.press("X", "t", "y")
            await console.until("The database is down")
            await console.press("1")
            await console.until(lambda: console.app.store.looked("live").problem is not None)
            await console.press("X", "e", "y")
            await console.until("The demo's database is down")
            await console.press("escape", "X", "u", "y")
            await console.until("The database is up again")
            await console.press("1")
            await console.until(lambda: console.app.store.looked("live").value is not None)

    run(test())
    names = {each.name for each in look("live", demo.profile, demo.paths).collections}
    assert "characters" not in names and "memories" in names


def test_the_console_of_a_demo_loads_no_driver() -> None:
    """Neither opening the demo nor its menu."""
    code = (
        "import sys, services.demo.console, services.demo.breaking, tui.verbs_demo, tui.screens.break_menu,"
        " tui.screens.first_run; print([n for n in ('pymongo', 'boto3', 'obstore') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_terminal_that_cannot_draw(tmp_path: Path) -> None:
    """Refused before a server is started, with what works there."""
    parent, child = pty.openpty()
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "TERM": "dumb"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "demo"], cwd=ROOT, env=environ, stdin=child, stdout=child, stderr=child
    )
    os.close(child)
    code = process.wait(30)
    shown = os.read(parent, 65_536).decode()
    os.close(parent)
    assert code == 2 and "--script" in shown
    assert list(tmp_path.glob("quillkeep-demo-*")) == []


def test_settings_say_that_the_demo_set_them_and_its_profiles_page_speaks_of_no_folder() -> None:
    mongo = MongoTarget(uri=Secret("mongodb://127.0.0.1:1/"), database="quilltap")
    demo = replace(DEMO, mongo=mongo)
    demo = replace(demo, sources=told_by(demo, THE_DEMO))
    told = {one.name: one for one in explain(demo, None)}
    assert told["mongo.uri"].source == THE_DEMO and not told["mongo.uri"].line
    assert told["rpo_hours"].source == "default"

    async def test() -> None:
        async with opened(demo, recorded(), mode="settings") as console:
            await console.press("right", "right")
            await console.until("The demo is the only deployment here.")
            assert "No folder for backups" not in console.text

    run(test())
