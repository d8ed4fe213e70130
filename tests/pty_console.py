"""A real terminal of our own: a command in a pty, its bytes counted, its keys sent, its speed limited."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from tests.support import ROOT

CHUNK = 65_536


class PtyConsole:
    """Runs a command on an 80x24 pty; what it writes is read only when asked, at most `rate` bytes a second."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        size: tuple[int, int] = (80, 24),
        rate: float | None = None,
    ) -> None:
        self.rate = rate
        self.output = b""
        self._master, slave = pty.openpty()
        self.resize(*size)
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={"TERM": "xterm-256color", "LANG": "C.UTF-8", **environment},
            cwd=ROOT,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """Hangs up, as a lost connection does."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def resize(self, columns: int, rows: int) -> None:
        """Another size; the kernel tells the program."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, keys: str) -> None:
        """Types."""
        os.write(self._master, keys.encode())

    def read(self, seconds: float) -> bytes:
        """What comes within this time."""
        got = b""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            chunk = self._some(left)
            if chunk is None:
                break
            got += chunk
        return got

    def read_until(self, text: str, seconds: float = 20.0) -> float:
        """Reads until `text` was drawn; gives the seconds since the start. Raises `AssertionError` when it never is."""
        deadline = time.monotonic() + seconds
        begun = len(self.output)
        while text.encode() not in self.output[max(0, begun - len(text)) :]:
            left = deadline - time.monotonic()
            if left <= 0 or self._some(left) is None:
                raise AssertionError(f"never drawn: {text!r}; the end of what was: {self.output[-2000:]!r}")
        return time.monotonic() - self.begun

    def first_bytes(self, seconds: float) -> float | None:
        """Seconds until anything comes, None when nothing does."""
        begun = time.monotonic()
        return time.monotonic() - begun if self._some(seconds) else None

    def wait(self, seconds: float = 20.0) -> int:
        """Reads on until the command ends; its exit code."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._master >= 0:
                self._some(0.1)
            else:
                time.sleep(0.05)
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def _some(self, seconds: float) -> bytes | None:
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        if not ready:
            return b""
        try:
            size = CHUNK if self.rate is None else max(1, int(self.rate / 10))
            chunk = os.read(self._master, size)
        except OSError:
            # EIO: the other end is closed.
            return None
        if self.rate is not None:
            time.sleep(len(chunk) / self.rate)
        self.output += chunk
        return chunk or None


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
