"""The console in real terminals: hangups, kills, suspends, resizes, slow lines, odd terminal types."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.demo.servers import Mongod
from services.jobs.launch import start_job
from services.jobs.listing import list_jobs, summarize
from services.operations.selftest import SelftestPlan
from services.paths import Paths
from services.profile import Profile
from tests.pty_console import PtyConsole
from tests.services.command_support import environment
from tests.tmux import Tmux
from tui.modes import MODES as EVERY_MODE

CONSOLE = [sys.executable, "-m", "tui"]
MODES = {mode.key: mode.title for mode in (*EVERY_MODE[1:], EVERY_MODE[0])}
"""Each mode's key and title, the one that is shown first as the last."""


@pytest.fixture
def deployment(tmp_path: Path, mongod: Mongod, database: str, location: Path) -> dict[str, str]:
    """The environment of a deployment without a bucket."""
    return environment(tmp_path, mongod.uri, database, location)


@pytest.fixture
def pane(tmp_path: Path, deployment: dict[str, str]) -> Iterator[Tmux]:
    """A tmux pane with that environment."""
    with Tmux(tmp_path, deployment) as opened:
        yield opened


def paths_of(deployment: dict[str, str]) -> Paths:
    return Paths(Path(deployment["QUILLKEEP_STATE_DIR"]))


def running_job(deployment: dict[str, str]) -> str:
    started = start_job("selftest", SelftestPlan(steps=600, seconds=0.1), Profile(), paths_of(deployment))
    return started.job


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists() or ") Z " in Path(f"/proc/{pid}/stat").read_text()


def still_runs(deployment: dict[str, str], job: str) -> bool:
    return summarize(paths_of(deployment).jobs / job).state == "running"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_console_cleanly_and_leaves_the_job(
    pane: Tmux, deployment: dict[str, str], number: signal.Signals
) -> None:
    job = running_job(deployment)
    pane.start()
    pane.until("1 job")
    pane.signal_console(number)
    pane.until(f"ended:{128 + number}")
    # The terminal is back: what is typed is echoed, and the alternate screen is gone.
    pane.type("echo back-$((40 + 2))\n")
    pane.until("back-42")
    assert still_runs(deployment, job)


def test_a_closed_pane_ends_the_console_and_leaves_the_job(pane: Tmux, deployment: dict[str, str]) -> None:
    job = running_job(deployment)
    pane.start()
    pane.until("1 job")
    console = pane.console
    pane.close_pane()
    deadline = time.monotonic() + 10
    while not gone(console):
        assert time.monotonic() < deadline, "the console outlived its terminal"
        time.sleep(0.1)
    assert still_runs(deployment, job)


def test_kill_9_leaves_the_job_and_the_next_console_shows_it(pane: Tmux, deployment: dict[str, str]) -> None:
    job = running_job(deployment)
    pane.start()
    pane.until("1 job")
    pane.signal_console(signal.SIGKILL)
    pane.until("ended:137")
    assert still_runs(deployment, job)
    # What a kill leaves of the terminal is the shell's to mend; the console itself starts again from the journal.
    pane.keys("C-j")
    pane.type("stty sane; tput rmcup; clear; echo mended-$((40 + 2))")
    pane.keys("C-j")
    pane.until("mended-42")
    pane.start()
    pane.until("1 job")
    pane.keys("6")
    pane.until("selftest")


def test_suspend_and_resume(pane: Tmux) -> None:
    pane.start()
    pane.until("Health")
    pane.keys("C-z")
    pane.until("Stopped")
    pane.type("echo stopped-$((40 + 2))\n")
    pane.until("stopped-42")
    pane.type("fg\n")
    pane.until("Health")
    pane.keys("2")
    pane.until("[2 Archives]")


def test_resize_storm(pane: Tmux) -> None:
    pane.start()
    pane.until("Health")
    for columns, rows in ((120, 40), (61, 21), (40, 10), (200, 60), (80, 24)) * 4:
        pane.resize(columns, rows)
    pane.until("[1 Health]")
    pane.resize(59, 19)
    pane.until(lambda: "Health" not in pane.text and pane.text.strip())
    pane.resize(80, 24)
    pane.until("[1 Health]")


def test_reattach(pane: Tmux, deployment: dict[str, str]) -> None:
    running_job(deployment)
    pane.start()
    pane.until("1 job")
    socket = str(pane.socket)
    for _ in range(3):
        with PtyConsole(["tmux", "-S", socket, "attach"], deployment) as attached:
            attached.read_until("Health")
        # Closing it hangs up the client; the console stays in its pane.
    pane.keys("2")
    pane.until("[2 Archives]")


def test_ctrl_c_does_not_quit(pane: Tmux) -> None:
    pane.start()
    pane.until("Health")
    pane.keys("C-c")
    pane.keys("2")
    pane.until("[2 Archives]")
    pane.keys("C-q")
    pane.until("ended:0")


@pytest.mark.parametrize("terminal", ["linux", "xterm", "screen-256color", "vt100"])
def test_terminal_types(pane: Tmux, terminal: str) -> None:
    pane.start(TERM=terminal)
    pane.until("Health")
    pane.keys("2")
    pane.until("[2 Archives]")
    if terminal == "linux":
        assert pane.text.isascii(), pane.text
    pane.keys("C-q")
    pane.until("ended:0")


@pytest.mark.parametrize("terminal", ["dumb", ""])
def test_a_terminal_that_cannot_draw_is_refused_with_the_verbs_named(pane: Tmux, terminal: str) -> None:
    pane.start(TERM=terminal)
    pane.until("ended:2")
    assert "quillkeep status" in pane.text.replace("\n", "")


def test_ascii_without_a_utf8_locale(pane: Tmux) -> None:
    pane.start(LANG="C", LC_ALL="C")
    pane.until("Health")
    for key, title in MODES.items():
        pane.keys(key)
        pane.until(f"[{key} {title}]")
        assert pane.text.isascii(), pane.text


def test_a_slow_line_does_not_stop_the_console(deployment: dict[str, str]) -> None:
    job = running_job(deployment)
    with PtyConsole(CONSOLE, deployment, rate=4096) as console:
        console.read_until("Health", 30)
        for key in "2167":
            console.send(key)
            console.read_until(f"[{key} {MODES[key]}]")
        begun = time.monotonic()
        # A job runs, so the first one only says that it goes on.
        console.send("\x11")
        console.read_until("Leave the console?")
        console.send("\x11")
        assert console.wait(15) == 0
        assert time.monotonic() - begun < 12
    assert still_runs(deployment, job)


def test_a_line_that_reads_nothing_still_hangs_up(deployment: dict[str, str]) -> None:
    job = running_job(deployment)
    with PtyConsole(CONSOLE, deployment) as console:
        console.read_until("Health")
        for _ in range(40):
            console.send("21")
            time.sleep(0.05)
        console.close()
        assert console.wait(15) in (128 + signal.SIGHUP, -signal.SIGHUP)
    assert still_runs(deployment, job)


def test_idle_sends_nothing(deployment: dict[str, str]) -> None:
    with PtyConsole(CONSOLE, deployment) as console:
        console.read_until("Health")
        # A screen at rest has said nothing for a second; then it says nothing at all.
        while console.read(1.0):
            continue
        assert console.read(3.0) == b""


def test_a_health_glance_with_a_job_stays_under_ten_kib_a_second(deployment: dict[str, str]) -> None:
    running_job(deployment)
    with PtyConsole(CONSOLE, deployment) as console:
        console.read_until("Health")
        console.read(2.0)
        assert len(console.read(3.0)) / 3.0 < 10 * 1024


def test_nothing_secret_is_drawn(deployment: dict[str, str]) -> None:
    secret = "open-sesame-4711"
    hosts = deployment["MONGODB_URI"].partition("://")[2]
    wrong = {**deployment, "MONGODB_URI": f"mongodb://admin:{secret}@{hosts}"}
    with PtyConsole(CONSOLE, wrong, size=(120, 40)) as console:
        console.read_until("Health")
        for key, title in MODES.items():
            console.send(key)
            console.read_until(f"[{key} {title}]")
        console.read(1.0)
        assert secret.encode() not in console.output
        assert deployment["ENCRYPTION_MASTER_PEPPER"].encode() not in console.output


def test_a_dead_mount_hangs_neither_health_nor_the_exit(
    tmp_path: Path, deployment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A FUSE mount needs rights that a test has not: a look whose child is stopped (SIGSTOP) answers as little
    # as one that hangs in the kernel on a dead NFS server.
    with PtyConsole(CONSOLE, deployment) as console:
        stopped: list[int] = []
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and not stopped:
            for pid in children(console.process.pid):
                if b"services.looking" in command_of(pid):
                    os.kill(pid, signal.SIGSTOP)
                    stopped.append(pid)
        assert stopped
        console.read_until("Health")
        console.send("6")
        console.read_until("Jobs")
        begun = time.monotonic()
        console.send("\x11")
        assert console.wait(10) == 0
        assert time.monotonic() - begun < 3
        for pid in stopped:
            subprocess.run(["kill", "-KILL", str(pid)], check=False, capture_output=True)


def children(pid: int) -> list[int]:
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        return [
            int(child)
            for task in tasks
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()
        ]
    except OSError:
        return []


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_no_jobs_were_harmed(deployment: dict[str, str]) -> None:
    """Opening and leaving the console starts no job."""
    with PtyConsole(CONSOLE, deployment) as console:
        console.read_until("Health")
        for key, title in MODES.items():
            console.send(key)
            console.read_until(f"[{key} {title}]")
        console.send("\x11")
        assert console.wait(10) == 0
    assert list_jobs(paths_of(deployment)) == []


def test_the_console_is_seen_when_its_errors_go_to_a_file(pane: Tmux, tmp_path: Path) -> None:
    pane.type(f"{' '.join(CONSOLE)} 2>{tmp_path}/errors; echo ended:$?\n")
    pane.until("1 Health")
    pane.keys("C-q")
    pane.until("ended:0")
    assert (tmp_path / "errors").read_bytes() == b""
