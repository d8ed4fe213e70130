"""What goes to a job or a watcher over the pipe: the only way secrets reach them."""

from __future__ import annotations

import os
import sys
from typing import Any, TypeVar

import msgspec

from services.profile import AppControl, Profile
from services.secret import Secret, decode_from_pipe

T = TypeVar("T")


class JobSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One job; `plan` is the verb's plan as plain values, `shown` the same with secrets as `set`.

    `proxies` are environment variables that may hold passwords.
    """

    job: str
    verb: str
    plan: dict[str, Any]
    shown: dict[str, Any]
    profile: Profile
    state: str
    folder: str
    proxies: dict[str, Secret] = {}


class WatchSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a watcher looks after, and how the application is started again."""

    job: str
    folder: str
    pid: int
    started: str
    boot_id: str
    app: AppControl | None = None
    health_url: str | None = None
    secrets: tuple[Secret, ...] = ()


def conceal(value: Any) -> Any:
    """The msgspec hook that shows a secret as `set`."""
    if isinstance(value, Secret):
        return "set"
    raise TypeError(f"cannot encode {type(value).__name__}")


def receive(kind: type[T]) -> T:
    """Reads the spec from standard input to its end, then leaves /dev/null there for children."""
    data = sys.stdin.buffer.read()
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.close(null)
    return decode_from_pipe(data, kind)


def secrets_of(profile: Profile) -> tuple[Secret, ...]:
    """Every secret of a profile, for the redactor."""
    found = [profile.pepper, profile.passphrase]
    if profile.mongo:
        found.append(profile.mongo.uri)
    if profile.bucket:
        found += [profile.bucket.access_key, profile.bucket.secret_key]
    return tuple(secret for secret in found if secret is not None)
