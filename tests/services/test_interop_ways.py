"""Every way of asking for a restore: in place, into another database or bucket, exact, with objects from anywhere."""

from __future__ import annotations

import secrets
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pymongo.database import Database

from services.demo.servers import Mongod, Weed
from services.errors import QuillkeepError, Refused
from services.objects.bucket import open_bucket
from services.operations.finish import FinishPlan, finish
from services.operations.rollback import RollbackPlan, rollback
from services.profile import Profile
from tests.services.interop_support import Part, our_backup, scratch, whole, write_archive
from tests.services.objects_support import contents, fill
from tests.services.restore_support import ARCHIVE, job_id, ours, run_restore, run_rollback
from tests.support import make_context, make_profile

START = datetime(2026, 1, 1, tzinfo=UTC)
TWINS = Part("tags", [{"_id": "a"}, {"_id": "A"}], collation={"locale": "en", "strength": 1})


@pytest.fixture
def bare(mongod: Mongod, database: str, location: Path) -> Profile:
    """A deployment without a bucket."""
    return make_profile(mongod.uri, database, location=location)


@pytest.fixture
def weather(db: Database[Any]) -> Database[Any]:
    """A time series beside ordinary collections."""
    db.create_collection("weather", timeseries={"timeField": "at", "metaField": "station"})
    db.weather.insert_many(
        [{"at": START + timedelta(minutes=n), "station": n % 3, "degrees": n} for n in range(60)]
    )
    db.chats.insert_many([{"_id": n, "text": "then"} for n in range(5)])
    db.chats.create_index("text")
    db.create_collection("warm", viewOn="weather", pipeline=[{"$match": {"degrees": {"$gt": 30}}}])
    return db


def test_a_live_time_series_is_refused_and_goes_in_place_and_back(
    bare: Profile, weather: Database[Any], tmp_path: Path
) -> None:
    then = whole(weather)
    made = our_backup(bare, tmp_path)
    weather.weather.insert_one({"at": START, "station": 9, "degrees": -40})
    weather.chats.update_many({}, {"$set": {"text": "now"}})
    weather.since.insert_one({"_id": 1})
    now = whole(weather)
    with pytest.raises(Refused) as refused:
        run_restore(bare, tmp_path, made.id)
    assert "weather involves a live time series" in refused.value.what and "--in-place" in refused.value.what
    assert whole(weather) == now and not ours(weather)
    result, _ = run_restore(bare, tmp_path, made.id, in_place=True)
    assert {name: entry for name, entry in whole(weather)["hashes"].items() if name != "since"} == then[
        "hashes"
    ]
    assert whole(weather)["views"] == then["views"] and weather.since.count_documents({}) == 1
    back = run_rollback(bare, tmp_path, result.job)
    assert whole(weather) == now
    run_rollback(bare, tmp_path, back.job)
    assert whole(weather)["hashes"]["chats"] == then["hashes"]["chats"]
    assert not ours(weather)


def test_in_place_of_a_foreign_archive_with_exact(bare: Profile, db: Database[Any], tmp_path: Path) -> None:
    dump = str(shutil.copy(ARCHIVE, tmp_path))
    db.characters.insert_one({"_id": "live"})
    db.extra.insert_one({"_id": 1})
    now = whole(db)
    with scratch(db, "ref") as reference:
        run_restore(bare, tmp_path, dump, from_database="quilltap", to_database=reference.name)
        result, _ = run_restore(bare, tmp_path, dump, from_database="quilltap", in_place=True, exact=True)
        assert result.strategy == "in place" and whole(db) == whole(reference)
    run_rollback(bare, tmp_path, result.job)
    assert whole(db) == now


def test_in_place_without_a_location_for_the_safety_backup_drops_nothing(
    mongod: Mongod, database: str, db: Database[Any], tmp_path: Path
) -> None:
    db.characters.insert_one({"_id": "live"})
    before = whole(db)
    dump = str(shutil.copy(ARCHIVE, tmp_path))
    with pytest.raises(QuillkeepError) as failed:
        run_restore(
            make_profile(mongod.uri, database), tmp_path, dump, from_database="quilltap", in_place=True
        )
    assert failed.value.touched and failed.value.next
    assert whole(db) == before and not ours(db)


def test_in_place_meets_documents_the_server_refuses_and_leads_back(
    bare: Profile, db: Database[Any], tmp_path: Path
) -> None:
    db.tags.insert_one({"_id": "live"})
    before = whole(db)
    dump = write_archive(tmp_path / "dump.gz", TWINS)
    with pytest.raises(QuillkeepError) as failed:
        run_restore(bare, tmp_path, dump, from_database="quilltap", in_place=True)
    assert "another document has its _id" in failed.value.cause
    assert "safety backup" in failed.value.touched and "quillkeep rollback" in failed.value.next
    assert not isinstance(failed.value, Refused), "live data has changed"
    run_rollback(bare, tmp_path)
    assert whole(db) == before


def test_an_in_place_restore_that_broke_off_is_finished_or_rolled_back(
    bare: Profile, db: Database[Any], tmp_path: Path
) -> None:
    db.users.insert_one({"_id": 1, "email": "x"})
    before = whole(db)
    unique = {"v": 2, "key": {"n": 1}, "name": "n_1", "unique": True}
    bad = write_archive(tmp_path / "bad.gz", Part("users", [{"_id": 1}, {"_id": 2}], indexes=[unique]))
    with pytest.raises(QuillkeepError) as failed:
        run_restore(bare, tmp_path, bad, from_database="quilltap", in_place=True)
    assert "n_1" in failed.value.what
    job = failed.value.next.split("quillkeep rollback ")[1].split("`")[0]
    with pytest.raises(QuillkeepError) as again:
        finish(FinishPlan(job=job), make_context(bare, tmp_path, job=job_id()))
    assert "n_1" in again.value.what and f"quillkeep rollback {job}" in again.value.next
    with pytest.raises(Refused) as waits:
        run_restore(bare, tmp_path, bad, from_database="quilltap")
    assert job in waits.value.what
    write_archive(tmp_path / "bad.gz", Part("users", [{"_id": 1, "n": 1}, {"_id": 2}], indexes=[unique]))
    result = finish(FinishPlan(job=job), make_context(bare, tmp_path, job=job_id()))
    assert result.collections["users"].documents == db.users.count_documents({}) == 2
    run_rollback(bare, tmp_path, job)
    assert whole(db) == before


def test_a_created_time_series_goes_when_the_restore_ends_early(
    bare: Profile, weather: Database[Any], tmp_path: Path
) -> None:
    weather.warm.drop()
    weather.weather.drop()
    before = whole(weather)
    series = Part("weather", kind="timeseries", options={"timeseries": {"timeField": "at"}})
    dump = write_archive(tmp_path / "dump.gz", series, TWINS)
    with pytest.raises(Refused) as refused:
        run_restore(bare, tmp_path, dump, from_database="quilltap")
    assert "rejected-documents" in refused.value.what
    assert whole(weather) == before and not ours(weather)
    assert not [name for name in weather.list_collection_names() if "weather" in name]


def test_a_created_time_series_stays_at_a_rollback_and_is_named(
    bare: Profile, weather: Database[Any], tmp_path: Path
) -> None:
    then = whole(weather)
    made = our_backup(bare, tmp_path)
    weather.warm.drop()
    weather.weather.drop()
    weather.chats.update_many({}, {"$set": {"text": "now"}})
    chats = whole(weather)["hashes"]["chats"]
    result, _ = run_restore(bare, tmp_path, made.id)
    assert whole(weather) == then and result.collections["weather"].documents == 3
    back = run_rollback(bare, tmp_path, result.job)
    assert any("weather" in words and "stays" in words for words in back.warnings)
    assert whole(weather)["hashes"]["chats"] == chats and weather.weather.count_documents({}) == 60


def test_another_database_is_filled_and_rolled_back_without_the_profiles_own(
    bare: Profile, db: Database[Any], tmp_path: Path
) -> None:
    run_restore(bare, tmp_path, ARCHIVE)
    before = whole(db)
    made = our_backup(bare, tmp_path)
    with scratch(db, "other") as other:
        other.users.insert_one({"_id": "theirs"})
        result, ctx = run_restore(
            bare, tmp_path, made.id, to_database=other.name, from_database=db.name, allow=()
        )
        assert whole(other) == before == whole(db)
        assert "writers" not in " ".join(ctx.warnings)
        plan = RollbackPlan(job=result.job, to_database=other.name)
        rollback(plan, make_context(bare, tmp_path, job=job_id()))
        assert list(other.users.find()) == [{"_id": "theirs"}] and whole(other)["kinds"].keys() == {"users"}
    assert whole(db) == before


def test_another_bucket_gets_the_objects_and_gives_them_back(
    profile: Profile, weed: Weed, db: Database[Any], tmp_path: Path
) -> None:
    assert profile.bucket is not None
    own = open_bucket(profile.bucket)
    objects = {f"users/u1/files/{n}.png": bytes([n]) * 300 for n in range(4)}
    fill(own, objects)
    made = our_backup(profile, tmp_path, only="objects")
    name = f"quilltap-{secrets.token_hex(4)}"
    with pytest.raises(Refused) as refused:
        run_restore(profile, tmp_path, made.id, only="objects", to_bucket=name)
    assert name in f"{refused.value.what} {refused.value.next}" and "s3 mb" in refused.value.what
    target = weed.create_bucket(name)
    other = open_bucket(replace(target, bucket=name))
    fill(other, {"users/u1/files/0.png": b"theirs", "only/there.png": b"stays"})
    result, _ = run_restore(profile, tmp_path, made.id, only="objects", to_bucket=name)
    assert contents(other) == {**objects, "only/there.png": b"stays"}
    run_rollback(profile, tmp_path, result.job)
    assert contents(other)["users/u1/files/0.png"] == b"theirs"
    assert contents(own) == objects
    again, _ = run_restore(profile, tmp_path, made.id, only="objects", to_bucket=name, exact=True)
    assert contents(other) == objects
    run_rollback(profile, tmp_path, again.job)
    assert contents(other)["only/there.png"] == b"stays"
    weed.delete_bucket(name)


def test_what_a_snapshot_lacks_comes_from_any_backup_that_has_it(profile: Profile, tmp_path: Path) -> None:
    assert profile.bucket is not None
    bucket = open_bucket(profile.bucket)
    objects = {f"users/u1/files/{n}.png": bytes([n]) * 300 for n in range(4)}
    fill(bucket, objects)
    our_backup(profile, tmp_path, only="objects")
    newer = our_backup(profile, tmp_path, only="objects")
    victim = "users/u1/files/2.png"
    stamp = newer.id.removeprefix("quilltap_")
    (Path(profile.locations[0].path) / f"quilltap_s3_{stamp}" / victim).unlink()
    bucket.delete(victim)
    alone, _ = run_restore(profile, tmp_path, newer.id, only="objects")
    assert alone.status == "warnings" and any(victim in words for words in alone.warnings)
    assert victim not in contents(bucket)
    helped, _ = run_restore(profile, tmp_path, newer.id, only="objects", objects_from="any")
    assert not any(victim in words for words in helped.warnings)
    assert contents(bucket) == objects


def test_in_place_with_objects_and_its_rollback(
    profile: Profile, weather: Database[Any], tmp_path: Path
) -> None:
    assert profile.bucket is not None
    bucket = open_bucket(profile.bucket)
    objects = {f"users/u1/files/{n}.png": bytes([n]) * 300 for n in range(4)}
    fill(bucket, objects)
    then = whole(weather)
    our_backup(profile, tmp_path, only=None)
    weather.chats.delete_many({})
    fill(bucket, {"users/u1/files/1.png": b"now"})
    now = whole(weather)
    result, _ = run_restore(profile, tmp_path, "latest", in_place=True)
    assert whole(weather) == then and contents(bucket) == objects
    back = run_rollback(profile, tmp_path, result.job)
    assert whole(weather) == now and contents(bucket) == {**objects, "users/u1/files/1.png": b"now"}
    run_rollback(profile, tmp_path, back.job)
    assert whole(weather) == then and contents(bucket) == objects
