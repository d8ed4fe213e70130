"""The console: its first frame, keys among 10,000 archives, bytes over the line, memory."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from services.operations.selftest import SelftestPlan
from tests.bench.bench import Bench
from tests.bench.lines_list import clone_backups
from tests.bench.loop_blocks import Blocks
from tests.bench.measure import CommandFailedHere
from tests.bench.model import MIB, Figure, Line, Sample, quotient, rss, wall
from tests.bench.rounds import Side
from tests.pty_console import PtyConsole
from tests.support import ROOT

ARCHIVES = 10_000
CONSOLE = [sys.executable, "-m", "tui"]
BARE = [sys.executable, "-m", "tests.bench.bare_table"]
QUIET_SECONDS = 10.0
KEYS = 150


def console_lines(bench: Bench) -> list[Line]:
    """All of them, on a deployment with one real backup, then with 10,000."""
    stage = bench.stage
    source = stage.folder_for("location")
    environment = stage.environment(
        server=stage.standalone,
        database=stage.database(min(0.05, bench.options.scale)),
        location=source,
    )
    made = bench.ours("backup", "--only", "database", "--yes", environment=environment)
    bench.ours("verify", "latest", environment=environment)
    lines = [_first_frame(bench, environment), _wire(bench, environment)]
    stage.say(f"making {ARCHIVES:,} backups to scroll through")
    many = stage.folder_for("many")
    clone_backups(source, str(made.document["id"]), many, ARCHIVES)
    lines.append(_keys(bench, {**environment, "BACKUP_DIR": str(many)}))
    shutil.rmtree(many)
    return lines


def _first_frame(bench: Bench, environment: Mapping[str, str]) -> Line:
    ours, bare = "console", "bare table"

    def opened(name: str, command: list[str], text: str) -> dict[str, Sample]:
        with PtyConsole(command, environment) as console:
            seconds = console.read_until(text)
            return {name: Sample(wall=seconds)}

    opened(ours, CONSOLE, "Health")
    series = bench.rounds(
        "first frame",
        [
            Side("ours", lambda: opened(ours, CONSOLE, "Health")),
            Side("theirs", lambda: opened(bare, BARE, "row 1")),
        ],
    )
    ratio = quotient(wall(series, ours), wall(series, bare))
    return Line(
        name="console-first-frame",
        work="the console from start to its first useful frame",
        against="a bare Textual table app",
        must="at most 2.3x, 0.6 s",
        figures=(
            Figure(what="as long", value=ratio, unit="x", limit=2.3),
            Figure(what="seconds", value=wall(series, ours), unit="s", limit=0.6),
        ),
        series=series,
        ours=ours,
        theirs=bare,
    )


def _wire(bench: Bench, environment: Mapping[str, str]) -> Line:
    series: dict[str, list[Sample]] = {"idle": [], "Health with a job": []}
    with PtyConsole(CONSOLE, environment) as console:
        console.read_until("Health")
        console.read(5.0)
        series["idle"].append(Sample(wall=QUIET_SECONDS, bytes=len(console.read(QUIET_SECONDS))))
        job = _start_job(environment)
        console.read(3.0)
        series["Health with a job"].append(
            Sample(wall=QUIET_SECONDS, bytes=len(console.read(QUIET_SECONDS)), rss=_tree_memory(console))
        )
        bench.ours("jobs", "cancel", job, environment=environment)
    idle, busy = (series[name][0].bytes or 0 for name in series)
    return Line(
        name="console-wire",
        work="bytes to an 80x24 terminal, idle and on Health with a running job",
        against="the line",
        must="0 when idle, under 10 KiB/s, RSS under 120 MiB",
        figures=(
            Figure(what="idle", value=idle / QUIET_SECONDS / 1024, unit="KiB/s", limit=0.0),
            Figure(what="job", value=busy / QUIET_SECONDS / 1024, unit="KiB/s", limit=10.0),
            Figure(what="RSS", value=rss(series, "Health with a job"), unit="MiB", limit=120),
        ),
        series=series,
        ours="idle",
    )


def _keys(bench: Bench, environment: Mapping[str, str]) -> Line:
    series: dict[str, list[Sample]] = {"key to paint": [], "key to paint, in process": []}
    with PtyConsole(CONSOLE, environment) as console:
        console.read_until("Health")
        console.send("2")
        console.read_until(f"{ARCHIVES:,}", 30.0)
        job = _start_job(environment)
        console.read(3.0)
        for number in range(KEYS):
            console.read(0.03)
            console.send("\x1b[6~" if number % 3 == 0 else "\x1b[B")
            seconds = console.first_bytes(1.0)
            if seconds is None:
                raise CommandFailedHere("A key among 10,000 archives drew nothing within a second.")
            series["key to paint"].append(Sample(wall=seconds))
        memory = _tree_memory(console)
        bench.ours("jobs", "cancel", job, environment=environment)
    blocks = _loop(environment)
    taken = sorted(sample.wall for sample in series["key to paint"])
    series["key to paint, in process"] = [Sample(wall=seconds) for seconds in blocks.keys]
    return Line(
        name="console-keys",
        work=f"keys among {ARCHIVES:,} archives with a job running",
        against="the clock",
        must="p99 under 50 ms, the loop never blocked over 50 ms, RSS under 120 MiB",
        figures=(
            Figure(what="p99", value=taken[int(len(taken) * 0.99)] * 1000, unit="ms", limit=50),
            Figure(what="median", value=statistics.median(taken) * 1000, unit="ms"),
            Figure(what="loop", value=blocks.longest_block * 1000, unit="ms", limit=50),
            Figure(what="loop, CPU", value=blocks.longest_block_cpu * 1000, unit="ms"),
            Figure(
                what="p99 in process, CPU",
                value=blocks.keys_cpu[int(len(blocks.keys_cpu) * 0.99)] * 1000,
                unit="ms",
            ),
            Figure(what="RSS", value=memory / MIB, unit="MiB", limit=120),
        ),
        series=series,
        ours="key to paint",
    )


def _loop(environment: Mapping[str, str]) -> Blocks:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.loop_blocks"],
        env={"TEXTUAL_ANIMATIONS": "none", **environment},
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=180,
    )
    if done.returncode:
        raise CommandFailedHere(done.stderr.decode()[-2000:])
    return msgspec.json.decode(done.stdout, type=Blocks)


def _start_job(environment: Mapping[str, str]) -> str:
    """A job that reports progress four times a second and changes nothing."""
    from services.jobs.launch import start_job
    from services.paths import Paths
    from services.settings.resolve import resolve

    started = start_job(
        "selftest",
        SelftestPlan(steps=4_000, seconds=0.05),
        resolve(environ=environment, cwd=ROOT),
        Paths(Path(environment["QUILLKEEP_STATE_DIR"])),
    )
    return started.job


def _tree_memory(console: PtyConsole) -> int:
    """The console's own peak; looks are children that are gone."""
    for line in Path(f"/proc/{console.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise CommandFailedHere(f"No memory figure for process {console.process.pid}: {os.strerror(2)}.")
