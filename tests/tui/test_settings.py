"""Settings: values with sources and lines, locations, profiles, keys, themes, state; it writes nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input

from services.errors import QuillkeepError
from services.looking.locations import LocationsAnswer, LocationSeen
from services.profile import Location, Profile
from services.settings.flags import Flags
from services.settings.resolve import Settings, resolve_settings
from tests.recorded import RecordedBackend, Silent
from tests.tui_support import Console, opened, run
from tui.screens.settings import SettingsScreen
from tui.screens.text import TextModal
from widgets.glyphs import Glyphs
from widgets.inventory_table import InventoryTable

SEEN = LocationsAnswer(
    locations=(
        LocationSeen(
            name="nas",
            path="/mnt/nas",
            free=None,
            total=None,
            writable=False,
            problem="It did not answer in 6 s.",
        ),
        LocationSeen(
            name="local",
            path="/backups",
            free=71 * 10**9,
            total=10**12,
            writable=True,
            filesystem="ext4",
            abilities=("hard links", "modes"),
        ),
    )
)
PLACES = (Location(name="nas", path="/mnt/nas"), Location(name="local", path="/backups"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    env = tmp_path / "quilltap.env"
    env.write_text(
        "MONGODB_URI=mongodb://root:geheim12@db/quilltap\nS3_BUCKET=files\n"
        "S3_ACCESS_KEY=geheim12a\nS3_SECRET_KEY=geheim12b\nENCRYPTION_MASTER_PEPPER=geheim12c\n"
    )
    config = tmp_path / "config.toml"
    config.write_text(
        f'[profiles.prod]\nenv_file = "{env}"\n[profiles.test]\nproduction = false\n[keys]\n"jobs.cancel" = "X"\n'
    )
    return resolve_settings(Flags(profile="prod", config=str(config)), {}, tmp_path)


def profile_of(settings: Settings) -> Profile:
    return msgspec.structs.replace(settings.profile, locations=PLACES)


async def go_to(console: Console, row: str) -> None:
    table = console.app.screen.query_one(InventoryTable)
    assert table.go_to(row), [one.key for one in table.rows]
    await console.pilot.pause()


def test_values_sources_and_the_line(settings: Settings, tmp_path: Path) -> None:
    async def test() -> None:
        backend = RecordedBackend()
        async with opened(
            profile_of(settings), backend, mode="settings", size=(120, 40), settings=settings
        ) as console:
            await console.until("bucket.bucket")
            assert "mongodb://db/quilltap" in console.text
            assert "geheim12" not in console.text
            await go_to(console, "bucket.bucket")
            assert f"Change this line in {tmp_path / 'quilltap.env'}:" in console.text
            await console.press("y")
            assert console.app.clipboard == "S3_BUCKET=files"
            await go_to(console, "rpo_hours")
            await console.press("y")
            assert console.app.clipboard == '[targets]\nrpo = "24h"'
            await go_to(console, "pepper")
            await console.press("y")
            assert console.app.clipboard == "ENCRYPTION_MASTER_PEPPER=<the value>"

    run(test())


def test_a_row_without_a_line_says_why_it_cannot_be_copied(settings: Settings) -> None:
    async def test() -> None:
        async with opened(
            profile_of(settings), RecordedBackend(), mode="settings", settings=settings
        ) as console:
            await console.until("production")
            screen = console.app.screen
            assert isinstance(screen, SettingsScreen)
            assert screen.why_disabled("copy") == "No line of a file sets this."
            await console.press("y")
            assert console.app.clipboard == ""

    run(test())


def test_pages_go_round_in_both_directions(settings: Settings) -> None:
    async def test() -> None:
        backend = RecordedBackend(looks={"locations": SEEN})
        async with opened(profile_of(settings), backend, mode="settings", settings=settings) as console:
            for title in ("Locations", "Profiles", "Keys", "Themes", "State", "Settings"):
                await console.press("right")
                await console.until(f"[{title}]")
            await console.press("left")
            await console.until("[State]")
            await console.press("6", "8")
            assert "[State]" in console.text

    run(test())


def test_locations_with_what_they_can_do(settings: Settings) -> None:
    async def test() -> None:
        backend = RecordedBackend(looks={"locations": SEEN})
        async with opened(profile_of(settings), backend, mode="settings", settings=settings) as console:
            await console.press("right")
            await console.until("✓ writable")
            assert "✗ problem" in console.line("/mnt/nas")
            assert "It did not answer in 6 s." in console.text
            await console.press("down")
            assert "71 GB of 1.0 TB on ext4" in console.text
            assert "hard links, modes" in console.text
            await console.press("y")
            assert console.app.clipboard == '[[locations]]\nname = "local"\npath = "/backups"'
            await console.press("r")
            await console.until("✓ writable")

    run(test())


def test_locations_that_are_waited_for_or_fail_say_so(settings: Settings) -> None:
    async def test() -> None:
        backend = RecordedBackend(looks={"locations": Silent})
        async with opened(profile_of(settings), backend, mode="settings", settings=settings) as console:
            await console.press("right")
            await console.until("Looking since 2026-11-22 03:14:00 UTC.")
            assert "… waiting" in console.line("/mnt/nas")
        failing = QuillkeepError("The folder of the backups did not answer.", next="Look again.")
        backend = RecordedBackend(looks={"locations": failing})
        async with opened(profile_of(settings), backend, mode="settings", settings=settings) as console:
            await console.press("right")
            await console.until("did not answer")
            assert "? unknown" in console.line("/backups")

    run(test())


def test_without_locations_it_says_what_to_write() -> None:
    async def test() -> None:
        backend = RecordedBackend(looks={"locations": LocationsAnswer(locations=())})
        async with opened(Profile(), backend, mode="settings") as console:
            await console.press("right")
            await console.until("No folder for backups is configured.")
            assert "[[locations]]" in console.text
            assert console.app.focused is not None

    run(test())


def test_profiles_say_which_is_active(settings: Settings) -> None:
    async def test() -> None:
        async with opened(
            profile_of(settings), RecordedBackend(), mode="settings", settings=settings
        ) as console:
            await console.press("left", "left", "left", "left")
            await console.until("[Profiles]")
            assert "✓ active" in console.line("> prod ")
            assert "active" not in console.line("  test ")
            await go_to(console, "test")
            await console.press("y")
            assert console.app.clipboard == "quillkeep --profile test"

    run(test())


def test_keys_show_how_to_move_them(settings: Settings, tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(
            profile_of(settings), RecordedBackend(), mode="settings", settings=settings
        ) as console:
            await console.press("right", "right", "right")
            await console.until("app.quit", 30)
            await go_to(console, "confirm.yes")
            assert "cannotbemoved" in "".join(console.text.split())
            await go_to(console, "jobs.cancel")
            told = "".join(console.text.split())
            assert f"NowX({tmp_path / 'config.toml'})" in told
            assert "Changein" in told
            await go_to(console, "archives.backup")
            told = f"Addto{tmp_path / 'config.toml'},under[keys],withanotherkey:"
            assert told in "".join(console.text.split())
            await console.press("y")
            assert console.app.clipboard == '"archives.backup" = "b"'
            await console.press("slash")
            await console.type("settings.copy")
            await console.until("1 of ")

    run(test())


def test_themes_and_state(settings: Settings) -> None:
    async def test() -> None:
        async with opened(
            profile_of(settings), RecordedBackend(), mode="settings", settings=settings
        ) as console:
            await console.press("left")
            await console.until("Version of textual")
            assert "/var/lib/quillkeep exists and this user may write there." in console.text
            await console.press("left")
            await console.until("high-contrast")
            await go_to(console, "high-contrast")
            await console.press("y")
            assert console.app.clipboard == '[console]\ntheme = "high-contrast"'

    run(test())


def test_enter_shows_a_row_whole_and_save_asks_for_a_file(settings: Settings, tmp_path: Path) -> None:
    async def test() -> None:
        target = tmp_path / "settings.txt"
        before = sorted(tmp_path.iterdir())
        async with opened(
            profile_of(settings), RecordedBackend(), mode="settings", settings=settings
        ) as console:
            await console.until("production")
            await console.press("enter")
            assert isinstance(console.app.screen, TextModal)
            await console.press("escape", "s")
            await console.until("Save to which file?")
            await console.press("escape")
            assert sorted(tmp_path.iterdir()) == before
            await console.press("s")
            console.app.screen.query_one(Input).value = str(target)
            await console.press("enter")
            await console.until(target.exists)
            await console.until("Saved as")
            text = target.read_text()
            assert "S3_BUCKET=files" in text
            assert "geheim12" not in text

    run(test())


def test_read_only_names_who_turned_it_on(settings: Settings) -> None:
    async def test() -> None:
        async with opened(
            profile_of(settings), RecordedBackend(), mode="settings", settings=settings
        ) as console:
            await console.until("read_only")
            await console.press("L")
            await console.until("key L in this console")
            assert "true" in console.line("read_only")

    run(test())


def test_filter_and_escape(settings: Settings) -> None:
    async def test() -> None:
        async with opened(
            profile_of(settings),
            RecordedBackend(),
            mode="settings",
            glyphs=Glyphs(utf8=False),
            settings=settings,
        ) as console:
            await console.until("production")
            await console.press("slash")
            await console.type("pepper")
            await console.until("1 of ")
            await console.press("escape")
            await console.until("bucket.bucket")
            await console.press("slash")
            await console.type("zzz")
            await console.until("Nothing here has these words.")
            await console.press("escape")
            await console.until("bucket.bucket")
            assert console.text.isascii()

    run(test())


def test_hostile_names_are_plain_text() -> None:
    async def test() -> None:
        places = (Location(name="[/x]\x1b[31m", path="/b\n[/red]"),)
        profile = Profile(name="[/p]", locations=places, sources={"name": "\x1b[2J[/s]"})
        backend = RecordedBackend(looks={"locations": Silent})
        async with opened(profile, backend, mode="settings") as console:
            await console.until("[/p]")
            await console.press("right")
            await console.until("[/x]\\x1b[31m")
            await console.press("right", "right", "right", "right")
            assert "\x1b" not in console.text

    run(test())
