"""What the history says: its rows, an operation's lines, the plots' lines; from operations alone."""

from __future__ import annotations

from collections.abc import Sequence

from services.history.export import moment, took, who
from services.history.model import Operation, PhaseSpan
from services.history.trends import Series
from services.history.words import amount, duration, size
from widgets.glyphs import Glyphs, tone
from widgets.inventory_table import Column, TableRow
from widgets.lines_view import Line, wrapped
from widgets.text import escape
from widgets.timeline import Span, placed, total_of

WIDE = 120
NARROW_COLUMNS = (
    Column("STARTED (UTC)", 16),
    Column("VERB", 9),
    Column("STATE", 12, toned=True),
    Column("TOOK", 11, right=True),
    Column("CHANGED"),
)
WIDE_COLUMNS = (
    Column("STARTED (UTC)", 19),
    Column("VERB", 13),
    Column("STATE", 12, toned=True),
    Column("TOOK", 12, right=True),
    Column("WHO", 18),
    Column("MOVED", 8, right=True),
    Column("CHANGED"),
)
PLOT_ROWS = 8
LABELS = 12
LONGEST = 600
"""Characters of one fact on the screen; a copy or file has all of them."""


def row_of(one: Operation, glyphs: Glyphs, *, wide: bool) -> TableRow:
    """One operation."""
    state = glyphs.status(one.state)
    at, changed = moment(one.started), escape(one.changed)
    cells: tuple[str, ...]
    if wide:
        moved = size(one.bytes) if one.bytes is not None else "-"
        cells = (at, escape(one.verb) or "-", state, took(one), escape(who(one)), moved, changed)
    else:
        cells = (at[:16], escape(one.verb) or "-", state, took(one), changed)
    words = " ".join(
        (one.id, one.verb, one.state, one.user, one.host, one.profile or "", at, one.asked, one.changed)
    )
    return TableRow(key=one.id, cells=cells, tone=tone(one.state), words=words.lower())


def about_of(one: Operation) -> str:
    """What its row had no room for."""
    parts = [f"{who(one)}", f"job {one.id}"]
    if one.profile:
        parts.append(f"profile {one.profile}")
    if one.asked:
        parts.append(f"asked: {one.asked}")
    if one.warnings:
        parts.append(amount(len(one.warnings), "warnings"))
    return f"{', '.join(parts)}. {one.changed}"


def head_of(operations: Sequence[Operation], forbidden: Sequence[str]) -> str:
    """How many, since when, and how many may not be read."""
    if not operations:
        return ""
    oldest = next((one.started for one in reversed(operations) if one.started), None)
    text = f"{amount(len(operations), 'operations')} since {moment(oldest)[:10]}"
    return text + (f"; no permission to read {len(forbidden):,} more" if forbidden else "")


def detail_lines(one: Operation, width: int, glyphs: Glyphs) -> list[Line]:
    """Verdict, facts, result, and the timeline."""
    state = Line(f"{glyphs.status(one.state)}  {one.verb} {one.id}", _line_tone(one.state))
    lines = [state, *_fact("Changed", one.changed, width)]
    if one.error is not None:
        for label, key in (
            ("Happened", "what"),
            ("Cause", "cause"),
            ("Touched", "touched"),
            ("Next", "next"),
        ):
            lines += _fact(label, one.error.get(key, ""), width, "error" if key == "what" else "")
    for text in one.warnings:
        lines += _fact("Warning", text, width, "warning")
    for command in one.way_on:
        lines += _fact("Then", command, width, "accent")
    lines += [Line(""), *_timeline(one.phases, width, glyphs), Line("")]
    ended = f", ended {moment(one.finished)[11:]}" if one.finished else ""
    lines += _fact("When", f"started {moment(one.started)} UTC{ended}, took {took(one)}", width)
    lines += _fact("Who", who(one), width)
    lines += _fact("Profile", one.profile or "", width)
    lines += _fact("Asked", one.asked, width)
    if one.bytes:
        rate = f" at {size(one.rate)}/s" if one.rate else ""
        lines += _fact("Moved", f"{size(one.bytes)}{rate}", width)
    for label, text in one.facts:
        lines += _fact(label, text, width)
    lines += _fact("Version", one.version, width)
    if one.partial:
        lines += _fact(
            "Note", "Its journal is very large: phases in its middle are left out.", width, "warning"
        )
    return lines


def plot_lines(series: Sequence[Series], width: int, glyphs: Glyphs) -> list[Line]:
    """Each series under its title, with its newest, smallest and largest value."""
    from widgets.trend import plot

    lines: list[Line] = []
    for one in series:
        values = [value for _, value in one.points]
        if not values:
            lines += [Line(one.title, "strong"), Line("  Nothing was measured yet.", "dim"), Line("")]
            continue
        newest, least, most = (value_in_words(one.unit, v) for v in (values[-1], min(values), max(values)))
        said = f"{one.title}: newest {newest}, least {least}, most {most} ({amount(len(values), 'points')})"
        lines.append(Line(said, "strong"))
        drawn = plot(
            one.points,
            width=max(20, width - 1),
            height=PLOT_ROWS,
            utf8=glyphs.utf8,
            words=lambda value, unit=one.unit: value_in_words(unit, value),  # type: ignore[misc]
        )
        lines += [*(Line(text) for text in drawn), Line("")]
    return lines


def value_in_words(unit: str, value: float) -> str:
    """A point of a series."""
    if unit == "seconds":
        return duration(value)
    return f"{size(value)}/s" if unit == "bytes/s" else size(value)


def _timeline(phases: Sequence[PhaseSpan], width: int, glyphs: Glyphs) -> list[Line]:
    if not phases:
        return [Line("It had no phases.", "dim")]
    first = phases[0].began
    spans = [
        Span(
            phase.name,
            (phase.began - first).total_seconds(),
            phase.seconds or 0.0,
            "running" if phase.seconds is None else duration(phase.seconds),
        )
        for phase in phases
    ]
    total = total_of(spans)
    names = min(max(len(escape(span.name)) for span in spans), max(12, width // 3))
    bar_width = max(10, width - names - 32)
    lines = [Line(f"Timeline: {duration(total)}", "strong")]
    for span, phase in zip(spans, phases, strict=True):
        name = escape(span.name)
        name = name if len(name) <= names else name[: names - 1] + glyphs.ellipsis
        did = amount(phase.done, phase.unit) if phase.done else ""
        drawn = placed(span, total, bar_width, utf8=glyphs.utf8)
        lines.append(Line(f"{name:<{names}} {drawn} {span.words:>12}  {did}".rstrip()))
    return lines


def _fact(label: str, text: str, width: int, colour: str = "") -> list[Line]:
    if not text:
        return []
    first = f"{label:<{LABELS}} "
    rest = " " * len(first)
    shown = wrapped(text[:LONGEST], width, first=first, rest=rest)
    if len(text) > LONGEST:
        shown.append(f"{rest}(cut here: y copies the whole)")
    return [Line(line, colour) for line in shown]


def _line_tone(state: str) -> str:
    return tone(state) or "strong"
