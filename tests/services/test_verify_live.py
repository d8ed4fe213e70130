"""Verify, list and latest over backups that the backup operation made of a real server."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from pymongo.database import Database

from services.catalog import layout, listing
from services.catalog.scan import survey
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.verify import VerifyPlan, verify
from services.profile import Profile
from tests.fabric import rows_of
from tests.support import RecordingContext

Make = Callable[[Profile], RecordingContext]


@pytest.fixture
def filled(db: Database[Any], profile: Profile) -> Profile:
    db.users.insert_many([{"_id": number, "name": "海" * number} for number in range(50)])
    db.create_collection("weather", timeseries={"timeField": "at"})
    db.weather.insert_many([{"at": datetime(2026, 1, 1, hour, tzinfo=UTC), "t": hour} for hour in range(24)])
    db.create_collection("log", capped=True, size=4096)
    db.log.insert_one({"_id": 1})
    db.create_collection("empty")
    db.create_collection("named", viewOn="users", pipeline=[{"$match": {"name": {"$ne": ""}}}])
    assert profile.bucket and profile.bucket.access_key and profile.bucket.secret_key
    client = boto3.client(
        "s3",
        endpoint_url=profile.bucket.endpoint,
        aws_access_key_id=profile.bucket.access_key.reveal(),
        aws_secret_access_key=profile.bucket.secret_key.reveal(),
        region_name=profile.bucket.region,
    )
    objects = {f"users/u1/IMAGE/{number}_a.png": bytes([number]) * 999 for number in range(5)}
    for key, body in objects.items():
        client.put_object(Bucket=profile.bucket.bucket, Key=key, Body=body)
    db.files.insert_many(rows_of(objects))
    return profile


def test_what_backup_makes_is_proven_ours_and_latest(
    filled: Profile, make_context: Make, location: Path
) -> None:
    context = make_context(filled)
    made = backup(BackupPlan(), context)
    for depth in ("quick", "full"):
        result = verify(VerifyPlan(backup="latest", depth=depth), context)  # type: ignore[arg-type]
        assert (result.id, result.status) == (made.id, "ok"), result.checks
    assert result.proof == "content"
    document = listing.show(made.id, filled, context.paths)
    assert document["backup"]["good"] and document["backup"]["ours"], document["backup"]
    modes = {file["mode"] for file in document["files"]}
    assert modes <= {"0600", "0700", "0400"}, document["files"]


def test_bit_rot_between_two_nights(filled: Profile, make_context: Make, location: Path) -> None:
    context = make_context(filled)
    first = backup(BackupPlan(), context)
    second = backup(BackupPlan(), context)
    key = "users/u1/IMAGE/3_a.png"
    paths = [location / layout.objects_name(one.id) / key for one in (first, second)]
    assert paths[0].stat().st_ino == paths[1].stat().st_ino
    status = paths[0].stat()
    os.chmod(paths[0], 0o600)
    with open(paths[0], "r+b") as stream:
        stream.write(b"\xff")
    os.chmod(paths[0], 0o400)
    os.utime(paths[0], ns=(status.st_atime_ns, status.st_mtime_ns))
    result = verify(VerifyPlan(backup=first.id), context)
    assert result.status == "fail" and result.shared_with == (second.id,)
    third = backup(BackupPlan(), context)
    found = {one.id: one for one in survey(filled.locations, filled, context.paths).backups}
    assert found[third.id].good
    assert verify(VerifyPlan(backup=third.id), context).status == "ok"
    assert not found[first.id].good and not found[second.id].good
