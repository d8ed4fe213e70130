"""Bars and plots of text: deterministic, as wide as asked, honest about what is not done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from widgets.timeline import Span, bar, placed, total_of
from widgets.trend import plot

DAY = datetime(2026, 11, 1, 3, tzinfo=UTC)


def words(value: float) -> str:
    return f"{value:.0f} MB"


@pytest.mark.parametrize("utf8", [True, False])
@pytest.mark.parametrize("count", [1, 2, 14, 90])
@pytest.mark.parametrize("width", [24, 79, 118])
def test_a_plot_keeps_its_size_and_is_the_same_every_time(utf8: bool, count: int, width: int) -> None:
    points = [(DAY + timedelta(days=number), 400.0 + number % 7) for number in range(count)]
    first = plot(points, width=width, height=8, utf8=utf8, words=words)
    assert len(first) == 8
    assert max(len(line) for line in first) <= width
    assert first == plot(points, width=width, height=8, utf8=utf8, words=words)
    text = "\n".join(first)
    assert words(max(value for _, value in points)) in text
    assert utf8 or text.isascii()


def test_a_plot_of_nothing_and_of_zeros() -> None:
    assert plot([], width=40, height=8, utf8=True, words=words) == []
    assert plot([(DAY, 0.0), (DAY, 0.0)], width=40, height=8, utf8=True, words=words)


def test_a_bar_is_full_only_when_all_is_done() -> None:
    assert bar(0.999, 10, utf8=False) == "#########-"
    assert bar(1.0, 10, utf8=False) == "##########"
    assert bar(0.0, 4, utf8=True) == "░░░░"
    assert bar(7.0, 4, utf8=True) == "████"


def test_a_phase_is_placed_where_it_ran_and_never_vanishes() -> None:
    spans = [Span("load", 0, 90), Span("swap", 90, 0.01), Span("prove", 90, 10)]
    total = total_of(spans)
    assert total == 100
    drawn = [placed(span, total, 20, utf8=False) for span in spans]
    assert drawn == ["#" * 18 + "  ", " " * 18 + "# ", " " * 18 + "##"]
    assert placed(Span("all", 0, 0), 0, 5, utf8=True) == "█    "
    assert placed(Span("late", 100, 0), 100, 5, utf8=True) == "    █"
