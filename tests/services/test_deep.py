"""Deep verify on real servers: what only a server finds, what it finds nothing wrong with, and where it runs."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from msgspec.structs import replace
from pymongo.database import Database

from services.catalog.scan import survey
from services.deep.model import DeepOptions
from services.deep.place import choose
from services.deep.scratch import in_memory
from services.demo.sample import fill_database
from services.demo.servers import Mongod
from services.errors import Refused
from services.jobs.database_lock import DatabaseLock
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.verify import verify
from services.operations.verify_model import VerifyPlan
from services.paths import Paths
from services.profile import MongoTarget, Profile
from services.secret import Secret
from tests.deep_support import DEEP, FAULTS, PEOPLE, Made, Place, detail, ends, make_place
from tests.services.restore_support import ours, picture

On = Literal["embedded", "live"]
NAMES = [*FAULTS]


@pytest.fixture
def place(mongod: Mongod, database: str) -> Iterator[Place]:
    made = make_place(mongod.target(database))
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture(params=["embedded", "live"])
def on(request: pytest.FixtureRequest) -> On:
    where: On = request.param
    return where


@pytest.mark.parametrize("name", NAMES)
def test_what_full_cannot_find(place: Place, db: Database[Any], on: On, name: str) -> None:
    check, words, made = FAULTS[name]
    backup = place.archive({"faulty": made, "others": PEOPLE})
    full = verify(VerifyPlan(backup=backup), place.context())
    assert full.status == "ok", full.checks
    result = place.deep(backup, on=on)
    assert {one: how for one, how in ends(result).items() if how != "ok"} == {check: "fail"}, result.checks
    assert "faulty" in detail(result, check) and words in detail(result, check)
    (found,) = [one for one in result.checks if one.name == check]
    assert found.next and all(finding.collection == "faulty" for finding in found.found) and found.found
    whole = check in ("deep-documents", "deep-validate")
    assert result.status == ("warn" if whole else "fail"), "what is about the data never makes a backup bad"
    (listed,) = survey(place.profile.locations, place.profile, place.context().paths).backups
    assert listed.verified is not None and (listed.verified.status == "fail") is not whole
    assert not ours(db)
    place.assert_nothing_left()


def test_what_a_server_did_not_take_is_unknown_not_absent(place: Place, on: On) -> None:
    """chats cannot be created here: that the messages' chats are not in the backup is no finding."""
    user = Made([{"_id": 0, "id": "u"}])
    chats = [{"_id": number, "id": f"chat-{number}", "userId": "u"} for number in range(80)]
    messages = [{"_id": number, "chatId": f"chat-{number}", "messages": []} for number in range(80)]
    refused = Made(chats, options={"collation": {"locale": "xx_bad"}})
    backup = place.archive({"users": user, "chats": refused, "chat_messages": Made(messages)})
    result = place.deep(backup, on=on)
    assert ends(result)["deep-load"] == "fail" and "chats" in detail(result, "deep-load")
    assert {one.name: one.status for one in result.checks}["references"] == "unknown"
    told = detail(result, "references")
    assert "80 documents of chat_messages refer to chats, which could not be looked into" in told
    assert "no collection" not in told
    place.assert_nothing_left()


@pytest.mark.parametrize(
    "name",
    [
        "quilltap-20261101.gz",
        "zoo.archive.gz",
        "zoo-dump",
        "full-oplog.archive.gz",
        "quilltap-20261101.gz.gpg",
    ],
)
def test_nothing_wrong_is_found_with_what_is_whole(
    place: Place, db: Database[Any], on: On, name: str
) -> None:
    result = place.deep(place.put(name), on=on)
    assert ends(result) == dict.fromkeys(DEEP, "ok"), result.checks
    assert result.depth == "deep" and result.verdict == "ok"
    assert not ours(db) and not list(db["__quillkeep_jobs"].find())
    place.assert_nothing_left()


def test_a_backup_of_ours_of_a_full_sample(place: Place, db: Database[Any]) -> None:
    fill_database(db, scale=0.02, seed=3)
    made = backup(BackupPlan(only="database"), place.context())
    before = picture(db)
    for where in ("embedded", "live"):
        result = place.deep(made.id, on=where)
        assert ends(result) == dict.fromkeys(DEEP, "ok") and result.verdict == "ok", result.checks
        assert {one.name: one.status for one in result.checks}["references"] == "ok"
        assert result.id == made.id and not ours(db)
    assert picture(db) == before
    (listed,) = survey(place.profile.locations, place.profile, place.context().paths).backups
    assert listed.good and listed.verified is not None and listed.verified.depth == "deep"


def test_aside_in_a_replica_set(mongod_rs: Mongod) -> None:
    name = f"quilltap_{secrets.token_hex(4)}"
    place = make_place(mongod_rs.target(name))
    try:
        result = place.deep(place.put("zoo.archive.gz"), on="live")
        assert ends(result) == dict.fromkeys(DEEP, "ok"), result.checks
    finally:
        shutil.rmtree(place.folder, ignore_errors=True)
        with mongod_rs.client() as client:
            left = ours(client[name])
            client.drop_database(name)
    assert not left


def test_a_dump_of_objects_alone_has_nothing_to_load(place: Place) -> None:
    result = place.deep(place.put("s3_20261101_020000"))
    assert not ends(result) and result.status == "ok"


def test_what_cannot_be_read_is_not_loaded(place: Place, on: On) -> None:
    result = place.deep(place.put("corrupt/valid-gzip-wrong-crc64.gz"), on=on)
    assert result.status == "fail" and ends(result) == {"deep-load": "skipped"}
    assert "could not be read to its end" in detail(result, "deep-load")


@pytest.mark.parametrize("name", ["a collation the server lacks", ""])
def test_another_major_version_ends_warn_whatever_it_finds(place: Place, on: On, name: str) -> None:
    made = FAULTS[name][2] if name else PEOPLE
    result = place.deep(place.archive({"faulty": made}, version="7.0.14"), on=on)
    assert result.verdict == "warn", result.checks
    assert "from MongoDB 7.0.14, this server is 6.0.5" in detail(result, "deep-load")
    assert ("cannot be created" in detail(result, "deep-load")) is bool(name)
    assert set(ends(result).values()) <= {"ok", "warn"}


def test_nothing_expires_and_nothing_is_validated_away(place: Place, db: Database[Any], on: On) -> None:
    from datetime import UTC, datetime

    old = [{"_id": number, "at": datetime(2001, 1, 1, tzinfo=UTC)} for number in range(20)]
    ttl = {"v": 2, "key": {"at": 1}, "name": "at_1", "expireAfterSeconds": 60}
    lax = {"validator": {"a": 1}, "validationLevel": "off"}
    warns = {"validator": {"a": 1}, "validationAction": "warn"}
    clustered = {"clusteredIndex": {"v": 2, "key": {"_id": 1}, "name": "c", "unique": True}}
    made = {
        "sessions": Made(old, indexes=[ttl]),
        "lax": Made(PEOPLE.documents, options=lax),
        "warns": Made(PEOPLE.documents, options=warns),
        "clustered": Made(
            [{"_id": one["at"], "n": 1} for one in old[:1]], options={**clustered, "expireAfterSeconds": 3600}
        ),
    }
    result = place.deep(place.archive(made), on=on)
    assert ends(result) == dict.fromkeys(DEEP, "ok"), result.checks
    assert not ours(db)


class TestEncrypted:
    """Only into memory."""

    def test_a_folder_on_a_disk_is_not_taken(self, place: Place) -> None:
        backup = place.put("quilltap-20261101.gz.gpg")
        if in_memory(place.folder):
            pytest.fail("the tests' folder is a tmpfs: this test needs one that is not")
        result = place.deep(backup, on="embedded", scratch=str(place.folder))
        assert ends(result) == {"deep-load": "skipped"} and result.status == "skipped"
        assert "unpacked into memory only" in detail(result, "deep-load")
        (found,) = [one for one in result.checks if one.name == "deep-load"]
        assert "--scratch" in found.next
        (listed,) = survey(place.profile.locations, place.profile, place.context().paths).backups
        assert listed.verified is not None and listed.verified.depth == "full"

    def test_no_plaintext_lies_on_a_disk(self, place: Place) -> None:
        backup = place.put("quilltap-20261101.gz.gpg")
        seen: set[str] = set()
        context = place.context()
        look = context.report

        def watching(event: Any) -> None:
            seen.update(str(path) for path in place.folder.rglob("*") if path.is_file())
            seen.update(str(path) for path in Path("/dev/shm").glob(f"quillkeep-deep-{context.job}-*"))
            look(event)

        context.report = watching
        assert place.deep(backup, on="embedded", context=context).status == "ok"
        assert any(path.startswith("/dev/shm/") for path in seen)
        assert not [path for path in seen if path.endswith((".wt", ".bson"))]
        place.assert_nothing_left()


class TestWhere:
    """Embedded where that is possible, aside only when it was confirmed."""

    def test_the_live_server_is_never_taken_unasked(self, place: Place, db: Database[Any]) -> None:
        backup = place.put("quilltap-20261101.gz")
        for more in ({"on": "live"}, {"scratch": "/nonexistent/folder"}):
            with pytest.raises(Refused) as refused:
                place.deep(backup, confirmed=False, **more)
            assert "--yes" in refused.value.next and "--depth full" in refused.value.next
        assert not db.list_collection_names()

    def test_read_only_refuses_it_and_keeps_the_embedded_one(self, place: Place, db: Database[Any]) -> None:
        backup = place.put("quilltap-20261101.gz")
        context = place.context(replace(place.profile, read_only=True))
        with pytest.raises(Refused, match="READ-ONLY"):
            place.deep(backup, on="live", context=context)
        assert place.deep(backup, context=context).status == "ok"
        assert not db.list_collection_names()

    def test_without_any_place_it_ends_skipped_with_the_reason(self, place: Place) -> None:
        context = place.context(replace(place.profile, mongo=None))
        result = place.deep(place.put("quilltap-20261101.gz"), context=context, scratch="/nonexistent/folder")
        assert result.status == "skipped" and ends(result) == {"deep-load": "skipped"}
        assert "/nonexistent/folder is no folder; no database is configured" in detail(result, "deep-load")

    def test_room_is_looked_at_first(self, tmp_path: Path) -> None:
        found = choose(
            Profile(), Paths(tmp_path), DeepOptions(on="embedded"), encrypted=False, data_bytes=1 << 50
        )
        assert found.where is None and "the embedded server needs" in found.reason

    def test_a_lock_that_is_held_is_respected(self, place: Place, db: Database[Any]) -> None:
        backup = place.put("quilltap-20261101.gz")
        with DatabaseLock.acquire(db, job="the-restore", verb="restore"):
            result = place.deep(backup, on="live")
        assert ends(result) == {"deep-load": "skipped"} and "the-restore" in detail(result, "deep-load")
        assert not ours(db) and not list(db["__quillkeep_jobs"].find())


@pytest.fixture
def user(mongod_auth: Mongod) -> Iterator[Callable[[str], Place]]:
    """`user(role)`: a place whose profile is a user of this role on a fresh database."""
    name = f"quilltap_{secrets.token_hex(4)}"
    made: list[Place] = []

    def of(role: str) -> Place:
        uri = mongod_auth.create_user(f"{role}{secrets.token_hex(3)}", [role], database=name)
        made.append(make_place(MongoTarget(uri=Secret(uri), database=name)))
        return made[-1]

    yield of
    with mongod_auth.client() as client:
        assert not ours(client[name])
        client.drop_database(name)
    for one in made:
        shutil.rmtree(one.folder, ignore_errors=True)


def test_who_may_only_read_loads_nothing(user: Callable[[str], Place]) -> None:
    place = user("read")
    result = place.deep(place.put("quilltap-20261101.gz"), on="live")
    assert ends(result) == {"deep-load": "skipped"} and "readWrite" in detail(result, "deep-load")


def test_what_the_role_read_write_cannot_do_is_skipped_with_the_line_that_grants_it(
    user: Callable[[str], Place],
) -> None:
    place = user("readWrite")
    result = place.deep(place.put("zoo.archive.gz"), on="live")
    skipped = {"deep-load": "skipped", "deep-validate": "skipped"}
    assert ends(result) == dict.fromkeys(DEEP, "ok") | skipped, result.checks
    assert "time series" in detail(result, "deep-load")
    assert 'role: "dbAdmin"' in detail(result, "deep-validate")
    (listed,) = survey(place.profile.locations, place.profile, place.context().paths).backups
    assert listed.verified is not None and (listed.verified.depth, listed.verified.status) == ("full", "ok")


def test_without_the_right_to_bypass_a_validator_its_documents_are_named_all_the_same(
    user: Callable[[str], Place],
) -> None:
    check, words, made = FAULTS["a validator that refuses"]
    place = user("readWrite")
    result = place.deep(place.archive({"faulty": made}), on="live")
    assert {one for one, how in ends(result).items() if how != "ok"} == {check}
    assert words in detail(result, check)
