"""Peak memory of backup, verify and restore at two sizes of the data."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.bench import Bench
from tests.bench.model import Figure, Line, Sample, Series, quotient, rss
from tests.bench.rounds import Side

VERBS = ("backup", "verify", "restore")
LIMIT = 1.2


def memory_lines(bench: Bench) -> list[Line]:
    """Backup, verify and restore of the database, each at both sizes; a line for each verb."""
    small, large = bench.options.memory_scales
    series = bench.rounds("memory", [Side(f"{scale:g}", _at(bench, scale)) for scale in (small, large)])
    times = f"{large / small:g} times"
    return [
        Line(
            name=f"memory-{verb}",
            work=f"memory at {times} the data, {verb}",
            against=f"at 1 times (scale {small:g})",
            must="within 20 %",
            figures=(_growth(series, verb, small, large),),
            series={_name(verb, scale): series[_name(verb, scale)] for scale in (small, large)},
            ours=_name(verb, large),
            theirs=_name(verb, small),
            note="peak RSS of the command and its job",
        )
        for verb in VERBS
    ]


def _growth(series: Series, verb: str, small: float, large: float) -> Figure:
    ratio = quotient(rss(series, _name(verb, large)), rss(series, _name(verb, small)))
    return Figure(what="its RSS", value=ratio, unit="x", limit=LIMIT)


def _name(verb: str, scale: float) -> str:
    return f"{verb} at scale {scale:g}"


def _at(bench: Bench, scale: float) -> Callable[[], dict[str, Sample]]:
    stage = bench.stage

    def go() -> dict[str, Sample]:
        database = stage.database(scale)
        location = stage.folder_for("location")
        environment = stage.environment(server=stage.standalone, database=database, location=location)
        made = bench.backup_into(location, environment, stage.standalone)
        verified = bench.ours("verify", "latest", environment=environment)
        stage.settle(stage.standalone)
        restored = bench.ours(
            *("restore", "latest", "--only", "database", "--yes", "--allow", "writers"),
            environment=environment,
        )
        bench.release(restored, environment)
        samples = (made.sample, verified.sample, restored.sample)
        return {_name(verb, scale): sample for verb, sample in zip(VERBS, samples, strict=True)}

    return go
