"""One source of settings after another: what each says, and in which words it is named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from services.errors import UsageProblem
from services.redact import remember
from services.secret import Secret
from services.settings.config import ProfileConfig
from services.settings.envfile import read_env_file
from services.settings.uri import parse_uri
from services.settings.values import read_secret_file, to_endpoint

URI = "MONGODB_URI"
DATABASE = "MONGODB_DATABASE"
ENDPOINT = "S3_ENDPOINT"
REGION = "S3_REGION"
ACCESS_KEY = "S3_ACCESS_KEY"
SECRET_KEY = "S3_SECRET_KEY"
BUCKET = "S3_BUCKET"
PREFIX = "S3_PATH_PREFIX"
PATH_STYLE = "S3_FORCE_PATH_STYLE"
CA_FILE = "S3_CA_FILE"
PEPPER = "ENCRYPTION_MASTER_PEPPER"
BACKUP_DIR = "BACKUP_DIR"
PASSPHRASE_FILE = "QUILLKEEP_PASSPHRASE_FILE"

SECRETS = frozenset({URI, ACCESS_KEY, SECRET_KEY, PEPPER})
MAY_BE_EMPTY = frozenset({ENDPOINT, PREFIX})
"""An empty S3_ENDPOINT means AWS, an empty prefix none; any other empty setting is one that was not made."""

KNOWN = (
    URI,
    DATABASE,
    ENDPOINT,
    REGION,
    ACCESS_KEY,
    SECRET_KEY,
    BUCKET,
    PREFIX,
    PATH_STYLE,
    CA_FILE,
    PEPPER,
    BACKUP_DIR,
    PASSPHRASE_FILE,
)


class Value(msgspec.Struct, frozen=True):
    """A setting's text and where it stands, in words."""

    text: str
    source: str
    of_uri: bool = False
    """The database was only named by the URI's path, and goes when that URI goes."""

    def __repr__(self) -> str:
        return f"Value(set, {self.source!r})"


Layer = dict[str, Value]
"""Settings of one source by their environment name."""


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """What the process environment says."""
    return _layer({name: (environ[name], f"environment {name}") for name in KNOWN if name in environ})


def env_file_layer(path: Path, named_by: str) -> Layer:
    """What a Quilltap `.env` file says."""
    values = read_env_file(path, named_by)
    return _layer({name: (values[name], f".env at {path}") for name in KNOWN if name in values})


def profile_layer(name: str, profile: ProfileConfig, origin: Mapping[str, str]) -> Layer:
    """What a profile's own keys in config.toml say; its secrets are read from the files it refers to."""
    found: dict[str, tuple[str, str]] = {}

    def add(setting: str, key: str, text: str | None) -> None:
        if text is not None:
            where = f"profiles.{name}.{key}"
            found[setting] = (text, f"{where} in {origin.get(where, 'config.toml')}")

    plain = {
        URI: "mongodb_uri",
        DATABASE: "mongodb_database",
        ENDPOINT: "s3_endpoint",
        REGION: "s3_region",
        BUCKET: "s3_bucket",
        PREFIX: "s3_path_prefix",
        CA_FILE: "s3_ca_file",
        PASSPHRASE_FILE: "passphrase_file",
    }
    if profile.mongodb_uri is not None:
        where = f"profiles.{name}.mongodb_uri"
        if parse_uri(profile.mongodb_uri, where).has_password:
            raise UsageProblem(
                f"{where} in {origin.get(where, 'config.toml')} holds a password, which config.toml may not.",
                next="Write the URI into a file of its own (mode 0600) and name it by mongodb_uri_file.",
            )
    for setting, key in plain.items():
        add(setting, key, getattr(profile, key))
    if profile.s3_force_path_style is not None:
        add(PATH_STYLE, "s3_force_path_style", str(profile.s3_force_path_style).lower())
    referred = {
        URI: "mongodb_uri_file",
        ACCESS_KEY: "s3_access_key_file",
        SECRET_KEY: "s3_secret_key_file",
        PEPPER: "pepper_file",
    }
    for setting, key in referred.items():
        named = getattr(profile, key)
        if named is not None:
            where = f"profiles.{name}.{key}"
            add(setting, key, read_secret_file(Path(named).expanduser(), where).reveal())
    return _layer(found)


def _layer(found: Mapping[str, tuple[str, str]]) -> Layer:
    layer = {
        name: Value(text if name in SECRETS or name == PREFIX else text.strip(), source)
        for name, (text, source) in found.items()
        if text.strip() or name in MAY_BE_EMPTY
    }
    remember(*(Secret(value.text) for name, value in layer.items() if name in SECRETS))
    if URI in layer and DATABASE not in layer:
        uri = layer[URI]
        path = parse_uri(uri.text, uri.source).database
        if path:
            layer[DATABASE] = Value(path, f"{uri.source} (its path)", of_uri=True)
    return layer


def rising(*layers: Layer) -> Layer:
    """The layers laid over each other; a later one wins."""
    merged: Layer = {}
    for layer in layers:
        if URI in layer and DATABASE in merged and merged[DATABASE].of_uri:
            del merged[DATABASE]
        merged.update(layer)
    return merged


def comparable(name: str, value: Value) -> object:
    """What decides whether two sources name the same thing: of a URI its hosts, of an address its parts."""
    if name == URI:
        return parse_uri(value.text, value.source).hosts
    if name == ENDPOINT:
        return (to_endpoint(value.text, value.source) or "").lower()
    return value.text


def shown(name: str, value: Value) -> str:
    """The value for a person; a secret only as far as it may be seen."""
    if name == URI:
        return ", ".join(parse_uri(value.text, value.source).hosts)
    if name in SECRETS:
        return "set"
    if name == ENDPOINT and not value.text:
        return "AWS"
    return value.text or "empty"
