"""A plot of one thing over time as lines of text, deterministic, ASCII where the terminal has no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

_one_at_a_time = threading.Lock()
"""plotext draws on one figure of the module's own."""


def plot(
    points: Sequence[tuple[datetime, float]],
    *,
    width: int,
    height: int,
    utf8: bool,
    words: Callable[[float], str],
) -> list[str]:
    """`height` lines of at most `width` columns, from zero up; empty without points.

    `words` says a value beside the axis. Imports plotext (0.1 s), which a caller may have done before, apart
    from the event loop.
    """
    if not points:
        return []
    import plotext

    times = [at.timestamp() for at, _ in points]
    values = [value for _, value in points]
    top = max(values) or 1.0
    first, last = (at.astimezone(UTC).strftime("%Y-%m-%d") for at in (points[0][0], points[-1][0]))
    with _one_at_a_time:
        figure = plotext.figure
        figure.clear.all()
        figure.plot_size(width, height)
        signal = figure.signal(times, values, marker="braille" if utf8 else "*")
        if len(points) > 1:
            signal.lines(True)
        figure.draw(signal)
        figure.axes(False, side=1)
        if not utf8:
            figure.axes(False)
        if times[0] == times[-1]:
            figure.ruler("x").ticks([times[0]], [first])
        else:
            figure.ruler("x").ticks([times[0], times[-1]], [first, last])
        figure.ruler("y").lim(0, top)
        edge = "" if utf8 else " |"
        figure.ruler("y").ticks([0, top], [f"0{edge}", f"{words(top)}{edge}"])
        drawn: str = plotext.uncolorize(figure.build().string())
    return [line.rstrip() for line in drawn.splitlines()][:height]
