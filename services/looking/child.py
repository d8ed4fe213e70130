"""Asks a look in a child process that is abandoned when it does not answer in time."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import msgspec

from services.errors import QuillkeepError, Refused, UsageProblem
from services.jobs.environment import child_environment, proxies
from services.looking.registry import LookEntry, entry_of, type_of
from services.looking.wire import Order, Reply, decode, encode
from services.paths import Paths
from services.profile import Profile
from services.redact import redact
from services.secret import Secret

ONLY_LOOKED = "Nothing was changed: it only looked."
_KINDS: dict[int, type[QuillkeepError]] = {2: UsageProblem, 4: Refused}


class NoAnswer(QuillkeepError):
    """The look took longer than its time; its child was killed and is not waited for."""


def look(
    name: str,
    profile: Profile,
    paths: Paths,
    request: msgspec.Struct | None = None,
    *,
    seconds: float | None = None,
) -> Any:
    """Asks the look `name` and gives its answer (the entry's answer type); blocks for its time limit at most.

    Errors: `NoAnswer` after `seconds` (the entry's own limit by default); what the look itself raised, as
    `QuillkeepError`, `Refused` or `UsageProblem`.
    """
    entry = entry_of(name)
    limit = entry.seconds if seconds is None else seconds
    asked = type_of(entry, entry.request)() if request is None else request
    order = Order(
        name=name,
        request=msgspec.Raw(encode(asked)),
        profile=profile,
        state=str(paths.state),
        seconds=limit,
        proxies={key: Secret(value) for key, value in proxies().items()},
    )
    output = _ask(entry, encode(order), limit)
    reply = decode(output, Reply)
    if reply.error is not None:
        raise _KINDS.get(reply.exit_code, QuillkeepError)(**reply.error)
    return decode(reply.value, type_of(entry, entry.answer))


def _ask(entry: LookEntry, payload: bytes, seconds: float) -> bytes:
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "services.looking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=child_environment(),
            start_new_session=True,
            umask=0o077,
        )
    except OSError as error:
        raise QuillkeepError(
            f"The look at {entry.what[0].lower()}{entry.what[1:]} could not be started.",
            cause=f"{sys.executable}: {error.strerror or error}.",
            touched=ONLY_LOOKED,
            next="Check that there are processes, memory and file handles left, then look again.",
        ) from error
    try:
        output, narration = process.communicate(payload, timeout=seconds)
    except subprocess.TimeoutExpired:
        _abandon(process)
        raise NoAnswer(
            f"{entry.what} did not answer in {seconds:.0f} s.",
            touched=ONLY_LOOKED,
            next="Check that it is mounted and reachable, then look again.",
        ) from None
    except BaseException:
        _abandon(process)
        raise
    if process.returncode != 0 or not output:
        raise QuillkeepError(
            f"The look at {entry.what[0].lower()}{entry.what[1:]} ended without an answer "
            f"(exit {process.returncode}).",
            cause=redact(narration.decode("utf-8", "replace")[-500:].strip()),
            touched=ONLY_LOOKED,
            next="Look again.",
        )
    return output


def _abandon(process: subprocess.Popen[bytes]) -> None:
    """Kills it; one that hangs in the kernel (a dead mount) is reaped whenever it comes back."""
    process.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    threading.Thread(target=process.wait, name=f"reaper-{process.pid}", daemon=True).start()
