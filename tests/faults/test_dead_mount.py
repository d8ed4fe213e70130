"""A backup folder on a mount that no longer answers: Health, the exit, the verbs, and a console that is cut off."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.demo.servers import Mongod
from services.profile import BucketTarget
from tests.faults.deadmount import DeadMount
from tests.services.command_support import environment
from tests.tmux import Tmux


@contextlib.contextmanager
def looks_stopped() -> Iterator[None]:
    """The stand-in where a test may not mount: every look is stopped as it begins, and answers as little."""
    over = threading.Event()
    stopped: set[int] = set()

    def stop() -> None:
        while not over.wait(0.002):
            for pid in set(map(int, filter(str.isdigit, os.listdir("/proc")))) - stopped:
                with contextlib.suppress(OSError):
                    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                    if b"services.looking" in words and Path(f"/proc/{pid}").stat().st_uid == os.getuid():
                        os.kill(pid, signal.SIGSTOP)
                        stopped.add(pid)

    thread = threading.Thread(target=stop, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join()
    for pid in stopped:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def dead(location: Path) -> Iterator[bool]:
    """The folder of backups is dead; whether it is a real mount, or the looks at it (and at all else) are stopped."""
    try:
        mount = DeadMount(location).__enter__()
    except OSError:
        with looks_stopped():
            yield False
        return
    yield True
    mount.__exit__(None, None, None)


@pytest.fixture
def deployment(
    tmp_path: Path, mongod: Mongod, database: str, location: Path, bucket: BucketTarget
) -> dict[str, str]:
    """A deployment whose backups lie there."""
    return environment(tmp_path, mongod.uri, database, location, bucket)


def leave(pane: Tmux) -> None:
    """ctrl+q ends the console at once, whatever hangs."""
    begun = time.monotonic()
    pane.keys("C-q")
    pane.until("ended:0", 5)
    assert time.monotonic() - begun < 3
    pane.type("clear\n")
    pane.until(lambda: "ended" not in pane.text)


def test_health_shows_the_rest_the_console_ends_at_once_and_status_says_that_it_does_not_know(
    dead: bool, deployment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "tmux"
    folder.mkdir()
    begun = time.monotonic()
    status = subprocess.Popen(
        [sys.executable, "-m", "tui", "status", "--json"], env=deployment, stdout=subprocess.PIPE, text=True
    )
    with Tmux(folder, deployment) as pane:
        pane.start()
        if dead:
            # The database is empty, which Health says while it waits for the folder.
            pane.until("The live database", 10)
        pane.until("waiting since", 10)
        leave(pane)
        told, _ = status.communicate(timeout=20)
        taken = time.monotonic() - begun
        assert status.returncode == 3 and taken < 15, (status.returncode, taken)
        found = json.loads(told)
        assert found["status"] == "UNKNOWN" and "did not answer" in told, told
        pane.start()
        pane.until("UNKNOWN", 15)
        pane.until("did not answer", 5)
        pane.keys("2")
        pane.until("The backups are not known", 10)
        pane.keys("6")
        pane.until("There are no jobs yet")
        leave(pane)
