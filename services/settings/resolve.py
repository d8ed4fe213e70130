"""All sources laid over each other: the one deployment that a command works on."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from services.errors import Refused, UsageProblem
from services.passphrase import is_pipe, piped_passphrase
from services.profile import AppControl, Location, Profile
from services.settings.build import bucket_target, mongo_target, pepper
from services.settings.config import SYSTEM_CONFIG, Config, ProfileConfig, read_config
from services.settings.conflict import IDENTITY, decided, differing, refuse_conflicts
from services.settings.flags import Flags as Flags
from services.settings.layers import (
    BACKUP_DIR,
    BUCKET,
    PASSPHRASE_FILE,
    URI,
    Layer,
    Value,
    env_file_layer,
    environment_layer,
    profile_layer,
    rising,
)
from services.settings.values import to_seconds

GUIDE_FOLDER = Path("/backups/quilltap")
"""Where the guide's commands and its cron script put backups."""
DEFAULT = "default"


class NoProfileNamed(Refused):
    """Several profiles are configured and none was named; a console can ask which."""

    def __init__(self, config: Config, origin: Mapping[str, str], config_files: tuple[str, ...]) -> None:
        names = list(config.profiles)
        super().__init__(
            f"Several profiles are configured ({', '.join(names)}) and none was named.",
            next=f"Name one: `quillkeep --profile {names[0]} …`.",
        )
        self.config = config
        self.origin = dict(origin)
        self.config_files = config_files


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What was resolved: the deployment, and what the config files say beside it.

    `env_file` is the `.env` file that was read, `named_config` the one config file that --config or
    QUILLKEEP_CONFIG named; empty for none.
    """

    profile: Profile
    config: Config
    config_files: tuple[str, ...] = ()
    env_file: str = ""
    named_config: str = ""
    origin: dict[str, str] = {}
    """The file that each dotted key of `config` came from."""


def resolve(
    flags: Flags | None = None, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Profile:
    """The deployment that flags, environment and files describe; see `resolve_settings`."""
    return resolve_settings(flags, environ, cwd).profile


def resolve_settings(
    flags: Flags | None = None, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Settings:
    """Reads config files, the profile's `.env` file, the environment and flags, in rising order.

    Nothing outside the given environment and files is looked at, and no server is asked. Errors:
    `Refused` when a named profile and the environment differ, or when several profiles are configured
    and none is named; `UsageProblem` for what cannot be understood; `QuillkeepError` for a file that
    cannot be read.
    """
    flags = flags or Flags()
    environ = os.environ if environ is None else environ
    cwd = cwd or Path.cwd()
    files, named_by = _config_files(flags, environ)
    config, origin = read_config(files, named_by)
    environment = environment_layer(environ)
    read = tuple(str(path) for path in files)
    name, chosen = _choose(flags, config, environment, origin, read)

    own: Layer = {}
    if name is not None and chosen is not None:
        own = profile_layer(name, chosen, origin)
    env_file, env_file_named_by = _env_file(flags, chosen, name)
    if env_file is None and chosen is None and not _identifies(environment) and (cwd / ".env").is_file():
        env_file, env_file_named_by = str(cwd / ".env"), "the working folder"
    read_from = ""
    if env_file is not None:
        read_from = str(_absolute(env_file, cwd))
        own = rising(own, env_file_layer(Path(read_from), env_file_named_by))

    if name is None:
        merged = rising(own, environment)
    elif flags.profile is not None:
        own = decided(own, name)
        refuse_conflicts(name, own, environment)
        merged = rising(environment, own)
    elif set(differing(decided(own, name), environment)) & set(IDENTITY):
        # The environment describes another deployment: nothing of this profile may be mixed into it.
        name, chosen, merged = None, None, environment
    else:
        merged = rising(own, environment)
    if flags.passphrase_file:
        merged[PASSPHRASE_FILE] = Value(flags.passphrase_file, "flag --passphrase-file")
    profile = _profile(name, chosen, config, origin, merged, flags, cwd)
    return Settings(
        profile=profile,
        config=config,
        config_files=read,
        origin=origin,
        env_file=read_from,
        named_config=flags.config or environ.get("QUILLKEEP_CONFIG", ""),
    )


def user_config_file() -> Path:
    """The user's own config.toml, whether or not it exists."""
    from platformdirs import user_config_path

    return user_config_path("quillkeep") / "config.toml"


def _config_files(flags: Flags, environ: Mapping[str, str]) -> tuple[list[Path], str]:
    if flags.config:
        return [Path(flags.config)], "--config"
    if environ.get("QUILLKEEP_CONFIG"):
        return [Path(environ["QUILLKEEP_CONFIG"])], "QUILLKEEP_CONFIG"
    return [path for path in (SYSTEM_CONFIG, user_config_file()) if os.path.lexists(path)], "its usual place"


def _choose(
    flags: Flags, config: Config, environment: Layer, origin: Mapping[str, str], read: tuple[str, ...]
) -> tuple[str | None, ProfileConfig | None]:
    names = list(config.profiles)
    if flags.profile is not None:
        if flags.profile in config.profiles:
            return flags.profile, config.profiles[flags.profile]
        near = difflib.get_close_matches(flags.profile, names, n=1, cutoff=0.0)
        hint = f"the nearest known one is `{near[0]}`" if near else "no profile is configured"
        raise UsageProblem(
            f"There is no profile `{flags.profile}`; {hint}.",
            next="Name one of config.toml's [profiles.NAME] sections with --profile.",
        )
    if flags.env_file or not names:
        return None, None
    if len(names) == 1:
        return names[0], config.profiles[names[0]]
    if _identifies(environment):
        return None, None
    raise NoProfileNamed(config, origin, read)


def _identifies(environment: Layer) -> bool:
    return any(environment[name].text for name in (URI, BUCKET) if name in environment)


def _env_file(flags: Flags, chosen: ProfileConfig | None, name: str | None) -> tuple[str | None, str]:
    if flags.env_file:
        return flags.env_file, "--env-file"
    if chosen is not None and chosen.env_file:
        return chosen.env_file, f"profiles.{name}.env_file"
    return None, ""


def _absolute(path: str, cwd: Path) -> Path:
    return cwd / Path(path).expanduser()


def _profile(
    name: str | None,
    chosen: ProfileConfig | None,
    config: Config,
    origin: Mapping[str, str],
    merged: Layer,
    flags: Flags,
    cwd: Path,
) -> Profile:
    section = chosen or ProfileConfig()
    sources: dict[str, str] = {}

    def from_config(dotted: str, key: str) -> None:
        sources[dotted] = f"{key} in {origin[key]}" if key in origin else DEFAULT

    if name is not None:
        sources["name"] = "flag --profile" if flags.profile else "the only configured profile"
    for key in ("production", "read_only", "health_url"):
        from_config(key, f"profiles.{name}.{key}")
    if flags.read_only:
        sources["read_only"] = "flag --read-only"
    app = None
    if section.app is not None:
        app = AppControl(stop=section.app.stop, start=section.app.start, status=section.app.status)
        for key in ("stop", "start", "status"):
            from_config(f"app.{key}", f"profiles.{name}.app.{key}")
    from_config("rpo_hours", "targets.rpo")
    from_config("rto_minutes", "targets.rto")
    passphrase_file = config.encrypt.passphrase_file
    from_config("passphrase_file", "encrypt.passphrase_file")
    if PASSPHRASE_FILE in merged:
        passphrase_file = merged[PASSPHRASE_FILE].text
        sources["passphrase_file"] = merged[PASSPHRASE_FILE].source
    passphrase = None
    if passphrase_file:
        # A job has another working folder, and cannot read what only this process was given.
        passphrase_file = str(_absolute(passphrase_file, cwd))
        if is_pipe(passphrase_file):
            passphrase, passphrase_file = piped_passphrase(passphrase_file), None
    from_config("openssl_iterations", "encrypt.openssl_iterations")
    return Profile(
        name=name,
        production=section.production,
        read_only=section.read_only or flags.read_only,
        mongo=mongo_target(merged, sources),
        bucket=bucket_target(merged, sources),
        pepper=pepper(merged, sources),
        locations=_locations(config, origin, merged, named=flags.profile, sources=sources),
        app=app,
        health_url=section.health_url,
        rpo_hours=to_seconds(config.targets.rpo, "targets.rpo") / 3600,
        rto_minutes=to_seconds(config.targets.rto, "targets.rto") / 60,
        limits=config.limits,
        passphrase_file=passphrase_file,
        passphrase=passphrase,
        openssl_iterations=config.encrypt.openssl_iterations,
        sources=sources,
    )


def _locations(
    config: Config, origin: Mapping[str, str], merged: Layer, *, named: str | None, sources: dict[str, str]
) -> tuple[Location, ...]:
    """Configured folders; the guide's BACKUP_DIR comes first, and is the one a backup is written to."""
    configured = []
    for entry in config.locations:
        folder = Path(entry.path or "").expanduser()
        configured.append(Location(name=entry.name or folder.name or str(folder), path=str(folder)))
    sources["locations"] = f"[[locations]] in {origin['locations']}" if configured else DEFAULT
    if BACKUP_DIR in merged:
        value = merged[BACKUP_DIR]
        folder = Path(value.text).expanduser()
        if not folder.is_absolute():
            raise UsageProblem(
                f"BACKUP_DIR must be an absolute folder, not `{value.text}`.", next=f"Correct {value.source}."
            )
        known = [place for place in configured if Path(place.path) == folder]
        if named is not None and configured and not known:
            raise Refused(
                f"The configured locations and BACKUP_DIR name different folders: "
                f"{', '.join(place.path for place in configured)} ({sources['locations']}), "
                f"and {folder} ({value.source}).",
                next="`unset BACKUP_DIR`, or add its folder to [[locations]].",
            )
        if named is None or not configured:
            first = known[0] if known else Location(name="BACKUP_DIR", path=str(folder))
            sources["locations"] = value.source
            return (first, *(place for place in configured if place != first))
    if not configured and os.path.lexists(GUIDE_FOLDER):
        return (Location(name="guide", path=str(GUIDE_FOLDER)),)
    return tuple(configured)
