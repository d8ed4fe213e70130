"""Nights by the rules: a busy standalone is backed up well every night, and a lost object is said until accepted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.catalog.scan import scan
from services.demo.people import SAMPLE_PEPPER
from services.demo.sample import fill_bucket, fill_database
from services.demo.servers import Mongod
from services.demo.writer import BusyWriter
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.result import exit_code
from services.paths import Paths
from services.profile import BucketTarget
from tests.faults.s3server import Fault, FaultyS3
from tests.services.command_support import Command, environment
from tests.support import make_context, make_profile

NIGHTS = 30


def test_thirty_nights_on_a_busy_standalone_are_good(
    mongod: Mongod, database: str, db: Database[Any], bucket: BucketTarget, location: Path, tmp_path: Path
) -> None:
    profile = make_profile(mongod.uri, database, bucket, location=location, pepper=SAMPLE_PEPPER)
    fill_database(db, scale=0.001, seed=9)
    fill_bucket(bucket, scale=0.001, seed=9)
    first = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0) - timedelta(days=NIGHTS)
    inodes: list[set[int]] = []
    with BusyWriter(profile, seed=9, pause=0.05) as writer:
        for night in range(NIGHTS):
            at = first + timedelta(days=night)
            before = writer.count
            ctx = make_context(profile, tmp_path / "state", job=f"night{night}", clock=lambda at=at: at)
            result = backup(BackupPlan(reason="nightly"), ctx)
            assert (result.status, exit_code(result.status)) == ("ok", 0), (night, result.warnings)
            assert result.id == f"quilltap_{at:%Y%m%d_%H%M%S}"
            assert writer.count > before, "the writer was not busy"
            tree = location / result.id.replace("quilltap_", "quilltap_s3_")
            inodes.append({path.stat().st_ino for path in tree.rglob("*") if path.is_file()})
        assert not writer.failures
    listed = scan(profile.locations, profile, Paths(tmp_path / "state"))
    assert len(listed) == NIGHTS
    assert all(each.good and not each.suspicious and not each.problem for each in listed)
    # The first objects lie on the disk once, from the first night to the last.
    assert inodes[0] & inodes[-1]
    assert len(set().union(*inodes)) < sum(map(len, inodes)) / 5
    assert not [path.name for path in location.iterdir() if path.name.startswith(".")], "leftovers"


@pytest.fixture
def s3() -> Iterator[FaultyS3]:
    """A real server reads every object that it lists; this one has one that can never be read."""
    server = FaultyS3()
    yield server
    server.stop()


def test_an_object_unreadable_for_ever_is_said_until_it_is_accepted(
    mongod: Mongod, database: str, db: Database[Any], s3: FaultyS3, location: Path, tmp_path: Path
) -> None:
    for number in range(6):
        s3.put(f"users/u/IMAGE/{number}_photo.png", bytes([number]) * 200, content_type="image/png")
    lost = "users/u/IMAGE/3_photo.png"
    s3.faults.append(Fault(method="GET", key=lost, status=403, code="AccessDenied"))
    db["users"].insert_many([{"id": n} for n in range(20)])
    command = Command(environment(tmp_path, mongod.uri, database, location, s3.target()))

    for _ in range(2):
        night = command.json("backup", code=3)
        assert night["status"] == "warnings"
        assert any(lost in each and "accept" in each for each in night["warnings"]), night["warnings"]
    shown = command.json("list")["backups"]
    assert [each["good"] for each in shown] == [False, False]
    refused = command.failure("restore", "latest", "--yes", "--allow", "writers", code=4)
    assert "objects not good" in refused["cause"] and refused["next"]
    wrong = command.failure("accept", night["id"], "--lost", "users/u/IMAGE/4_photo.png", code=2)
    assert "does not miss" in wrong["what"] and lost in wrong["cause"]

    accepted = command.json("accept", night["id"])
    assert accepted["lost"] == [lost] and accepted["good"]
    for _ in range(2):
        again = command.json("backup")
        assert again["status"] == "ok" and again["objects"]["count"] == 5, again
    shown = command.json("list")["backups"]
    # What is lost for ever counts in no backup any more, the one before among them.
    assert [each["good"] for each in shown] == [True, True, True, True]
    # Another object that gets lost is news again.
    s3.faults.append(Fault(method="GET", key="users/u/IMAGE/5_photo.png", status=403, code="AccessDenied"))
    s3.put("users/u/IMAGE/5_photo.png", b"changed, so it has to be read", content_type="image/png")
    news = command.json("backup", code=3)
    named = " ".join(news["warnings"])
    assert "5_photo.png" in named and lost not in named, news["warnings"]
