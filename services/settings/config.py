"""`config.toml`: its sections, keys and defaults, and errors that name the nearest known key."""

from __future__ import annotations

import difflib
import tomllib
import types
import typing
from pathlib import Path
from typing import Annotated, Any

import msgspec

from services.errors import UsageProblem
from services.profile import Limits
from services.settings.values import check_clock, read_text, to_seconds

Count = Annotated[int, msgspec.Meta(ge=0)]
SYSTEM_CONFIG = Path("/etc/quillkeep/config.toml")


class AppConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How the application is stopped, started and asked; `status` exits 0 while it runs."""

    compose: str | None = None
    service: str = "app"
    systemd: str | None = None
    stop: str | None = None
    start: str | None = None
    status: str | None = None


class ProfileConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment. Secrets stand in files of their own (`*_file`) or in the `.env` file."""

    env_file: str | None = None
    production: bool = True
    read_only: bool = False
    health_url: str | None = None
    app: AppConfig | None = None
    mongodb_uri: str | None = None
    mongodb_uri_file: str | None = None
    mongodb_database: str | None = None
    s3_endpoint: str | None = None
    s3_region: str | None = None
    s3_bucket: str | None = None
    s3_path_prefix: str | None = None
    s3_force_path_style: bool | None = None
    s3_ca_file: str | None = None
    s3_access_key_file: str | None = None
    s3_secret_key_file: str | None = None
    pepper_file: str | None = None
    passphrase_file: str | None = None
    """Of this deployment's encrypted backups, where it has another than `[encrypt]` names."""


class LocationConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where backups lie: a folder, or (later) a bucket's url."""

    name: str | None = None
    path: str | None = None
    url: str | None = None
    secret_file: str | None = None


class TargetsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How old the newest good backup may be, and how long a recovery may take."""

    rpo: str = "24h"
    rto: str = "30m"


class RetentionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What pruning keeps."""

    within: str = "48h"
    daily: Count = 7
    weekly: Count = 4
    monthly: Count = 12
    minimum: Count = 3


class ScheduleConfig(msgspec.Struct, frozen=True, kw_only=True):
    """When the nightly backup runs, local time."""

    at: str = "02:00"


class EncryptConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The passphrase's file, and the count of a backup made by `openssl enc -pbkdf2 -iter N`."""

    passphrase_file: str | None = None
    openssl_iterations: Annotated[int, msgspec.Meta(ge=1, le=100_000_000)] | None = None


class AlertsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Files that hold the addresses alerts and pings go to."""

    urls_file: str | None = None
    ping_file: str | None = None


class ConsoleConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How the console looks; the theme's name is checked by the console, which knows them."""

    theme: str | None = None


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the config files said."""

    profiles: dict[str, ProfileConfig] = {}
    locations: tuple[LocationConfig, ...] = ()
    targets: TargetsConfig = TargetsConfig()
    retention: RetentionConfig = RetentionConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    encrypt: EncryptConfig = EncryptConfig()
    alerts: AlertsConfig = AlertsConfig()
    limits: Limits = Limits()
    console: ConsoleConfig = ConsoleConfig()
    keys: dict[str, str | dict[str, str]] = {}
    """The console's keys by an action's id; unquoted, TOML nests `archives.backup`: see `keys_of`."""


def keys_of(config: Config) -> dict[str, str]:
    """`[keys]` with every id whole, `archives.backup`, however it was written."""
    flat: dict[str, str] = {}
    for name, value in config.keys.items():
        if isinstance(value, str):
            flat[name] = value
        else:
            flat.update({f"{name}.{rest}": key for rest, key in value.items()})
    return flat


def read_config(paths: list[Path], named_by: str) -> tuple[Config, dict[str, str]]:
    """Merges files in rising order; also tells which file each dotted key came from.

    Tables merge key by key, a location replaces the earlier one of its name. Errors: `UsageProblem`
    naming the file and the key; an unknown key with the nearest known one.
    """
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for path in paths:
        data, _ = parse_config(read_text(path, named_by), str(path))
        _merge(merged, data, str(path), "", origin)
    return msgspec.convert(merged, Config), origin


def parse_config(text: str, path: str) -> tuple[dict[str, Any], Config]:
    """One file's text as plain values and as what they mean; `path` is for the words of errors.

    Errors: `UsageProblem` for what is no TOML, no known key or no value a key can have.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem(f"{path} is not valid TOML.", cause=str(error), next=f"Correct {path}.") from None
    refuse_unknown_keys(data, Config, "", path)
    try:
        config = msgspec.convert(data, Config)
    except msgspec.ValidationError as error:
        raise UsageProblem(f"{path}: {_words(error)}", next=f"Correct {path}.") from None
    _check(config, path)
    return data, config


def _words(error: msgspec.ValidationError) -> str:
    problem, _, where = str(error).partition(" - at `$")
    key = where.rstrip("`").lstrip(".").replace("[...]", "")
    return f"{key}: {problem}." if key else f"{problem}."


def refuse_unknown_keys(data: Any, kind: Any, where: str, path: str) -> None:
    """Raises for the first key that the struct `kind` does not know, however deep."""
    if isinstance(kind, types.UnionType):
        kind = next(arm for arm in typing.get_args(kind) if arm is not types.NoneType)
    if typing.get_origin(kind) is dict and isinstance(data, dict):
        for name, value in data.items():
            refuse_unknown_keys(value, typing.get_args(kind)[1], f"{where}.{name}".lstrip("."), path)
    elif typing.get_origin(kind) is tuple and isinstance(data, list):
        for value in data:
            refuse_unknown_keys(value, typing.get_args(kind)[0], where, path)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(data, dict):
        known = typing.get_type_hints(kind)
        for name, value in data.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
                place = f"[{where}]" if where else "the top level"
                raise UsageProblem(
                    f"{path}: unknown key `{name}` in {place}; the nearest known one is `{near[0]}`.",
                    next=f"Correct or remove `{name}` in {path}.",
                )
            refuse_unknown_keys(value, known[name], f"{where}.{name}".lstrip("."), path)


def _check(config: Config, path: str) -> None:
    for key in ("rpo", "rto"):
        to_seconds(getattr(config.targets, key), f"{path}: targets.{key}")
    to_seconds(config.retention.within, f"{path}: retention.within")
    check_clock(config.schedule.at, f"{path}: schedule.at")
    for location in config.locations:
        if location.url is not None:
            raise UsageProblem(
                f"{path}: a location with `url` cannot be used yet.", next="Name a folder with `path`."
            )
        if not location.path or not Path(location.path).expanduser().is_absolute():
            raise UsageProblem(
                f"{path}: every [[locations]] entry needs an absolute `path`.", next=f"Correct {path}."
            )
    for name, profile in config.profiles.items():
        if not name or "/" in name or not name.isprintable():
            raise UsageProblem(
                f"{path}: `{name}` cannot name a profile.", next="Use letters, digits, - and _."
            )
        app = profile.app
        if app and (app.compose or app.systemd):
            raise UsageProblem(
                f"{path}: profiles.{name}.app by compose or systemd cannot be used yet.",
                next="Give the three commands: app = {stop = …, start = …, status = …}.",
            )


def _merge(into: dict[str, Any], data: dict[str, Any], path: str, where: str, origin: dict[str, str]) -> None:
    for key, value in data.items():
        dotted = f"{where}.{key}".lstrip(".")
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value, path, dotted, origin)
        elif dotted == "locations":
            names = {entry.get("name") for entry in value} - {None}
            kept = [entry for entry in into.get(key, []) if entry.get("name") not in names]
            into[key] = kept + value
            origin[dotted] = path
        else:
            into[key] = value
            origin[dotted] = path
