"""Round trips of the zoo between Quillkeep and the stock tools: every kind of collection, index, type and name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bson.timestamp import Timestamp
from pymongo.database import Database

from services.demo.servers import Mongod
from services.profile import Profile
from tests.services.interop_support import (
    FULL,
    ZOO,
    ZOO_FORMS,
    Part,
    mapped,
    mongodump,
    mongorestore,
    our_backup,
    run,
    scratch,
    uri_of,
    whole,
    write_archive,
)
from tests.services.restore_support import ours, run_restore
from tests.support import make_profile

SERVERS = ("mongod", "mongod_rs")


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Mongod:
    """A standalone, then a replica set of one node."""
    found: Mongod = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def zoo(server: Mongod, database: str, peers: Path) -> Iterator[Database[Any]]:
    """The zoo as stock mongorestore puts it: what every round trip is compared with."""
    with server.client() as client:
        db = client[f"{database}_zoo"]
        mongorestore(peers, server.uri, ZOO, *mapped("zoo", db.name))
        yield db
        client.drop_database(db)


@pytest.fixture
def profile(mongod: Mongod, database: str, location: Path) -> Profile:
    """A deployment without a bucket, on the standalone."""
    return make_profile(mongod.uri, database, location=location)


def target_of(server: Mongod, db: Database[Any], location: Path) -> Profile:
    """A deployment whose database is `db`."""
    return make_profile(server.uri, db.name, location=location)


def complete(found: dict[str, Any]) -> None:
    """The zoo is all there: a comparison of two empty databases would prove nothing."""
    assert len(found["kinds"]) == 14 and len(found["indexes"]["indexes"]) == 7
    assert {kind for kind, _ in found["kinds"].values()} == {"collection", "view", "timeseries"}
    assert found["kinds"]["capped"][1]["capped"] and "clusteredIndex" in found["kinds"]["clustered"][1]
    assert found["views"]["v_even"] and "system.buckets.weather" in found["hashes"]


@pytest.mark.parametrize("form", [*ZOO_FORMS, "tar.gz"])
def test_theirs_to_ours_to_ours(
    form: str, server: Mongod, zoo: Database[Any], location: Path, tmp_path: Path
) -> None:
    expected = whole(zoo)
    complete(expected)
    with scratch(zoo, "a") as first, scratch(zoo, "b") as second:
        source = target_of(server, first, location)
        dump = ZOO_FORMS.get(form, str(tmp_path / "quilltap_mongo_20261101_020000.tar.gz"))
        if form == "tar.gz":
            run("tar", "-czf", dump, "-C", ZOO_FORMS["directory"], "zoo")
        result, _ = run_restore(source, tmp_path, dump, from_database="zoo")
        assert whole(first) == expected
        assert set(result.collections) == {name for name in expected["kinds"] if name != "v_even"}
        assert result.collections["weather"].documents == 3, "counted as the buckets that hold it"
        made = our_backup(source, tmp_path)
        assert made.consistency == ("snapshot" if server.replica_set else "quiet")
        run_restore(
            target_of(server, second, location),
            tmp_path,
            made.id,
            from_database=first.name,
            allow=("writers", "other-deployment"),
        )
        assert whole(second) == expected
        assert not ours(first) and not ours(second)


def test_theirs_to_ours_to_theirs(
    server: Mongod, zoo: Database[Any], peers: Path, location: Path, tmp_path: Path
) -> None:
    expected = whole(zoo)
    with scratch(zoo, "a") as first, scratch(zoo, "b") as second:
        run_restore(target_of(server, first, location), tmp_path, ZOO, from_database="zoo")
        dump = mongodump(peers, server.uri, first.name, tmp_path / "theirs.gz")
        mongorestore(peers, server.uri, dump, *mapped(first.name, second.name))
        assert whole(second) == expected == whole(first)


def test_ours_to_theirs_to_ours(
    server: Mongod, zoo: Database[Any], peers: Path, location: Path, tmp_path: Path
) -> None:
    expected = whole(zoo)
    with scratch(zoo, "a") as first, scratch(zoo, "b") as second:
        made = our_backup(target_of(server, zoo, location), tmp_path)
        archive = location / f"quilltap_mongo_{made.id.removeprefix('quilltap_')}.gz"
        mongorestore(peers, server.uri, archive, *mapped(zoo.name, first.name))
        assert whole(first) == expected
        dump = mongodump(peers, server.uri, first.name, tmp_path / "theirs.gz")
        run_restore(target_of(server, second, location), tmp_path, str(dump), from_database=first.name)
        assert whole(second) == expected


def test_one_database_of_a_whole_servers_dump_without_its_oplog(
    profile: Profile, db: Database[Any], peers: Path, tmp_path: Path
) -> None:
    result, ctx = run_restore(profile, tmp_path, FULL, from_database="quilltap", only="database")
    assert any("oplog" in line and "not replayed" in line for line in ctx.warnings), ctx.logs
    assert not any(name in whole(db)["kinds"] for name in ("capped", "weather", "oplog"))
    with scratch(db, "ref") as reference:
        mongorestore(peers, uri_of(profile), FULL, *mapped("quilltap", reference.name))
        assert whole(db) == whole(reference)
    assert result.collections["memories"].documents == 300


def test_a_zero_timestamp_is_kept_byte_for_byte_as_by_the_stock_tool(
    profile: Profile, db: Database[Any], peers: Path, tmp_path: Path
) -> None:
    """An insert would make it the time of day; the stock tool and ours go round that, each in its own way."""
    documents = [
        {"_id": 1, "at": Timestamp(0, 0), "in": {"at": Timestamp(0, 0)}},
        {"_id": 2, "at": Timestamp(5, 1)},
        {"_id": {"nested": 3}, "at": Timestamp(0, 0), "$odd": 1, "a.b": 2},
    ]
    dump = write_archive(tmp_path / "dump.gz", Part("chats", documents))
    run_restore(profile, tmp_path, dump, from_database="quilltap")
    restored = whole(db)
    assert list(db.chats.find().sort("_id")) == documents
    made = our_backup(profile, tmp_path)
    db.chats.drop()
    run_restore(profile, tmp_path, made.id)
    assert whole(db) == restored
    with scratch(db, "ref") as reference:
        mongorestore(peers, uri_of(profile), dump, *mapped("quilltap", reference.name))
        assert whole(reference) == restored
