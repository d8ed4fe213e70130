"""Every setting with its source, and lines that config.toml really takes."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from services.paths import SYSTEM_STATE, Paths
from services.profile import Profile
from services.settings.config import Config, read_config
from services.settings.explain import Explained, explain, state_reason, value_of, versions
from services.settings.flags import Flags
from services.settings.resolve import Settings, resolve_settings
from services.settings.table import ENTRIES

SECRETS = {
    "MONGODB_URI": "mongodb://root:geheim12@db/quilltap",
    "S3_ACCESS_KEY": "access-geheim12",
    "S3_SECRET_KEY": "secret-geheim12",
    "ENCRYPTION_MASTER_PEPPER": "pepper-geheim12",
}


def told(settings: Settings, **more: str) -> dict[str, Explained]:
    return {one.name: one for one in explain(settings.profile, settings, **more)}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    env = tmp_path / "quilltap.env"
    env.write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()) + "S3_BUCKET=files\n")
    config = tmp_path / "config.toml"
    config.write_text(
        f'[profiles.prod]\nenv_file = "{env}"\ns3_region = "eu"\n\n[targets]\nrpo = "12h"\n\n'
        '[profiles.prod.app]\nstop = "systemctl stop quilltap"\n'
    )
    return resolve_settings(Flags(profile="prod", config=str(config)), {}, tmp_path)


def test_no_secret_is_told(settings: Settings) -> None:
    text = repr(explain(settings.profile, settings))
    assert "geheim12" not in text
    found = told(settings)
    assert (found["pepper"].value, found["mongo.uri"].value) == ("set", "mongodb://db/quilltap")


def test_a_command_or_address_that_holds_a_secret_hides_it(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(
        '[profiles.prod]\nhealth_url = "http://user:geheim12@h/health"\n'
        'app = {stop = "curl -H password=geheim12 http://h/stop"}\n'
    )
    found = told(resolve_settings(Flags(config=str(config)), {}, tmp_path))
    assert "geheim12" not in repr(found)
    assert found["health_url"].value == "http://***@h/health"
    assert found["app.stop"].note.startswith("It holds a secret")
    assert "***" not in found["app.stop"].line


def test_each_setting_names_its_source_and_line(settings: Settings, tmp_path: Path) -> None:
    found = told(settings)
    config, env = str(tmp_path / "config.toml"), str(tmp_path / "quilltap.env")
    bucket, region, rpo = found["bucket.bucket"], found["bucket.region"], found["rpo_hours"]
    assert (bucket.source, bucket.file, bucket.line, bucket.changes) == (
        f".env at {env}",
        env,
        "S3_BUCKET=files",
        True,
    )
    assert (region.file, region.section, region.line, region.changes) == (
        config,
        "[profiles.prod]",
        's3_region = "eu"',
        True,
    )
    assert (rpo.value, rpo.line, rpo.changes) == ("12", 'rpo = "12h"', True)
    assert found["rto_minutes"].line == 'rto = "30m"'
    assert found["pepper"].line == "ENCRYPTION_MASTER_PEPPER=<the value>"
    assert found["mongo.database"].changes is False
    assert found["console.theme"].line == '[console]\ntheme = "terminal"'
    assert found["retention.daily"].how == f"Add to {config}:"
    assert found["app.start"].section == "app of [profiles.prod]"


def test_every_line_for_config_toml_is_one_it_takes(settings: Settings, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    before = config.read_text()
    lines = [one for one in explain(settings.profile, settings) if one.line and one.file == str(config)]
    assert len(lines) > 20
    for one in lines:
        if one.changes or one.section.startswith("app of"):
            continue
        text = f"{before}\n{one.line}\n"
        if not one.line.startswith("["):
            text = before.replace(f"{one.section}\n", f"{one.section}\n{one.line}\n")
            assert text != before, one
        config.write_text(text)
        read_config([config], "the test")
    config.write_text(before)


def test_every_line_for_a_new_file_is_one_it_takes(tmp_path: Path) -> None:
    config = tmp_path / "new.toml"
    profile = Profile(name="a profile", sources={})
    empty = Settings(profile=profile, config=Config(), named_config=str(config))
    for one in explain(profile, empty):
        if one.line:
            assert one.file == str(config)
            config.write_text(f"{one.line}\n")
            read_config([config], "the test")


def test_the_table_knows_every_setting_of_a_profile(settings: Settings) -> None:
    names = {entry.name for entry in ENTRIES}
    assert set(settings.profile.sources) <= names
    config = {
        f"{section}.{key}"
        for section, default in msgspec.structs.asdict(Config()).items()
        if isinstance(default, msgspec.Struct) and section not in ("targets", "encrypt")
        for key in default.__struct_fields__
    }
    assert config <= names


def test_the_environment_says_that_it_wins(tmp_path: Path) -> None:
    environ = {"MONGODB_URI": "mongodb://h/", "QUILLKEEP_CONFIG": str(tmp_path / "c.toml")}
    (tmp_path / "c.toml").touch()
    found = told(resolve_settings(Flags(), environ, tmp_path))
    assert found["mongo.uri"].source == "environment MONGODB_URI"
    assert "While MONGODB_URI is set it wins" in found["mongo.uri"].note
    assert found["bucket.bucket"].source == "not set"


def test_read_only_says_who_turned_it_on(settings: Settings) -> None:
    profile = msgspec.structs.replace(settings.profile, read_only=True)
    found = {one.name: one for one in explain(profile, settings, read_only_source="key L in this console")}
    assert (found["read_only"].value, found["read_only"].source) == ("true", "key L in this console")


def test_what_is_not_set_says_so() -> None:
    assert value_of(Profile(), "mongo.uri") == "not set"
    assert value_of(Profile(), "bucket.endpoint") == "not set"
    assert value_of(Profile(), "locations") == "none"


def test_why_state_lies_where_it_does(tmp_path: Path) -> None:
    assert state_reason(Paths(tmp_path), {"QUILLKEEP_STATE_DIR": str(tmp_path)}) == (
        "QUILLKEEP_STATE_DIR names it."
    )
    assert "exists and this user may write" in state_reason(Paths(SYSTEM_STATE), {})
    why = state_reason(Paths(tmp_path), {})
    there = os.path.isdir(SYSTEM_STATE)
    assert ("may not write" if there else "There is no") in why


def test_versions_are_read_without_importing() -> None:
    found = dict(versions())
    assert found["textual"] == "8.2.8"
    assert found["quillkeep"]
