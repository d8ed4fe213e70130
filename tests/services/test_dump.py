"""The raw dump against real servers: what is in the file, what it says it is worth, and what others read of it."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from services.archive.documents import hex64
from services.archive.members import walk_members
from services.archive.model import Namespace
from services.catalog.manifest import ArchiveFile
from services.demo.servers import Mongod
from services.errors import Cancelled, QuillkeepError
from services.mongo import dump_pipeline, live_sums
from services.mongo.connect import connect, server_info
from services.mongo.counters import Mark, collection_stats
from services.mongo.dump import dump_database
from services.mongo.dump_model import Dump, DumpRequest, Hooks
from services.profile import MongoTarget
from services.secret import Secret


def nothing(*_: object) -> None:
    """A hook that does nothing."""


def take(uri: str, request: DumpRequest, path: Path, **hooks: Callable[..., None]) -> Dump:
    target = MongoTarget(uri=Secret(uri), database=request.database)
    every = {"check": nothing, "advance": nothing, "before_write": nothing, "log": nothing, **hooks}
    with connect(target) as client:
        return dump_database(client, server_info(client), request, path, Hooks(**every))


def proven(dump: Dump, path: Path, database: str) -> None:
    """The file reads back as what was summed while reading the server."""
    file = ArchiveFile(name=path.name, bytes=dump.bytes, sha256="", members=dump.members)
    walked = walk_members(path, file, database)
    assert path.stat().st_mode & 0o777 == 0o600
    assert walked.bytes == dump.bytes == path.stat().st_size
    for name, entry in dump.collections.items():
        if entry.kind != "view":
            found = walked.collections[Namespace(database, dump.streams[name])]
            assert (found.documents, found.bytes, hex64(found.crc64), hex64(found.content)) == (
                entry.documents,
                entry.bytes,
                entry.crc64,
                entry.content,
            )
    assert {one.namespace.collection for one in walked.prelude.collections} == set(dump.collections)


def fill(db: Database[Any], **counts: int) -> None:
    for name, count in counts.items():
        db[name].insert_many([{"_id": n, "text": "x" * 200} for n in range(count)])


@contextmanager
def fresh(server: Mongod) -> Iterator[Database[Any]]:
    with server.client() as client:
        db = client["dumped"]
        client.drop_database(db)
        yield db
        client.drop_database(db)


def restore(peers: Path, uri: str, path: Path, *more: str) -> None:
    command = [str(peers / "mongorestore"), f"--uri={uri}", f"--archive={path}", "--gzip", *more]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr


def hashes(db: Database[Any]) -> dict[str, str]:
    found = db.command("dbHash")["collections"]
    return {name: value for name, value in found.items() if name != "system.views"}


def index_keys(db: Database[Any]) -> dict[str, Any]:
    kinds = {entry["name"]: entry for entry in db.list_collections()}
    return {
        name: (entry["options"], {spec["name"]: dict(spec) for spec in db[name].list_indexes()})
        for name, entry in kinds.items()
        if entry["type"] != "view" and not name.startswith("system.")
    }


@pytest.fixture
def tiny_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few documents a batch and few batches in flight, so that a test can act in the middle of a collection."""
    monkeypatch.setattr(live_sums, "BATCH_BYTES", 2_000)
    monkeypatch.setattr(dump_pipeline, "IN_FLIGHT_BYTES", 4_000)


class Once:
    """Acts the first time a batch was written, or every time when told so."""

    def __init__(self, act: Callable[[], object], *, after: int = 3, always: bool = False) -> None:
        self._act, self._after, self._always = act, after, always
        self._lock = threading.Lock()
        self._calls = 0

    def __call__(self, _amount: int) -> None:
        with self._lock:
            self._calls += 1
            if self._calls == self._after or (self._always and self._calls > self._after):
                self._act()


@pytest.mark.parametrize("server", ["mongod", "mongod_rs"])
def test_the_zoo_goes_through_ours_and_the_stock_tools_equal(
    server: str, request: pytest.FixtureRequest, peers: Path, fixtures_dir: Path, tmp_path: Path
) -> None:
    mongod: Mongod = request.getfixturevalue(server)
    path = tmp_path / "zoo.gz"
    with mongod.client() as client:
        for name in ("zoo", "zoo_again"):
            client.drop_database(name)
        restore(peers, mongod.uri, fixtures_dir / "zoo.archive.gz")
        dump = take(mongod.uri, DumpRequest(database="zoo"), path)
        proven(dump, path, "zoo")
        assert subprocess.run(["gunzip", "-t", path]).returncode == 0
        restore(peers, mongod.uri, path, "--nsFrom=zoo.*", "--nsTo=zoo_again.*", "--nsInclude=zoo.*")
        assert hashes(client["zoo"]) == hashes(client["zoo_again"])
        assert index_keys(client["zoo"]) == index_keys(client["zoo_again"])
        views = [list(client[name]["v_even"].find().sort("_id")) for name in ("zoo", "zoo_again")]
        assert views[0] == views[1] and views[0]
        assert dump.collections["weather"].kind == "timeseries"
        assert dump.streams["weather"] == "system.buckets.weather"
        assert dump.collections["capped"].documents == client["zoo"]["capped"].count_documents({})
        assert ("capped" in dump.detail) == (server == "mongod_rs")
        for name in ("zoo", "zoo_again"):
            client.drop_database(name)


def test_two_dumps_of_the_same_data_are_the_same_bytes(
    mongod: Mongod, database: str, db: Database[Any], tmp_path: Path
) -> None:
    fill(db, chats=300, users=3)
    db.create_collection("empty")
    for name in ("one", "two"):
        take(mongod.uri, DumpRequest(database=database), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_live_sums_equal_the_dumps(
    mongod: Mongod, database: str, db: Database[Any], tmp_path: Path
) -> None:
    fill(db, chats=300)
    dump = take(mongod.uri, DumpRequest(database=database), tmp_path / "a")
    sums = live_sums.live_sums(db, "chats")
    entry = dump.collections["chats"]
    assert (sums.documents, sums.bytes, hex64(sums.content), hex64(sums.crc64)) == (
        entry.documents,
        entry.bytes,
        entry.content,
        entry.crc64,
    )
    assert (entry.first_id, entry.last_id) == ('{"$numberInt": "0"}', '{"$numberInt": "299"}')
    assert dump.consistency == "quiet"


def test_a_batch_of_large_documents_is_cut_into_members(
    mongod: Mongod, database: str, db: Database[Any], tmp_path: Path
) -> None:
    for size in (15 << 20, 100, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 9 << 20):
        db.files.insert_one({"blob": b"\x07" * size})
    dump = take(mongod.uri, DumpRequest(database=database), tmp_path / "a")
    proven(dump, tmp_path / "a", database)
    assert dump.collections["files"].documents == 7
    assert len(dump.members) >= 6


def test_what_is_ours_and_what_is_excluded_is_left_out(
    mongod: Mongod, database: str, db: Database[Any], tmp_path: Path
) -> None:
    fill(db, chats=3, sessions=3, __quillkeep_old_j_1=3, __quillkeep_jobs=1)
    request = DumpRequest(database=database, exclude=("sessions",))
    assert set(take(mongod.uri, request, tmp_path / "a").collections) == {"chats"}
    request = DumpRequest(database=database, rename={"__quillkeep_old_j_1": "chats"})
    dump = take(mongod.uri, request, tmp_path / "b")
    proven(dump, tmp_path / "b", database)
    assert list(dump.collections) == ["chats"]
    assert '"collectionName":"chats"' in dump.collections["chats"].metadata


def test_documents_a_server_would_change_are_named(
    mongod: Mongod, database: str, db: Database[Any], tmp_path: Path
) -> None:
    from bson.timestamp import Timestamp

    db.odd.insert_many([{"_id": n} for n in range(5)])
    literal = {"_id": 5, "at": Timestamp(0, 0)}
    db.odd.update_one({"_id": 5}, [{"$replaceWith": {"$literal": literal}}], upsert=True)
    dump = take(mongod.uri, DumpRequest(database=database), tmp_path / "a")
    assert [(one.collection, one.ordinal, one.why) for one in dump.server_would_change] == [
        ("odd", 5, "timestamp-zero")
    ]


def test_what_was_written_meanwhile_is_read_again_and_the_file_rebuilt(
    mongod: Mongod, database: str, db: Database[Any], tmp_path: Path, tiny_batches: None
) -> None:
    fill(db, chats=400, users=40)
    act = Once(lambda: db.chats.update_one({"_id": 7}, {"$set": {"text": "late"}}))
    dump = take(mongod.uri, DumpRequest(database=database), tmp_path / "a", advance=act)
    proven(dump, tmp_path / "a", database)
    assert dump.consistency == "quiet"
    assert "read again: chats" in dump.detail
    assert hex64(live_sums.live_sums(db, "chats").content) == dump.collections["chats"].content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_a_busy_collection_is_named_and_the_copy_worth_none(
    mongod: Mongod, database: str, db: Database[Any], tmp_path: Path, tiny_batches: None
) -> None:
    fill(db, chats=100, users=40)
    act = Once(lambda: db.chats.update_one({"_id": 7}, {"$inc": {"n": 1}}), after=1, always=True)
    dump = take(mongod.uri, DumpRequest(database=database, app_stopped=True), tmp_path / "a", advance=act)
    proven(dump, tmp_path / "a", database)
    assert dump.consistency == "none"
    assert dump.detail.endswith(": chats")


@pytest.mark.parametrize("server", ["mongod", "mongod_rs"])
@pytest.mark.parametrize("how", ["dropped", "renamed", "made anew", "created"])
def test_a_collection_that_comes_or_goes_during_the_dump_is_noticed(
    server: str, how: str, request: pytest.FixtureRequest, tmp_path: Path, tiny_batches: None
) -> None:
    mongod: Mongod = request.getfixturevalue(server)
    with fresh(mongod) as db:
        fill(db, chats=200, users=100, tags=20)

        def act() -> None:
            if how == "dropped":
                db.users.drop()
            elif how == "renamed":
                db.users.rename("people")
            elif how == "made anew":
                db.users.drop()
                fill(db, users=10)
            else:
                fill(db, people=10)

        log: list[str] = []
        path = tmp_path / "a"
        dump = take(mongod.uri, DumpRequest(database="dumped"), path, advance=Once(act), log=log.append)
        proven(dump, path, "dumped")
        if how == "created" and server == "mongod_rs":
            assert dump.consistency == "snapshot"
            assert "people" not in dump.collections
            return
        assert dump.consistency == "quiet"
        assert set(dump.collections) == set(db.list_collection_names())
        for name, entry in dump.collections.items():
            assert entry.content == hex64(live_sums.live_sums(db, name).content)
        assert log


def test_a_collection_renamed_while_its_cursor_is_open_is_read_again(
    mongod: Mongod, database: str, db: Database[Any], tmp_path: Path, tiny_batches: None
) -> None:
    fill(db, chats=400)
    act = Once(lambda: db.chats.rename("talks"))
    dump = take(mongod.uri, DumpRequest(database=database), tmp_path / "a", advance=act)
    proven(dump, tmp_path / "a", database)
    assert {name: entry.documents for name, entry in dump.collections.items()} == {"talks": 400}


def test_a_cursor_that_always_dies_fails_the_dump_and_leaves_no_file(
    mongod: Mongod, database: str, db: Database[Any], tmp_path: Path, tiny_batches: None
) -> None:
    fill(db, chats=200)
    with mongod.client() as killer:
        act = Once(lambda: killer.admin.command({"killAllSessions": []}), after=1, always=True)
        with pytest.raises(QuillkeepError, match="could not be read to its end"):
            take(mongod.uri, DumpRequest(database=database), tmp_path / "a", advance=act)
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_is_one_moment_under_a_busy_writer(mongod_rs: Mongod, tmp_path: Path) -> None:
    with fresh(mongod_rs) as db:
        fill(db, first=3000, second=2000)
        offset = db.first.count_documents({}) - db.second.count_documents({})
        stop = threading.Event()

        def write() -> None:
            with mongod_rs.client() as client:
                number = 10_000
                while not stop.is_set():
                    client["dumped"].first.insert_one({"_id": number})
                    client["dumped"].second.insert_one({"_id": number})
                    number += 1

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        try:
            for number in range(3):
                path = tmp_path / str(number)
                dump = take(mongod_rs.uri, DumpRequest(database="dumped"), path)
                counts = {name: entry.documents for name, entry in dump.collections.items()}
                assert dump.consistency == "snapshot"
                assert counts["first"] - counts["second"] - offset in (0, 1)
        finally:
            stop.set()
            writer.join(10)


def test_a_lost_snapshot_starts_over_by_counters(
    mongod_rs: Mongod, tmp_path: Path, tiny_batches: None
) -> None:
    with fresh(mongod_rs) as db:
        fill(db, chats=300, users=20)
        act = Once(lambda: (db.users.rename("aside"), db.aside.rename("users")))
        log: list[str] = []
        path = tmp_path / "a"
        dump = take(mongod_rs.uri, DumpRequest(database="dumped"), path, advance=act, log=log.append)
        proven(dump, path, "dumped")
        assert dump.consistency == "quiet"
        assert "snapshot was lost" in dump.detail
        assert any("starts over" in line for line in log)
        assert dump.collections["users"].documents == 20


def test_a_snapshot_that_became_too_old_starts_over_by_counters(
    mongod_rs: Mongod, tmp_path: Path, tiny_batches: None
) -> None:
    window = "minSnapshotHistoryWindowInSeconds"
    with fresh(mongod_rs) as db, mongod_rs.client() as other:
        fill(db, chats=2000, users=20)

        def age() -> None:
            other.admin.command({"setParameter": 1, window: 0})
            for _write in range(3):
                other["elsewhere"]["c"].insert_one({})
                time.sleep(0.1)

        log: list[str] = []
        path = tmp_path / "a"
        try:
            request = DumpRequest(database="dumped")
            dump = take(mongod_rs.uri, request, path, advance=Once(age), log=log.append)
        finally:
            other.admin.command({"setParameter": 1, window: 300})
            other.drop_database("elsewhere")
        proven(dump, path, "dumped")
        assert dump.consistency == "quiet"
        assert any("code 239" in line for line in log)


@pytest.mark.parametrize(
    "write",
    [
        {"insert": "c", "documents": [{"_id": "new"}]},
        {"update": "c", "updates": [{"q": {"_id": 7}, "u": {"$inc": {"n": 1}}}]},
        {"update": "c", "updates": [{"q": {"_id": 7}, "u": {"$set": {"text": "y" * 200}}}]},
        {"update": "c", "updates": [{"q": {"_id": 7}, "u": {"z": 1}}]},
        {"update": "c", "updates": [{"q": {}, "u": {"$unset": {"text": ""}}, "multi": True}]},
        {"delete": "c", "deletes": [{"q": {"_id": 7}, "limit": 1}]},
        {"findAndModify": "c", "query": {"_id": 7}, "update": {"$set": {"n": 5}}},
    ],
    ids=lambda write: str(write)[:60],
)
def test_every_kind_of_write_moves_the_counters_and_reading_does_not(
    write: dict[str, Any], db: Database[Any]
) -> None:
    fill(db, c=20)
    db.c.update_one({"_id": 7}, {"$set": {"n": 0}})
    before = collection_stats(db, "c")
    list(db.c.find())
    live_sums.live_sums(db, "c")
    assert Mark(uuid="u", writes=before.writes).still(Mark(uuid="u", writes=collection_stats(db, "c").writes))
    db.command(write)
    assert collection_stats(db, "c").writes != before.writes


def test_a_cancel_ends_the_dump_and_leaves_no_file(
    mongod: Mongod, database: str, db: Database[Any], tmp_path: Path, tiny_batches: None
) -> None:
    fill(db, chats=2000)
    cancelled = threading.Event()

    def check() -> None:
        if cancelled.is_set():
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        take(
            mongod.uri,
            DumpRequest(database=database),
            tmp_path / "a",
            check=check,
            advance=Once(cancelled.set),
        )
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_dies_is_an_error_and_never_a_short_dump(
    server_folder: Path, tmp_path: Path, tiny_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.demo.servers import start_mongod
    from services.mongo import connect as connecting

    monkeypatch.setattr(connecting, "CONNECT_SECONDS", 1.0)
    server = start_mongod(server_folder / "dies", sweep=(server_folder,))
    try:
        with server.client() as client:
            fill(client["dumped"], chats=1000)
        with pytest.raises(QuillkeepError):
            take(server.uri, DumpRequest(database="dumped"), tmp_path / "a", advance=Once(server.kill))
    finally:
        server.kill()
    assert list(tmp_path.iterdir()) == []


def test_a_user_without_rights_is_told_which_role_is_missing(mongod_auth: Mongod, tmp_path: Path) -> None:
    with MongoClient[Any](mongod_auth.uri) as client:
        fill(client["dumped"], chats=3)
    uri = mongod_auth.create_user("stranger", ["read"], database="elsewhere")
    with pytest.raises(QuillkeepError) as caught:
        take(uri, DumpRequest(database="dumped"), tmp_path / "a")
    assert "read" in caught.value.next
