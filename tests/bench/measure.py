"""Runs a command as a fresh process and measures it: time, processor time and memory of its whole tree."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tests.bench.model import Sample

SAMPLE_SECONDS = 0.05
LIMIT_SECONDS = 3_600.0
TICKS = os.sysconf("SC_CLK_TCK")
TAIL = 2_000


class CommandFailedHere(Exception):
    """A measured command did not end as it must; nothing can be said of its speed."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A sample, what the command printed, and the wall clock around it (seconds since the epoch)."""

    sample: Sample
    output: bytes
    begun: float
    ended: float


def measure(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    folder: Path,
    cwd: Path,
    servers: Sequence[int] = (),
    accept: Sequence[int] = (0,),
) -> Measured:
    """Runs a command to its end, its output going to files in `folder`.

    `servers` are processes whose processor time meanwhile is noted. Raises `CommandFailedHere` for an exit
    code that is not in `accept`, with the end of its messages.
    """
    before = sum(map(_cpu, servers))
    with open(folder / "out", "w+b") as out, open(folder / "err", "w+b") as err:
        begun, start = time.time(), time.monotonic()
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=dict(environment), cwd=cwd
        )
        watch = _Watch(process.pid)
        watch.start()
        timer = threading.Timer(LIMIT_SECONDS, process.terminate)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            raise
        finally:
            seconds, ended = time.monotonic() - start, time.time()
            timer.cancel()
            watch.stop()
        process.returncode = code = os.waitstatus_to_exitcode(status)
        out.seek(0)
        output = out.read()
        if code not in accept:
            err.seek(0)
            said = (output[-TAIL:] + err.read()[-TAIL:]).decode(errors="replace").strip()
            raise CommandFailedHere(f"{Path(command[0]).name} {' '.join(command[1:4])} ended {code}:\n{said}")
    sample = Sample(
        wall=seconds,
        cpu=max(usage.ru_utime + usage.ru_stime, watch.cpu),
        server_cpu=sum(map(_cpu, servers)) - before,
        rss=max(watch.rss, usage.ru_maxrss * 1024 if not watch.peaks else 0),
        peaks=watch.peaks,
    )
    return Measured(sample=sample, output=output, begun=begun, ended=ended)


class _Watch(threading.Thread):
    """Looks at a process and its descendants every 50 ms until told to stop.

    The tree's memory is the largest sum of the high-water marks of the processes alive at a look: what
    happened between two looks counts, and a sum of peaks at different times is too high rather than too low.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(name="watch", daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self._cpu: dict[int, float] = {}
        self._seen: set[int] = set()
        self.rss = 0
        self.peaks: dict[str, int] = {}

    @property
    def cpu(self) -> float:
        """Seconds of all processes seen, as of the last look at each."""
        return sum(self._cpu.values())

    def run(self) -> None:
        """Samples."""
        while True:
            self._look()
            if self._over.wait(SAMPLE_SECONDS):
                return

    def stop(self) -> None:
        """Ends the watching."""
        self._over.set()
        self.join()

    def _look(self) -> None:
        total = 0
        seen: set[int] = set()
        waiting: list[tuple[int, bytes]] = [(self._pid, b"")]
        while waiting:
            pid, parents = waiting.pop()
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes()
                self._cpu[pid] = max(self._cpu.get(pid, 0.0), _cpu(pid))
                seen.add(pid)
                if words == parents and pid not in self._seen:
                    # Between vfork and exec a child shows its parent's memory, which is counted already.
                    continue
                high = _high_water(pid)
                total += high
                role = _role(words)
                self.peaks[role] = max(self.peaks.get(role, 0), high)
                waiting += [(child, words) for child in _children(pid)]
            except (OSError, IndexError):
                # It ended between two looks.
                continue
        self._seen = seen
        self.rss = max(self.rss, total)


def _children(pid: int) -> list[int]:
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            found += [int(child) for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
        except FileNotFoundError:
            continue
    return found


def _cpu(pid: int) -> float:
    """User and system seconds of a process, 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def _high_water(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _role(command: bytes) -> str:
    """A name for a process by its command line: the Python module it runs, else its program."""
    words = command.decode(errors="replace").split("\0")
    return words[words.index("-m") + 1] if "-m" in words[:-2] else Path(words[0]).name or "?"
