"""The benchmark's own arithmetic and words; nothing is measured here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.bench.measure import CommandFailedHere, measure
from tests.bench.model import Line, Sample, Series, memory, speed
from tests.bench.report import document, table
from tests.bench.rounds import Side, play

MIB = 1 << 20


def line(series: Series, note: str = "") -> Line:
    return Line(
        name="work",
        work="some work",
        against="a stock tool",
        must="2x, under 100 MiB RSS",
        figures=(speed(series, "ours", "stock", 2.0), memory(series, "ours", 100)),
        series=series,
        ours="ours",
        theirs="stock",
        note=note,
    )


def samples(*seconds: float, rss: int = 90 * MIB) -> list[Sample]:
    return [Sample(wall=each, rss=rss) for each in seconds]


def test_a_ratio_is_one_of_medians() -> None:
    found = line({"ours": samples(1.0, 9.0, 2.0), "stock": samples(4.2, 0.1, 60.0)})
    assert found.figures[0].value == pytest.approx(2.1)
    assert found.reached is True
    assert "yes 2.10x, yes 90 MiB" in table([found])


def test_one_missed_figure_misses_the_line() -> None:
    found = line({"ours": samples(1.0, rss=101 * MIB), "stock": samples(4.0)})
    assert found.reached is False
    assert "yes 4.00x, NO 101 MiB" in table([found])


def test_without_the_stock_tool_the_line_says_so_and_claims_nothing() -> None:
    found = line({"ours": samples(1.0)}, note="mongodump is missing")
    assert found.reached is None
    assert "mongodump is missing" in table([found])
    assert "- -" in table([found])


def test_sides_take_turns_at_being_first() -> None:
    order: list[str] = []

    def side(name: str) -> Side:
        def go() -> dict[str, Sample]:
            order.append(name)
            return {name: Sample(wall=1.0)}

        return Side(name, go)

    series = play("work", 3, [side("ours"), side("stock")], lambda _: None)
    assert order == ["ours", "stock", "stock", "ours", "ours", "stock"]
    assert {name: len(held) for name, held in series.items()} == {"ours": 3, "stock": 3}


def test_every_raw_run_is_kept_once() -> None:
    from tests.bench.bench import Options

    shared: Series = {"ours": samples(1.0, 2.0), "stock": samples(3.0, 4.0)}
    lines = [line(shared), line(shared)]
    kept = document(lines, Options(runs=2, scale=1.0, memory_scales=(1, 10)), {}, {}, {})
    assert sorted(len(runs) for runs in kept["runs_of"].values()) == [2, 2]
    assert [each["wall"] for each in kept["runs_of"][kept["lines"][1]["theirs"]]] == [3.0, 4.0]


def test_the_whole_tree_is_measured(tmp_path: Path) -> None:
    """80 MiB and some processor time of a grandchild count."""
    inner = "import time; held = b'x' * (80 << 20); end = time.time() + 0.5\nwhile time.time() < end: pass"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    found = measure([sys.executable, "-c", outer], dict(os.environ), folder=tmp_path, cwd=tmp_path).sample
    assert found.rss > 80 * MIB
    assert found.cpu > 0.2
    assert found.wall > 0.5


def test_a_child_that_still_shows_its_parents_memory_is_not_counted(tmp_path: Path) -> None:
    """Hundreds of children, each of which shares its parent's 80 MiB until it runs its own program."""
    code = "import subprocess; held = b'x' * (80 << 20)\nfor _ in range(300): subprocess.run(['true'])"
    found = measure([sys.executable, "-c", code], dict(os.environ), folder=tmp_path, cwd=tmp_path).sample
    assert 80 * MIB < found.rss < 130 * MIB


def test_a_command_that_fails_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedHere, match="ended 7:\nwhy"):
        measure(
            [sys.executable, "-c", "import sys; print('why', file=sys.stderr); sys.exit(7)"],
            dict(os.environ),
            folder=tmp_path,
            cwd=tmp_path,
        )
