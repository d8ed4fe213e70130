"""What the tests of objects share."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from services.objects.bucket import Bucket, open_bucket
from services.objects.keys import Headers
from services.objects.patience import Patience
from services.objects.restore import ObjectPlan, ObjectsResult, Placement, put_objects
from services.objects.snapshot import PreviousSnapshot, Snapshot, SnapshotResult
from services.objects.source import ObjectsSource
from services.profile import BucketTarget

QUICK = Patience(outage=1.5, single=0.6, alone=0.8, pause=0.05, longest_pause=0.2)
"""Deadlines of minutes, shortened to what a test may wait."""


def opened(target: BucketTarget, patience: Patience = QUICK) -> Bucket:
    """A bucket with short deadlines."""
    return open_bucket(target, patience=patience)


def fill(bucket: Bucket, keys: dict[str, bytes]) -> None:
    """Puts objects as the application does: content type, name and sha256."""
    for key, data in keys.items():
        metadata = {"sha256": hashlib.sha256(data).hexdigest(), "filename": key.rpartition("/")[2]}
        headers = Headers(content_type="image/png", cache_control="max-age=60", metadata=metadata)
        bucket.put(key, data, size=len(data), headers=headers)


def contents(bucket: Bucket) -> dict[str, bytes]:
    """Every data object's bytes."""
    found: dict[str, bytes] = {}
    for info in bucket.list():
        parts: list[bytes] = []
        bucket.read(
            info.key, size=info.size, etag=info.etag, sink=lambda chunk, to=parts: to.append(bytes(chunk))
        )
        found[info.key] = b"".join(parts)
    return found


def snapshot(
    bucket: Bucket,
    location: Path,
    name: str = "1",
    *,
    previous: str | None = None,
    **more: Any,
) -> SnapshotResult:
    """Takes a whole snapshot named `name` into the location."""
    folder, lines = paths(location, name)
    before = PreviousSnapshot(*paths(location, previous)) if previous else None
    taken = Snapshot(bucket, folder, lines, previous=before, **more)
    taken.first_pass()
    taken.second_pass()
    return taken.finish()


def paths(location: Path, name: str) -> tuple[Path, Path]:
    """A snapshot's folder and object manifest."""
    return location / f"quilltap_s3_{name}", location / f"quilltap_s3_{name}.objects.jsonl.gz"


def put(bucket: Bucket, plan: ObjectPlan, source: ObjectsSource, **more: Any) -> ObjectsResult:
    """Puts a plan's objects, forgetting the journal."""

    def forget(placements: list[Placement]) -> None:
        """No journal."""

    more.setdefault("journal", forget)
    more.setdefault("job", "j1")
    return put_objects(bucket, plan, source, **more)
