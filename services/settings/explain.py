"""Every setting that is in force: its value, where it came from, and the exact line that sets it, and where."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import msgspec

from services.paths import SYSTEM_STATE, Paths
from services.profile import Profile
from services.redact import MASK, redact
from services.secret import Secret
from services.settings.config import Config
from services.settings.resolve import Settings
from services.settings.save import ENVIRONMENT, config_to_write, quoted
from services.settings.table import ENTRIES, Entry

DEFAULT = "default"
NOT_SET = "not set"
DEMO = "the demo"
"""The source of what the demo itself made."""
ENV_FILE = ".env at "
VALUE = "<the value>"
PACKAGES = ("textual", "pymongo", "boto3", "obstore", "msgspec", "isal", "cryptography")


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One setting. `value` is for a person; of a secret only `set` or `not set`.

    `line` is what to write into `file`: under `section` when that stands there already (`changes` says that
    the line itself does), with the section's heading as its first line else. `note` says what else to know.
    """

    name: str
    group: str
    value: str
    source: str
    what: str
    secret: bool = False
    file: str = ""
    section: str = ""
    line: str = ""
    changes: bool = False
    note: str = ""

    @property
    def how(self) -> str:
        """Where the line goes, in words."""
        if not self.line:
            return self.note
        if self.changes:
            return f"Change this line in {self.file}" + (f", under {self.section}:" if self.section else ":")
        under = f", under {self.section}" if self.section and not self.line.startswith("[") else ""
        return f"Add to {self.file}{under}:"


def explain(
    profile: Profile,
    settings: Settings | None,
    *,
    theme: str = "",
    read_only_source: str = "",
) -> tuple[Explained, ...]:
    """All settings in the order of the table; reads no file and asks no server.

    `theme` is the one in use, `read_only_source` who turned READ-ONLY on after the settings were read.
    """
    sources = dict(profile.sources)
    if read_only_source:
        sources["read_only"] = read_only_source
    config = settings.config if settings is not None else Config()
    return tuple(_explain(entry, profile, settings, config, sources, theme) for entry in ENTRIES)


def value_of(profile: Profile, dotted: str) -> str:
    """A setting of the profile for a person: secrets are `set` or `not set`, of a URI the hosts are shown."""
    if dotted == "mongo.uri" and profile.mongo is not None:
        from services.settings.uri import without_credentials

        return without_credentials(profile.mongo.uri.reveal())
    value: Any = profile
    for name in dotted.split("."):
        value = getattr(value, name, None)
    if isinstance(value, Secret):
        return "set"
    if dotted == "locations":
        return ", ".join(location.path for location in profile.locations) or "none"
    if dotted == "bucket.endpoint" and value is None and profile.bucket is not None:
        return "AWS"
    return _plain(value)


def told_by(profile: Profile, source: str) -> dict[str, str]:
    """`Profile.sources` of a profile that no file gave: `source` for everything that is not the default."""
    plain = Profile()
    names = [entry.name for entry in ENTRIES if not entry.of_config]
    return {name: source for name in names if value_of(profile, name) != value_of(plain, name)}


def state_reason(paths: Paths, environ: Mapping[str, str] | None = None) -> str:
    """Why state lies where it does, in a sentence."""
    env = os.environ if environ is None else environ
    if env.get("QUILLKEEP_STATE_DIR") == str(paths.state):
        return "QUILLKEEP_STATE_DIR names it."
    if paths.state == SYSTEM_STATE:
        return f"{SYSTEM_STATE} exists and this user may write there."
    if not SYSTEM_STATE.is_dir():
        return f"There is no {SYSTEM_STATE}, so it is this user's own state folder."
    return f"This user may not write to {SYSTEM_STATE}, so it is this user's own state folder."


def versions() -> tuple[tuple[str, str], ...]:
    """Quillkeep, Python and the packages that matter, from their metadata; imports none of them."""
    from services import __version__

    found = [("quillkeep", __version__), ("python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append((name, "not installed"))
    return tuple(found)


def _explain(
    entry: Entry,
    profile: Profile,
    settings: Settings | None,
    config: Config,
    sources: Mapping[str, str],
    theme: str,
) -> Explained:
    origin = settings.origin if settings is not None else {}
    if entry.of_config:
        value = _plain(_dig(config, entry.name))
        source = f"{entry.name} in {origin[entry.name]}" if entry.name in origin else DEFAULT
        if entry.name == "console.theme":
            value = theme or value
    else:
        value = value_of(profile, entry.name)
        source = sources.get(entry.name, DEFAULT if value not in (NOT_SET, "none") else NOT_SET)
    shown = redact(value)
    told = Explained(
        name=entry.name,
        group=entry.group,
        value=shown,
        source=source,
        what=entry.what,
        secret=entry.secret,
        note=entry.note if shown == value else f"It holds a secret, which is not shown. {entry.note}".strip(),
    )
    return _with_line(told, entry, profile, settings, origin)


def _with_line(
    told: Explained, entry: Entry, profile: Profile, settings: Settings | None, origin: Mapping[str, str]
) -> Explained:
    replace = msgspec.structs.replace
    if told.source == DEMO:
        return replace(told, note="The demo sets it; it reads no settings, and this one ends with it.")
    env_file, _, derived = told.source.removeprefix(ENV_FILE).partition(" (")
    if told.source.startswith(ENV_FILE) and entry.env:
        text = VALUE if entry.secret else _raw(entry, told.value)
        return replace(told, file=env_file, line=f"{entry.env}={text}", changes=not derived)
    if not entry.key:
        return told
    if told.source.startswith(ENVIRONMENT):
        variable = told.source.removeprefix(ENVIRONMENT)
        told = replace(
            told, note=f"While {variable} is set it wins, unless the profile is named. {told.note}"
        )
    if entry.section == "locations":
        place = profile.locations[0].path if profile.locations else entry.hint
        file = origin.get("locations") or str(config_to_write(settings))
        return replace(told, file=file, line=f'[[locations]]\nname = "backups"\npath = {quoted(place)}')
    return _in_config(told, entry, profile, settings, origin)


def _in_config(
    told: Explained, entry: Entry, profile: Profile, settings: Settings | None, origin: Mapping[str, str]
) -> Explained:
    """The line in config.toml: changed where it stands, else under its section, which is begun when it is new."""
    name = profile.name or "prod"
    dotted, section = entry.section, f"[{entry.section}]"
    if entry.section == "profile":
        dotted, section = f"profiles.{name}", f"[profiles.{_bare(name)}]"
    key, note = entry.secret_key or entry.key, told.note
    own = origin.get(f"{dotted}.{key}") or origin.get(f"{dotted}.{entry.key}")
    within = sorted({path for known, path in origin.items() if known.startswith(f"{dotted}.")})
    group = entry.key.rpartition(".")[0]
    if group and any(known.startswith(f"{dotted}.{group}.") for known in origin):
        # Written as `app = {...}` or as a section of its own: a dotted key beside either would be an error.
        section = f"{group} of {section}"
        key = key.rpartition(".")[2]
        note = f"{note} It stands beside the other commands, in `{group} = {{ ... }}` or under the section."
    line = f"{key} = {_toml(entry, told.value)}"
    file = own or (within[0] if within else str(config_to_write(settings)))
    if not within:
        line = f"{section}\n{line}"
    return msgspec.structs.replace(
        told, file=file, section=section, line=line, changes=own is not None, note=note.strip()
    )


def _toml(entry: Entry, value: str) -> str:
    text = entry.hint if entry.secret else _raw(entry, value)
    return text if entry.bare else quoted(text)


def _raw(entry: Entry, value: str) -> str:
    """The value as a file holds it; a duration with its unit."""
    if value in (NOT_SET, "none", "AWS") or MASK in value:
        return entry.hint
    return f"{float(value):g}{entry.unit}" if entry.unit else value


def _dig(config: Config, dotted: str) -> Any:
    value: Any = config
    for name in dotted.split("."):
        value = getattr(value, name, None)
    return value


def _plain(value: Any) -> str:
    if value is None or value == "":
        return NOT_SET
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _bare(name: str) -> str:
    """A TOML key as it may stand in a heading."""
    plain = name.isascii() and all(char.isalnum() or char in "-_" for char in name)
    return name if plain else quoted(name)
