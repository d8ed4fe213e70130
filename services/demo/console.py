"""The demo as the console knows it: a profile and paths, and a keeper process that holds the servers."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import msgspec

from services.demo.breaking import BreakName
from services.demo.wire import Do, Done, Failed, Order, Ready, Reply, Said
from services.errors import QuillkeepError, Refused
from services.jobs.environment import child_environment
from services.jobs.spec import secrets_of
from services.paths import Paths
from services.profile import Profile
from services.redact import remember
from services.secret import decode_from_pipe, encode_for_pipe

T = TypeVar("T", bound=msgspec.Struct)
SCALE = 0.02
SEED = 20_261_122
LEAVE_SECONDS = 20.0
_KINDS: dict[int, type[QuillkeepError]] = {4: Refused}


class RunningDemo:
    """Servers, a week of backups, and the means to break them; a context manager.

    Everything is gone once it is left, and also when this process is killed. `say` is told a line before each
    step, some of them in the 10 to 15 s of the start. Raises `QuillkeepError` when a server does not start.
    """

    def __init__(
        self,
        *,
        replica_set: bool = False,
        say: Callable[[str], None] = lambda line: None,
        parent: Path | None = None,
        scale: float = SCALE,
    ) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "services.demo.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            env=child_environment(),
            start_new_session=True,
            umask=0o077,
        )
        try:
            order = Order(
                replica_set=replica_set, parent=str(parent) if parent else "", scale=scale, seed=SEED
            )
            self._send(order)
            ready = self._answer(Ready, say)
        except BaseException:
            self.close()
            raise
        self.profile: Profile = ready.profile
        self.paths = Paths(Path(ready.state))
        self.folder = Path(ready.folder)
        remember(*secrets_of(ready.profile))

    def do(self, name: BreakName) -> str:
        """Breaks something, or starts the database again; says in a sentence what was done. Blocks for seconds.

        Errors: `Refused` when these are not the demo's own servers or its database is down.
        """
        with self._lock:
            self._send(Do(name=name))
            return self._answer(Done).text

    def close(self) -> None:
        """Ends the servers and removes the demo's folder."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            # The servers' supervisors see their owner go, and sweep.
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> RunningDemo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, message: msgspec.Struct) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(encode_for_pipe(message) + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise _gone() from None

    def _answer(self, kind: type[T], say: Callable[[str], None] = lambda line: None) -> T:
        """The next answer of a kind; lines for the person on the way are told."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            reply: Reply = decode_from_pipe(line, Reply)  # type: ignore[arg-type]
            if isinstance(reply, kind):
                return reply
            if isinstance(reply, Said):
                say(reply.text)
            elif isinstance(reply, Failed):
                raise _KINDS.get(reply.exit_code, QuillkeepError)(**reply.error)
        raise _gone()


def _gone() -> QuillkeepError:
    return QuillkeepError(
        "The demo's servers are gone: the process that kept them has ended.",
        touched="Nothing of yours is involved: the demo runs on its own servers.",
        next="Leave with ctrl+q and start it again: `quillkeep demo`.",
    )
