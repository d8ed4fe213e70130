"""Saving what was found as a profile: shown word for word first, appended, and never a secret copied."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import msgspec

from services.errors import QuillkeepError, Refused, UsageProblem
from services.files import make_private_folder, write_whole
from services.profile import Profile
from services.settings.config import Config, parse_config
from services.settings.resolve import DEFAULT, Settings, user_config_file
from services.settings.uri import parse_uri
from services.settings.values import read_text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_PLAIN = {
    "bucket.endpoint": "s3_endpoint",
    "bucket.region": "s3_region",
    "bucket.bucket": "s3_bucket",
    "bucket.prefix": "s3_path_prefix",
    "bucket.ca_file": "s3_ca_file",
}
_SECRET = {
    "bucket.access_key": "S3_ACCESS_KEY",
    "bucket.secret_key": "S3_SECRET_KEY",
    "pepper": "ENCRYPTION_MASTER_PEPPER",
}
ENVIRONMENT = "environment "
"""How the source of a setting begins that the process environment makes."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What would be written: `text` is appended to `path`, whose content was `before` (None: no file yet).

    `notes` are sentences on what stays outside, and why.
    """

    name: str
    path: str
    text: str
    before: str | None
    notes: tuple[str, ...] = ()


def config_to_write(settings: Settings | None) -> Path:
    """The config file that --config or QUILLKEEP_CONFIG named, else the user's own."""
    return Path(settings.named_config) if settings and settings.named_config else user_config_file()


def draft_profile(name: str, profile: Profile, settings: Settings | None, *, env_file: str = "") -> Draft:
    """The lines of a profile `name` that refers to what `profile` was found in.

    `env_file` is referred to by its path; plain settings of the environment are written, secrets never.
    Errors: `UsageProblem` for a name that cannot be one; `Refused` for one that is taken, or when there is
    nothing to save.
    """
    path = config_to_write(settings)
    before = _content(path)
    config = parse_config(before or "", str(path))[1]
    _check_name(name, config, settings)
    lines = [f"[profiles.{name}]"]
    notes: list[str] = []
    if env_file:
        lines.append(f"env_file = {quoted(env_file)}")
    lines.append("production = true")
    if profile.read_only:
        lines.append("read_only = true")
    lines += _database_lines(profile, env_file, notes)
    lines += _bucket_lines(profile, notes)
    lines += _location_lines(profile, config, settings)
    if profile.mongo is None and profile.bucket is None:
        raise Refused(
            "There is nothing to save yet: neither a database nor a bucket was found.",
            next="Name Quilltap's .env file with e.",
        )
    return Draft(name=name, path=str(path), text="\n".join(lines) + "\n", before=before, notes=tuple(notes))


def save_profile(draft: Draft) -> Path:
    """Appends the draft to its file (0600, its folder 0700 when it is made), whole or not at all; gives the path.

    Errors: `Refused` when the file is not what the draft was made for any more; `QuillkeepError` when it
    cannot be written.
    """
    path = Path(os.path.realpath(draft.path))
    if _content(path) != draft.before:
        raise Refused(
            f"{draft.path} was changed by somebody else meanwhile.",
            next="Save again: its content is read anew.",
        )
    before = draft.before or ""
    gap = "" if not before else ("\n" if before.endswith("\n") else "\n\n")
    text = f"{before}{gap}{draft.text}"
    parse_config(text, draft.path)
    try:
        make_private_folder(path.parent)
        write_whole(path, text.encode())
    except OSError as error:
        raise QuillkeepError(
            f"{draft.path} cannot be written.",
            cause=f"{os.strerror(error.errno or 0)}.",
            touched="Nothing was written.",
            next=f"Give this user the right to write {path.parent}, or write the lines yourself: y shows them.",
        ) from None
    return path


def _content(path: Path) -> str | None:
    if not os.path.lexists(path):
        return None
    if os.path.exists(path) and not path.is_file():
        raise Refused(f"{path} is no file that could be written.", next="Name another one with --config.")
    return read_text(path, "its usual place")


def _check_name(name: str, config: Config, settings: Settings | None) -> None:
    if not _NAME.fullmatch(name):
        raise UsageProblem(
            "A profile's name is 1 to 32 letters, digits, - and _, and begins with a letter or digit.",
            next="Type another name.",
        )
    if name in config.profiles or (settings is not None and name in settings.config.profiles):
        raise Refused(
            f"There is a profile {name} already; it is never overwritten.", next="Type another name."
        )


def _database_lines(profile: Profile, env_file: str, notes: list[str]) -> list[str]:
    if profile.mongo is None:
        return []
    source = profile.sources.get("mongo.uri", "")
    lines = []
    if not source.startswith(".env"):
        uri = profile.mongo.uri.reveal()
        if parse_uri(uri, source or "MONGODB_URI").has_password:
            notes.append(
                "MONGODB_URI holds a password, so it stays in the environment; cron needs it there too."
            )
        else:
            lines.append(f"mongodb_uri = {quoted(uri)}")
    named = profile.sources.get("mongo.database", "")
    told_elsewhere = named.startswith(".env") or "its path" in named or (env_file and named == DEFAULT)
    if not told_elsewhere:
        lines.append(f"mongodb_database = {quoted(profile.mongo.database)}")
    return lines


def _bucket_lines(profile: Profile, notes: list[str]) -> list[str]:
    lines = []
    for dotted, key in _PLAIN.items():
        value: object = profile
        for part in dotted.split("."):
            value = getattr(value, part, None)
        if profile.sources.get(dotted, "").startswith(ENVIRONMENT) and value:
            lines.append(f"{key} = {quoted(str(value))}")
    if profile.bucket and profile.sources.get("bucket.path_style", "").startswith(ENVIRONMENT):
        lines.append(f"s3_force_path_style = {str(profile.bucket.path_style).lower()}")
    staying = [
        name for dotted, name in _SECRET.items() if profile.sources.get(dotted, "").startswith(ENVIRONMENT)
    ]
    if staying:
        notes.append(f"Secrets are not copied: {', '.join(staying)} stay in the environment.")
    return lines


def _location_lines(profile: Profile, config: Config, settings: Settings | None) -> list[str]:
    """Folders that neither a config file nor the `.env` file names; a configured one is there already."""
    source = profile.sources.get("locations", "")
    if not profile.locations or source.startswith((".env", "[[locations]]")):
        return []
    taken = {entry.name for entry in (*config.locations, *(settings.config.locations if settings else ()))}
    place = profile.locations[0]
    known = {entry.path for entry in (settings.config.locations if settings else ())}
    if place.path in known:
        return []
    name, number = "backups", 2
    while name in taken:
        name, number = f"backups-{number}", number + 1
    return ["", "[[locations]]", f"name = {quoted(name)}", f"path = {quoted(place.path)}"]


def quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
