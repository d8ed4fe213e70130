"""What a benchmark records: every raw run, the figures made of them, and the lines of its table."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

MIB = 1 << 20

Unit = Literal["x", "s", "ms", "MiB", "KiB/s"]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one command, or one stretch of it. Seconds and bytes.

    `rss` is the largest sum of the high-water marks of the tree's processes, looked at every 50 ms, `peaks`
    the mark of each, `cpu` the processor time of the tree, `server_cpu` that of the servers meanwhile.
    `phases` are a job's, in order, with the command's start and end around them.
    """

    wall: float
    cpu: float = 0.0
    server_cpu: float = 0.0
    rss: int = 0
    peaks: dict[str, int] = {}
    bytes: int | None = None
    phases: tuple[tuple[str, float], ...] = ()

    def beside(self, other: Sample) -> Sample:
        """This command and then the other one, as one piece of work."""
        return Sample(
            wall=self.wall + other.wall,
            cpu=self.cpu + other.cpu,
            server_cpu=self.server_cpu + other.server_cpu,
            rss=max(self.rss, other.rss),
            peaks={**self.peaks, **other.peaks},
            bytes=self.bytes,
            phases=(*self.phases, *other.phases),
        )


Series = dict[str, list[Sample]]
"""What was run -> its samples, one a round."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number and the limit it is held against; no value where the stock tool is missing.

    Without a limit it is told and not judged.
    """

    what: str
    value: float | None
    unit: Unit
    limit: float | None = None
    at_least: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether it keeps to its limit; None where nothing can be said."""
        if self.value is None or self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table: the issue's words, its figures, and the series they come from.

    `ours` and `theirs` name the series of the two sides; `note` says how it was measured or what is missing.
    """

    name: str
    work: str
    against: str
    must: str
    figures: tuple[Figure, ...]
    series: Series
    ours: str = ""
    theirs: str = ""
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether every judged figure is reached; None when none could be judged."""
        judged = [figure.reached for figure in self.figures if figure.limit is not None]
        if not judged or None in judged:
            return False if False in judged else None
        return all(judged)


def wall(series: Mapping[str, Sequence[Sample]], name: str) -> float | None:
    """The median time of a series, None when it was not run."""
    samples = series.get(name)
    return statistics.median(sample.wall for sample in samples) if samples else None


def rss(series: Mapping[str, Sequence[Sample]], name: str) -> float | None:
    """The median of the peak memory of a series in MiB."""
    samples = series.get(name)
    return statistics.median(sample.rss for sample in samples) / MIB if samples else None


def size(series: Mapping[str, Sequence[Sample]], name: str) -> float | None:
    """The median of the bytes a series wrote."""
    sizes = [sample.bytes for sample in series.get(name, ()) if sample.bytes is not None]
    return statistics.median(sizes) if sizes else None


def quotient(upper: float | None, lower: float | None) -> float | None:
    """One figure in units of another; None where either is missing."""
    return upper / lower if upper is not None and lower else None


def speed(series: Series, ours: str, theirs: str, limit: float | None, what: str = "as fast") -> Figure:
    """How many times as fast we are."""
    ratio = quotient(wall(series, theirs), wall(series, ours))
    return Figure(what=what, value=ratio, unit="x", limit=limit, at_least=True)


def memory(series: Series, ours: str, limit: float) -> Figure:
    """The peak of our process tree."""
    return Figure(what="RSS", value=rss(series, ours), unit="MiB", limit=limit)
