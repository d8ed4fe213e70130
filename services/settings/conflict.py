"""The rule that keeps a named profile pointed at its own deployment, whatever the shell exports."""

from __future__ import annotations

from services.errors import Refused
from services.settings.layers import (
    ACCESS_KEY,
    BACKUP_DIR,
    BUCKET,
    CA_FILE,
    DATABASE,
    ENDPOINT,
    PASSPHRASE_FILE,
    PATH_STYLE,
    PEPPER,
    PREFIX,
    REGION,
    SECRET_KEY,
    URI,
    Layer,
    Value,
    comparable,
    shown,
)

DEFAULT_DATABASE = "quilltap"
DEFAULT_BUCKET = "quilltap-files"
DEFAULT_REGION = "us-east-1"

_WORDS = {
    URI: "hosts of MongoDB",
    DATABASE: "databases",
    ENDPOINT: "S3 endpoints",
    BUCKET: "buckets",
    PREFIX: "prefixes in the bucket",
    REGION: "S3 regions",
    PATH_STYLE: "styles of S3 address",
    CA_FILE: "S3 CA files",
    ACCESS_KEY: "S3 access keys",
    SECRET_KEY: "S3 secret keys",
    PEPPER: "peppers",
    BACKUP_DIR: "backup folders",
    PASSPHRASE_FILE: "passphrase files",
}
IDENTITY = (URI, DATABASE, ENDPOINT, BUCKET, PREFIX)
"""What says which deployment is meant."""


def decided(layer: Layer, profile: str) -> Layer:
    """The profile's settings with the defaults it decides by naming its database or its bucket at all.

    A profile that names a MongoDB but no database means `quilltap` there, not whatever the shell names.
    """
    filled = dict(layer)
    source = f"default of profile {profile}"
    if URI in layer:
        filled.setdefault(DATABASE, Value(DEFAULT_DATABASE, source))
    if any(name in layer for name in (ENDPOINT, BUCKET, PREFIX)):
        filled.setdefault(BUCKET, Value(DEFAULT_BUCKET, source))
        filled.setdefault(ENDPOINT, Value("", source))
        filled.setdefault(PREFIX, Value("", source))
    return filled


def differing(profile: Layer, environment: Layer) -> list[str]:
    """Settings that both make, differently; an empty one of the environment says nothing."""
    return [
        name
        for name in _WORDS
        if name in profile
        and name in environment
        and environment[name].text
        and comparable(name, profile[name]) != comparable(name, environment[name])
    ]


def refuse_conflicts(name: str, profile: Layer, environment: Layer) -> None:
    """Raises `Refused` naming both sources, and both values where they are no secrets."""
    names = differing(profile, environment)
    if not names:
        return
    sentences = []
    for setting in names:
        ours, theirs = profile[setting], environment[setting]
        if shown(setting, ours) == shown(setting, theirs):
            sentences.append(f"{_WORDS[setting]}: {ours.source}, and {theirs.source}")
        else:
            sentences.append(
                f"{_WORDS[setting]}: {shown(setting, ours)} ({ours.source}), "
                f"and {shown(setting, theirs)} ({theirs.source})"
            )
    unset = dict.fromkeys(
        environment[setting].source.removeprefix("environment ").split()[0] for setting in names
    )
    raise Refused(
        f"Profile {name} and the environment name different {'; different '.join(sentences)}.",
        next=f"`unset {' '.join(unset)}` to use profile {name} as it is configured.",
    )
