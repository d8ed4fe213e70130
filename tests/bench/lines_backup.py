"""Dump and backup of the database, against mongodump."""

from __future__ import annotations

import sys

from msgspec.structs import replace

from services.jobs.environment import ALLOCATOR
from tests.bench.bench import Bench
from tests.bench.model import Figure, Line, Sample, Series, memory, quotient, rss, size, speed
from tests.bench.peers import mongodump
from tests.bench.rounds import Side

DUMP, BACKUP, PROCESS = "dump phase", "backup", "dump in a process of its own"
STOCK_DUMP, STOCK_BACKUP = "mongodump", "mongodump, gunzip -t, sha256sum"
TOOLS = ("mongodump", "gunzip", "sha256sum")


def backup_lines(bench: Bench) -> list[Line]:
    """The dump phase and the whole backup, from the same runs."""
    series = _series(bench, bench.stage.database(bench.options.scale), "backup", alone=True)
    missing = bench.peers.why_not(*TOOLS)
    ratio = quotient(size(series, DUMP), size(series, STOCK_DUMP))
    return [
        Line(
            name="dump",
            work="the dump phase of a database backup",
            against="mongodump --archive --gzip",
            must="4x as fast, at most 1.03x its size",
            figures=(
                speed(series, DUMP, STOCK_DUMP, 4.0),
                Figure(what="its size", value=ratio, unit="x", limit=1.03),
                speed(series, PROCESS, STOCK_DUMP, None, "as fast as a whole process"),
            ),
            series=series,
            ours=DUMP,
            theirs=STOCK_DUMP,
            note=missing
            or "dump phase: from the job's journal, from the beginning of the phase to its final count; mongodump: "
            "from start to exit. The dump in a process of its own is measured from start to exit too",
        ),
        Line(
            name="backup",
            work="a database backup, whole command, read back and proven",
            against="mongodump, then gunzip -t and sha256sum",
            must="3.5x, under 100 MiB RSS",
            figures=(speed(series, BACKUP, STOCK_BACKUP, 3.5), memory(series, BACKUP, 100)),
            series=series,
            ours=BACKUP,
            theirs=STOCK_BACKUP,
            note=missing
            or "RSS is the sum of the peaks of the command and its job, shared pages counted twice",
        ),
    ]


def large_documents_lines(bench: Bench) -> list[Line]:
    """The same with 20 documents of 16 MiB."""
    series = _series(bench, bench.stage.large_documents(), "backup of 16 MiB documents", alone=False)
    told = rss(series, STOCK_DUMP)
    return [
        Line(
            name="backup-large-documents",
            work="a database backup with documents of 16 MiB (20, random bytes)",
            against="mongodump, then gunzip -t and sha256sum",
            must="under 160 MiB RSS",
            figures=(
                memory(series, BACKUP, 160),
                speed(series, BACKUP, STOCK_BACKUP, None),
                Figure(what="mongodump's RSS", value=told, unit="MiB"),
            ),
            series=series,
            ours=BACKUP,
            theirs=STOCK_BACKUP,
            note=bench.peers.why_not(*TOOLS),
        )
    ]


def _series(bench: Bench, database: str, line: str, *, alone: bool) -> Series:
    stage, peers = bench.stage, bench.peers
    server = stage.standalone
    location = stage.folder_for("location")
    files = stage.folder_for("stock")
    environment = stage.environment(server=server, database=database, location=location)

    def ours() -> dict[str, Sample]:
        ran = bench.backup_into(location, environment, server)
        (archive,) = location.glob("quilltap_mongo_*.gz")
        written = archive.stat().st_size
        whole, phase = ran.sample, ran.phase("dump")
        return {
            BACKUP: _sized(whole, written),
            DUMP: _sized(phase, written),
        }

    def process() -> dict[str, Sample]:
        file = files / "alone.gz"
        file.unlink(missing_ok=True)
        stage.settle(server)
        command = [sys.executable, "-m", "tests.bench.dump_process", str(file)]
        sample = bench.theirs(command, {**environment, **ALLOCATOR})
        return {PROCESS: _sized(sample, file.stat().st_size)}

    def stock() -> dict[str, Sample]:
        tool = peers.path("mongodump")
        assert tool is not None
        file = files / "mongodump.gz"
        file.unlink(missing_ok=True)
        stage.settle(server)
        dumped = _sized(bench.theirs(mongodump(tool, server.uri, database, file)), file.stat().st_size)
        return {STOCK_DUMP: dumped, STOCK_BACKUP: dumped.beside(bench.check_stock(file))}

    sides = [Side("ours", ours)]
    if alone:
        sides.append(Side("process", process))
    if peers.have(*TOOLS):
        sides.append(Side("stock", stock))
    stage.warm(server, database)
    return bench.rounds(line, sides)


def _sized(sample: Sample, written: int) -> Sample:
    return replace(sample, bytes=written)
