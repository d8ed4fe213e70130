"""The palette: every action with its key, and why it is disabled when it is; keys that are moved work."""

from __future__ import annotations

from services.catalog.scan import Catalog
from services.profile import Profile
from services.settings.config import Config, ProfileConfig
from services.settings.flags import Flags
from tests.recorded import RecordedBackend
from tests.tui_support import opened, run
from tui.commands import commands_of
from tui.modes import MODES
from tui.screens.help import HelpModal

PROD = Profile(name="prod")


def recorded() -> RecordedBackend:
    return RecordedBackend(looks={"catalog": Catalog(backups=())})


def test_every_action_is_listed_with_its_key() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            for mode in MODES:
                await console.press(mode.key)
                screen = console.app.screen
                listed = {command.id: command for command in commands_of(console.app, screen)}
                for active in screen.active_bindings.values():
                    if active.binding.id and active.binding.description:
                        assert active.binding.id in listed, (mode.name, active.binding)
                for command in listed.values():
                    assert command.enabled or command.why, command
                assert listed["app.quit"].keys == "ctrl+q"
                assert next(iter(listed)) != "app.quit"

    run(test())


def test_palette_opens_narrows_and_runs() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            await console.press("ctrl+p")
            await console.until("Go to Archives")
            await console.press("ctrl+p")
            await console.type("go to jobs")
            assert "Go to Archives" not in console.text
            await console.press("enter")
            await console.until("[6 Jobs]")

    run(test())


def test_palette_without_a_hit_says_so_and_escape_leaves_it() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            await console.press("ctrl+p")
            await console.type("zzzz")
            await console.until("No action has a name like that")
            await console.press("enter")
            assert "zzzz" in console.text
            await console.press("escape")
            assert "zzzz" not in console.text

    run(test())


def test_what_is_disabled_says_why_and_stays() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            await console.press("ctrl+p")
            await console.type("profiles")
            await console.until("Not now:")
            await console.press("enter")
            await console.until("Nothing was done:")
            await console.press("escape", "L", "ctrl+p")
            await console.type("read-only")
            await console.until("READ-ONLY is on")

    run(test())


def test_a_disabled_key_says_why() -> None:
    async def test() -> None:
        async with opened(PROD, recorded(), mode="archives") as console:
            await console.until("[2 Archives]")
            assert "(v Verify)" in console.text
            await console.press("v")
            await console.until("No folder for backups")

    run(test())


def test_arrows_choose_and_themes_change() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            await console.press("ctrl+p")
            await console.type("theme")
            await console.press("down", "down", "up", "enter")
            assert console.app.theme == "high-contrast"
            await console.press("ctrl+p")
            await console.type("theme high")
            await console.until("It is in use")

    run(test())


def test_moved_keys_work_everywhere_they_are_said() -> None:
    async def test() -> None:
        keymap = {"app.help": "f1", "mode.archives": "a", "app.quit": "ctrl+x,ctrl+q"}
        async with opened(PROD, recorded(), app_options={"keymap": keymap}) as console:
            await console.until("f1 Help")
            await console.press("f1")
            await console.until(lambda: isinstance(console.app.screen, HelpModal))
            await console.press("escape", "question_mark")
            assert not isinstance(console.app.screen, HelpModal)
            await console.press("a")
            await console.until("Archives]")
            console.app.show_text("Words", "text", name="t")
            await console.until("Words")
            await console.press("f1")
            await console.until("A text")
            await console.press("escape", "escape", "ctrl+q")
            assert console.app._exit

    run(test())


def test_profiles_are_commands() -> None:
    async def test() -> None:
        config = Config(profiles={"prod": ProfileConfig(), "[/x]": ProfileConfig()})
        options = {"flags": Flags(), "config": config}
        async with opened(PROD, recorded(), app_options=options) as console:
            await console.press("ctrl+p")
            await console.type("profile [")
            await console.until("Profile [/x]")

    run(test())


def test_what_is_not_here_is_found_in_the_other_modes() -> None:
    async def test() -> None:
        async with opened(PROD, recorded(), mode="jobs") as console:
            await console.press("ctrl+p")
            await console.type("drop cop")
            await console.until("Drop copies: Health, 1")
            assert "health.release" not in console.text and "No action" not in console.text
            await console.press("enter")
            await console.until("[1 Health]")

    run(test())


def test_no_action_is_listed_twice_and_none_by_its_id() -> None:
    async def test() -> None:
        async with opened(PROD, recorded()) as console:
            for mode in MODES:
                await console.press(mode.key)
                listed = [(one.title, one.keys) for one in commands_of(console.app, console.app.screen)]
                assert len(listed) == len(set(listed)), mode.name
                assert not any("_" in title or title.endswith("]") for title, _ in listed)

    run(test())
