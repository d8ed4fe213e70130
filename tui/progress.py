"""A job's events as a person follows them: one line rewritten on a terminal, one line a phase to a pipe."""

from __future__ import annotations

import sys

import humanize

from services.counted import counted
from services.jobs.events import AnyEvent, CancelRequested, Log, PhaseStarted, Progress
from tui.table import width_of
from tui.terminal import Terminal
from widgets.text import cut, escape, escape_lines


class Narrator:
    """Shows events on stderr."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._live = ""

    def show(self, event: AnyEvent) -> None:
        """Shows one event."""
        if isinstance(event, PhaseStarted):
            self._line(phase_text(event))
        elif isinstance(event, Progress) and self._terminal.interactive:
            self._rewrite(progress_text(event))
        elif isinstance(event, Log):
            self._line(self._log_text(event))
        elif isinstance(event, CancelRequested):
            self._line(event.answer)

    def say(self, text: str) -> None:
        """A sentence between events."""
        self._line(text)

    def close(self) -> None:
        """Takes the live line away."""
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._live = ""

    def _log_text(self, event: Log) -> str:
        if event.level == "info":
            return f"  {event.text}"
        return f"{'!' if event.level == 'warning' else 'x'} {event.level}: {event.text}"

    def _line(self, text: str) -> None:
        live = self._live
        self.close()
        print(escape_lines(text), file=sys.stderr, flush=True)
        if live:
            self._rewrite(live)

    def _rewrite(self, text: str) -> None:
        room = max(20, self._terminal.width - 1)
        shown = escape(text)
        shown = cut(shown, room) if width_of(shown) > room else shown
        sys.stderr.write(f"\r\x1b[K{shown}")
        sys.stderr.flush()
        self._live = text


def phase_text(event: PhaseStarted) -> str:
    """The line a phase begins with."""
    detail = f": {event.detail}" if event.detail else ""
    total = f" ({amount(event.total, event.unit)})" if event.total else ""
    return f"{event.phase}{detail}{total}"


def progress_text(event: Progress) -> str:
    """How far, how fast and how long still, as far as each is known."""
    parts = [f"  {event.phase}"]
    if event.total:
        share = min(100, event.done * 100 // event.total)
        parts.append(f"{share:3d} %  {amount(event.done, event.unit)} of {amount(event.total, event.unit)}")
    else:
        parts.append(amount(event.done, event.unit))
    if event.rate:
        parts.append(f"{amount(int(event.rate), event.unit)}/s")
    if event.eta is not None:
        parts.append(f"{duration(event.eta)} left")
    if event.detail:
        parts.append(event.detail)
    return "  ".join(parts)


def amount(count: int, unit: str) -> str:
    """Bytes as a size, anything else as a count with its unit, singular for one."""
    if unit == "bytes":
        return str(humanize.naturalsize(count))
    return counted(count, unit)


def duration(seconds: float) -> str:
    """`8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
