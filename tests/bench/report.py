"""The table, and the JSON that is kept."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tests.bench.bench import Options
from tests.bench.model import MIB, Figure, Line, Sample

HEADINGS = ("WORK", "AGAINST", "MUST REACH", "REACHED", "OURS", "THEIRS", "CPU", "RSS MiB")
WORDS = {True: "yes", False: "NO", None: "-"}


def table(lines: list[Line]) -> str:
    """The lines as the issue words them, with what was reached; ours and theirs are medians."""
    rows = [HEADINGS, *map(_row, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    text.insert(1, "  ".join("-" * width for width in widths))
    notes = [f"{line.name}: {line.note}." for line in lines if line.note]
    told = [
        f"{line.name}: {_figure(figure)} (told, not judged)."
        for line in lines
        for figure in line.figures
        if figure.limit is None and figure.value is not None
    ]
    return "\n".join([*(row.rstrip() for row in text), "", *notes, *told])


def profiles(lines: list[Line]) -> str:
    """Where the time of our own commands went, by phase, medians."""
    shown: set[str] = set()
    text = []
    for line in lines:
        for name, samples in line.series.items():
            if name in shown or not any(sample.phases for sample in samples):
                continue
            shown.add(name)
            text.append(f"{line.name}, {name}: {statistics.median(s.wall for s in samples):.2f} s")
            text += [f"    {seconds:7.3f}  {phase}" for phase, seconds in _phases(samples)]
    return "\n".join(text)


def _phases(samples: list[Sample]) -> list[tuple[str, float]]:
    taken: dict[str, list[float]] = {}
    for sample in samples:
        sums: dict[str, float] = {}
        for phase, seconds in sample.phases:
            sums[phase] = sums.get(phase, 0.0) + seconds
        for phase, seconds in sums.items():
            taken.setdefault(phase, []).append(seconds)
    return [(phase, statistics.median(each)) for phase, each in taken.items()]


def _row(line: Line) -> tuple[str, ...]:
    judged = [figure for figure in line.figures if figure.limit is not None]
    reached = ", ".join(f"{WORDS[figure.reached]} {_value(figure)}" for figure in judged)
    ours, theirs = line.series.get(line.ours, []), line.series.get(line.theirs, [])
    return (
        line.work,
        line.against,
        line.must,
        reached or "not measured",
        _seconds(ours),
        _seconds(theirs),
        _pair(*(_median([sample.cpu for sample in side]) for side in (ours, theirs)), digits=1),
        _pair(*(_median([sample.rss / MIB for sample in side]) for side in (ours, theirs)), digits=0),
    )


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def _pair(ours: float | None, theirs: float | None, *, digits: int) -> str:
    return " / ".join(
        "-" if value is None or not value else f"{value:.{digits}f}" for value in (ours, theirs)
    )


def _seconds(samples: list[Sample]) -> str:
    median = _median([sample.wall for sample in samples])
    return "-" if median is None else f"{median:.2f} s"


def _value(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    if figure.unit == "x":
        return (
            f"{figure.value:.3f}x"
            if figure.limit is not None and figure.limit < 1.2
            else f"{figure.value:.2f}x"
        )
    digits = {"s": 2, "KiB/s": 1}.get(figure.unit, 0)
    return f"{figure.value:.{digits}f} {figure.unit}"


def _figure(figure: Figure) -> str:
    return f"{_value(figure)} {figure.what}"


def document(
    lines: list[Line],
    options: Options,
    machine: dict[str, Any],
    versions: dict[str, str],
    failures: dict[str, str],
) -> dict[str, Any]:
    """Everything measured, every raw run included; a series shared by lines is told once."""
    series: dict[str, list[Any]] = {}
    told = []
    for line in lines:
        names = {}
        for name, samples in line.series.items():
            owner = next((key for key, held in series.items() if held is samples), f"{line.name}: {name}")
            series[owner] = samples
            names[name] = owner
        told.append(
            {
                "name": line.name,
                "work": line.work,
                "against": line.against,
                "must_reach": line.must,
                "reached": line.reached,
                "figures": [
                    {**msgspec.to_builtins(figure), "reached": figure.reached} for figure in line.figures
                ],
                "ours": names.get(line.ours),
                "theirs": names.get(line.theirs),
                "note": line.note,
            }
        )
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "scale": options.scale,
        "runs": options.runs,
        "machine": machine,
        "versions": versions,
        "lines": told,
        "failed": failures,
        "runs_of": msgspec.to_builtins(series),
    }


def keep(document: dict[str, Any], folder: Path) -> Path:
    """Writes the document under the time it was made."""
    folder.mkdir(parents=True, exist_ok=True)
    moment = datetime.fromisoformat(document["date"])
    path = folder / f"bench-{moment:%Y%m%d-%H%M%S}-scale-{document['scale']:g}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    return path
