"""Restore of the database with all its proofs, against mongorestore --drop."""

from __future__ import annotations

from services.demo.servers import Mongod
from tests.bench.bench import Bench
from tests.bench.model import Line, Sample, memory, speed
from tests.bench.peers import mongodump, mongorestore
from tests.bench.rounds import Side

OURS, STOCK = "restore", "mongorestore --drop"
TOOLS = ("mongodump", "mongorestore")


def restore_lines(bench: Bench) -> list[Line]:
    """On a standalone."""
    return [_line(bench, "restore", "standalone", bench.stage.standalone, 2.0)]


def restore_replica_set_lines(bench: Bench) -> list[Line]:
    """On a replica set of one node, which our own restore fills first."""
    stage = bench.stage
    database = stage.database(bench.options.scale)
    location = stage.folder_for("to-replica-set")
    source = stage.environment(server=stage.standalone, database=database, location=location)
    made = bench.backup_into(location, source, stage.standalone)
    target = stage.environment(server=stage.replica_set, database=database, location=location)
    command = ["restore", str(made.document["path"]), "--only", "database", "--yes"]
    risks = ["--allow", "writers", "--allow", "other-deployment"]
    ran = bench.ours(*command, *risks, environment=target)
    bench.release(ran, target)
    return [_line(bench, "restore-replica-set", "replica set (one node)", stage.replica_set, 1.8)]


def _line(bench: Bench, name: str, kind: str, server: Mongod, limit: float) -> Line:
    stage, peers = bench.stage, bench.peers
    database = stage.database(bench.options.scale)
    location = stage.folder_for("location")
    environment = stage.environment(server=server, database=database, location=location)
    bench.backup_into(location, environment, server)
    archive = stage.folder_for("stock") / "mongodump.gz"
    sides = []

    def ours() -> dict[str, Sample]:
        stage.settle(server)
        arguments = ["restore", "latest", "--only", "database", "--yes", "--allow", "writers"]
        ran = bench.ours(*arguments, environment=environment)
        bench.release(ran, environment)
        return {OURS: ran.sample}

    def stock() -> dict[str, Sample]:
        tool = peers.path("mongorestore")
        assert tool is not None
        stage.settle(server)
        return {STOCK: bench.theirs(mongorestore(tool, server.uri, archive))}

    sides.append(Side("ours", ours))
    if peers.have(*TOOLS):
        dumper = peers.path("mongodump")
        assert dumper is not None
        bench.theirs(mongodump(dumper, server.uri, database, archive))
        sides.append(Side("stock", stock))
    series = bench.rounds(name, sides)
    return Line(
        name=name,
        work=f"database restore with all its proofs, {kind}",
        against="mongorestore --drop",
        must=f"{limit:g}x, under 200 MiB RSS",
        figures=(speed(series, OURS, STOCK, limit), memory(series, OURS, 200)),
        series=series,
        ours=OURS,
        theirs=STOCK,
        note=peers.why_not(*TOOLS)
        or "each from the archive of its own tool; rollback copies are released between runs, untimed",
    )
