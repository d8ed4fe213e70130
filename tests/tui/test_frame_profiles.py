"""Profiles: listed, chosen, and refused where the environment or an open wizard speaks against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.catalog.scan import Catalog
from services.profile import Profile
from services.settings.flags import Flags
from services.settings.resolve import NoProfileNamed, Settings, resolve_settings
from tests.recorded import RecordedBackend
from tests.tui_support import Console, opened, run
from tui.screens.profiles import ProfilesModal


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(
        '[profiles.prod]\nmongodb_uri = "mongodb://one.example.org/quilltap"\n'
        '[profiles.staging]\nproduction = false\nmongodb_uri = "mongodb://two.example.org/quilltap"\n'
    )
    return path


def settings_of(path: Path, name: str) -> tuple[Flags, Settings]:
    flags = Flags(profile=name, config=str(path))
    return flags, resolve_settings(flags, {}, path.parent)


def recorded() -> RecordedBackend:
    return RecordedBackend(looks={"catalog": Catalog(backups=())})


async def switch_to_staging(console: Console) -> None:
    await console.press("P")
    await console.until("Which profile?")
    await console.press("down", "enter")


def test_another_profile_is_one_key_and_one_choice_away(config_file: Path) -> None:
    flags, settings = settings_of(config_file, "prod")

    async def test() -> None:
        async with opened(
            settings.profile, recorded(), settings=settings, app_options={"flags": flags}, mode="jobs"
        ) as console:
            assert "PROD" in console.line("one.example.org")
            console.app.open_job("20261122_031400")
            await switch_to_staging(console)
            await console.until("two.example.org")
            assert "PROD" not in console.line("two.example.org")
            assert "[1 Health]" in console.text
            assert console.app.store.profile.name == "staging"
            await console.press("6")
            await console.until("[6 Jobs]")
            assert len(console.app.screen_stack) == 1

    run(test())


def test_escape_keeps_the_profile(config_file: Path) -> None:
    flags, settings = settings_of(config_file, "prod")

    async def test() -> None:
        async with opened(
            settings.profile, recorded(), settings=settings, app_options={"flags": flags}
        ) as console:
            await console.press("P")
            await console.until("in use")
            await console.press("down", "escape")
            assert console.app.store.profile.name == "prod"

    run(test())


def test_read_only_by_key_outlives_the_switch(config_file: Path) -> None:
    flags, settings = settings_of(config_file, "prod")

    async def test() -> None:
        async with opened(
            settings.profile, recorded(), settings=settings, app_options={"flags": flags}
        ) as console:
            await console.press("L")
            await switch_to_staging(console)
            await console.until("two.example.org")
            assert "READ-ONLY" in console.line("two.example.org")
            assert console.app.store.profile.read_only

    run(test())


def test_the_environment_forbids_a_switch_and_both_sources_are_named(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags, settings = settings_of(config_file, "prod")
    monkeypatch.setenv("MONGODB_URI", "mongodb://one.example.org/quilltap")

    async def test() -> None:
        async with opened(
            settings.profile, recorded(), settings=settings, app_options={"flags": flags}
        ) as console:
            await switch_to_staging(console)
            await console.until("Nothing was switched")
            said = " ".join(console.text.split())
            assert "environment MONGODB_URI" in said and "profiles.staging.mongodb_uri" in said
            assert console.app.store.profile.name == "prod"
            await console.press("escape")
            assert not isinstance(console.app.screen, ProfilesModal)

    run(test())


def test_an_open_wizard_forbids_a_switch(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags, settings = settings_of(config_file, "prod")

    async def test() -> None:
        async with opened(
            settings.profile, recorded(), settings=settings, app_options={"flags": flags}, mode="restore"
        ) as console:
            monkeypatch.setattr(type(console.app.screen), "wizard_open", lambda self: True, raising=False)
            await console.press("1", "P")
            await console.until("The restore wizard is open")
            assert not isinstance(console.app.screen, ProfilesModal)
            await console.app.switch_profile("staging")
            await console.until("was not switched")
            assert console.app.store.profile.name == "prod"

    run(test())


def test_no_profile_is_read_without_flags() -> None:
    async def test() -> None:
        async with opened(Profile(name="demo", demo=True), recorded()) as console:
            await console.press("P")
            await console.until("This console works on one")

    run(test())


def test_several_profiles_and_none_named_open_the_choice(config_file: Path) -> None:
    flags = Flags(config=str(config_file))
    with pytest.raises(NoProfileNamed) as unnamed:
        resolve_settings(flags, {}, config_file.parent)
    assert unnamed.value.exit_code == 4

    async def test() -> None:
        options = {"flags": flags, "config": unnamed.value.config, "must_choose": True}
        async with opened(Profile(production=False), recorded(), app_options=options) as console:
            await console.until("Which one?")
            await console.press("escape")
            await console.until("Choose one with Enter")
            await console.press("down", "enter")
            await console.until("two.example.org")
            assert console.app.store.profile.name == "staging"

    run(test())
