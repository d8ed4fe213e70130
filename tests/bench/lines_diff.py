"""`diff` of two backups by document, at two sizes of the data: time and peak memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.bench import Bench
from tests.bench.model import Figure, Line, Sample, Series, quotient, rss, wall
from tests.bench.rounds import Side

LIMIT = 1.2
"""Growth of the peak memory at ten times the data."""
CHANGED = 20
"""One document in so many is another in the second backup, in every collection, so that all of them are read."""
FIELD = "benchmark"


def diff_lines(bench: Bench) -> list[Line]:
    """Two backups of the same data with one document of twenty changed, at the memory line's sizes."""
    sizes = bench.options.memory_scales
    at = dict.fromkeys((*sizes, bench.options.scale))
    pairs = {scale: _two_backups(bench, scale) for scale in at}
    series = bench.rounds("diff", [Side(_name(scale), _compare(bench, scale, pairs[scale])) for scale in at])
    return [_line(series, bench.options.scale), _memory(series, *sizes)]


def _line(series: Series, scale: float) -> Line:
    name = _name(scale)
    return Line(
        name="diff",
        work=f"diff by document, two backups at scale {scale:g}",
        against="",
        must="",
        figures=(
            Figure(what="time", value=wall(series, name), unit="s"),
            Figure(what="RSS", value=rss(series, name), unit="MiB"),
        ),
        series={name: series[name]},
        ours=name,
        note="every collection differs, so both archives are read whole; scale 1 is 432 MB",
    )


def _memory(series: Series, small: float, large: float) -> Line:
    ratio = quotient(rss(series, _name(large)), rss(series, _name(small)))
    return Line(
        name="memory-diff",
        work=f"memory at {large / small:g} times the data, diff",
        against=f"at 1 times (scale {small:g})",
        must="within 20 %",
        figures=(Figure(what="its RSS", value=ratio, unit="x", limit=LIMIT),),
        series={_name(scale): series[_name(scale)] for scale in (small, large)},
        ours=_name(large),
        theirs=_name(small),
        note="peak RSS of the command and its job",
    )


def _name(scale: float) -> str:
    return f"diff at scale {scale:g}"


def _two_backups(bench: Bench, scale: float) -> tuple[Path, str, str]:
    """(location, the first backup, the second), the database as it was afterwards."""
    stage = bench.stage
    database = stage.database(scale)
    location = stage.folder_for(f"diff-{scale:g}".replace(".", "_"))
    environment = stage.environment(server=stage.standalone, database=database, location=location)
    first = bench.ours("backup", "--only", "database", environment=environment)
    with stage.standalone.client() as client, _changed(client[database]):
        second = bench.ours("backup", "--only", "database", environment=environment)
    return location, str(first.document["id"]), str(second.document["id"])


@contextmanager
def _changed(database: Any) -> Iterator[None]:
    names = [name for name in database.list_collection_names() if not name.startswith(("__", "system."))]
    some = {name: [each["_id"] for each in database[name].find({}, {"_id": 1})][::CHANGED] for name in names}
    try:
        for name in names:
            for place in range(0, len(some[name]), 10_000):
                few = {"_id": {"$in": some[name][place : place + 10_000]}}
                database[name].update_many(few, {"$set": {FIELD: 1}})
        yield
    finally:
        for name in names:
            database[name].update_many({FIELD: 1}, {"$unset": {FIELD: 1}})


def _compare(bench: Bench, scale: float, pair: tuple[Path, str, str]) -> Callable[[], dict[str, Sample]]:
    location, first, second = pair
    environment = bench.stage.environment(server=None, location=location)

    def go() -> dict[str, Sample]:
        bench.stage.settle()
        ran = bench.ours("diff", first, second, environment=environment)
        rows = ran.document["collections"]
        if not all(row["documents"] and row["documents"]["changed"] for row in rows):
            raise AssertionError(f"{_name(scale)} did not find what was changed")
        return {_name(scale): ran.sample}

    return go
