"""One Quilltap deployment as settings resolved it: a database, a bucket, a pepper, an application."""

from __future__ import annotations

import msgspec

from services.secret import Secret


class MongoTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where the database is; the URI carries credentials, hosts and TLS options and is a secret."""

    uri: Secret
    database: str = "quilltap"


class BucketTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where the objects are; `endpoint` is None for AWS proper, `prefix` is concatenated as it is."""

    bucket: str = "quilltap-files"
    endpoint: str | None = None
    region: str = "us-east-1"
    access_key: Secret | None = None
    secret_key: Secret | None = None
    prefix: str = ""
    path_style: bool = True
    ca_file: str | None = None


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A place where backups lie."""

    name: str
    path: str


class AppControl(msgspec.Struct, frozen=True, kw_only=True):
    """The three configured shell commands; `status` exits 0 while the application runs."""

    stop: str | None = None
    start: str | None = None
    status: str | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Guards against hostile input; bytes and ratios."""

    max_ratio: int = 1_000
    """Uncompressed : compressed, counted after the first 64 MiB of output (zip bombs)."""
    max_bytes: int = 4 << 40
    """Uncompressed bytes a backup may have in all."""
    max_members: int = 50_000
    """Members a tar may have before it is refused."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an operation needs to know of one deployment.

    `name` is None when nothing was named and the environment alone describes it. `sources` maps a
    setting's dotted name (`mongo.uri`, `bucket.endpoint`) to where its value came from, in words.
    """

    name: str | None = None
    production: bool = True
    demo: bool = False
    read_only: bool = False
    mongo: MongoTarget | None = None
    bucket: BucketTarget | None = None
    pepper: Secret | None = None
    locations: tuple[Location, ...] = ()
    app: AppControl | None = None
    health_url: str | None = None
    rpo_hours: float = 24.0
    rto_minutes: float = 30.0
    limits: Limits = Limits()
    passphrase_file: str | None = None
    passphrase: Secret | None = None
    """Opens encrypted backups: the first line of `passphrase_file`, or what was typed at the prompt."""
    openssl_iterations: int | None = None
    """The count of `openssl enc -pbkdf2 -iter N` that encrypted backups were made with, None for the usual ones."""
    sources: dict[str, str] = {}
