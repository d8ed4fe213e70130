"""The owner's end of a supervised server: start, signals, exit code."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from services.errors import QuillkeepError

SUPERVISOR = Path(__file__).with_name("supervise.py")
START_SECONDS = 20.0


class ServerFailed(QuillkeepError):
    """An embedded server did not start, or ended when it should not."""


def clean_environment(folder: Path) -> dict[str, str]:
    """What an embedded server sees of the environment: no proxies, no AWS_*, no WEED_*, its own home."""
    kept = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}
    library_path = os.environ.get("LD_LIBRARY_PATH")
    if library_path:
        kept["LD_LIBRARY_PATH"] = library_path
    return {**kept, "HOME": str(folder), "TMPDIR": str(folder)}


class Supervised:
    """One server process under a supervisor that ends it, and sweeps, when this process is gone.

    `remove` are files the server leaves outside its folder; `sweep` are folders removed only when the owner
    dies without `leave`; `grace` is in seconds. Raises `ServerFailed` when the supervisor itself cannot start.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        folder: Path,
        log: Path,
        remove: Sequence[str] = (),
        sweep: Sequence[Path] = (),
        grace: float = 15.0,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.log = log
        self._lock = threading.Lock()
        self._buffer = b""
        self.returncode: int | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(folder),
            cwd="/",
            start_new_session=True,
            bufsize=0,
        )
        order = {
            "argv": list(argv),
            "env": environment if environment is not None else clean_environment(folder),
            "cwd": str(folder),
            "log": str(log),
            "grace": grace,
            "remove": list(remove),
            "sweep": [str(path) for path in sweep],
        }
        self._send(json.dumps(order))
        self.pid = 0
        deadline = time.monotonic() + START_SECONDS
        while not self.pid and time.monotonic() < deadline and self._process.poll() is None:
            self._receive(0.2)
        if not self.pid:
            raise ServerFailed("An embedded server's supervisor did not start.", cause=self.tail())

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
        except BrokenPipeError:
            return

    def _receive(self, seconds: float) -> None:
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        with self._lock:
            if not select.select([handle], [], [], seconds)[0]:
                return
            chunk = os.read(handle, 4096)
            if not chunk:
                # The supervisor was killed; the kernel took the server along.
                if self.returncode is None:
                    self.returncode = -9
                return
            *lines, self._buffer = (self._buffer + chunk).split(b"\n")
            for line in lines:
                word, _, value = line.decode().partition(" ")
                if word == "pid":
                    self.pid = int(value)
                elif word == "exit":
                    self.returncode = int(value)

    def poll(self) -> int | None:
        """The exit code once the server has ended (negative: the signal), else None."""
        if self.returncode is None:
            self._receive(0)
        return self.returncode

    def wait(self, seconds: float) -> int | None:
        """Waits for the server's end at most so long."""
        deadline = time.monotonic() + seconds
        while self.returncode is None and time.monotonic() < deadline:
            self._receive(min(0.2, max(0.0, deadline - time.monotonic())))
        return self.returncode

    def end(self, *, kill: bool = False) -> int | None:
        """SIGTERM and after `grace` seconds SIGKILL, or SIGKILL at once; the exit code."""
        if self.poll() is None:
            self._send("kill" if kill else "term")
            self.wait(30.0)
        return self.returncode

    def leave(self) -> None:
        """Ends the server if need be, and the supervisor without its sweep."""
        self.end()
        self._send("leave")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def tail(self, lines: int = 12) -> str:
        """The last lines of the server's log, for an error."""
        if not self.log.exists():
            return ""
        text = self.log.read_text(errors="replace").splitlines()
        return "\n".join(line[:300] for line in text[-lines:])
