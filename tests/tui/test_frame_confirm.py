"""The danger ladder's dialogs: only the right key and the right words say yes, by a second key."""

from __future__ import annotations

import asyncio

import pytest

from services.catalog.scan import Catalog
from services.profile import Profile
from tests.recorded import RecordedBackend
from tests.tui_support import Console, opened, run
from tui.screens.confirm import TypedModal, YesNoModal
from widgets.typed_confirmation import RELEASE_SECONDS

LONG = "\n".join(f"effect {number} [/x] \x1b[31m" for number in range(40))


def recorded() -> RecordedBackend:
    return RecordedBackend(looks={"catalog": Catalog(backups=())})


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (("y",), True),
        (("n",), False),
        (("enter",), False),
        (("escape",), None),
        (("b", "space", "Y", "tab", "down", "enter"), False),
    ],
)
def test_only_y_says_yes(keys: tuple[str, ...], answer: bool | None) -> None:
    async def test() -> None:
        async with opened(Profile(name="prod"), recorded()) as console:
            answers: list[bool | None] = []
            console.app.push_screen(YesNoModal("Do it?", LONG), answers.append)
            await console.until("Do it?")
            assert "n no (Enter and Escape mean no)" in console.text
            assert "effect 0 [/x]" in console.text and "\x1b" not in console.text
            assert console.app.focused is not None
            await console.press(*keys)
            assert answers == [answer]

    run(test())


def _typed(console: Console, answers: list[bool | None]) -> None:
    console.app.push_screen(TypedModal("Release it?", LONG, "prod/quilltap", "Release it"), answers.append)


def test_wrong_words_stay_and_say_why() -> None:
    async def test() -> None:
        async with opened(Profile(name="prod"), recorded()) as console:
            answers: list[bool | None] = []
            _typed(console, answers)
            await console.until("Type prod/quilltap to confirm")
            await console.press("enter")
            await console.until("Nothing was typed")
            await console.type("prod/quilltaP")
            await console.press("enter", "enter", "tab", "enter")
            await console.until("That is not prod/quilltap. Nothing was done.")
            assert not answers
            await console.press("escape")
            assert answers == [None]

    run(test())


def test_right_words_need_a_second_key() -> None:
    async def test() -> None:
        async with opened(Profile(name="prod"), recorded()) as console:
            answers: list[bool | None] = []
            _typed(console, answers)
            await console.until("Type prod/quilltap to confirm")
            await console.press("down", "down")
            await console.type("prod/quilltap")
            await console.until("nothing is done yet")
            await console.press("enter")
            await console.until("Enter does it")
            assert not answers
            await console.press("enter")
            assert answers == [True]

    run(test())


def test_a_held_enter_goes_through_neither_stage() -> None:
    async def test() -> None:
        async with opened(Profile(name="prod"), recorded()) as console:
            answers: list[bool | None] = []
            _typed(console, answers)
            await console.until("Type prod/quilltap to confirm")
            await console.type("prod/quilltap")
            await console.press(*["enter"] * 50)
            await console.until("Let go of Enter")
            assert not answers
            # A terminal waits before it repeats.
            await asyncio.sleep(RELEASE_SECONDS / 2)
            await console.press(*["enter"] * 10)
            assert not answers
            await console.until("Enter does it")
            await console.press("enter")
            assert answers == [True]

    run(test())


def test_the_wait_begins_anew_whenever_the_button_is_come_to() -> None:
    async def test() -> None:
        async with opened(Profile(name="prod"), recorded()) as console:
            answers: list[bool | None] = []
            _typed(console, answers)
            await console.until("Type prod/quilltap to confirm")
            await console.type("prod/quilltap")
            await console.press("enter")
            await console.until("Enter does it")
            await console.press("shift+tab", "tab", "enter")
            assert not answers and "Let go of Enter" in console.text

    run(test())


def test_whoever_was_elsewhere_finds_the_words_in_focus_and_not_the_button() -> None:
    async def test() -> None:
        async with opened(Profile(name="prod"), recorded()) as console:
            answers: list[bool | None] = []
            _typed(console, answers)
            await console.until("Type prod/quilltap to confirm")
            await console.type("prod/quilltap")
            await console.press("enter")
            await console.until("Enter does it")
            await console.press("ctrl+p")
            await console.until("Type a part of an action")
            await console.press("escape", "enter")
            assert "Enter does it" not in console.text and answers == []
            await console.until("Enter does it")
            await console.press("enter")
            assert answers == [True]

    run(test())
