"""A tmux server of the test's own: a console in a pane, keys sent, the pane read, the connection cut."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.support import ROOT

CONSOLE = (sys.executable, "-m", "tui")
PATIENCE = 20.0


class Tmux:
    """One pane of 80x24 (unless said otherwise) that runs a shell; a context manager."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        size: tuple[int, int] = (80, 24),
        terminal: str = "screen-256color",
    ) -> None:
        if shutil.which("tmux") is None:
            pytest.fail("tmux is missing: `make setup` installs it")
        self.socket = folder / "tmux"
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        columns, rows = size
        config = folder / "tmux.conf"
        config.write_text(f"set -g default-terminal {terminal}\nset -g status off\nset -sg escape-time 0\n")
        self._run(
            "-f", str(config), "new-session", "-d", "-s", "q", "-x", str(columns), "-y", str(rows), "sh"
        )
        self._run("set-option", "-g", "window-size", "manual")
        self.resize(columns, rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], capture_output=True, check=False)

    def start(self, *arguments: str, **more: str) -> None:
        """Runs the console in the pane's shell, which says its exit code when it ends."""
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in more.items())
        command = " ".join(shlex.quote(word) for word in (*CONSOLE, *arguments))
        self.type(f"{settings} {command}; echo ended:$?\n".lstrip())

    def type(self, text: str) -> None:
        """Text as typed; a line break is Enter."""
        for number, line in enumerate(text.split("\n")):
            if number:
                self.keys("Enter")
            if line:
                self._run("send-keys", "-t", "q", "-l", line)

    def keys(self, *names: str) -> None:
        """Keys by tmux's names: `Enter`, `Escape`, `C-q`, `Down`."""
        self._run("send-keys", "-t", "q", *names)

    def resize(self, columns: int, rows: int) -> None:
        """Another size of the pane."""
        self._run("resize-window", "-t", "q", "-x", str(columns), "-y", str(rows))

    @property
    def text(self) -> str:
        """What stands in the pane."""
        return self._run("capture-pane", "-p", "-t", "q")

    def until(self, seen: str | Callable[[], Any], seconds: float = PATIENCE) -> None:
        """Waits until a text stands in the pane or something holds."""
        deadline = time.monotonic() + seconds
        holds = (lambda: seen in self.text) if isinstance(seen, str) else seen
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"never seen: {seen}\n{self.text}")
            time.sleep(0.1)

    @property
    def shell(self) -> int:
        """The pane's shell."""
        return int(self._run("display-message", "-p", "-t", "q", "#{pane_pid}"))

    @property
    def console(self) -> int:
        """The console's process, a child of the shell."""
        listed = Path(f"/proc/{self.shell}/task/{self.shell}/children").read_text().split()
        assert listed, f"nothing runs in the pane\n{self.text}"
        return int(listed[0])

    def signal_console(self, number: signal.Signals) -> None:
        """A signal to the console alone."""
        os.kill(self.console, number)

    def close_pane(self) -> None:
        """Closes the terminal under the console, as a closed window does."""
        self._run("kill-pane", "-t", "q")

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self.socket), *words],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        if done.returncode:
            raise AssertionError(f"tmux {words}: {done.stderr}")
        return done.stdout
