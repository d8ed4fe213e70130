"""The console on a real terminal: what it leaves there when it breaks, and bytes that are no keys."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.pty_console import PtyConsole
from tests.support import ROOT

DEFECT = """
import os, sys
from tui.open_console import set_switches
set_switches(os.environ)
import tui.app
from tui.__main__ import main

def broken(self):
    local = "a-local-value"
    raise RuntimeError("mongodb://admin:hunter22@db/x failed")

tui.app.QuillkeepApp.action_read_only = broken
sys.argv = ["quillkeep"]
main()
"""
DEAF = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from tui.__main__ import main
sys.argv = ["quillkeep"]
main()
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "backups").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "QUILLKEEP_STATE_DIR": str(tmp_path / "state"),
        "BACKUP_DIR": str(tmp_path / "backups"),
        "MONGODB_URI": "mongodb://127.0.0.1:9/quilltap",
    }


def test_a_defect_restores_the_terminal_and_tells_no_secret(environment: dict[str, str]) -> None:
    with PtyConsole([sys.executable, "-c", DEFECT], environment) as console:
        console.read_until("Health")
        console.read(0.5)
        console.send("L")
        assert console.wait() == 1
        told = console.output.rpartition(b"\x1b[?1049l")[2]
    assert b"RuntimeError" in told and b"please report" in told
    assert b"hunter22" not in told and b"a-local-value" not in told


def test_bytes_that_are_no_utf8_lose_a_key_and_nothing_else(environment: dict[str, str]) -> None:
    with PtyConsole([sys.executable, "-m", "tui"], environment) as console:
        console.read_until("Health")
        console.read(0.5)
        os.write(console._master, b"\xe9\xff")
        console.read(0.3)
        console.send("6")
        console.read_until("There are no jobs")
        console.send("\x11")
        assert console.wait() == 0


def test_a_terminal_that_is_gone_ends_it_though_hangups_are_ignored(environment: dict[str, str]) -> None:
    with PtyConsole([sys.executable, "-c", DEAF], environment) as console:
        console.read_until("Health")
        console.close()
        assert console.wait(10.0) == 129


def test_mistakes_in_the_config_are_told_before_anything_is_drawn(
    environment: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[keys]\n"archives.bakup" = "B"\n')
    with PtyConsole([sys.executable, "-m", "tui", "--config", str(config)], environment) as console:
        assert console.wait() == 2
        assert b"nearest one is `archives.backup`" in console.output
        assert b"\x1b[?1049h" not in console.output
    config.write_text('[console]\ntheme = "dracul"\n')
    with PtyConsole([sys.executable, "-m", "tui", "--config", str(config)], environment) as console:
        assert console.wait() == 2
        assert b"nearest one is `dracula`" in console.output


def test_several_profiles_open_the_choice(environment: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[profiles.prod]\n[profiles.staging]\nproduction = false\n")
    del environment["MONGODB_URI"]
    with PtyConsole([sys.executable, "-m", "tui", "--config", str(config)], environment) as console:
        console.read_until("Which one?")
        console.send("\x11")
        assert console.wait() == 0
