"""The frame: the first frame needs no connection, the modes follow their keys, and leaving says what goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from textual.widgets import Input, LoadingIndicator

from services.catalog.scan import Catalog
from services.jobs.listing import JobSummary
from services.profile import Profile
from services.redact import remember
from services.secret import Secret
from tests.recorded import RecordedBackend, Silent
from tests.tui_support import Console, opened, run
from tui.crash import crash_text
from tui.modes import MODES
from widgets.glyphs import Glyphs

PROD = Profile(name="prod")
RUNNING = JobSummary(
    id="20261122_031400", verb="restore", state="running", started=datetime(2026, 11, 22, tzinfo=UTC)
)


def recorded(*jobs: JobSummary) -> RecordedBackend:
    return RecordedBackend(looks={"catalog": Catalog(backups=())}, jobs=list(jobs))


def test_first_frame_waits_for_nothing() -> None:
    async def test() -> None:
        backend = RecordedBackend(looks={"catalog": Silent})
        async with opened(Profile(name="prod"), backend) as console:
            assert "PROD" in console.line("no database")

    run(test())


def test_number_keys_switch_modes() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            for key, title in (("2", "Archives"), ("6", "Jobs"), ("1", "Health")):
                await console.press(key)
                assert f"[{key} {title}]" in console.text

    run(test())


def test_target_bar_is_on_every_screen_and_over_every_dialog() -> None:
    async def test() -> None:
        async with opened(PROD, recorded(RUNNING)) as console:
            await console.until("1 job")
            for mode in MODES:
                await console.press(mode.key)
                for key in ("", "question_mark", "ctrl+p"):
                    if key:
                        await console.press(key)
                    assert "1 job" in console.text.splitlines()[1], (mode.name, key)
                    assert "PROD" in console.text.splitlines()[1]
                    if key:
                        await console.press("escape")

    run(test())


def test_ctrl_q_leaves_at_once_when_nothing_goes_on() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            await console.press("ctrl+q")
            assert console.app.return_code == 0 and console.app._exit

    run(test())


@pytest.mark.parametrize(("keys", "left"), [(("n",), False), (("escape",), False), (("enter",), False)])
def test_ctrl_q_says_what_goes_on_and_can_be_taken_back(keys: tuple[str, ...], left: bool) -> None:
    async def test() -> None:
        async with opened(PROD, recorded(RUNNING)) as console:
            await console.until("1 job")
            await console.press("ctrl+q")
            assert "quillkeep jobs follow" in console.text and RUNNING.id in console.text
            await console.press(*keys)
            assert console.app._exit is left
            assert "Leave the console" not in console.text

    run(test())


@pytest.mark.parametrize("key", ["y", "ctrl+q"])
def test_ctrl_q_leaves_by_a_second_key(key: str) -> None:
    async def test() -> None:
        async with opened(PROD, recorded(RUNNING)) as console:
            await console.until("1 job")
            await console.press("ctrl+q")
            await console.until("Leave the console")
            await console.press(key)
            assert console.app._exit and console.app.return_code == 0

    run(test())


def test_ctrl_q_names_an_open_wizard(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with opened(PROD, recorded(), mode="restore") as console:
            monkeypatch.setattr(type(console.app.screen), "wizard_open", lambda self: True, raising=False)
            await console.press("ctrl+q")
            assert "wizard is open" in console.text
            await console.press("n")
            assert not console.app._exit

    run(test())


def test_ctrl_c_never_quits_and_says_so() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            await console.press("ctrl+c")
            await console.until("ctrl+q quits")
            assert not console.app._exit

    run(test())


def test_too_small_is_one_line_that_takes_no_keys_and_goes_again() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            await console.press("2")
            for width, height in ((59, 24), (80, 19), (40, 10)):
                await console.pilot.resize_terminal(width, height)
                await console.until(f"Needs 60x20, is {width}x{height}")
                lines = [line for line in console.text.splitlines() if line.strip()]
                assert len(lines) <= 2
                await console.press("1", "escape", "enter", "b", "y", "question_mark", "ctrl+p")
                assert "Needs 60x20" in console.text
                await console.pilot.resize_terminal(80, 24)
                await console.until("[2 Archives]")
            await console.pilot.resize_terminal(40, 10)
            await console.until("Needs 60x20")
            await console.press("ctrl+q")
            assert console.app._exit

    run(test())


def test_a_terminal_too_small_from_the_start_says_so() -> None:
    async def test() -> None:
        async with opened(PROD, recorded(), size=(50, 15)) as console:
            await console.until("Needs 60x20, is 50x15")
            await console.pilot.resize_terminal(80, 24)
            await console.until("[1 Health]")

    run(test())


def test_help_is_for_what_has_the_focus_with_its_keys() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            await console.press("2", "question_mark")
            await console.until("Archives")
            await console.press("end")
            await console.until("READ-ONLY on")
            assert "ctrl+p" in console.text
            await console.press("question_mark")
            await console.press("escape")
            assert "READ-ONLY on" not in console.text
            console.app.show_text("Words", "text", name="t.txt")
            await console.until("Words")
            await console.press("question_mark")
            await console.until("A text")

    run(test())


def test_read_only_is_turned_on_by_a_key_and_never_off() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            assert "READ-ONLY" not in console.text.splitlines()[1]
            await console.press("L")
            await console.until("READ-ONLY from here on")
            assert "READ-ONLY" in console.text.splitlines()[1]
            assert console.app.store.profile.read_only
            await console.press("L")
            await console.until("READ-ONLY is on")
            assert console.app.store.profile.read_only

    run(test())


def test_no_cursor_blinks_and_nothing_spins() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            await console.press("ctrl+p")
            assert console.app.screen.query_one(Input).cursor_blink is False
            assert not isinstance(console.app.get_loading_widget(), LoadingIndicator)

    run(test())


def test_all_that_is_drawn_is_ascii_without_utf8() -> None:
    async def test() -> None:
        glyphs = Glyphs(utf8=False)
        async with opened(PROD, recorded(RUNNING), glyphs=glyphs) as console:
            await console.until("1 job")
            for key in ("1", "2", "3", "6", "7", "8", "ctrl+p", "escape", "question_mark", "escape", "L"):
                await console.press(key)
                assert console.text.isascii(), console.text

    run(test())


def test_no_color_draws_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            await console.press("2", "ctrl+p")
            styles = {
                segment.style
                for strip in console.app.screen._compositor.render_strips()
                for segment in strip
                if segment.style is not None
            }
            for style in styles:
                assert style.color is None or style.color.is_default
                assert style.bgcolor is None or style.bgcolor.is_default
            assert any(style.reverse for style in styles)
            await console.type("theme high")
            await console.until("NO_COLOR is set")

    run(test())


def test_screenshots_hold_no_secret() -> None:
    async def test() -> None:
        remember(Secret("correct-horse-battery"))
        async with opened(PROD, recorded()) as console:
            console.app.show_text("Text", "it was correct-horse-battery.", name="t")
            await console.until("it was")
            assert "correct-horse-battery" not in console.app.export_screenshot()

    run(test())


async def _crash(console: Console, failing: Any) -> None:
    console.app.call_later(failing)
    for _ in range(100):
        if console.app.crash:
            break
        await console.pilot.pause(0.02)


@pytest.mark.parametrize("in_worker", [False, True])
def test_a_defect_is_told_without_secrets_or_locals(in_worker: bool) -> None:
    seen: dict[str, str] = {}

    async def failing() -> None:
        local = "a-local-value"
        raise RuntimeError("mongodb://admin:hunter22@db/x broke " + local[:0])

    async def test() -> None:
        async with opened(PROD, recorded(RUNNING)) as console:
            await console.until("1 job")
            app = console.app
            await _crash(console, (lambda: app.run_worker(failing())) if in_worker else failing)
            seen["text"] = app.crash
            seen["code"] = str(app.return_code)

    with pytest.raises(Exception, match=r"broke|Worker"):
        run(test())
    text = seen["text"]
    assert "hunter22" not in text and "a-local-value" not in text
    assert "RuntimeError" in text and "test_frame.py" in text
    assert f"quillkeep jobs follow {RUNNING.id}" in text and "report" in text
    assert seen["code"] == "1"


def test_crash_text_moves_no_cursor() -> None:
    text = crash_text(ValueError("\x1b[2J\x07 password=hunter22"), [])
    assert "\x1b" not in text and "\x07" not in text and "hunter22" not in text


def test_a_modes_own_key_goes_back_to_its_first_screen_and_1_always_to_the_verdict() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            console.app.open_job("20261122_031000")
            await console.until("journal")
            await console.press("2", "1")
            assert len(console.app.screen_stack) == 1 and "[1 Health]" in console.text
            await console.press("6")
            console.app.open_job("20261122_031000")
            await console.until("journal")
            await console.press("1", "6")
            assert len(console.app.screen_stack) == 2, "what another mode shows stays"
            await console.press("6")
            assert len(console.app.screen_stack) == 1 and "[6 Jobs]" in console.text
            await console.press("q")
            await console.until("ctrl+q quits")

    run(test())


def test_escape_puts_a_notice_away_and_typing_has_none_above_it() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            console.app.say("Something was said.")
            await console.until("Something was said.")
            await console.press("escape")
            await console.until(lambda: "Something was said." not in console.text)
            await console.press("ctrl+p")
            console.app.say("Something was said.")
            await console.until("Something was said.")
            await console.press("z")
            await console.until(lambda: "Something was said." not in console.text)

    run(test())
