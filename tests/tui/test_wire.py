"""The bytes on the line: exactly what differs is sent, and what the terminal then shows is what is meant."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.pilot import Pilot

from services.catalog.scan import Catalog
from services.errors import QuillkeepError
from services.profile import Profile
from tests.pictures.rest import at_rest
from tests.pictures.scene import Scene
from tests.recorded import RecordedBackend
from tests.tui.terminal import Reference, Terminal, dice, on_terminal
from tests.tui_support import opened, run
from tui.app import QuillkeepApp
from tui.themes import theme_names

KEYS = (
    *("1", "2", "3", "4", "6", "7", "8"),
    *("down", "down", "down", "up", "pagedown", "pageup", "end", "home", "tab", "enter"),
    *("escape", "escape", "escape", "question_mark", "ctrl+p", "o", "slash", "b", "v", "c", "l", "p", "d"),
    *("y", "n", "r", "g", "x", "space", "P", "backspace", "ctrl+c", "ctrl+l"),
)
SIZES = ((80, 24), (120, 40), (100, 30), (60, 20), (59, 24), (132, 24), (80, 24), (80, 24))
HOSTILE = (
    "wide 数据库 名前, combining e\u0301 a\u0308\u0323, right to left \u05d0\u05d1\u05d2 \u0627\u0644, "
    "an emoji \U0001f600 and [/x]"
)


async def _nobody(pilot: Pilot[Any]) -> None:
    return None


async def settled(pilot: Pilot[Any]) -> None:
    """Nothing more is drawn by itself."""
    await at_rest(pilot)
    for _ in range(3):
        await pilot.pause(0.02)


async def walk(pilot: Pilot[Any], terminal: Terminal, seed: int, steps: int) -> None:
    """Keys, themes, sizes, foreign scribbles and stalls in any order, the terminal read after each."""
    app, thrown, told = pilot.app, dice(seed), []
    assert isinstance(app, QuillkeepApp)
    reference = Reference(app, terminal)
    for _ in range(steps):
        what = thrown.random()
        if what < 0.80:
            told.append(thrown.choice(KEYS))
            await pilot.press(told[-1])
        elif what < 0.87:
            width, height = thrown.choice(SIZES)
            told.append(f"{width}x{height}")
            reference.resize(width, height)
            await pilot.resize_terminal(width, height)
        elif what < 0.90:
            told.append("scribble")
            terminal.scribble()
            app.redraw()
        elif what < 0.93 and not app.no_color:
            told.append(thrown.choice(theme_names()))
            app.use_theme(told[-1])
        elif what < 0.96:
            told.append("slow")
            terminal.slow = True
        else:
            app.say(HOSTILE)
        if thrown.random() < 0.5:
            continue
        await pilot.pause(0.05)
        if terminal.slow and thrown.random() < 0.5:
            continue
        terminal.catch_up()
        for _ in range(50):
            if not (wrong := reference.difference()):
                break
            # A timer (a notice that ends, a look that answers) may have drawn in between.
            await pilot.pause(0.02)
        assert not wrong, f"after {told[-30:]}\n{wrong}"
        if app._exit:
            return


@pytest.mark.parametrize(
    ("seed", "options"),
    [
        (1, {}),
        (2, {}),
        (3, {"utf8": False}),
        (4, {"theme": "terminal"}),
        (5, {"no_color": True}),
        (6, {"theme": "high-contrast"}),
    ],
)
def test_the_terminal_shows_what_is_meant(
    seed: int, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if options.get("no_color"):
        monkeypatch.setenv("NO_COLOR", "1")

    async def test() -> None:
        with on_terminal() as terminal:
            scene = Scene(name="walk", play=_nobody, **options)
            async with scene.app().run_test(size=(80, 24), notifications=True) as pilot:
                await walk(pilot, terminal, seed, 60)

    run(test())


def test_what_the_terminal_measures_otherwise_moves_nothing_beside_it() -> None:
    async def test() -> None:
        with on_terminal() as terminal:
            async with opened(Profile(name="p"), _empty()) as console:
                text = "family \U0001f468\u200d\U0001f469\u200d\U0001f467 and \u0928\u093f end\nplain"
                console.app.show_text("Names", text, name="n")
                await console.until("family")
                await settled(console.pilot)
                rows = ["".join(str(cell[0]) or " " for cell in row) for row in terminal.cells]
                place = next(place for place, row in enumerate(rows) if "family" in row)
                assert [cell[0] for cell in terminal.cells[place]].count("\u2502") == 2
                edges = [
                    [at for at, cell in enumerate(terminal.cells[row]) if cell[0] == "\u2502"]
                    for row in (place, place + 1)
                ]
                assert edges[0] == edges[1]
                assert "end" in rows[place]

    run(test())


def test_no_control_character_of_a_text_reaches_the_terminal() -> None:
    async def test() -> None:
        with on_terminal() as terminal:
            async with opened(Profile(name="p"), _empty()) as console:
                console.app.say("before \x1b[2J\x9b2J\x07\x0e after")
                await console.until("after")
                await settled(console.pilot)
                for control in ("\x1b[2J", "\x9b", "\x07", "\x0e"):
                    assert control not in terminal.written
                assert "before [2J2J after" in "\n".join(
                    "".join(str(cell[0]) for cell in row) for row in terminal.cells
                )

    run(test())


def test_nothing_is_sent_for_what_is_shown_already() -> None:
    async def test() -> None:
        with on_terminal() as terminal:
            async with opened(Profile(name="p"), _empty()) as console:
                await settled(console.pilot)
                terminal.take()
                console.app.refresh(layout=True)
                console.app.screen.refresh()
                await settled(console.pilot)
                assert terminal.take() == ""
                await console.press("ctrl+l")
                await settled(console.pilot)
                assert len(terminal.take()) > 500

    run(test())


def test_of_the_frames_that_a_slow_line_had_no_time_for_only_the_last_is_sent() -> None:
    async def test() -> None:
        with on_terminal() as terminal:
            async with opened(Profile(name="p"), _empty()) as console:
                await settled(console.pilot)
                terminal.take()
                terminal.slow = True
                await console.press("2", "question_mark", "escape", "ctrl+p", "escape", "6")
                assert terminal.take() == ""
                terminal.catch_up()
                assert 0 < len(terminal.take()) < 2_000
                assert "[6 Jobs]" in "".join(str(cell[0]) for cell in terminal.cells[0])

    run(test())


def test_what_a_key_costs() -> None:
    """At 4 KiB/s a dialog stands there within a second, another mode within half of one."""
    budget = {"2": 2_000, "down": 500, "ctrl+p": 3_000, "question_mark": 3_000, "1": 2_000, "b": 3_000}

    async def test() -> None:
        with on_terminal() as terminal:
            app = Scene(name="costs", play=_nobody).app()
            async with app.run_test(size=(80, 24), notifications=True) as pilot:
                await settled(pilot)
                for key in ("2", "down", "ctrl+p", "escape", "question_mark", "escape", "b", "escape", "1"):
                    terminal.take()
                    await pilot.press(key)
                    await settled(pilot)
                    sent = len(terminal.take().encode())
                    assert 0 < sent <= budget.get(key, 3_000), (key, sent)
                await asyncio.sleep(1.0)
                assert terminal.take() == ""

    run(test())


def _empty() -> RecordedBackend:
    nothing = QuillkeepError("Nothing answers.")
    looks = dict.fromkeys(("live", "bucket", "locations", "rates"), nothing)
    return RecordedBackend(looks={"catalog": Catalog(backups=()), **looks})
