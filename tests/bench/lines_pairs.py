"""The pair check by listing: 100,000 rows against 100,000 objects, and its memory at a tenth of that."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from services.objects.clients import build_clients
from services.profile import BucketTarget
from services.quilltap import object_key
from tests.bench.bench import Bench
from tests.bench.measure import CommandFailedHere
from tests.bench.model import Figure, Line, Sample, quotient, rss, wall
from tests.bench.rounds import Side
from tests.bench.stage import Stage

MANY, FEWER = 100_000, 10_000
LIMIT_SECONDS = 20.0
GROWTH = 1.2
USERS = 40
PUTTERS = 16
BATCH = 5_000


def pairs_lines(bench: Bench) -> list[Line]:
    """Both sizes; the figures are of the larger one."""
    series = bench.rounds("pairs", [Side(f"{count:,} pairs", _at(bench, count)) for count in (FEWER, MANY)])
    many, fewer = _name(MANY), _name(FEWER)
    return [
        Line(
            name="pairs",
            work=f"pair check by listing, {MANY:,} rows and objects",
            against=f"its memory at {FEWER:,}",
            must=f"{LIMIT_SECONDS:g} s, memory within 20 %",
            figures=(
                Figure(what="takes", value=wall(series, many), unit="s", limit=LIMIT_SECONDS),
                Figure(
                    what="its RSS",
                    value=quotient(rss(series, many), rss(series, fewer)),
                    unit="x",
                    limit=GROWTH,
                ),
            ),
            series=series,
            ours=many,
            theirs=fewer,
            note="objects of 0 to 49 bytes, listed by boto3; nothing wrong is found, so that nothing is looked at twice",
        )
    ]


def _name(count: int) -> str:
    return f"pairs of {count:,}"


def _at(bench: Bench, count: int) -> Any:
    stage = bench.stage

    def go() -> dict[str, Sample]:
        bucket = filled(stage, count)
        location = stage.folder_for("location")
        environment = stage.environment(
            server=stage.standalone, database=_database(count), bucket=bucket, location=location
        )
        ran = bench.ours("pairs", environment=environment)
        found = ran.document
        if (found["status"], found["rows"], found["objects"]) != ("ok", count, count):
            raise CommandFailedHere(f"The pair check of {count:,} pairs said: {found['summary']}")
        return {_name(count): ran.sample}

    return go


def filled(stage: Stage, count: int) -> BucketTarget:
    """A bucket of `count` tiny objects and a database of as many rows, made once (about 1,000 objects a second)."""
    name = f"quilltap-pairs-{count}"
    target = stage.weed.target(name)
    held = [each.get("Name") for each in stage.weed.client().list_buckets().get("Buckets", [])]
    if name not in held or _listed(stage, name) != count:
        if name in held:
            stage.weed.delete_bucket(name)
        stage.weed.create_bucket(name)
        stage.say(f"filling {name}: {count:,} objects")
        _put_all(target, count)
    with stage.standalone.client() as client:
        files = client[_database(count)]["files"]
        if files.estimated_document_count() != count:
            client.drop_database(_database(count))
            rows = [_row(number) for number in range(count)]
            for start in range(0, count, BATCH):
                files.insert_many(rows[start : start + BATCH])
    return target


def _database(count: int) -> str:
    return f"quilltap_pairs_{count}"


def _listed(stage: Stage, bucket: str) -> int:
    pages = stage.weed.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return sum(page.get("KeyCount", 0) for page in pages)


def _id(kind: int, number: int) -> str:
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


def _key(number: int) -> str:
    return object_key("", _id(1, number % USERS), "IMAGE", _id(2, number), f"picture {number}.png")


def _body(number: int) -> bytes:
    return bytes(number % 50)


def _row(number: int) -> dict[str, Any]:
    body = _body(number)
    return {
        "id": _id(3, number),
        "userId": _id(1, number % USERS),
        "sha256": hashlib.sha256(body).hexdigest(),
        "originalFilename": f"picture {number}.png",
        "mimeType": "image/png",
        "size": len(body),
        "width": None,
        "height": None,
        "linkedTo": [],
        "source": "UPLOADED",
        "category": "IMAGE",
        "tags": [],
        "s3Key": _key(number),
        "createdAt": "2026-11-01T10:00:00.000Z",
        "updatedAt": "2026-11-01T10:00:00.000Z",
    }


def _put_all(target: BucketTarget, count: int) -> None:
    import obstore

    store = build_clients(target).up

    def put(numbers: range) -> None:
        for number in numbers:
            obstore.put(
                store,
                _key(number),
                _body(number),
                attributes={"Content-Type": "image/png"},
                use_multipart=False,
            )

    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(PUTTERS, thread_name_prefix="pairs") as pool:
        for numbers in _ranges(count):
            waiting.append(pool.submit(put, numbers))
        while waiting:
            waiting.popleft().result()


def _ranges(count: int) -> Iterator[range]:
    for start in range(0, count, 500):
        yield range(start, min(start + 500, count))
