"""What a restore needs, asked of real servers: every refusal of the plan is known before it, in the same words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pymongo.database import Database

from services.catalog.find import find_backup
from services.catalog.model import Backup
from services.catalog.scan import survey
from services.demo.servers import Mongod
from services.jobs.database_lock import DatabaseLock
from services.looking.child import look
from services.looking.contents import ContentsAnswer, ContentsRequest
from services.looking.preflight import PreflightAnswer, PreflightCheck, PreflightRequest
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.paths import Paths
from services.profile import AppControl, Location, MongoTarget, Profile
from services.recovery.request import RestoreRequest
from services.secret import Secret
from tests.support import FIXTURE_PEPPER, FIXTURES, RecordingContext, make_profile

Contexts = Callable[..., RecordingContext]


@pytest.fixture
def rows(mongod: Mongod, database: str, db: Database[Any], location: Path) -> Profile:
    """A database of 80 chats and a view, and no bucket."""
    db.chats.insert_many([{"_id": n, "title": "t" * 50} for n in range(80)])
    db.create_collection("recent", viewOn="chats", pipeline=[{"$match": {"_id": {"$gt": 70}}}])
    return make_profile(mongod.uri, database, location=location)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "state")


def newest(profile: Profile, paths: Paths, ref: str = "latest") -> Backup:
    catalog = survey(profile.locations, profile, paths)
    return find_backup(ref, catalog.backups, profile, ("database",), paths=paths).backup


def asked(profile: Profile, paths: Paths, one: Backup, **request: Any) -> dict[str, PreflightCheck]:
    """The answer by the checks' names; the child process, the pipe and its time limit included."""
    wanted = RestoreRequest(backup=one.id if one.ours else str(one.database_path), **request)
    answer: PreflightAnswer = look("preflight", profile, paths, PreflightRequest(request=wanted, backup=one))
    return {check.name: check for check in answer.checks}


def test_a_sound_deployment_passes(rows: Profile, make_context: Contexts, paths: Paths) -> None:
    backup(BackupPlan(only="database"), make_context(rows))
    found = asked(rows, paths, newest(rows, paths))
    assert {name: check.status for name, check in found.items() if check.status == "fail"} == {}
    assert found["connection"].status == found["rights"].status == found["other restores"].status == "ok"
    assert "needed" in found["space"].detail
    assert found["pepper"].status == "skipped"


def test_what_a_backup_holds(rows: Profile, make_context: Contexts, paths: Paths) -> None:
    backup(BackupPlan(only="database"), make_context(rows))
    one = newest(rows, paths)
    answer: ContentsAnswer = look("contents", rows, paths, ContentsRequest(backup=one))
    assert {entry.name: entry.documents for entry in answer.collections} == {"chats": 80, "recent": None}
    assert answer.objects is None and not answer.unknown


def test_a_foreign_dump_names_its_collections_and_leaves_counts_to_the_plan(
    rows: Profile, paths: Paths
) -> None:
    profile = replace(rows, locations=(Location(name="old", path=str(FIXTURES)),))
    one = newest(profile, paths, "quilltap-20261101.gz")
    answer: ContentsAnswer = look("contents", profile, paths, ContentsRequest(backup=one))
    assert answer.database == "quilltap" and "chats" in {entry.name for entry in answer.collections}
    assert {entry.documents for entry in answer.collections} == {None}
    assert "read to its end" in answer.unknown
    found = asked(profile, paths, one, from_database="quilltap")
    assert found["space"].status == "skipped"
    assert "other tools" in found["deployment"].detail


def test_an_encrypted_dump_says_so(rows: Profile, paths: Paths) -> None:
    profile = replace(rows, locations=(Location(name="old", path=str(FIXTURES)),))
    one = newest(profile, paths, "quilltap-20261101.gz.gpg")
    answer: ContentsAnswer = look("contents", profile, paths, ContentsRequest(backup=one))
    assert "encrypted with gpg" in answer.unknown


def test_a_dead_database_is_one_failure_with_its_next_step(
    rows: Profile, make_context: Contexts, paths: Paths
) -> None:
    backup(BackupPlan(only="database"), make_context(rows))
    one = newest(rows, paths)
    database = rows.mongo.database if rows.mongo else ""
    dead = replace(rows, mongo=MongoTarget(uri=Secret("mongodb://u:secret@127.0.0.1:9/"), database=database))
    found = asked(dead, paths, one)
    assert found["connection"].status == "fail"
    assert "nothing listens there" in found["connection"].detail
    assert "secret" not in str(found)


def test_a_user_without_the_role_is_told_the_line_to_run(
    mongod_auth: Mongod, database: str, location: Path, make_context: Contexts, paths: Paths
) -> None:
    root = make_profile(mongod_auth.uri, database, location=location)
    with mongod_auth.client() as client:
        client[database].chats.insert_one({"_id": 1})
        backup(BackupPlan(only="database"), make_context(root))
        uri = mongod_auth.create_user(f"reader_{database}", ["read"], database=database)
        found = asked(make_profile(uri, database, location=location), paths, newest(root, paths))
        client.drop_database(database)
    assert found["rights"].status == "fail"
    assert "grantRolesToUser" in found["rights"].detail and "readWrite" in found["rights"].detail


def test_somebody_elses_lock_fails(
    rows: Profile, db: Database[Any], make_context: Contexts, paths: Paths
) -> None:
    backup(BackupPlan(only="database"), make_context(rows))
    with DatabaseLock.acquire(db, job="20261122_010101", verb="restore"):
        found = asked(rows, paths, newest(rows, paths))
    assert found["other restores"].status == "fail"
    assert "20261122_010101" in found["other restores"].detail


def test_a_status_command_that_hangs_is_left_behind(
    rows: Profile, make_context: Contexts, paths: Paths
) -> None:
    backup(BackupPlan(only="database"), make_context(rows))
    hanging = replace(rows, app=AppControl(status="sleep 60", stop="true", start="true"))
    found = asked(hanging, paths, newest(rows, paths))
    assert found["application"].status == "unknown"
    assert "app.status" in found["application"].next
    assert found["connection"].status == "ok"


def test_a_running_application_that_will_be_stopped_is_no_failure(
    rows: Profile, make_context: Contexts, paths: Paths
) -> None:
    backup(BackupPlan(only="database"), make_context(rows))
    found = asked(
        replace(rows, app=AppControl(status="true", stop="true", start="true")), paths, newest(rows, paths)
    )
    assert found["application"].status == "ok" and "stopped for the restore" in found["application"].detail
    found = asked(replace(rows, app=AppControl(status="true")), paths, newest(rows, paths))
    assert found["application"].status == "warn" and "writers" in found["application"].next


def test_another_pepper_and_a_collection_that_is_not_there(
    rows: Profile, make_context: Contexts, paths: Paths
) -> None:
    with_pepper = replace(rows, pepper=Secret(FIXTURE_PEPPER))
    backup(BackupPlan(only="database"), make_context(with_pepper))
    one = newest(rows, paths)
    assert asked(with_pepper, paths, one)["pepper"].status == "ok"
    other = replace(rows, pepper=Secret("another pepper altogether"))
    found = asked(other, paths, one, collections=("chats_of_old",))
    assert found["pepper"].status == "warn" and "ENCRYPTION_MASTER_PEPPER" in found["pepper"].detail
    assert found["collections"].status == "fail" and "Did you mean chats" in found["collections"].detail


def test_a_full_disk_is_a_failure_before_the_plan() -> None:
    from services.looking.preflight_asking import _space_check
    from services.mongo.space import Space

    short = _space_check(Space(free=1 << 30, needed=3 << 30))
    assert short.status == "fail" and "2.0 GiB too little" in short.detail
    assert _space_check(Space(free=None, needed=1)).status == "warn"
    assert _space_check(Space(free=2, needed=1)).status == "ok"
