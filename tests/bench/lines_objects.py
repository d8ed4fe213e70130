"""Objects down and up, against aws s3 sync and s5cmd."""

from __future__ import annotations

import shutil
from pathlib import Path

from services.demo.layout import layout_of
from tests.bench.bench import Bench
from tests.bench.measure import CommandFailedHere
from tests.bench.model import Line, Sample, speed
from tests.bench.peers import aws_sync, s5cmd_sync
from tests.bench.rounds import Side
from tests.bench.stage import BUCKET

FIRST, AGAIN, UP = "first snapshot", "snapshot, nothing changed", "restore of all objects"
AWS, S5CMD = "aws s3 sync", "s5cmd sync"


def objects_down_lines(bench: Bench) -> list[Line]:
    """The first snapshot and an unchanged second one, from the same runs."""
    stage, peers = bench.stage, bench.peers
    bucket = stage.bucket()
    database = stage.database(bench.options.scale)
    location, copy = stage.folder_for("location"), stage.scratch / "copy"
    environment = stage.environment(
        server=stage.standalone, database=database, bucket=bucket, location=location
    )
    endpoint = stage.weed.endpoint

    def ours() -> dict[str, Sample]:
        first = bench.backup_into(location, environment, stage.standalone, part="objects")
        stage.settle()
        again = bench.ours("backup", "--only", "objects", "--yes", environment=environment)
        shutil.rmtree(location)
        return {FIRST: first.sample, AGAIN: again.sample}

    def stock(name: str, command: list[str]) -> dict[str, Sample]:
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        stage.settle()
        sample = bench.theirs(command, stage.aws_environment())
        _demand_all(bench, copy)
        shutil.rmtree(copy)
        return {name: sample}

    sides = [Side("ours", ours)]
    if aws := peers.path("aws"):
        command = aws_sync(aws, endpoint, f"s3://{BUCKET}", str(copy))
        sides.append(Side("aws", lambda: stock(AWS, command)))
    if s5cmd := peers.path("s5cmd"):
        fast = s5cmd_sync(s5cmd, endpoint, f"s3://{BUCKET}/*", f"{copy}/")
        sides.append(Side("s5cmd", lambda: stock(S5CMD, fast)))
    _warm(bench)
    series = bench.rounds("objects down", sides)
    missing = peers.why_not("aws", "s5cmd")
    return [
        Line(
            name="objects-first",
            work="objects down, first snapshot, with sha256 and fsync",
            against="aws s3 sync / s5cmd",
            must="3x / not slower",
            figures=(
                speed(series, FIRST, AWS, 3.0, "as fast as aws"),
                speed(series, FIRST, S5CMD, 1.0, "as fast as s5cmd"),
            ),
            series=series,
            ours=FIRST,
            theirs=AWS,
            note=missing or "neither tool takes a sha256 or syncs files to the disk",
        ),
        Line(
            name="objects-unchanged",
            work="objects down, nothing changed",
            against="the first snapshot",
            must="4x",
            figures=(speed(series, AGAIN, FIRST, 4.0),),
            series=series,
            ours=AGAIN,
            theirs=FIRST,
            note="a seventh of the linked files is read again and hashed, as in every backup",
        ),
    ]


def objects_up_lines(bench: Bench) -> list[Line]:
    """A restore of every object into an emptied bucket."""
    stage, peers = bench.stage, bench.peers
    bucket = stage.bucket()
    database = stage.database(bench.options.scale)
    location = stage.folder_for("location")
    environment = stage.environment(
        server=stage.standalone, database=database, bucket=bucket, location=location
    )
    made = bench.backup_into(location, environment, stage.standalone, part="objects")
    (tree,) = (path for path in location.glob("quilltap_s3_*") if path.is_dir())
    for path in tree.rglob("*"):
        if path.is_file():
            path.read_bytes()

    def emptied() -> None:
        stage.empty_bucket()
        stage.settle(stage.standalone)

    def ours() -> dict[str, Sample]:
        emptied()
        arguments = ["restore", str(made.document["id"]), "--only", "objects", "--yes", "--allow", "writers"]
        ran = bench.ours(*arguments, environment=environment)
        bench.release(ran, environment)
        return {UP: ran.sample}

    def stock(tool: Path) -> dict[str, Sample]:
        emptied()
        command = aws_sync(tool, stage.weed.endpoint, str(tree), f"s3://{BUCKET}")
        return {AWS: bench.theirs(command, stage.aws_environment())}

    sides = [Side("ours", ours)]
    if aws := peers.path("aws"):
        sides.append(Side("aws", lambda: stock(aws)))
    try:
        series = bench.rounds("objects up", sides)
    finally:
        # What the last run put back may lack content types: the next use fills the bucket again.
        stage.forget_bucket()
    return [
        Line(
            name="objects-restore",
            work="objects restore of all",
            against="aws s3 sync",
            must="2x",
            figures=(speed(series, UP, AWS, 2.0),),
            series=series,
            ours=UP,
            theirs=AWS,
            note=peers.why_not("aws")
            or "into a bucket made anew before each run, from the same files; none is empty, "
            "since awscli stalls for 60 s on an empty one with this server",
        )
    ]


def _demand_all(bench: Bench, folder: Path) -> None:
    found = sum(1 for path in folder.rglob("*") if path.is_file())
    wanted = layout_of(bench.options.scale).objects
    if found != wanted:
        raise CommandFailedHere(f"{found:,} objects were copied, the bucket has {wanted:,}.")


def _warm(bench: Bench) -> None:
    """Reads every object once."""
    client = bench.stage.weed.client()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for each in page.get("Contents", ()):
            body = client.get_object(Bucket=BUCKET, Key=each["Key"])["Body"]
            for _ in body.iter_chunks(1 << 20):
                pass
