"""No false alarm: healthy data of three sizes, the fixtures, legacy keys and names end `ok` in every check."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services.demo.sample import SAMPLE_PEPPER, fill_bucket, fill_database
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.pairs import pairs
from services.operations.verify import VerifyPlan, VerifyResult, verify
from services.pairs.model import PairsPlan
from services.profile import BucketTarget, Location, MongoTarget, Profile
from services.quilltap import GUIDE_NAMES
from services.secret import Secret
from tests.fabric import HOST, OBJECTS, make_backup, rows_of
from tests.support import FIXTURE_PEPPER, FIXTURES, RecordingContext, make_context

Make = Callable[[Profile], RecordingContext]
DATA = {"pairs", "pepper"}


def odd(result: VerifyResult) -> list[tuple[str, str, str]]:
    return [(one.name, one.status, one.detail) for one in result.checks if one.status != "ok"]


@pytest.mark.parametrize("scale", [0.001, 0.004, 0.015])
def test_a_backup_of_the_sample_passes_every_check(
    profile: Profile, db: Database[Any], bucket: BucketTarget, make_context: Make, scale: float
) -> None:
    profile = msgspec.structs.replace(profile, pepper=SAMPLE_PEPPER)
    fill_database(db, scale=scale, seed=int(scale * 1000))
    fill_bucket(bucket, scale=scale, seed=int(scale * 1000))
    context = make_context(profile)
    made = backup(BackupPlan(), context)
    assert made.warnings == ()
    result = verify(VerifyPlan(backup=made.id), context)
    assert (result.status, result.verdict, result.data) == ("ok", "ok", "ok"), odd(result)
    assert odd(result) == [] and {one.name for one in result.checks} >= DATA
    assert result.warnings == () and context.warnings == []


def foreign(tmp_path: Path, *names: str) -> tuple[RecordingContext, Path]:
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in names:
        source = FIXTURES / name
        target = folder / source.name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    profile = Profile(
        mongo=MongoTarget(uri=Secret(f"mongodb://{HOST}/"), database="quilltap"),
        bucket=BucketTarget(),
        pepper=Secret(FIXTURE_PEPPER),
        locations=(Location(name="disk", path=str(folder)),),
    )
    return make_context(profile, tmp_path / "state"), folder


def test_what_the_cron_script_left_is_whole_with_its_pairs(tmp_path: Path) -> None:
    name = "quilltap_mongo_20261101_020000.tar.gz"
    context, _ = foreign(tmp_path, name, "quilltap_s3_20261101_020000.tar.gz")
    result = verify(VerifyPlan(backup=name), context)
    assert odd(result) == [] and {one.name for one in result.checks} >= DATA
    assert (result.status, result.data) == ("ok", "ok")


@pytest.mark.parametrize(
    "name", ["quilltap-20261101.gz", "quilltap-20261101.archive", "backup-20261101", "backup-gz-20261101"]
)
def test_the_fixtures_are_whole_with_their_keys(tmp_path: Path, name: str) -> None:
    context, _ = foreign(tmp_path, name)
    result = verify(VerifyPlan(backup=name), context)
    assert odd(result) == [] and result.data == "ok", odd(result)


def test_migrated_keys_and_the_guides_names(tmp_path: Path) -> None:
    context, folder = foreign(tmp_path)
    keys = [
        "users/u1/image/0b6f-id_two words.png",
        "users/u1/avatar/0b6f-id_café.png",
        "files/old.bin",
        "images/海.png",
        "users/u2/DOCUMENT/9-uuid_a..b.txt",
    ]
    objects = {key: key.encode() for key in keys} | {"users/u1/IMAGE/empty.png": b""}
    documents = {name: [{"_id": 1, "id": "1", "userId": "u1", "name": "x"}] for name in GUIDE_NAMES}
    documents |= {"users": [{"_id": 1, "id": "u1"}, {"_id": 2, "id": "u2"}], "files": rows_of(objects)}
    made = make_backup(folder, documents=documents, objects=objects)
    result = verify(VerifyPlan(backup=made.id), context)
    assert odd(result) == [] and result.status == "ok", odd(result)


def test_of_a_backup_without_objects_no_pairs_are_told(tmp_path: Path) -> None:
    context, folder = foreign(tmp_path)
    made = make_backup(folder, objects=None)
    alone = make_backup(folder, made.started.replace(hour=4), documents=None, objects=OBJECTS)
    for id in (made.id, alone.id):
        result = verify(VerifyPlan(backup=id), context)
        assert result.status == "ok" and odd(result) == [], odd(result)
        assert "pairs" not in {one.name for one in result.checks}


def test_a_deployment_without_any_upload_is_whole(tmp_path: Path) -> None:
    context, folder = foreign(tmp_path)
    made = make_backup(folder, documents={"users": [{"_id": 1, "id": "u1"}]}, objects={}, rows=False)
    result = verify(VerifyPlan(backup=made.id), context)
    assert result.status == "ok" and odd(result) == [], odd(result)
    (pairs,) = [one for one in result.checks if one.name == "pairs"]
    assert pairs.detail == "no rows and no objects"


def test_a_backup_of_another_application_is_not_taken_for_one_without_uploads(tmp_path: Path) -> None:
    context, folder = foreign(tmp_path)
    made = make_backup(folder, documents={"zebras": [{"_id": 1}]}, objects={}, rows=False)
    result = verify(VerifyPlan(backup=made.id), context)
    (pairs,) = [one for one in result.checks if one.name == "pairs"]
    assert pairs.status == "unknown" and "files" in pairs.detail


def test_what_was_skipped_hides_no_warning_of_the_data(tmp_path: Path) -> None:
    context, folder = foreign(tmp_path)
    context.profile = msgspec.structs.replace(context.profile, pepper=None)
    sealed = {"ciphertext": "aa" * 8, "iv": "bb" * 12, "authTag": "cc" * 16}
    documents = {"api_keys": [{"_id": 1, "id": "k", **sealed}], "files": rows_of(OBJECTS)[:-1]}
    made = make_backup(folder, documents=documents, objects=OBJECTS)
    result = verify(VerifyPlan(backup=made.id), context)
    assert [(name, status) for name, status, _ in odd(result)] == [("pairs", "warn"), ("pepper", "skipped")]
    assert (result.status, result.data, result.verdict) == ("warn", "warn", "ok")


def test_live_data_without_any_upload_is_whole(
    profile: Profile, db: Database[Any], make_context: Make
) -> None:
    assert pairs(PairsPlan(), make_context(profile)).status == "unknown"
    db.users.insert_one({"_id": 1, "id": "u1"})
    found = pairs(PairsPlan(), make_context(profile))
    assert (found.status, found.summary, found.findings) == ("ok", "no rows and no objects", ())
