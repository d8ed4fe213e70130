"""The looks at the live database, the bucket and the locations on real servers, well and ill; each failure has its own words."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pymongo.database import Database

from services.demo.servers import Mongod, Weed
from services.errors import QuillkeepError
from services.jobs.events import RENAMING, AnyEvent, Checkpoint
from services.looking import live_asking, locations_probe
from services.looking.bucket import BucketAnswer, BucketRequest
from services.looking.bucket import look as look_at_bucket
from services.looking.child import look as ask
from services.looking.live import LiveAnswer, LiveRequest
from services.looking.live import look as look_at_live
from services.looking.locations import LocationsAnswer
from services.mongo.record import SwapRecord, save_record
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.restore import restore
from services.operations.restore_model import RestorePlan
from services.paths import Paths
from services.profile import AppControl, BucketTarget, Location, MongoTarget, Profile
from services.recovery.request import RestoreRequest
from services.secret import Secret
from tests.services.swap_support import Deployment, Interrupted


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "state")


@pytest.fixture
def deployment(mongod: Mongod, tmp_path: Path) -> Iterator[Deployment]:
    made = Deployment(mongod, tmp_path)
    yield made
    made.close()


def live(profile: Profile, paths: Paths) -> LiveAnswer:
    return look_at_live(LiveRequest(), profile, paths)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_live_database(profile: Profile, db: Database[Any], paths: Paths) -> None:
    db["users"].insert_many([{"_id": number, "name": "x" * 100} for number in range(60)])
    db["users"].create_index("name")
    db["migrations_state"].insert_one({"quilltapVersion": "2.4.1"})
    db["__quillkeep_jobs"].insert_one({"_id": "nothing"})
    db.command({"create": "everybody", "viewOn": "users", "pipeline": []})
    seen: LiveAnswer = ask("live", profile, paths)
    users = next(each for each in seen.collections if each.name == "users")
    assert (users.documents, users.indexes, users.kind) == (60, 2, "collection")
    assert users.bytes and users.bytes > 6_000
    assert users.index_bytes
    view = next(each for each in seen.collections if each.name == "everybody")
    assert (view.kind, view.documents, view.bytes) == ("view", None, None)
    assert not any(each.name.startswith("__quillkeep") for each in seen.collections)
    assert seen.topology == "standalone"
    assert seen.version.startswith("6.")
    assert seen.application_version == "2.4.1"
    assert seen.space_free
    assert seen.rights_missing == ()
    assert seen.grant == ""
    assert seen.lock == ""
    assert seen.swaps == ()
    assert seen.app == "no control"


def test_other_writers_are_seen(profile: Profile, mongod: Mongod, paths: Paths) -> None:
    with mongod.client(appname="quilltap-app") as client:
        client.admin.command("ping")
        seen = live(profile, paths)
    assert "quilltap-app from 127.0.0.1" in seen.writers


def test_an_empty_database_names_the_others(profile: Profile, paths: Paths) -> None:
    seen = live(profile, paths)
    assert seen.collections == ()
    assert any(f"{profile.mongo and profile.mongo.database} is empty" in text for text in seen.problems)


@pytest.mark.parametrize(
    ("app", "state", "words"),
    [
        (AppControl(status="true"), "running", ""),
        (AppControl(status="exit 1"), "stopped", ""),
        (AppControl(status="no-such-command-here"), "unknown", "status command could not be run"),
        (AppControl(stop="true"), "unknown", "set app.status or health_url"),
    ],
)
def test_the_applications_state(
    profile: Profile, paths: Paths, app: AppControl, state: str, words: str
) -> None:
    seen = live(replace(profile, app=app), paths)
    assert seen.app == state
    assert not words or any(words in text for text in seen.problems)


def test_a_hanging_status_command_does_not_hold_up_the_look(profile: Profile, paths: Paths) -> None:
    begun = time.monotonic()
    seen: LiveAnswer = ask("live", replace(profile, app=AppControl(status="sleep 60")), paths)
    assert time.monotonic() - begun < 9.5
    assert seen.app == "unknown"


def test_no_database_is_configured(paths: Paths) -> None:
    with pytest.raises(QuillkeepError, match="No database is configured") as caught:
        live(Profile(), paths)
    assert "MONGODB_URI" in caught.value.next


def _failure(profile: Profile, paths: Paths) -> QuillkeepError:
    begun = time.monotonic()
    with pytest.raises(QuillkeepError) as caught:
        ask("live", profile, paths)
    assert time.monotonic() - begun < 10.5
    return caught.value


def _at(profile: Profile, uri: str) -> Profile:
    assert profile.mongo is not None
    return replace(profile, mongo=replace(profile.mongo, uri=Secret(uri)))


def test_a_wrong_password(mongod_auth: Mongod, paths: Paths) -> None:
    uri = mongod_auth.uri_for("root", "hunter2-wrong")
    error = _failure(Profile(mongo=MongoTarget(uri=Secret(uri))), paths)
    assert "refused the user name or password" in error.what
    assert "authSource" in error.next
    assert "hunter2" not in str(error)


def test_nothing_listens(profile: Profile, paths: Paths) -> None:
    error = _failure(_at(profile, "mongodb://127.0.0.1:9/"), paths)
    assert "nothing listens there" in error.what


def test_an_unknown_host(profile: Profile, paths: Paths) -> None:
    error = _failure(_at(profile, "mongodb://no-such-host.invalid:27017/"), paths)
    assert "host name is not known" in error.what


def test_a_missing_right_is_named_with_its_grant(mongod_auth: Mongod, paths: Paths) -> None:
    database = f"quilltap_{secrets.token_hex(4)}"
    with mongod_auth.client() as root:
        root[database]["users"].insert_one({"_id": 1})
        uri = mongod_auth.create_user("glancer", [{"role": "read", "db": database}], database="admin")
        try:
            seen: LiveAnswer = ask(
                "live", Profile(mongo=MongoTarget(uri=Secret(uri), database=database)), paths
            )
        finally:
            root.drop_database(database)
    assert "renameCollectionSameDB" in seen.rights_missing
    assert seen.grant.startswith('db.getSiblingDB("admin").grantRolesToUser("glancer"')
    assert [each.documents for each in seen.collections] == [1]
    assert not seen.writers_known
    assert any("clusterMonitor" in text for text in seen.problems)


def test_a_user_without_roles(mongod_auth: Mongod, paths: Paths) -> None:
    uri = mongod_auth.create_user("nobody", [], database="admin")
    error = _failure(Profile(mongo=MongoTarget(uri=Secret(uri), database="quilltap")), paths)
    assert "wants a user that may read quilltap" in error.what


def test_a_stopped_server_is_told_of_in_time(profile: Profile, mongod: Mongod, paths: Paths) -> None:
    with stopped(mongod.pid()):
        error = _failure(profile, paths)
    assert "could not reach the database" in error.what
    assert error.next


def test_a_finished_restore_holds_copies(deployment: Deployment, paths: Paths) -> None:
    deployment.db["users"].insert_many([{"_id": number} for number in range(5)])
    made = deployment.backup()
    deployment.db["users"].delete_one({"_id": 0})
    result = restore(_plan(made), deployment.context())
    swap = live(deployment.profile, paths).swaps[0]
    assert (swap.job, swap.verb, swap.state, swap.backup) == (result.job, "restore", "holds copies", made)
    assert swap.documents == 4
    assert swap.bytes > 0
    assert swap.collections == {"users": "new (old copy kept)"}
    assert swap.way_on == (f"quillkeep rollback {result.job}", f"quillkeep release {result.job}")
    assert swap.until is not None
    assert swap.finished is not None
    assert (swap.until - swap.finished).total_seconds() == 72 * 3600


def test_an_interrupted_swap_says_where_each_collection_stands(deployment: Deployment, paths: Paths) -> None:
    for name in ("users", "chats", "files"):
        deployment.db[name].insert_many([{"_id": number} for number in range(5)])
    made = deployment.backup()
    for name in ("users", "chats", "files"):
        deployment.db[name].delete_one({"_id": 0})

    def die(event: AnyEvent) -> None:
        if isinstance(event, Checkpoint) and event.name == RENAMING:
            raise Interrupted

    with pytest.raises(Interrupted):
        restore(_plan(made), deployment.context(die))
    deployment.db["__quillkeep_jobs"].delete_one({"kind": {"$exists": False}})
    swap = live(deployment.profile, paths).swaps[0]
    assert swap.state == "unfinished"
    assert set(swap.collections.values()) == {"old (new one waits)"}
    record = deployment.db["__quillkeep_jobs"].find_one({"_id": swap.job})
    assert record is not None
    chats, users = (next(pair for pair in record["pairs"] if pair["name"] == n) for n in ("chats", "users"))
    deployment.db["chats"].rename(chats["old"])
    deployment.db[chats["aside"]].rename("chats")
    deployment.db["users"].rename(users["old"])
    swap = live(deployment.profile, paths).swaps[0]
    assert swap.collections == {
        "chats": "new (old copy kept)",
        "files": "old (new one waits)",
        "users": "missing (old copy kept, new one waits)",
    }
    assert swap.way_on == (f"quillkeep restore --finish {swap.job}", f"quillkeep rollback {swap.job}")
    assert swap.working == ""


def test_a_restore_that_begins_or_ends_meanwhile_is_not_interrupted(
    deployment: Deployment, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.db["users"].insert_one({"_id": 1})
    record = SwapRecord(
        job="20261122_020000",
        verb="restore",
        state="swapping",
        database=deployment.name,
        started=datetime(2026, 11, 22, 2, 0, tzinfo=UTC),
    )

    def begin(database: Database[Any]) -> None:
        save_record(database, record)

    def end(database: Database[Any]) -> None:
        save_record(database, replace(record, state="done", finished=record.started))

    monkeypatch.setattr(live_asking, "read_lock", begin)
    (begun,) = live(deployment.profile, paths).swaps
    assert (begun.state, begun.working) == ("unfinished", record.job)
    monkeypatch.setattr(live_asking, "read_lock", end)
    (ended,) = live(deployment.profile, paths).swaps
    assert (ended.state, ended.working) == ("holds copies", "")


def test_one_that_died_while_loading_changed_nothing(deployment: Deployment, paths: Paths) -> None:
    deployment.db["users"].insert_one({"_id": 1})
    record = SwapRecord(
        job="20261122_020000",
        verb="restore",
        state="loading",
        database=deployment.name,
        started=datetime(2026, 11, 22, 2, 0, tzinfo=UTC),
    )
    save_record(deployment.db, record)
    (seen,) = live(deployment.profile, paths).swaps
    assert (seen.state, seen.way_on) == ("loading", ("quillkeep rollback 20261122_020000",))
    save_record(deployment.db, replace(record, state="swapping", in_place=("users", "chats"), safety="s1"))
    (seen,) = live(deployment.profile, paths).swaps
    assert seen.collections == {
        "users": "replaced in place; before that: safety backup s1",
        "chats": "dropped in place; before that: safety backup s1",
    }


def test_the_bucket(profile: Profile, weed: Weed, bucket: BucketTarget, paths: Paths) -> None:
    client = weed.client()
    user = "users/u1"
    key = "0" * 8 + "-" + "0" * 4 + "-" + "0" * 4 + "-" + "0" * 4 + "-" + "0" * 12
    for name in (f"{user}/IMAGE/{key}_a.png", f"{user}/DOCUMENT/{key}_b.pdf", "stray", "__quillkeep_old_1/0"):
        client.put_object(Bucket=bucket.bucket, Key=name, Body=b"12345")
    seen: BucketAnswer = ask("bucket", profile, paths)
    assert (seen.objects, seen.bytes, seen.whole) == (3, 15, True)
    assert seen.categories == {"DOCUMENT": 1, "IMAGE": 1, "other": 1}
    part = look_at_bucket(BucketRequest(most=2), profile, paths)
    assert (part.objects, part.whole) == (2, False)
    assert "first 2 objects" in part.problems[0]


@pytest.mark.parametrize(
    ("change", "what", "next"),
    [
        ({"bucket": "no-such-bucket"}, "does not exist", "s3 mb"),
        ({"secret_key": Secret("wrong-key-of-somebody")}, "does not accept the S3 keys", "S3_SECRET_KEY"),
        ({"endpoint": "http://127.0.0.1:9"}, "does not answer", "S3_ENDPOINT"),
        ({"access_key": None}, "Only one half of the S3 keys", "S3_ACCESS_KEY"),
    ],
)
def test_a_bucket_that_does_not_work(
    profile: Profile, paths: Paths, change: dict[str, Any], what: str, next: str
) -> None:
    assert profile.bucket is not None
    with pytest.raises(QuillkeepError) as caught:
        ask("bucket", replace(profile, bucket=replace(profile.bucket, **change)), paths)
    assert what in caught.value.what
    assert next in caught.value.next
    assert "wrong-key" not in str(caught.value)


def test_a_stopped_s3_server_is_told_of_in_time(profile: Profile, weed: Weed, paths: Paths) -> None:
    begun = time.monotonic()
    with stopped(weed.pid), pytest.raises(QuillkeepError, match="has not answered for") as caught:
        ask("bucket", profile, paths)
    assert time.monotonic() - begun < 10.0
    assert "stopped or overloaded" in caught.value.next


def test_the_locations(profile: Profile, location: Path, tmp_path: Path, paths: Paths) -> None:
    gone = Location(name="nas", path=str(tmp_path / "not-mounted"))
    seen: LocationsAnswer = ask("locations", replace(profile, locations=(*profile.locations, gone)), paths)
    here, away = seen.locations
    assert here.free and here.total and here.writable and not here.problem
    assert here.filesystem
    assert "not mounted" in away.problem
    assert os.listdir(location) == []


def test_a_hanging_location_holds_up_no_other(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = locations_probe.probe

    def hang(location: Location) -> Any:
        if location.name == "dead":
            time.sleep(60)
        return look(location)

    monkeypatch.setattr(locations_probe, "probe", hang)
    dead = Location(name="dead", path=str(tmp_path))
    begun = time.monotonic()
    first, second = locations_probe.probe_all((dead, *profile.locations), 0.5)
    assert time.monotonic() - begun < 3
    assert "did not answer" in first.problem
    assert second.free


def test_what_the_newest_backup_really_added(
    profile: Profile, weed: Weed, bucket: BucketTarget, db: Database[Any], make_context: Any
) -> None:
    db["users"].insert_one({"_id": 1})
    client = weed.client()
    client.put_object(Bucket=bucket.bucket, Key="users/a", Body=os.urandom(50_000))
    first = backup(BackupPlan(), make_context(profile))
    (seen,) = locations_probe.probe_all(profile.locations, 5.0)
    assert (seen.last_backup, seen.last_added) == (first.id, None)
    client.put_object(Bucket=bucket.bucket, Key="users/b", Body=os.urandom(20_000))
    second = backup(BackupPlan(), make_context(profile))
    (seen,) = locations_probe.probe_all(profile.locations, 5.0)
    assert seen.last_backup == second.id
    assert seen.last_added and 20_000 < seen.last_added < 40_000


def _plan(made: str) -> RestorePlan:
    return RestorePlan(request=RestoreRequest(backup=made), allow=("writers",))
