"""`quillkeep pairs` as cron and an admin run it: the document, the exit codes, the words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.demo.servers import Mongod
from services.objects.bucket import Bucket, open_bucket
from services.profile import BucketTarget
from tests.services.command_support import Command, environment
from tests.services.pairs_support import USER, key_of, put, row_of, upload

CONTRACT = {"status", "rows", "objects", "missing", "orphans", "mismatched", "outside", "warnings"}
BESIDE = {
    "moved",
    "counts",
    "good_in",
    "findings",
    "files",
    "notes",
    "depth",
    "rows_of",
    "objects_of",
    "summary",
}


@pytest.fixture
def store(bucket: BucketTarget) -> Bucket:
    return open_bucket(bucket)


@pytest.fixture
def command(
    tmp_path: Path, mongod: Mongod, database: str, bucket: BucketTarget, location: Path
) -> Iterator[Command]:
    home = tmp_path / "home"
    home.mkdir()
    yield Command(environment(home, mongod.uri, database, location, bucket))


@pytest.fixture
def whole(db: Database[Any], store: Bucket) -> list[str]:
    """Three uploads; the ids of their rows."""
    db.users.insert_one({"id": USER, "name": "Inês \x1b[31m", "email": "never@example.com"})
    return [upload(db, store, f"{number}.png", bytes([number]) * 10) for number in range(3)]


def test_whole_data_exits_0_and_has_the_whole_contract(command: Command, whole: list[str]) -> None:
    document = command.json("pairs", code=0)
    assert set(document) >= CONTRACT | BESIDE
    assert (document["status"], document["rows"], document["objects"]) == ("ok", 3, 3)
    assert document["missing"] == document["orphans"] == document["mismatched"] == document["outside"] == []
    assert (document["rows_of"], document["objects_of"], document["depth"]) == ("live", "live", "shallow")


def test_what_is_broken_exits_1_and_tells_what_brings_it_back(
    command: Command, db: Database[Any], store: Bucket, whole: list[str]
) -> None:
    id = command.json("backup", code=0)["id"]
    gone, other = key_of(db, whole[0]), key_of(db, whole[1])
    store.delete(gone)
    put(store, other, b"another length")
    db.characters.insert_one({"id": "c", "name": "Evil \u202e name", "defaultImageId": whole[0]})
    db.files.insert_one({key: value for key, value in row_of("", b"").items() if key != "s3Key"})
    document = command.json("pairs", code=1)
    assert (document["status"], document["missing"]) == ("fail", [gone])
    assert document["mismatched"] == [{"key": other, "why": "has 14 bytes, its row says 10"}]
    assert document["good_in"] == {gone: id, other: id}
    assert len(document["outside"]) == 1
    assert {one["kind"] for one in document["findings"]} == {"missing-object", "altered-object"}
    assert all(id in one["next"] for one in document["findings"])
    done = command.run("pairs")
    assert done.returncode == 1
    for words in (
        "has no object",
        "Inês",
        f"quillkeep restore {id} --only objects --yes",
        "public/uploads",
        "Used by the application, 1 of 2 files; the other is used nowhere:",
        gone,
    ):
        assert words in done.stdout
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert "never@example.com" not in done.stdout + str(document)
    restored = command.json("restore", id, "--only", "objects", "--yes", "--allow", "writers", code=3)
    assert restored["pairs"]["status"] == "ok"
    assert command.json("pairs", "--deep", code=0)["status"] == "ok"


def test_warnings_and_what_is_not_known_exit_3(
    command: Command, db: Database[Any], store: Bucket, whole: list[str]
) -> None:
    put(store, "stray", b"x")
    document = command.json("pairs", "--heads", code=3)
    assert (document["status"], document["orphans"], document["depth"]) == ("warn", ["stray"], "heads")
    assert command.json("pairs", S3_BUCKET="no-such-bucket", code=3)["status"] == "unknown"
    assert (
        command.json("pairs", MONGODB_URI="mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200", code=3)[
            "status"
        ]
        == "unknown"
    )
    only = command.json("backup", "--only", "database", code=0)["id"]
    skipped = command.json("pairs", only, code=3)
    assert (skipped["status"], skipped["summary"]) == (
        "skipped",
        f"{only} has no objects part, so its pairs cannot be told.",
    )
    done = command.run("pairs", only)
    assert done.returncode == 3
    assert "has no objects part" in done.stdout


def test_rows_and_objects_of_different_sides(
    command: Command, db: Database[Any], store: Bucket, whole: list[str]
) -> None:
    id = command.json("backup", code=0)["id"]
    document = command.json("pairs", id, "--objects", "live", "--deep", code=0)
    assert (document["rows_of"], document["objects_of"], document["depth"]) == (id, "live", "deep")
    document = command.json("pairs", "live", "--objects", id, code=0)
    assert (document["rows_of"], document["objects_of"]) == ("live", id)
    assert command.json("pairs", "latest", code=0)["rows_of"] == id


def test_a_backup_nobody_knows_is_a_usage_error(command: Command, whole: list[str]) -> None:
    assert "no backup" in command.failure("pairs", "quilltap_20200101_000000", code=2)["what"]
