"""References on ten times the sample's data, and their memory against that at the sample's own size."""

from __future__ import annotations

import sys
from collections.abc import Callable

import msgspec

from services.references.model import ReferencesResult
from tests.bench.bench import Bench
from tests.bench.measure import CommandFailedHere, measure
from tests.bench.model import Figure, Line, Sample, quotient, rss, wall
from tests.bench.rounds import Side
from tests.support import ROOT

LIMIT = 1.2
COMMAND = [sys.executable, "-m", "tests.bench.references_process"]


def references_lines(bench: Bench) -> list[Line]:
    """Both sizes of the memory line; the seconds are those of the larger one."""
    small, large = bench.options.memory_scales
    series = bench.rounds("references", [Side(f"{scale:g}", _at(bench, scale)) for scale in (small, large)])
    ours, theirs = _name(large), _name(small)
    growth = quotient(rss(series, ours), rss(series, theirs))
    return [
        Line(
            name="references",
            work=f"references between documents at {large / small:g} times the data (scale {large:g})",
            against=f"at 1 times (scale {small:g})",
            must="memory within 20 %",
            figures=(
                Figure(what="its RSS", value=growth, unit="x", limit=LIMIT),
                Figure(what="takes", value=wall(series, ours), unit="s"),
            ),
            series=series,
            ours=ours,
            theirs=theirs,
            note="live, only the referring fields; nothing is missing, so that nothing is looked at twice",
        )
    ]


def _name(scale: float) -> str:
    return f"references at scale {scale:g}"


def _at(bench: Bench, scale: float) -> Callable[[], dict[str, Sample]]:
    stage = bench.stage

    def go() -> dict[str, Sample]:
        database = stage.database(scale)
        location = stage.folder_for("location")
        environment = stage.environment(server=stage.standalone, database=database, location=location)
        environment["PYTHONPATH"] = str(ROOT)
        stage.settle(stage.standalone)
        measured = measure(COMMAND, environment, folder=bench.output, cwd=ROOT, servers=stage.server_pids)
        result = msgspec.json.decode(measured.output, type=ReferencesResult)
        if result.status != "ok" or result.leftovers:
            raise CommandFailedHere(f"The references of {database} said: {result.summary}")
        return {_name(scale): measured.sample}

    return go
