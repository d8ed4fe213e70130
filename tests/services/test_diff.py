"""Comparing backups with each other and with what is live: by content, never by a guess."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services.archive.model import ArchiveError
from services.errors import Cancelled, QuillkeepError, Refused, UsageProblem
from services.jobs.location_lock import list_readers
from services.objects.bucket import open_bucket
from services.objects.keys import Headers
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.diff import DiffPlan, diff
from services.operations.diff_model import CollectionDiff, DiffResult
from services.profile import BucketTarget, Location, MongoTarget, Profile
from services.secret import Secret
from tests.services.command_support import Command, environment
from tests.support import FIXTURES, RecordingContext

Contexts = Callable[..., RecordingContext]
NIGHT = datetime(2026, 11, 20, 2, 0, 0, tzinfo=UTC)
FIRST, SECOND = "quilltap_20261120_020000", "quilltap_20261121_020000"


def put(bucket: BucketTarget, *keys: str, body: bytes) -> None:
    opened = open_bucket(bucket)
    for key in keys:
        opened.put(key, body, size=len(body), headers=Headers())


@pytest.fixture
def filled(profile: Profile, db: Database[Any], bucket: BucketTarget, make_context: Contexts) -> Profile:
    """A deployment with a first backup of it."""
    db.chats.insert_many([{"_id": number, "title": f"chat {number:03}"} for number in range(60)])
    db.users.insert_many([{"_id": number, "name": "u"} for number in range(3)])
    db.create_collection("empty")
    db.create_collection("recent", viewOn="chats", pipeline=[{"$match": {"_id": {"$gt": 50}}}])
    db.chats.create_index("title", name="by_title")
    opened = open_bucket(bucket)
    for number in range(5):
        opened.put(f"users/u/{number}.png", bytes([number]) * 1_000, size=1_000, headers=Headers())
    night(profile, make_context, 0)
    return profile


def night(profile: Profile, make_context: Contexts, day: int, **plan: Any) -> str:
    at = NIGHT + timedelta(days=day)
    return backup(BackupPlan(**plan), make_context(profile, clock=lambda: at)).id


def compare(profile: Profile, make_context: Contexts, a: str, b: str = "live") -> DiffResult:
    result = diff(DiffPlan(a=a, b=b), make_context(profile))
    assert msgspec.json.encode(result)
    return result


def rows(result: DiffResult) -> dict[str, CollectionDiff]:
    return {row.name: row for row in result.collections}


def test_equal_nights_and_what_is_live(filled: Profile, make_context: Contexts) -> None:
    night(filled, make_context, 1)
    for a, b in ((FIRST, SECOND), (FIRST, "live"), ("live", SECOND), (FIRST, FIRST), ("latest", FIRST)):
        result = compare(filled, make_context, a, b)
        assert (result.status, result.verdict, result.same) == ("ok", "same", True), result
        assert {row.state for row in result.collections} == {"same"} and len(result.collections) == 4
        chats = rows(result)["chats"]
        assert chats.a == chats.b and chats.a is not None and chats.a.documents == 60 and chats.a.content
        assert rows(result)["recent"].kind == "view"
        assert result.objects is not None and result.objects.same == 5 == result.objects.a.count
        assert not result.objects.examples and not result.warnings


def test_one_document_changed_at_the_same_count_and_size(
    filled: Profile, db: Database[Any], make_context: Contexts
) -> None:
    db.chats.update_one({"_id": 7}, {"$set": {"title": "CHAT 007"}})
    night(filled, make_context, 1)
    for other in (SECOND, "live"):
        result = compare(filled, make_context, FIRST, other)
        assert (result.status, result.verdict, result.same) == ("warnings", "differs", False)
        assert result.collections[0].name == "chats", "what differs comes first"
        row = rows(result)["chats"]
        assert row.state == "differs" and row.a and row.b
        assert (row.a.documents, row.a.bytes) == (row.b.documents, row.b.bytes)
        assert row.a.content != row.b.content and row.detail == ()
        assert rows(result)["users"].state == "same"


def test_added_removed_renamed_and_changed_kinds(
    filled: Profile, db: Database[Any], make_context: Contexts
) -> None:
    db.users.rename("people")
    db.chats.drop_index("by_title")
    db.chats.create_index("title", name="by_title", unique=True)
    db.chats.create_index("other", name="extra")
    db.command("collMod", "empty", validator={"a": {"$exists": True}})
    db.drop_collection("recent")
    db.create_collection("recent")
    result = compare(filled, make_context, FIRST)
    found = rows(result)
    assert found["users"].state == "only in A" and found["users"].b is None
    assert found["people"].state == "only in B" and found["people"].b is not None
    assert found["people"].b == found["users"].a, "the same content under another name can be seen"
    assert found["chats"].detail == (
        "the documents are the same",
        "index by_title differs",
        "index extra only in B",
    )
    assert found["empty"].state == "differs" and "option validator differs" in found["empty"].detail
    assert found["recent"].detail == ("a view in A, a collection in B",)


def test_what_a_backup_left_out_is_no_difference(filled: Profile, make_context: Contexts) -> None:
    night(filled, make_context, 1, exclude=("users",))
    row = rows(compare(filled, make_context, FIRST, SECOND))["users"]
    assert row.state == "not compared" and row.detail == ("B was made without it",)
    result = compare(filled, make_context, SECOND, "live")
    assert result.verdict == "not all compared" and not result.same and result.status == "warnings"


def test_a_missing_part_is_said(filled: Profile, make_context: Contexts) -> None:
    night(filled, make_context, 1, only="database")
    night(filled, make_context, 2, only="objects")
    result = compare(filled, make_context, FIRST, SECOND)
    assert result.objects is None and "B (quilltap_20261121_020000) has no objects part" in result.warnings[0]
    assert result.verdict == "not all compared" and rows(result)["chats"].state == "same"
    third = "quilltap_20261122_020000"
    result = compare(filled, make_context, FIRST, third)
    assert result.collections == () and result.objects is not None and result.objects.same == 5
    with pytest.raises(Refused, match="nothing that could be compared"):
        compare(filled, make_context, SECOND, third)
    with pytest.raises(UsageProblem, match="with itself"):
        compare(filled, make_context, "live", "live")
    with pytest.raises(UsageProblem, match="no backup"):
        compare(filled, make_context, FIRST, "quilltap_20200101_000000")


def test_objects_by_key_size_and_sums(filled: Profile, bucket: BucketTarget, make_context: Contexts) -> None:
    put(bucket, "users/u/0.png", body=b"x" * 1_000)
    put(bucket, "users/u/1.png", body=b"longer" * 1_000)
    open_bucket(bucket).delete("users/u/2.png")
    put(bucket, "users/u/new [b]é.png", body=b"n")
    night(filled, make_context, 1)
    for other in (SECOND, "live"):
        objects = compare(filled, make_context, FIRST, other).objects
        assert objects is not None
        assert (objects.same, objects.changed, objects.added, objects.removed) == (2, 2, 1, 1)
        assert objects.examples == {
            "changed": ("users/u/0.png", "users/u/1.png"),
            "removed": ("users/u/2.png",),
            "added": ("users/u/new [b]é.png",),
        }
    back = compare(filled, make_context, "live", FIRST).objects
    assert back is not None and (back.added, back.removed) == (1, 1)
    assert back.examples["added"] == ("users/u/2.png",)


def test_examples_are_the_first_keys(filled: Profile, bucket: BucketTarget, make_context: Contexts) -> None:
    put(bucket, *(f"users/v/{number:03}.png" for number in range(30)), body=b"x")
    objects = compare(filled, make_context, FIRST).objects
    assert objects is not None and objects.added == 30
    assert objects.examples["added"] == tuple(f"users/v/{number:03}.png" for number in range(20))


def test_etags_that_prove_nothing_are_said(
    filled: Profile, bucket: BucketTarget, location: Path, make_context: Contexts
) -> None:
    """A multipart ETag is no sum of the bytes: the same object put in other parts has another one."""
    import boto3
    from boto3.s3.transfer import TransferConfig

    body = os.urandom(11 << 20)
    put(bucket, "users/u/big.bin", body=body)
    night(filled, make_context, 1)
    assert bucket.access_key and bucket.secret_key
    client = boto3.client(
        "s3",
        endpoint_url=bucket.endpoint,
        region_name=bucket.region,
        aws_access_key_id=bucket.access_key.reveal(),
        aws_secret_access_key=bucket.secret_key.reveal(),
    )
    source = location.parent / "big.bin"
    source.write_bytes(body)
    parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    client.upload_file(str(source), bucket.bucket, "users/u/big.bin", Config=parts)
    result = compare(filled, make_context, SECOND)
    assert result.objects is not None and result.objects.untold == 1 and result.objects.changed == 0
    assert result.objects.examples == {"untold": ("users/u/big.bin",)}
    assert result.verdict == "not all compared" and not result.same


def test_a_foreign_dump_against_ours_and_live(
    profile: Profile, db: Database[Any], location: Path, make_context: Contexts, tmp_path: Path
) -> None:
    """Every form of the same dump is the same by content, whatever its database is called."""
    from tests.services.restore_support import run_restore

    forms = ["quilltap-20261101.gz", "backup-20261101", "quilltap_mongo_20261101_020000.tar.gz"]
    for name in forms:
        source = FIXTURES / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, location / name)
    run_restore(profile, tmp_path / "state", str(FIXTURES / forms[0]), only="database")
    for name in forms:
        result = compare(profile, make_context, name)
        states = {row.name: row.state for row in result.collections}
        assert set(states.values()) == {"same"}, (name, result.collections)
        assert result.a.database == "quilltap" and result.b.database == db.name
        assert result.objects is None and result.verdict == "same"
    night(profile, make_context, 0, only="database")
    result = compare(profile, make_context, forms[1], FIRST)
    assert result.same and result.a.kind == "directory"
    db.characters.delete_one({})
    result = compare(profile, make_context, forms[0])
    assert rows(result)["characters"].state == "differs" and result.verdict == "differs"


def test_bucket_files_of_others(
    filled: Profile, location: Path, bucket: BucketTarget, make_context: Contexts
) -> None:
    """A mirror knows no sums: it is read where sizes agree, and compared by what the other side knows."""
    mirror = location / "s3-backup-20261101"
    shutil.copytree(location / f"quilltap_s3_{FIRST[9:]}", mirror)
    with tarfile.open(location / "s3_backup_20261102.tar.gz", "w:gz") as packed:
        packed.add(mirror, arcname="s3_backup")
    for name in ("s3-backup-20261101", "s3_backup_20261102.tar.gz"):
        for other in (FIRST, "live"):
            result = compare(filled, make_context, name, other)
            assert result.objects is not None and result.objects.same == 5, (name, other, result.objects)
            assert result.verdict == ("same" if other == "live" else "not all compared")
    result = compare(filled, make_context, "s3-backup-20261101", "s3_backup_20261102.tar.gz")
    assert result.objects is not None and result.objects.same == 5
    file = mirror / "users/u/3.png"
    os.chmod(file, 0o600)
    file.write_bytes(b"?" * 1_000)
    (mirror / os.fsdecode(b"users/u/\xff.png")).write_bytes(b"?")
    objects = compare(filled, make_context, FIRST, "s3-backup-20261101").objects
    assert objects is not None and (objects.changed, objects.added) == (1, 1)
    assert objects.examples["added"] == ("users/u/\\xff.png",)


def test_encrypted_ones_are_said_or_refused(filled: Profile, location: Path, make_context: Contexts) -> None:
    encrypted = sorted(FIXTURES.glob("*.gpg"))[0]
    shutil.copy(encrypted, location)
    with pytest.raises(Refused) as caught:
        compare(filled, make_context, FIRST, encrypted.name)
    assert "encrypted with gpg" in caught.value.cause
    shutil.copy(encrypted, location / "mongo_20261103_020000.gz.gpg")
    shutil.copytree(location / f"quilltap_s3_{FIRST[9:]}", location / "s3_20261103_020000")
    result = compare(filled, make_context, FIRST, "mongo_20261103_020000.gz.gpg")
    assert result.b.kind == "group" and result.objects is not None and result.objects.same == 5
    assert "encrypted with gpg" in result.warnings[0] and result.verdict == "not all compared"


def test_damage_is_no_difference(filled: Profile, location: Path, make_context: Contexts) -> None:
    cut = location / "quilltap-20261102.gz"
    cut.write_bytes((FIXTURES / "quilltap-20261101.gz").read_bytes()[:-200])
    with pytest.raises(ArchiveError):
        compare(filled, make_context, str(cut))
    night(filled, make_context, 1)
    (location / f"{FIRST}.json").chmod(0o600)
    (location / f"quilltap_mongo_{FIRST[9:]}.gz").unlink()
    result = compare(filled, make_context, FIRST, SECOND)
    assert any("incomplete" in text for text in result.warnings)
    assert {row.state for row in result.collections} == {"same"}, "its manifest still tells"
    (location / f"{FIRST}.json").write_bytes(b"{")
    with pytest.raises(QuillkeepError, match="cannot be compared"):
        compare(filled, make_context, FIRST, SECOND)


def test_a_dead_server_and_what_is_not_configured(filled: Profile, make_context: Contexts) -> None:
    assert filled.mongo is not None
    uri = Secret("mongodb://user:s3cret@127.0.0.1:1/?serverSelectionTimeoutMS=200")
    dead = msgspec.structs.replace(filled, mongo=MongoTarget(uri=uri, database=filled.mongo.database))
    with pytest.raises(QuillkeepError) as caught:
        compare(dead, make_context, FIRST)
    assert "127.0.0.1:1" in str(caught.value) and "s3cret" not in str(caught.value)
    without = msgspec.structs.replace(filled, bucket=None)
    result = compare(without, make_context, FIRST)
    assert "No bucket is configured" in result.warnings[0] and result.verdict == "not all compared"


def test_large_documents_and_an_empty_database(
    profile: Profile, db: Database[Any], bucket: BucketTarget, make_context: Contexts
) -> None:
    db.create_collection("chats")
    put(bucket, "users/u/0.png", body=b"0")
    night(profile, make_context, 0)
    result = compare(profile, make_context, FIRST)
    assert result.same and rows(result)["chats"].a == rows(result)["chats"].b
    big = "x" * ((16 << 20) - 64)
    for number in range(3):
        db.chats.insert_one({"_id": number, "body": big})
    night(profile, make_context, 1)
    assert compare(profile, make_context, SECOND).same
    db.chats.update_one({"_id": 1}, {"$set": {"body": big[:-1] + "y"}})
    result = compare(profile, make_context, SECOND)
    assert rows(result)["chats"].state == "differs"


def test_a_time_series_is_compared_by_its_buckets(
    profile: Profile, db: Database[Any], bucket: BucketTarget, make_context: Contexts
) -> None:
    db.create_collection("metrics", timeseries={"timeField": "at"})
    db.metrics.insert_many([{"at": NIGHT + timedelta(minutes=n), "v": n} for n in range(20)])
    put(bucket, "users/u/0.png", body=b"0")
    night(profile, make_context, 0)
    result = compare(profile, make_context, FIRST)
    assert result.same and rows(result)["metrics"].kind == "timeseries"
    db.metrics.insert_one({"at": NIGHT, "v": 21})
    assert rows(compare(profile, make_context, FIRST))["metrics"].state == "differs"


def test_it_marks_what_it_reads_and_stops_when_asked(
    filled: Profile, location: Path, make_context: Contexts
) -> None:
    ctx = make_context(filled)
    seen: list[str] = []

    class Stop:
        def is_set(self) -> bool:
            seen.extend(holder.mark.backup or "" for holder in list_readers(location) if holder.mark)
            return len(seen) > 2

    ctx.cancel = Stop()  # type: ignore[assignment]
    with pytest.raises(Cancelled):
        diff(DiffPlan(a=FIRST), ctx)
    assert set(seen) == {FIRST} and list_readers(location) == []
    ctx = make_context(filled)
    diff(DiffPlan(a=FIRST), ctx)
    assert ctx.phases == ["database", "objects", "objects"]


def test_nothing_is_written_anywhere(
    filled: Profile, db: Database[Any], location: Path, make_context: Contexts
) -> None:
    before = {path: path.stat().st_mtime_ns for path in location.rglob("*")}
    collections = sorted(db.list_collection_names())
    locked = msgspec.structs.replace(filled, read_only=True)
    assert compare(locked, make_context, FIRST).same
    assert {path: path.stat().st_mtime_ns for path in location.rglob("*")} == before
    assert sorted(db.list_collection_names()) == collections


def test_copies_in_two_locations(
    filled: Profile, location: Path, tmp_path: Path, make_context: Contexts
) -> None:
    other = tmp_path / "nas"
    shutil.copytree(location, other)
    both = msgspec.structs.replace(
        filled, locations=(*filled.locations, Location(name="nas", path=str(other)))
    )
    result = compare(both, make_context, FIRST, str(other / f"{FIRST}.json"))
    assert result.same and (result.a.location, result.b.location) == ("backups", "nas")


def test_the_command(filled: Profile, db: Database[Any], location: Path, tmp_path: Path) -> None:
    assert filled.mongo is not None
    environ = environment(tmp_path, filled.mongo.uri.reveal(), db.name, location, filled.bucket)
    environ.pop("ENCRYPTION_MASTER_PEPPER")
    command = Command(environ)
    document = command.json("diff", FIRST, "live")
    assert document["same"] is True and document["warnings"] == [] and document["b"]["live"] is True
    assert set(document) >= {"status", "warnings", "a", "b", "collections", "objects", "same"}
    db.chats.update_one({"_id": 7}, {"$set": {"title": "CHAT 007"}})
    db["odd [/x]\x1b"].insert_one({})
    done = command.run("diff", FIRST, "live")
    assert done.returncode == 3 and "They differ." in done.stdout
    assert "same count and bytes, other content" in done.stdout
    assert "3 collections are the same by content." in done.stdout
    assert "\x1b" not in done.stdout and "odd [/x]\\x1b" in done.stdout
    assert command.failure("diff", "live", "live", code=2)["what"]
    uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200"
    assert command.failure("diff", FIRST, "live", code=1, MONGODB_URI=uri)["what"]
