"""Interleaved rounds: each side once a round, every other round in the opposite order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.bench.model import MIB, Sample, Series

Say = Callable[[str], None]


class Side(NamedTuple):
    """One side of a comparison; `go` prepares untimed, runs, cleans up, and gives samples by series name."""

    name: str
    go: Callable[[], dict[str, Sample]]


def play(line: str, runs: int, sides: Sequence[Side], say: Say) -> Series:
    """The series of all sides; a line of progress for every run."""
    series: Series = {}
    for number in range(runs):
        for side in sides if number % 2 == 0 else reversed(sides):
            for name, sample in side.go().items():
                series.setdefault(name, []).append(sample)
                say(f"{line} {number + 1}/{runs}  {name}: {told(sample)}")
    return series


def told(sample: Sample) -> str:
    """A sample in words."""
    words = [f"{sample.wall:.2f} s"]
    if sample.cpu:
        words.append(f"CPU {sample.cpu:.2f} s, servers {sample.server_cpu:.2f} s")
    if sample.rss:
        words.append(f"RSS {sample.rss / MIB:.0f} MiB")
    if sample.bytes is not None:
        words.append(f"{sample.bytes / 1e6:.1f} MB")
    return ", ".join(words)
