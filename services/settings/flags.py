"""What the command line says of settings."""

from __future__ import annotations

import msgspec


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """The global options of the command."""

    profile: str | None = None
    config: str | None = None
    env_file: str | None = None
    passphrase_file: str | None = None
    read_only: bool = False
