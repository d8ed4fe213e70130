"""Every screen as it was looked at and accepted; nothing cut off, nothing without a focus, at 80x24."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_textual_snapshot as textual_snapshot
from textual.pilot import Pilot

from tests.pictures.cut import MUCH_WIDER, cut_off, cut_words
from tests.pictures.draw import FOLDER, named
from tests.pictures.recording import FOLDER as RECORDED
from tests.pictures.rest import at_rest, hurried
from tests.pictures.scene import NARROW, Scene
from tests.pictures.scenes import SCENES
from tests.tui_support import run, text_of

EVERY = [(scene, size) for scene in SCENES for size in scene.sizes]
AT_80 = [scene for scene in SCENES if NARROW in scene.sizes and scene.utf8]


@dataclass(frozen=True)
class Taken:
    """What a picture's screen said, at its own size and much wider, and what had the focus."""

    narrow: str
    wide: str
    focused: Any


TAKEN: dict[str, Taken] = {}
"""Of this run: what is looked at twice is drawn once."""


class Pictures(textual_snapshot.SVGImageExtension):  # type: ignore[misc]
    """The snapshots are the pictures in screenshots/: those the README shows are those that were compared."""

    @classmethod
    def dirname(cls, *, test_location: Any) -> str:
        return str(FOLDER)

    @classmethod
    def get_snapshot_name(cls, *, test_location: Any, index: Any = 0) -> str:
        found = re.search(r"\[(.*)\]", test_location.nodename or "")
        assert found is not None
        return found.group(1)


pytestmark = pytest.mark.filterwarnings("ignore:\\s*Can not relate snapshot")
"""Said of snapshots that do not lie beside their test."""


@pytest.fixture(autouse=True)
def _one_time_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(textual_snapshot, "SVGImageExtension", Pictures)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def said(app: Any) -> str:
    """The screen's text; of a dialog only the dialog's own, for it covers parts of what stands behind it."""
    dialogs = app.screen.query(".dialog")
    if not dialogs:
        return text_of(app)
    region = dialogs.first().region
    return "\n".join(
        line[region.x : region.right] for line in text_of(app).splitlines()[region.y : region.bottom]
    )


async def take(scene: Scene, pilot: Pilot[Any]) -> None:
    """Leads to the picture and, when it is one of 80 columns, looks at the same console much wider."""
    await scene.lead(pilot)
    app = pilot.app
    if app.size != NARROW:
        return
    svg = app.export_screenshot(simplify=True)
    narrow, focused = said(app), app.screen.focused
    await pilot.resize_terminal(*MUCH_WIDER)
    with hurried():
        await at_rest(pilot)
    TAKEN[scene.name] = Taken(narrow, said(app), focused)
    app.export_screenshot = lambda **_: svg  # type: ignore[method-assign]


@pytest.mark.parametrize(("scene", "size"), EVERY, ids=[named(*one) for one in EVERY])
def test_picture(
    scene: Scene, size: tuple[int, int], snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    if scene.no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    app = scene.app()
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: take(scene, pilot))


@pytest.mark.parametrize("scene", AT_80, ids=lambda scene: scene.name)
def test_nothing_is_cut_off_and_something_has_the_focus(scene: Scene) -> None:
    if scene.name not in TAKEN:

        async def draw() -> None:
            async with scene.app().run_test(size=NARROW, notifications=True) as pilot:
                await take(scene, pilot)

        run(draw())
    taken = TAKEN[scene.name]
    assert taken.focused is not None, f"nothing has the focus\n{taken.narrow}"
    cut = [*cut_off(taken.narrow, taken.wide), *cut_words(taken.narrow, taken.wide)]
    assert not cut, f"cut off without an ellipsis: {cut}\n{taken.narrow}"


@pytest.mark.parametrize(
    ("narrow", "cut"),
    [
        ("Rollback copies are kept at lea", True),
        ("Rollback copies are kept", True),
        ("Rollback copies are kept at…", False),
        ("Rollback copies are\nkept at least until Thursday.", False),
        ("│ Rollback copies are kept at least until Thursday. │", False),
        ("Rollback copies are kept    12 MB", True),
        ("something else", False),
    ],
)
def test_what_counts_as_cut(narrow: str, cut: bool) -> None:
    wide = "Rollback copies are kept at least until Thursday.  12 MB"
    assert bool([*cut_off(narrow, wide), *cut_words(narrow, wide)]) is cut


def test_there_are_enough_and_none_is_left_over(request: pytest.FixtureRequest) -> None:
    assert len(EVERY) >= 40
    if request.config.option.update_snapshots:
        # They are written when all tests are over.
        return
    assert {path.stem for path in FOLDER.glob("*.svg")} == {named(*one) for one in EVERY}
    assert os.environ.get("TZ") == "UTC"


def test_nothing_recorded_tells_of_the_machine_it_was_recorded_on() -> None:
    """No temporary folder, loopback port, home, or secret of the demo stands in what was kept or drawn."""
    telling = re.compile(r"/tmp/|/home/|/root/|127\.0\.0\.1|mongodb://[^<\s]*@(?!HOST)|not-a-")
    files: list[Path] = [*RECORDED.rglob("*.json"), *RECORDED.rglob("*.jsonl"), *FOLDER.glob("*.svg")]
    assert files
    told = {path.name: found.group() for path in files if (found := telling.search(path.read_text()))}
    assert not told
