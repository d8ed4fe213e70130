"""A backup of real servers, whole: what lies in the location, what it says, and what is left when it fails."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services.catalog.find import newest_good
from services.catalog.manifest import Manifest, decode_manifest
from services.catalog.scan import scan
from services.demo.servers import Mongod
from services.errors import Cancelled, QuillkeepError, Refused
from services.jobs.events import PhaseStarted
from services.objects.bucket import open_bucket
from services.objects.keys import Headers
from services.operations.backup import backup
from services.operations.backup_files import open_workspace, sweep
from services.operations.backup_model import BackupPlan, BackupResult
from services.profile import AppControl, BucketTarget, Profile
from services.quilltap import encrypt_value
from services.secret import Secret
from tests.support import FIXTURE_PEPPER, RecordingContext, make_profile

Contexts = Callable[..., RecordingContext]
WHOLE = BackupPlan()
NIGHT = datetime(2026, 11, 22, 2, 0, 0, tzinfo=UTC)


def put(bucket: BucketTarget, objects: dict[str, bytes]) -> None:
    opened = open_bucket(bucket)
    for key, body in objects.items():
        opened.put(key, body, size=len(body), headers=Headers(content_type="image/png"))


def fill(db: Database[Any]) -> None:
    db.chats.insert_many([{"_id": n, "title": "t" * 50} for n in range(80)])
    db.users.insert_many([{"_id": n, "id": f"user-{n}"} for n in range(3)])
    db.chats.create_index("title", name="by_title")
    db.create_collection("recent", viewOn="chats", pipeline=[{"$match": {"_id": {"$gt": 70}}}])


@pytest.fixture
def filled(profile: Profile, db: Database[Any], bucket: BucketTarget) -> Profile:
    """A small deployment: 80 chats, 3 users, an index, a view, three objects."""
    fill(db)
    put(bucket, {f"users/u/IMAGE/{number}_a.png": bytes([number]) * 100 for number in range(3)})
    return profile


@pytest.fixture
def rows(mongod: Mongod, database: str, db: Database[Any], location: Path) -> Profile:
    """The same without a bucket, for what concerns the database alone."""
    fill(db)
    return make_profile(mongod.uri, database, location=location)


def run(profile: Profile, contexts: Contexts, plan: BackupPlan = WHOLE, **more: Any) -> BackupResult:
    return backup(plan, contexts(profile, **more))


def manifest_of(result: BackupResult) -> Manifest:
    return decode_manifest(Path(result.path).read_bytes())


def names(location: Path) -> list[str]:
    return sorted(path.name for path in location.iterdir())


def test_a_backup_leaves_exactly_its_files_and_the_stock_tools_read_them(
    filled: Profile,
    location: Path,
    make_context: Contexts,
    database: str,
    db: Database[Any],
    peers: Path,
    mongod: Mongod,
) -> None:
    result = run(filled, make_context, BackupPlan(reason="before the update"), clock=lambda: NIGHT)
    assert result.status == "ok" and result.warnings == ()
    assert names(location) == [
        "quilltap_20261122_020000.json",
        "quilltap_mongo_20261122_020000.gz",
        "quilltap_mongo_20261122_020000.gz.sha256",
        "quilltap_s3_20261122_020000",
        "quilltap_s3_20261122_020000.objects.jsonl.gz",
    ]
    checked = subprocess.run(
        ["sha256sum", "-c", "quilltap_mongo_20261122_020000.gz.sha256"],
        cwd=location,
        capture_output=True,
        text=True,
    )
    assert checked.stdout == "quilltap_mongo_20261122_020000.gz: OK\n"
    for number in range(3):
        stored = location / f"quilltap_s3_20261122_020000/users/u/IMAGE/{number}_a.png"
        assert stored.read_bytes() == bytes([number]) * 100
    archive = location / "quilltap_mongo_20261122_020000.gz"
    before = db.command("dbHash")["collections"]
    command = [str(peers / "mongorestore"), f"--uri={mongod.uri}", f"--archive={archive}", "--gzip", "--drop"]
    restored = subprocess.run(command, capture_output=True, text=True)
    assert restored.returncode == 0, restored.stderr
    assert db.command("dbHash")["collections"] == before
    manifest = manifest_of(result)
    assert manifest.reason == "before the update"
    assert manifest.parts == ("database", "objects")
    assert manifest.consistency == result.consistency == "quiet"
    assert set(manifest.collections) == {"chats", "users", "recent"}
    assert "by_title" in manifest.collections["chats"].metadata
    assert manifest.collections["chats"].index_bytes > 0
    assert {file.name for file in manifest.files} == set(names(location)) - {
        "quilltap_20261122_020000.json",
        "quilltap_s3_20261122_020000",
    }
    document = msgspec.to_builtins(result)
    assert document["database"]["collections"]["chats"]["documents"] == 80
    assert set(document["database"]["collections"]["chats"]) == {"documents", "bytes", "crc64", "content"}
    assert (document["objects"]["count"], document["objects"]["bytes"]) == (3, 300)


def test_everything_is_private_whatever_the_umask(
    filled: Profile, location: Path, make_context: Contexts
) -> None:
    before = os.umask(0)
    try:
        run(filled, make_context)
    finally:
        os.umask(before)
    for path in location.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, (path, oct(mode))


def test_the_next_backup_links_what_did_not_change_and_is_the_newest_good(
    filled: Profile, location: Path, bucket: BucketTarget, make_context: Contexts
) -> None:
    first = run(filled, make_context)
    put(bucket, {"users/u/IMAGE/new.png": b"new"})
    second = run(filled, make_context)
    assert second.status == "ok"
    assert second.objects is not None
    assert (second.objects.linked, second.objects.fetched) == (3, 1)
    assert manifest_of(second).previous == first.id
    found = scan(filled.locations, filled, make_context(filled).paths)
    assert [one.id for one in found] == [second.id, first.id]
    for part in ("database", "objects"):
        newest = newest_good(found, part)
        assert newest is not None and newest.id == second.id


def test_a_taken_id_moves_to_the_next_free_second(
    rows: Profile, location: Path, make_context: Contexts
) -> None:
    (location / "quilltap_s3_20261122_020001").mkdir()
    ids = [
        run(rows, make_context, BackupPlan(only="database"), clock=lambda: NIGHT).id for _again in range(2)
    ]
    assert ids == ["quilltap_20261122_020000", "quilltap_20261122_020002"]


def test_one_part_alone(filled: Profile, location: Path, make_context: Contexts) -> None:
    one = run(filled, make_context, BackupPlan(only="database"), clock=lambda: NIGHT)
    assert one.objects is None and manifest_of(one).parts == ("database",)
    assert not (location / "quilltap_s3_20261122_020000").exists()
    two = run(filled, make_context, BackupPlan(only="objects"))
    assert two.database is None and manifest_of(two).parts == ("objects",)
    assert manifest_of(two).consistency is None


def test_objects_can_be_saved_while_the_database_is_down(
    filled: Profile, make_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.mongo import connect

    monkeypatch.setattr(connect, "CONNECT_SECONDS", 0.2)
    assert filled.mongo is not None
    down = msgspec.structs.replace(filled.mongo, uri=Secret("mongodb://127.0.0.1:1/"))
    broken = msgspec.structs.replace(filled, mongo=down)
    result = run(broken, make_context, BackupPlan(only="objects"))
    assert result.status == "warnings" and "restore is under way" in result.warnings[0]
    with pytest.raises(QuillkeepError, match="could not reach"):
        run(broken, make_context, BackupPlan())


def test_an_excluded_collection_is_named_and_the_part_does_not_count(
    filled: Profile, make_context: Contexts
) -> None:
    result = run(filled, make_context, BackupPlan(exclude=("chats",)))
    assert result.status == "ok"
    assert manifest_of(result).excluded == ("chats",)
    found = scan(filled.locations, filled, make_context(filled).paths)
    assert newest_good(found, "database") is None
    assert newest_good(found, "objects") is not None


def test_the_pepper_is_checked_and_a_wrong_one_is_a_warning(
    rows: Profile, db: Database[Any], make_context: Contexts
) -> None:
    pepper = Secret(FIXTURE_PEPPER)
    sealed = encrypt_value("sk-secret", "user-1", pepper)
    db.api_keys.insert_one(
        {"id": "k", "ciphertext": sealed.ciphertext, "iv": sealed.iv, "authTag": sealed.authTag}
    )
    right = run(msgspec.structs.replace(rows, pepper=pepper), make_context, BackupPlan(only="database"))
    entry = manifest_of(right).pepper
    assert right.status == "ok" and entry is not None
    assert (entry.opened, entry.tried) == (1, 1)
    again = manifest_of(
        run(msgspec.structs.replace(rows, pepper=pepper), make_context, BackupPlan(only="database"))
    ).pepper
    assert again == entry
    wrong = Secret("another-pepper-another-pepper-another-pepper")
    result = run(msgspec.structs.replace(rows, pepper=wrong), make_context, BackupPlan(only="database"))
    assert result.status == "warnings" and "opens none of 1" in result.warnings[0]
    for path in Path(result.path).parent.glob("*.json"):
        assert FIXTURE_PEPPER not in path.read_text() and wrong.reveal() not in path.read_text()


class App:
    """An application that is a file: it runs while the file is there."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "app"
        self.file.touch()
        self.log = folder / "log"
        self.control = AppControl(
            stop=f"rm {self.file}; echo stop >> {self.log}",
            start=f"touch {self.file}; echo start >> {self.log}",
            status=f"test -e {self.file}",
        )


def test_the_app_is_stopped_for_the_reading_and_started_again(
    rows: Profile, tmp_path: Path, make_context: Contexts
) -> None:
    app = App(tmp_path)
    result = run(
        msgspec.structs.replace(rows, app=app.control),
        make_context,
        BackupPlan(only="database", stop_app=True),
    )
    assert result.consistency == "app-stopped"
    assert app.file.exists() and app.log.read_text() == "stop\nstart\n"


def test_the_app_is_started_again_when_the_backup_fails(
    rows: Profile, tmp_path: Path, make_context: Contexts, location: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.operations import backup_run

    def fail(*_: Any, **__: Any) -> None:
        raise QuillkeepError("The dump failed.")

    monkeypatch.setattr(backup_run, "dump_part", fail)
    app = App(tmp_path)
    with pytest.raises(QuillkeepError, match="The dump failed") as caught:
        run(
            msgspec.structs.replace(rows, app=app.control),
            make_context,
            BackupPlan(only="database", stop_app=True),
        )
    assert "removed" in caught.value.touched
    assert app.file.exists() and names(location) == []


def test_an_app_that_was_stopped_stays_stopped(rows: Profile, tmp_path: Path, make_context: Contexts) -> None:
    app = App(tmp_path)
    app.file.unlink()
    run(
        msgspec.structs.replace(rows, app=app.control),
        make_context,
        BackupPlan(only="database", stop_app=True),
    )
    assert not app.file.exists()
    with pytest.raises(Refused, match="nothing says how to stop"):
        run(rows, make_context, BackupPlan(only="database", stop_app=True))


def test_a_cancel_in_any_phase_leaves_nothing(
    filled: Profile, location: Path, make_context: Contexts
) -> None:
    for phase in ("prepare", "objects", "dump", "objects-again", "prove", "publish"):
        ctx = make_context(filled)
        report = ctx.report

        def cancel_at(event: Any, phase: str = phase, ctx: Any = ctx, report: Any = report) -> None:
            report(event)
            if isinstance(event, PhaseStarted) and event.phase == phase:
                ctx.cancel.set()

        ctx.report = cancel_at  # type: ignore[method-assign]
        with pytest.raises(Cancelled):
            backup(BackupPlan(), ctx)
        assert names(location) == [], phase


def test_leftovers_of_dead_runs_are_swept_and_nothing_else(
    rows: Profile, location: Path, make_context: Contexts
) -> None:
    foreign = location / "quilltap_s3_20261101_020000"
    foreign.mkdir()
    (foreign / "a.png").write_bytes(b"a")
    (location / "quilltap_mongo_20261101_020000.gz").write_bytes(b"the guide's")
    dead = open_workspace(location, NIGHT)
    dead.archive.write_bytes(b"complete but without a manifest")
    dead.objects.mkdir()
    (dead.objects / "b.png").write_bytes(b"b")
    (location / "quilltap_mongo_20261121_020000.gz.quillkeep-partial-0123abcd").write_bytes(b"half")
    (location / "quilltap_s3_20261121_020000.quillkeep-partial-0123abcd").mkdir()
    (location / "notes.quillkeep-partial-of-mine").write_bytes(b"not one of ours")
    result = run(rows, make_context, BackupPlan(only="database"))
    left = [name for name in names(location) if result.id.removeprefix("quilltap_") not in name]
    assert left == [
        "notes.quillkeep-partial-of-mine",
        "quilltap_mongo_20261101_020000.gz",
        "quilltap_s3_20261101_020000",
    ]
    assert (foreign / "a.png").read_bytes() == b"a"


def test_a_marker_beside_a_manifest_sweeps_only_itself(rows: Profile, location: Path) -> None:
    space = open_workspace(location, NIGHT)
    space.archive.write_bytes(b"archive")
    space.manifest.write_bytes(b"{}")
    sweep(location)
    assert names(location) == [space.manifest.name, space.archive.name]
    space.discard()
    assert names(location) == [space.manifest.name, space.archive.name]


def test_two_writers_of_one_location_exclude_each_other(
    rows: Profile, location: Path, make_context: Contexts
) -> None:
    from services.jobs.location_lock import writing

    with writing(location, "other"), pytest.raises(Refused):
        run(rows, make_context, BackupPlan(only="database"))


def test_copies_before_a_release_go_under_their_original_names(
    rows: Profile, db: Database[Any], make_context: Contexts
) -> None:
    db.chats.rename("__quillkeep_old_j_1")
    plan = BackupPlan(only="database", purpose="before-release", rename={"__quillkeep_old_j_1": "chats"})
    result = run(rows, make_context, plan)
    manifest = manifest_of(result)
    assert list(manifest.collections) == ["chats"] and manifest.collections["chats"].documents == 80
    assert manifest.purpose == "before-release"
    found = scan(rows.locations, rows, make_context(rows).paths)
    assert newest_good(found, "database") is None
