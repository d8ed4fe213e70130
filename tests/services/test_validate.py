"""validate on a real server: what is wrong is found, named, and traced to the backup that has it right."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import Decimal128, Int64
from msgspec.structs import replace
from pymongo.database import Database

from services.demo.servers import Mongod
from services.errors import Refused, UsageProblem
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.validate import ValidatePlan, validate
from services.profile import Location
from tests.services.swap_support import at_phase
from tests.services.validate_support import (
    Validated,
    first,
    kinds,
    only,
    rows,
    statuses,
    validated,
)

CHECKS = {
    "server-validate",
    "index-list",
    "shape",
    "iso-dates",
    "unique",
    "document-size",
    "growth",
    "references",
}
Damage = Callable[[Database[Any]], Any]


@pytest.fixture(scope="module")
def made(mongod: Mongod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validated]:
    with validated(mongod, tmp_path_factory.mktemp("validate")) as deployment:
        yield deployment


@pytest.fixture
def deployment(made: Validated) -> Iterator[Validated]:
    """Sound data and its backup; what a test damages is made new before the next."""
    yield made
    made.again()


def test_sound_data_against_its_backup(deployment: Validated) -> None:
    result = deployment.validate()
    assert result.status == "ok" and not result.warnings and not result.leftovers
    assert statuses(result) == dict.fromkeys(CHECKS, "ok")
    assert result.backup == deployment.backup_id and result.database == deployment.name
    found = rows(result)
    assert set(found) == set(deployment.sound)
    for name, documents in deployment.sound.items():
        row = found[name]
        encoded = [len(bson.encode(one)) for one in documents]
        assert (row.documents, row.bytes, row.largest) == (len(documents), sum(encoded), max(encoded))
        assert (row.status, row.server, row.backup_documents, row.known) == ("ok", "ok", len(documents), True)
        assert row.index_list and all(index.state == "same" for index in row.index_list)
        assert row.indexes == len(row.index_list) and row.before is None and not row.findings


def set_first(name: str, field: str, value: Any) -> Damage:
    return lambda db: db[name].update_one({"_id": first(db, name)["_id"]}, {"$set": {field: value}})


ODD: tuple[tuple[str, str, Any, str, str], ...] = (
    ("characters", "name", 5, "wrong-type", "a whole number in name"),
    ("characters", "tags", "one", "wrong-type", "text in tags"),
    ("characters", "personaLinks.0.isDefault", "yes", "wrong-type", "text in personaLinks[].isDefault"),
    ("characters", "sillyTavernData", [1], "wrong-type", "a list in sillyTavernData"),
    ("users", "name", {"first": "x"}, "wrong-type", "an object in name"),
    ("files", "size", Decimal128("5"), "wrong-type", "a decimal number in size"),
    ("files", "width", "25", "wrong-type", "text in width"),
    ("chats", "messageCount", None, "wrong-type", "null in messageCount"),
    ("chats", "title", None, "wrong-type", "null in title"),
    ("api_keys", "isActive", 1, "wrong-type", "a whole number in isActive"),
    ("memories", "keywords.0", 3, "wrong-type", "a whole number in keywords[]"),
    ("vector_indices", "entries.1.metadata.memoryId", 4, "wrong-type", "entries[].metadata.memoryId"),
    ("chat_messages", "messages.1.role", 7, "wrong-type", "messages[].role"),
    ("chat_messages", "messages.1.rawResponse", "x", "wrong-type", "messages[].rawResponse"),
    ("memories", "updatedAt", "yesterday", "not-iso-date", "in updatedAt"),
    ("chat_messages", "messages.2.createdAt", "12:30", "not-iso-date", "messages[].createdAt"),
    ("migrations_state", "completedMigrations.0.completedAt", "", "not-iso-date", "completedAt"),
    ("sessions", "expires", datetime.datetime(2036, 1, 1), "bson-date", "BSON date"),
    ("chats", "participants.0.createdAt", datetime.datetime(2026, 1, 1), "bson-date", "participants[]"),
    ("tags", "createdAt", Int64(5), "wrong-type", "a whole number in createdAt"),
)
"""Collection, field, value; the kind of finding and words of it."""


@pytest.mark.parametrize("odd", [ODD[0], ODD[14], ODD[17]], ids=lambda odd: odd[3])
def test_a_document_outside_the_shape(deployment: Validated, odd: tuple[str, str, Any, str, str]) -> None:
    """One check alone finds it, and says where, which, and what brings it back."""
    collection, field, value, kind, word = odd
    document = first(deployment.db, collection)
    set_first(collection, field, value)(deployment.db)
    result = deployment.validate()
    finding = only(result, collection)
    status = "warn" if kind == "bson-date" else "fail"
    assert (finding.kind, finding.status, finding.count) == (kind, status, 1)
    assert word in finding.what and finding.user == document.get("userId", "")
    assert finding.examples == (document["id"],)
    assert finding.good_in == deployment.backup_id and finding.restore == (collection,)
    assert f"quillkeep restore {deployment.backup_id} --collections {collection} --yes" in finding.next
    assert "without what was written since" in finding.next and "--to-database" in finding.next
    assert result.status == status and rows(result)[collection].status == status
    wrong = {name for name, ended in statuses(result).items() if ended != "ok"}
    assert wrong == {"shape" if kind == "wrong-type" else "iso-dates"}


def test_every_kind_of_odd_value_is_a_finding_of_its_own(deployment: Validated) -> None:
    for collection, field, value, _, _ in ODD:
        set_first(collection, field, value)(deployment.db)
    result = deployment.validate()
    found = [one for row in result.collections for one in row.findings]
    assert len(found) == len(ODD) and not result.references
    for collection, _, _, kind, word in ODD:
        (finding,) = [one for one in found if one.collection == collection and word in one.what]
        document = first(deployment.db, collection)
        label = document.get("id") or document.get("chatId") or document["_id"]
        assert (finding.kind, finding.examples) == (kind, (str(label),))
        assert finding.good_in == deployment.backup_id


def test_what_has_no_id_and_what_belongs_to_nobody(deployment: Validated) -> None:
    db = deployment.db
    tag = first(db, "tags")
    db.tags.update_one({"_id": tag["_id"]}, {"$unset": {"id": ""}})
    finding = only(deployment.validate(), "tags")
    assert (finding.kind, finding.examples, finding.user) == ("missing-id", (str(tag["_id"]),), tag["userId"])
    assert finding.good_in == deployment.backup_id
    deployment.again()
    db.memories.update_one({"_id": first(db, "memories")["_id"]}, {"$unset": {"characterId": ""}})
    finding = only(deployment.validate(), "memories")
    assert finding.kind == "missing-field" and "no characterId" in finding.what


UNIQUE = (
    ("sessions", "sessionToken", "fail"),
    ("users", "email", "fail"),
    ("tags", "id", "fail"),
    ("vector_indices", "id", "warn"),
    ("chat_messages", "chatId", "fail"),
)


def test_values_that_should_be_unique(deployment: Validated) -> None:
    """Each is told by the documents' ids, never by the value: a session's token lets people in."""
    db = deployment.db
    token = first(db, "sessions")["sessionToken"]
    for collection, field, _ in UNIQUE:
        db[collection].drop_indexes()
        copy = {**first(db, collection), "_id": bson.ObjectId()}
        if field != "id" and "id" in copy:
            copy["id"] = "another"
        db[collection].insert_one(copy)
    result = deployment.validate()
    found = rows(result)
    for collection, field, status in UNIQUE:
        (finding,) = [one for one in found[collection].findings if one.kind == "duplicate"]
        assert (finding.status, finding.count) == (status, 2) and f"a value of {field}" in finding.what
        assert finding.good_in == deployment.backup_id and finding.examples
        # The indexes that would have kept them apart are gone, too.
        assert {one.kind for one in found[collection].findings} <= {"duplicate", "index-list"}
    assert token not in str(result)
    assert statuses(result)["unique"] == "fail" and statuses(result)["shape"] == "ok"


def test_users_whose_addresses_differ_by_case_are_two_users(deployment: Validated) -> None:
    db = deployment.db
    one = first(db, "users")
    copy = {**one, "_id": bson.ObjectId(), "id": "another", "email": one["email"].upper()}
    db.users.insert_one(copy)
    assert deployment.validate().status == "ok"


def test_what_fell_since_the_backup(deployment: Validated) -> None:
    db = deployment.db
    ids = [one["_id"] for one in db.memories.find({}, {"_id": 1}).sort("_id", 1)]
    db.memories.delete_many({"_id": {"$in": ids[: len(ids) // 2]}})
    result = deployment.validate()
    finding = only(result, "memories")
    assert (finding.kind, finding.status, finding.good_in) == ("shrunk", "warn", deployment.backup_id)
    assert rows(result)["memories"].backup_documents == len(ids)
    assert statuses(result)["growth"] == "warn"


def test_what_is_empty_and_what_is_gone(deployment: Validated) -> None:
    db = deployment.db
    db.sessions.delete_many({})
    db.verification_tokens.drop()
    assert deployment.validate().status == "ok", "log-ins and tokens run out"
    db.api_keys.delete_many({})
    db.files.drop()
    result = deployment.validate()
    found = kinds(result)
    assert found["api_keys"] == {"collection-empty"} and found["files"] == {"collection-gone"}
    assert rows(result)["files"].status == "fail" and rows(result)["files"].documents == 0
    between = {one.kind: one for one in result.references}
    assert between["missing-collection"].collection == "files"
    assert between["missing-collection"].good_in == deployment.backup_id
    assert between["dangling-reference"].restore == ("api_keys",)


def test_growth_is_a_fact_and_an_index_made_since_too(deployment: Validated) -> None:
    db = deployment.db
    db.tags.insert_many(
        {**one, "_id": bson.ObjectId(), "id": f"new {number}", "nameLower": f"new {number}"}
        for number, one in enumerate(deployment.sound["tags"] * 3)
    )
    db.chats.create_index("title")
    result = deployment.validate()
    assert result.status == "ok"
    row = rows(result)["tags"]
    assert row.documents == 4 * (row.backup_documents or 0)
    assert {one.name: one.state for one in rows(result)["chats"].index_list}["title_1"] == "not in backup"


def test_an_index_that_is_gone_or_another(deployment: Validated) -> None:
    db = deployment.db
    db.users.drop_index("email_1")
    finding = only(deployment.validate(), "users")
    assert (finding.kind, finding.status, finding.examples) == ("index-list", "warn", ("email_1",))
    line = 'db.getCollection("users").createIndex({"email": 1}, {"name": "email_1", "unique": true})'
    assert line in finding.next and f"quillkeep restore {deployment.backup_id}" in finding.next
    db.users.create_index("email", name="email_1")
    result = deployment.validate()
    assert "another form" in only(result, "users").what
    states = {one.name: one.state for one in rows(result)["users"].index_list}
    assert states == {"_id_": "same", "email_1": "differs"}


def test_a_chat_that_is_nearly_full(deployment: Validated) -> None:
    db = deployment.db
    chat = first(db, "chat_messages")
    message = {**chat["messages"][0], "id": "large", "content": "x" * (13 << 20)}
    db.chat_messages.update_one({"_id": chat["_id"]}, {"$push": {"messages": message}})
    result = deployment.validate()
    finding = only(result, "chat_messages")
    assert (finding.kind, finding.status, finding.examples) == ("document-size", "warn", (chat["chatId"],))
    assert "13.0 of at most 16 MiB (81 %)" in finding.what
    assert rows(result)["chat_messages"].largest > 13 << 20


def test_the_newest_backup_that_has_it_right(deployment: Validated, tmp_path: Path) -> None:
    """A backup made of the damage is no help: an older one is named."""
    db = deployment.db
    set_first("tags", "name", 4)(db)
    later = backup(BackupPlan(only="database"), deployment.context())
    assert later.status == "ok"
    try:
        result = deployment.validate()
        finding = only(result, "tags")
        assert result.backup == later.id and result.before == deployment.backup_id
        assert finding.good_in == deployment.backup_id
        # In neither: said, and no command that would not help.
        added = {**first(db, "tags"), "_id": bson.ObjectId(), "id": 9, "nameLower": "nine", "name": "nine"}
        db.tags.insert_one(added)
        found = {one.examples: one for one in rows(deployment.validate())["tags"].findings}
        (new,) = [one for one in found.values() if str(added["_id"]) in one.examples and "in id" in one.what]
        assert new.good_in == "" and "None of the newest 2 good backups" in new.next
        assert "`quillkeep rollback` brings back what was live" in new.next
    finally:
        for path in (deployment.folder / "backups").glob(f"*{later.id.removeprefix('quilltap_')}*"):
            path.unlink()


def test_messages_are_looked_for_in_the_backup(deployment: Validated) -> None:
    db = deployment.db
    chat = first(db, "chats")
    db.chat_messages.delete_one({"chatId": chat["id"]})
    finding = only(deployment.validate(), "chat_messages")
    assert (finding.kind, finding.user, finding.examples) == ("messages-gone", chat["userId"], (chat["id"],))
    assert finding.good_in == deployment.backup_id and finding.restore == ("chat_messages",)


def test_one_collection_and_what_it_refers_to(deployment: Validated) -> None:
    db = deployment.db
    db.characters.delete_one({"_id": first(db, "characters")["_id"]})
    set_first("tags", "name", 4)(db)
    result = deployment.validate("memories")
    assert [row.name for row in result.collections] == ["memories"]
    (finding,) = result.references
    assert finding.collection == "memories" and finding.restore == ("characters",)
    result = deployment.validate("tags", "users")
    assert kinds(result) == {"tags": {"wrong-type"}}
    chat = first(db, "chats")
    db.chat_messages.delete_one({"chatId": chat["id"]})
    assert {one.kind for one in deployment.validate("chats").references} >= {"messages-gone"}
    assert {one.kind for one in deployment.validate("chat_messages").references} == {"messages-gone"}
    # As the guide spells it.
    assert [row.name for row in deployment.validate("connectionProfiles").collections] == [
        "connection_profiles"
    ]
    with pytest.raises(UsageProblem, match="Did you mean memories"):
        deployment.validate("memorys")


def test_collections_of_every_kind_and_of_nobody(deployment: Validated) -> None:
    db = deployment.db
    db.create_collection("recent", viewOn="chats", pipeline=[])
    db.create_collection("series", timeseries={"timeField": "at"})
    db.series.insert_one({"at": datetime.datetime(2026, 1, 1), "value": 1})
    db.create_collection("ring", capped=True, size=4096)
    db.create_collection("folders")
    db.folders.insert_many(
        [{"_id": 1, "id": 5, "createdAt": "never", "userId": "nobody"}, {"_id": 2, "id": 5}]
    )
    db["a/b ünï"].insert_one({"x": 1})
    result = deployment.validate()
    assert result.status == "ok" and not result.warnings
    found = rows(result)
    assert {name for name, row in found.items() if not row.known} == {
        "recent",
        "series",
        "ring",
        "folders",
        "a/b ünï",
    }
    assert (found["recent"].kind, found["recent"].server, found["recent"].status) == ("view", "skipped", "ok")
    assert (found["series"].kind, found["series"].server) == ("timeseries", "ok")
    assert (found["folders"].documents, found["folders"].status) == (2, "ok")


def test_no_good_backup_to_compare_with(deployment: Validated, tmp_path: Path) -> None:
    elsewhere = replace(deployment.profile, locations=(Location(name="none", path=str(tmp_path)),))
    set_first("tags", "name", 4)(deployment.db)
    result = validate(ValidatePlan(), deployment.context(profile=elsewhere))
    assert result.backup == "" and any("no good backup" in text for text in result.warnings)
    assert set(statuses(result)) == CHECKS - {"growth", "index-list"}
    finding = only(result, "tags")
    assert finding.good_in == "" and "quillkeep list" in finding.next
    gone = replace(elsewhere, locations=(Location(name="gone", path=str(tmp_path / "gone")),))
    result = validate(ValidatePlan(), deployment.context(profile=gone))
    assert any("Could not be read" in text for text in result.warnings)


def test_a_collection_replaced_while_it_is_looked_at(deployment: Validated) -> None:
    db = deployment.db

    def exchange() -> None:
        db.tags.rename("tags_before")
        db.tags_before.rename("tags", dropTarget=True)
        db.sessions.drop()
        db.sessions.insert_many(deployment.sound["sessions"])

    result = deployment.validate(hooks=(at_phase("documents", exchange),))
    assert any("sessions" in text and "while it was looked at" in text for text in result.warnings)
    assert rows(result)["sessions"].status == "unknown" and not result.references
    assert not any(row.findings for row in result.collections)


def test_without_a_database(deployment: Validated) -> None:
    with pytest.raises(Refused):
        validate(ValidatePlan(), deployment.context(profile=replace(deployment.profile, mongo=None)))


def test_an_empty_database_is_not_called_well(deployment: Validated, tmp_path: Path) -> None:
    """A wrong name is the likeliest cause: the others are named."""
    assert deployment.profile.mongo is not None
    empty = replace(
        deployment.profile, locations=(), mongo=replace(deployment.profile.mongo, database="nobody")
    )
    result = validate(ValidatePlan(), deployment.context(profile=empty))
    assert result.status == "skipped" and not result.collections
    assert any("is empty or does not exist" in text and deployment.name in text for text in result.warnings)
