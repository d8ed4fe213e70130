"""What goes to a look's child process and what comes back, as JSON over pipes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from services.profile import Profile
from services.secret import Secret

T = TypeVar("T")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One look; goes over the child's standard input, since the profile holds secrets."""

    name: str
    request: msgspec.Raw
    profile: Profile
    state: str
    seconds: float
    proxies: dict[str, Secret] = {}


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer, or the four sentences of an error with its exit code."""

    value: msgspec.Raw = msgspec.Raw(b"null")
    error: dict[str, str] | None = None
    exit_code: int = 1


def encode(value: Any) -> bytes:
    """JSON with secrets in clear and paths byte for byte: only for a pipe to or from our own child."""
    return msgspec.json.encode(value, enc_hook=_to_wire)


def decode(data: bytes | msgspec.Raw, kind: type[T]) -> T:
    """The other end of `encode`. Errors: `msgspec.MsgspecError`."""
    return msgspec.json.decode(data, type=kind, dec_hook=_from_wire)


def _to_wire(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Path):
        return os.fsencode(value).decode("latin-1")
    raise TypeError(f"cannot encode {type(value).__name__}")


def _from_wire(kind: type, value: Any) -> Any:
    if kind is Secret:
        return Secret(value)
    if issubclass(kind, Path):
        return Path(os.fsdecode(value.encode("latin-1")))
    raise TypeError(f"cannot decode {kind.__name__}")
