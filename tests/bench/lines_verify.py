"""Full verify, against gunzip -t and sha256sum of the same file."""

from __future__ import annotations

from pathlib import Path

from tests.bench.bench import Bench
from tests.bench.model import Line, Sample, speed
from tests.bench.peers import mongodump
from tests.bench.rounds import Side

OURS, STOCK = "verify", "gunzip -t, sha256sum"
CHECKERS = ("gunzip", "sha256sum")


def verify_foreign_lines(bench: Bench) -> list[Line]:
    """An archive of mongodump's."""
    stage, peers = bench.stage, bench.peers
    must, work = "3x", "full verify, a foreign archive"
    if not peers.have("mongodump"):
        return [_unmeasured("verify-foreign", work, must, peers.why_not("mongodump"))]
    tool = peers.path("mongodump")
    assert tool is not None
    location = stage.folder_for("location")
    archive = location / "quilltap-20261101.gz"
    database = stage.database(bench.options.scale)
    bench.theirs(mongodump(tool, stage.standalone.uri, database, archive))
    return [_line(bench, "verify-foreign", work, 3.0, archive, str(archive))]


def verify_lines(bench: Bench) -> list[Line]:
    """One of ours."""
    stage = bench.stage
    location = stage.folder_for("location")
    database = stage.database(bench.options.scale)
    environment = stage.environment(server=stage.standalone, database=database, location=location)
    made = bench.backup_into(location, environment, stage.standalone)
    (archive,) = location.glob("quilltap_mongo_*.gz")
    id = str(made.document["id"])
    return [_line(bench, "verify", "full verify, one of ours", 3.5, archive, id)]


def _unmeasured(name: str, work: str, must: str, why: str) -> Line:
    return Line(
        name=name, work=work, against="gunzip -t + sha256sum", must=must, figures=(), series={}, note=why
    )


def _line(bench: Bench, name: str, work: str, limit: float, archive: Path, backup: str) -> Line:
    """`backup` is what our verify is given: an id or a path."""
    stage = bench.stage
    environment = stage.environment(server=None, location=archive.parent)

    def ours() -> dict[str, Sample]:
        stage.settle()
        return {OURS: bench.ours("verify", backup, environment=environment).sample}

    def stock() -> dict[str, Sample]:
        stage.settle()
        return {STOCK: bench.check_stock(archive)}

    sides = [Side("ours", ours)]
    if bench.peers.have(*CHECKERS):
        sides.append(Side("stock", stock))
    archive.read_bytes()
    series = bench.rounds(name, sides)
    return Line(
        name=name,
        work=work,
        against="gunzip -t + sha256sum",
        must=f"{limit:g}x",
        figures=(speed(series, OURS, STOCK, limit),),
        series=series,
        ours=OURS,
        theirs=STOCK,
        note=bench.peers.why_not(*CHECKERS),
    )
