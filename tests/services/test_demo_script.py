"""`quillkeep demo --script`: left in the middle, and what it compares; all of it plays in test_hostile_environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services.demo import script
from services.demo.compare import Content, compare
from tests.support import ROOT

COMMAND = [sys.executable, "-m", "tui", "demo", "--script"]


@pytest.fixture
def started(short_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A demo that is in the middle of its backup."""
    log = short_path / "log"
    with open(log, "w") as stream:
        process = subprocess.Popen(
            COMMAND, cwd=ROOT, env={**os.environ, "TMPDIR": str(short_path)}, stderr=stream, text=True
        )
    deadline = time.monotonic() + 60
    while "Backing up" not in log.read_text():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    yield process, short_path
    process.kill()
    process.wait()


def processes_below(folder: Path) -> list[int]:
    """Whoever has this folder in its arguments or its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and any(str(folder) in each for each in process.cmdline()):
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_demo_left_in_the_middle(started: tuple[subprocess.Popen[str], Path]) -> None:
    """ctrl+c ends its servers and takes its folder away (a kill -9 is test_demo_servers's)."""
    process, folder = started
    process.send_signal(signal.SIGINT)
    assert process.wait(30) != 0
    deadline = time.monotonic() + 20
    while (processes_below(folder) or list(folder.glob("quillkeep-demo-*"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_below(folder) == []
    assert list(folder.glob("quillkeep-demo-*")) == []


def test_a_difference_fails_the_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any comparison that differs makes the exit code 1, and the document says which."""
    played = script.Played(
        "failed", (), 1.0, "quilltap_20261122_020000", ({"what": "x", "equal": False},), ()
    )
    # The servers cannot be made to lie at one moment of a run, so the run's outcome stands in for it.
    monkeypatch.setattr(script, "perform", lambda **_: played)
    assert script.play(say=lambda _: None, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["status"] == "failed"


def test_comparison_sees_every_kind_of_difference() -> None:
    """A changed, missing or additional collection, a changed or missing object; extra objects only when allowed."""
    wanted = Content({"tags": "3:aa", "chats": "1:bb"}, {"k1": "11" * 32, "k2": "22" * 32})
    found = Content({"tags": "3:ab", "extra": "0:00"}, {"k1": "12" * 32, "k3": "33" * 32})
    told = " ".join(compare("x", wanted, found).differences)
    for part in ("tags: 3:aa expected, 3:ab found", "chats: 1:bb expected, absent", "extra: absent expected"):
        assert part in told
    assert len(compare("x", wanted, found).differences) == 6
    assert len(compare("x", wanted, found, extra_objects=True).differences) == 5
    assert compare("x", wanted, wanted).equal
