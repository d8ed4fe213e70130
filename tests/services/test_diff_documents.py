"""`diff` by document on real servers and archives: what changed, by id and field path; never what is secret."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bson import Binary, Decimal128, encode
from pymongo.database import Database

from services.comparing.index import Spill
from services.errors import Cancelled, UsageProblem
from services.operations.diff import DiffPlan, diff
from services.profile import Profile
from services.secret import Secret
from tests.services.command_support import Command, environment
from tests.services.diff_support import FIRST, NIGHT, SECOND, Contexts, compare, fill, found, night
from tests.support import FIXTURE_PASSPHRASE, FIXTURES


@pytest.fixture
def filled(profile: Profile, db: Database[Any], make_context: Contexts) -> Profile:
    return fill(profile, db, make_context)


def test_changed_added_and_removed(filled: Profile, db: Database[Any], make_context: Contexts) -> None:
    db.chats.update_one({"id": "chat-7"}, {"$set": {"participants.2.isActive": False, "title": 7}})
    db.chats.delete_many({"id": {"$in": ["chat-1", "chat-2"]}})
    db.chats.insert_one({"_id": "new", "id": "chat-new"})
    db.create_collection("fresh").insert_many([{"n": n} for n in range(4)])
    night(filled, make_context, 1)
    for other in ("live", SECOND):
        result = compare(filled, make_context, FIRST, other)
        chats = found(result, "chats")
        assert (chats.added, chats.removed, chats.changed, chats.same) == (1, 2, 1, 297)
        changed, *removed, added = chats.examples
        assert changed.id == '{"$oid": "000000000000000000000007"}' and changed.own_id == "chat-7"
        assert [(one.path, one.kind, one.types) for one in changed.fields] == [
            ("title", "type", "string -> int"),
            ("participants[2].isActive", "changed", ""),
        ]
        assert {(field.a, field.b) for field in changed.fields} == {(None, None)}
        assert [one.own_id for one in removed] == ["chat-1", "chat-2"] and removed[0].state == "removed"
        assert (added.id, added.state) == ('"new"', "added")
        fresh = found(result, "fresh")
        assert (fresh.added, fresh.removed, fresh.same) == (4, 0, 0)
        assert {(one.state, one.fields) for one in fresh.examples} == {("added", ())}
        assert result.verdict == "differs"
        back = found(compare(filled, make_context, other, FIRST), "chats")
        assert (back.added, back.removed, back.changed) == (2, 1, 1)


def test_what_only_one_side_has_is_named(
    filled: Profile, db: Database[Any], make_context: Contexts, location: Path, tmp_path: Path
) -> None:
    """A collection that is on one side only, or differs by what was added alone, tells the first ids, too."""
    db.chats.insert_one({"_id": "new", "id": "chat-new"})
    db.fresh.insert_many([{"_id": n, "id": f"f{n}"} for n in range(40)])
    db.other.insert_one({"_id": "o"})
    db.create_collection("empty")
    night(filled, make_context, 1)
    for a, b, state in ((FIRST, "live", "added"), (FIRST, SECOND, "added"), (SECOND, FIRST, "removed")):
        result = compare(filled, make_context, a, b)
        assert [one.own_id for one in found(result, "chats").examples] == ["chat-new"]
        fresh = found(result, "fresh")
        assert [one.own_id for one in fresh.examples] == [f"f{n}" for n in range(10)]
        assert [one.id for one in found(result, "other").examples] == ['"o"']
        assert {one.state for one in fresh.examples} == {state} and not found(result, "empty").examples
    only = compare(filled, make_context, collections=("other",))
    assert found(only, "other").examples and not found(only, "fresh").examples
    assert filled.mongo is not None
    command = Command(environment(tmp_path, filled.mongo.uri.reveal(), db.name, location))
    done = command.run("diff", FIRST, "live")
    assert "documents: 40 only in B" in done.stdout
    assert "  + 0 (id f0)" in done.stdout and "  + and 35 more" in done.stdout and '  + "new" ' in done.stdout
    document = command.json("diff", FIRST, "live", code=3)
    rows = {row["name"]: row["documents"] for row in document["collections"]}
    assert [one["id"] for one in rows["fresh"]["examples"]] == [str(n) for n in range(10)]


def test_messages_are_named_by_their_chat(
    profile: Profile, db: Database[Any], make_context: Contexts
) -> None:
    """They have no `id`; findings name the chat, and so an empty chat is found again among what is only there."""
    db.chat_messages.insert_many([{"chatId": f"chat-{n}", "messages": [{"id": "m"}]} for n in range(3)])
    db.memories.insert_one({"chatId": "chat-0", "content": "a"})
    night(profile, make_context, 0)
    db.chat_messages.delete_one({"chatId": "chat-0"})
    db.chat_messages.update_one({"chatId": "chat-1"}, {"$set": {"messages": []}})
    db.memories.delete_many({})
    result = compare(msgspec.structs.replace(profile, bucket=None), make_context)
    told = {(one.state, one.own_id) for one in found(result, "chat_messages").examples}
    assert told == {("removed", "chat-0"), ("changed", "chat-1")}
    assert [one.own_id for one in found(result, "memories").examples] == [""]


def test_values_on_demand_and_never_secrets(
    filled: Profile, db: Database[Any], make_context: Contexts
) -> None:
    db.users.update_one(
        {"id": "u1"}, {"$set": {"name": "neu", "passwordHash": "$2b$12$new", "totp.iv": "bb"}}
    )
    db.users.update_one({"id": "u2"}, {"$set": {"deep": {"list": [{"access_token": "ya29.deep"}]}}})
    db.accounts.update_one({}, {"$set": {"access_token": "ya29.new", "scope": "c", "provider": "github"}})
    db.sessions.update_one({}, {"$set": {"sessionToken": "token-new"}})
    result = compare(filled, make_context, values=True)
    told = msgspec.json.encode(result).decode()
    for secret in ("ya29", "token-old", "token-new", "$2b", '"bb"', '"aa"', '"a b"'):
        assert secret not in told, secret
    user = found(result, "users").examples[0]
    fields = {field.path: field for field in user.fields}
    assert (fields["name"].a, fields["name"].b) == ('"u"', '"neu"')
    assert fields["passwordHash"].secret and fields["totp.iv"].secret and fields["totp.iv"].a is None
    account = {field.path: field for field in found(result, "accounts").examples[0].fields}
    assert account["provider"].b == '"github"' and account["scope"].secret and account["access_token"].secret
    plain = compare(filled, make_context)
    assert "neu" not in msgspec.json.encode(plain).decode()


def test_only_some_or_none(filled: Profile, db: Database[Any], make_context: Contexts) -> None:
    db.chats.update_one({"id": "chat-7"}, {"$set": {"title": "x"}})
    db.users.update_one({"id": "u1"}, {"$set": {"name": "x"}})
    result = compare(filled, make_context, collections=("users",))
    assert found(result, "users").changed == 1
    rows = {row.name: row for row in result.collections}
    assert rows["chats"].state == "differs" and rows["chats"].documents is None
    result = compare(filled, make_context, documents=False)
    assert all(row.documents is None for row in result.collections) and result.verdict == "differs"
    with pytest.raises(UsageProblem, match="Did you mean users"):
        compare(filled, make_context, collections=("user",))


def test_ids_of_every_kind(profile: Profile, db: Database[Any], make_context: Contexts) -> None:
    """Numbers of another type are one `_id` to the server; the order of fields is a difference of its own."""
    ids: list[Any] = [
        1,
        2.5,
        "a",
        None,
        True,
        Binary(b"x"),
        {"a": 1},
        {"a": 1, "b": 2},
        NIGHT,
        Decimal128("7"),
    ]
    db.things.insert_many([{"_id": one, "a": 1, "b": 2} for one in ids])
    night(profile, make_context, 0)
    db.things.delete_many({"_id": {"$in": [1, {"a": 1}, Decimal128("7"), "a"]}})
    db.things.insert_many(
        [{"_id": 1.0, "a": 1, "b": 2}, {"_id": {"a": 1.0}, "a": 1, "b": 2}, {"_id": 7, "a": 1, "b": 2}]
    )
    db.things.insert_one({"_id": "a", "b": 2, "a": 1})
    profile = msgspec.structs.replace(profile, bucket=None)
    things = found(compare(profile, make_context), "things")
    assert (things.added, things.removed, things.changed, things.same) == (0, 0, 4, 6)
    fields = {one.id: [(field.kind, field.path) for field in one.fields] for one in things.examples}
    assert fields['"a"'] == [("order", "")]
    assert fields["1.0"] == [("type", "_id")] and fields["7"] == [("type", "_id")]
    assert fields['{"a": 1.0}'] == [("type", "_id.a")]


def test_a_collection_with_a_collation(profile: Profile, db: Database[Any], make_context: Contexts) -> None:
    """Its `_id` index sorts in another order; nothing here depends on one."""
    db.create_collection("sorted", collation={"locale": "de", "strength": 1, "numericOrdering": True})
    db["sorted"].insert_many([{"_id": str(number), "v": 0} for number in range(200)])
    night(profile, make_context, 0)
    db["sorted"].update_one({"_id": "150"}, {"$set": {"v": 1}})
    held = found(compare(msgspec.structs.replace(profile, bucket=None), make_context), "sorted")
    assert (held.changed, held.same, held.examples[0].id) == (1, 199, '"150"')


def test_random_changes_are_all_found(filled: Profile, db: Database[Any], make_context: Contexts) -> None:
    """Seeded: each changed document by its id, each added and removed one counted, nothing else told."""
    chance = random.Random(20261123)
    for _ in range(3):
        ids = [document["id"] for document in db.chats.find({}, {"id": 1})]
        chosen = chance.sample(ids, 9)
        changed, removed = chosen[:5], chosen[5:]
        night_before = night(filled, make_context, chance.randrange(2, 900))
        for id in changed:
            db.chats.update_one({"id": id}, {"$set": {f"participants.{chance.randrange(3)}.isActive": 0}})
        db.chats.delete_many({"id": {"$in": removed}})
        db.chats.insert_many([{"id": f"n{chance.random()}"} for _ in range(3)])
        chats = found(compare(filled, make_context, night_before), "chats")
        assert (chats.added, chats.removed, chats.changed) == (3, 4, 5)
        assert {one.own_id for one in chats.examples if one.state == "changed"} == set(changed)
        assert {one.own_id for one in chats.examples if one.state == "removed"} == set(removed)


@pytest.mark.parametrize(
    "form", ["quilltap-20261101.archive", "backup-gz-20261101", "quilltap_mongo_20261101_020000.tar.gz"]
)
def test_foreign_forms(
    profile: Profile, db: Database[Any], location: Path, make_context: Contexts, tmp_path: Path, form: str
) -> None:
    from tests.services.restore_support import run_restore

    source = FIXTURES / form
    (shutil.copytree if source.is_dir() else shutil.copy)(source, location / form)
    run_restore(profile, tmp_path / "state", str(FIXTURES / "quilltap-20261101.gz"), only="database")
    db.characters.update_one({}, {"$set": {"name": "another"}})
    db.tags.delete_one({})
    profile = msgspec.structs.replace(profile, bucket=None)
    result = compare(profile, make_context, form)
    characters = found(result, "characters")
    assert (characters.changed, characters.added, characters.removed) == (1, 0, 0)
    assert [field.path for field in characters.examples[0].fields] == ["name"]
    assert found(result, "tags").removed == 1
    assert sum(row.state == "same" for row in result.collections) == len(result.collections) - 2


def test_two_dumps_with_documents_twice_and_without_an_id(
    profile: Profile, location: Path, make_context: Contexts
) -> None:
    """Old dumps hold what no server takes today; they are compared all the same."""
    dumps: list[tuple[str, list[dict[str, Any]]]] = [
        ("one", [{"_id": 1, "v": 1}, {"_id": 1, "v": 1}, {"v": "bare"}, {"_id": 2, "v": 1}]),
        ("two", [{"_id": 1, "v": 1}, {"v": "bare"}, {"v": "other"}, {"_id": 2.0, "v": 2}]),
    ]
    for name, documents in dumps:
        folder = location / f"backup-{name}" / "quilltap"
        folder.mkdir(parents=True)
        (folder / "things.bson").write_bytes(b"".join(encode(one) for one in documents))
        (folder / "things.metadata.json").write_text('{"options":{},"indexes":[]}')
    profile = msgspec.structs.replace(profile, bucket=None)
    things = found(compare(profile, make_context, "backup-one", "backup-two"), "things")
    assert (things.added, things.removed, things.changed, things.same) == (1, 1, 1, 2)
    kinds = {(one.state, one.id) for one in things.examples}
    assert kinds == {("added", "(no _id)"), ("removed", "1"), ("changed", "2.0")}


def test_large_documents_pass_one_at_a_time(
    profile: Profile, db: Database[Any], make_context: Contexts
) -> None:
    body = os.urandom(4 << 20)
    for number in range(6):
        db.chat_messages.insert_one({"_id": number, "body": Binary(body), "n": number})
    night(profile, make_context, 0)
    db.chat_messages.update_many({}, {"$inc": {"n": 1}})
    profile = msgspec.structs.replace(profile, bucket=None)
    held = found(compare(profile, make_context, values=True), "chat_messages")
    assert held.changed == 6 and [field.path for field in held.examples[3].fields] == ["n"]
    assert (held.examples[3].fields[0].a, held.examples[3].fields[0].b) == ("3", "4")
    db.chat_messages.update_one({"_id": 0}, {"$set": {"body": Binary(body[:-1] + b"x")}})
    held = found(compare(profile, make_context, values=True), "chat_messages")
    assert held.examples[0].fields[0].a == "(4,194,309 bytes)"


def test_an_encrypted_backup_by_document(
    profile: Profile,
    db: Database[Any],
    location: Path,
    make_context: Contexts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What its comparison writes is neither a document nor a piece of one."""
    from tests.services.restore_support import run_restore

    shutil.copy(FIXTURES / "quilltap-20261101.gz.gpg", location)
    run_restore(profile, tmp_path / "state", str(FIXTURES / "quilltap-20261101.gz"), only="database")
    held = db.characters.find_one({})
    assert held is not None
    changed_name = str(held["name"])
    db.characters.update_one({"_id": held["_id"]}, {"$set": {"name": "another"}})
    opened = msgspec.structs.replace(profile, bucket=None, passphrase=Secret(FIXTURE_PASSPHRASE))
    # The file has no name to read it by: what is written is looked at on its way, and still written.
    written: list[bytes] = []
    write = Spill.write
    monkeypatch.setattr(
        Spill, "write", lambda self, data: (written.append(bytes(data)), write(self, data))[1]
    )
    result = compare(opened, make_context, "quilltap-20261101.gz.gpg", values=True)
    on_disk = b"".join(written)
    assert len(on_disk) > 500 and changed_name.encode() not in on_disk and b"createdAt" not in on_disk
    assert [field.path for field in found(result, "characters").examples[0].fields] == ["name"]


def test_damage_behind_what_was_summed(
    filled: Profile, db: Database[Any], location: Path, make_context: Contexts
) -> None:
    """Our own archive is first read when documents are compared: damage is said, and the sums still tell."""
    for name in ("chats", "users", "accounts", "sessions"):
        db[name].update_one({}, {"$set": {"touched": 1}})
    (archive,) = location.glob("quilltap_mongo_*.gz")
    archive.chmod(0o600)
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0x10
    archive.write_bytes(data)
    result = compare(filled, make_context)
    assert result.verdict == "differs" and {row.state for row in result.collections} == {"differs"}
    assert all(row.documents is None for row in result.collections)
    (warning,) = [text for text in result.warnings if "could not be compared" in text]
    assert "damaged" in warning and archive.name in warning
    archive.unlink()
    result = compare(filled, make_context)
    assert any("could not be compared" in text for text in result.warnings)


def test_it_stops_when_asked(filled: Profile, db: Database[Any], make_context: Contexts) -> None:
    db.chats.update_one({"id": "chat-7"}, {"$set": {"title": "x"}})
    ctx = make_context(filled)

    class Stop:
        def is_set(self) -> bool:
            return "documents" in ctx.phases

    ctx.cancel = Stop()  # type: ignore[assignment]
    with pytest.raises(Cancelled):
        diff(DiffPlan(a=FIRST), ctx)


def test_the_command(filled: Profile, db: Database[Any], location: Path, tmp_path: Path) -> None:
    assert filled.mongo is not None
    command = Command(environment(tmp_path, filled.mongo.uri.reveal(), db.name, location))
    db.chats.update_one(
        {"id": "chat-7"}, {"$set": {"title": "[red]\x1b[31m", "participants.1.isActive": None}}
    )
    db.users.update_one({"id": "u1"}, {"$set": {"passwordHash": "$2b$12$new"}})
    document = command.json("diff", FIRST, "live", code=3)
    rows = {row["name"]: row for row in document["collections"]}
    assert rows["chats"]["documents"]["changed"] == 1
    assert rows["chats"]["documents"]["examples"][0]["fields"][0]["path"] == "title"
    done = command.run("diff", FIRST, "live", "--values")
    assert done.returncode == 3 and "\x1b" not in done.stdout
    assert "documents: 1 changed; 299 the same" in done.stdout
    assert "participants[1].isActive (bool -> null): true -> null" in done.stdout
    assert "passwordHash (never shown)" in done.stdout and "$2b" not in done.stdout
    journals = "".join(
        path.read_text(errors="replace") for path in (tmp_path / "state").rglob("journal.jsonl")
    )
    assert "$2b" not in journals
    done = command.run("diff", FIRST, "live", "--no-documents")
    assert done.returncode == 3 and "documents:" not in done.stdout
    assert command.failure("diff", FIRST, "live", "--no-documents", "--values", code=2)["what"]
    assert command.failure("diff", FIRST, "live", "--collections", "nobody", code=2)["what"]
