"""The looks behind Collections on a real server and real backups: counts, indexes, trend, verdicts, documents."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bson import Binary, ObjectId
from msgspec.structs import replace
from pymongo.database import Database

from services.errors import QuillkeepError
from services.findings import Finding
from services.jobs.events import Finished, Log, Started
from services.jobs.journal import Journal
from services.looking.child import look as ask
from services.looking.collections import CollectionsAnswer, CollectionsRequest
from services.looking.collections import look as look_live
from services.looking.collections_held import CollectionsHeldAnswer, CollectionsHeldRequest
from services.looking.collections_held import look as look_held
from services.looking.collections_view import CollectionRow, rows_of
from services.looking.document import DocumentAnswer, DocumentRequest
from services.looking.document import look as look_document
from services.looking.documents import DocumentsAnswer, DocumentsRequest
from services.looking.documents import look as look_documents
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.pairs.model import PairsResult
from services.paths import Paths
from services.profile import MongoTarget, Profile
from services.quilltap.secret_fields import HIDDEN
from services.secret import Secret
from services.validating.model import CollectionValidated, ValidateResult

AT = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)
Make = Callable[..., Any]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "state")


def row(rows: list[CollectionRow], name: str) -> CollectionRow:
    return next(one for one in rows if one.name == name)


def dump(profile: Profile, make_context: Make) -> str:
    """The id of a backup of the database."""
    return backup(BackupPlan(only="database"), make_context(profile)).id


def job(
    paths: Paths, verb: str, result: Any, *, at: datetime = AT, profile: str | None = None, **plan: Any
) -> str:
    """The journal of a job that ended `at`."""
    name = f"{at:%Y%m%d_%H%M%S}{secrets.token_hex(2)}"
    folder = paths.jobs / name
    folder.mkdir(parents=True)
    journal = Journal(folder)
    journal.write(
        Started(
            at=at - timedelta(seconds=5),
            job=name,
            verb=verb,
            plan=plan,
            profile=profile,
            pid=1,
            process_started="1",
            boot_id="x",
            host="here",
            machine_id="m",
            user="ana",
            version="0",
        )
    )
    journal.write(Log(at=at, level="info", text="x" * 200))
    if result is not None:
        document = result if isinstance(result, dict) else msgspec.to_builtins(result)
        journal.write(Finished(at=at, status=document["status"], exit_code=0, result=document))
    journal.close()
    return name


def checked(
    profile: Profile, status: Any, *findings: Finding, full: bool = False, name: str = "chats"
) -> ValidateResult:
    assert profile.mongo is not None
    seen = CollectionValidated(name=name, status=status, findings=findings)
    return ValidateResult(status=status, database=profile.mongo.database, full=full, collections=(seen,))


def test_live_counts_sizes_indexes(profile: Profile, db: Database[Any], paths: Paths) -> None:
    db["users"].insert_many([{"_id": number, "name": f"{number:0100}"} for number in range(60)])
    db["users"].create_index([("name", 1), ("at", -1)], unique=True)
    db["sessions"].create_index("at", expireAfterSeconds=60, name="ttl")
    db["__quillkeep_jobs"].insert_one({"_id": "nothing"})
    db.command({"create": "everybody", "viewOn": "users", "pipeline": []})
    db.command({"create": "metrics", "timeseries": {"timeField": "at"}})
    seen: CollectionsAnswer = ask("collections", profile, paths)
    found = {one.name: one for one in seen.collections}
    assert set(found) == {"users", "sessions", "everybody", "metrics"}
    users = found["users"]
    assert (users.documents, users.kind) == (60, "collection")
    assert users.bytes and users.bytes > 6_000 and users.average and users.storage_bytes and users.index_bytes
    assert users.indexes is not None
    assert [one.keys for one in users.indexes] == ["_id 1", "name 1, at -1 (unique)"]
    assert users.indexes[1].bytes
    assert found["sessions"].indexes is not None
    assert found["sessions"].indexes[1].keys == "at 1 (expires after 60 s)"
    assert (found["everybody"].documents, found["everybody"].indexes) == (None, None)
    assert found["metrics"].kind == "timeseries" and found["metrics"].documents is None
    assert seen.problems == () and seen.version


def test_a_database_that_is_not_there(profile: Profile, paths: Paths) -> None:
    assert profile.mongo is not None
    empty = replace(profile, mongo=replace(profile.mongo, database="nobody_has_this"))
    seen = look_live(CollectionsRequest(), empty, paths)
    assert seen.collections == () and "Check MONGODB_DATABASE" in seen.problems[0]
    dead = replace(profile, mongo=MongoTarget(uri=Secret("mongodb://127.0.0.1:9/"), database="q"))
    with pytest.raises(QuillkeepError, match=r"answer|refused"):
        look_live(CollectionsRequest(), dead, paths)
    with pytest.raises(QuillkeepError, match="No database is configured"):
        look_live(CollectionsRequest(), replace(profile, mongo=None), paths)


def test_what_a_user_may_not_ask_is_said(mongod_auth: Any, profile: Profile, paths: Paths) -> None:
    name = f"auth_{secrets.token_hex(3)}"
    with mongod_auth.client() as client:
        client[name]["users"].insert_one({"_id": 1})
        client[name].command(
            "createRole",
            "lister",
            roles=[],
            privileges=[{"resource": {"db": name, "collection": ""}, "actions": ["find", "listCollections"]}],
        )
        client[name].command("createUser", "u", pwd="p", roles=["lister"])
        try:
            uri = f"mongodb://u:p@127.0.0.1:{mongod_auth.port}/?authSource={name}"
            asked = replace(profile, mongo=MongoTarget(uri=Secret(uri), database=name))
            seen = look_live(CollectionsRequest(), asked, paths)
        finally:
            client.drop_database(name)
    assert seen.collections[0].documents is None and seen.collections[0].indexes is None
    words = " ".join(seen.problems)
    assert "collStats" in words and "listIndexes" in words and "readWrite" in words


def test_against_the_newest_good_backup_and_the_one_before(
    profile: Profile, db: Database[Any], paths: Paths, make_context: Make
) -> None:
    db["users"].insert_many([{"_id": number} for number in range(80)])
    db["tags"].insert_many([{"_id": number} for number in range(9)])
    db["chats"].insert_many([{"_id": number} for number in range(70)])
    db["chats"].create_index("userId", name="by_user")
    db["tags"].create_index("x", name="only_then")
    first = dump(profile, make_context)
    db["users"].insert_many([{"_id": number} for number in range(80, 90)])
    second = dump(profile, make_context)
    db["chats"].delete_many({"_id": {"$gt": 9}})
    db["chats"].drop_index("by_user")
    db["chats"].create_index("userId", name="by_user", unique=False, sparse=True)
    db["chats"].create_index("new", name="new")
    db["tags"].drop()
    db["odd name"].insert_one({"_id": 1})
    held: CollectionsHeldAnswer = ask("collections_held", profile, paths)
    assert held.newest is not None and held.before is not None
    assert (held.newest.id, held.before.id, held.newest.reference) == (second, first, second)
    assert [one.id for one in held.trend] == [first, second]
    rows = rows_of(look_live(CollectionsRequest(), profile, paths), held)
    assert [one.name for one in rows[:2]] == ["chats", "tags"], "what fell or is gone stands first"
    chats = row(rows, "chats")
    assert (chats.change.word, chats.change.documents, chats.change.loud) == ("shrank", -60, True)
    assert {one.name: one.state for one in chats.indexes} == {
        "_id_": "same",
        "by_user": "differs",
        "new": "not in backup",
    }
    tags = row(rows, "tags")
    assert (tags.state, tags.change.word, tags.change.loud) == ("gone", "gone", True)
    assert all(one.state == "only in backup" for one in tags.indexes) and len(tags.indexes) == 2
    users = row(rows, "users")
    assert (users.change.word, users.change_before.word, users.change_before.documents) == (
        "same count",
        "grew",
        10,
    )
    assert users.counts == (80, 90)
    odd = row(rows, "odd name")
    assert (odd.known, odd.change.word) == (False, "new")
    assert row(rows, "api_keys").state == "absent" and rows[-1].state == "absent"
    without = rows_of(None, held)
    assert row(without, "tags").state == "not read" == row(without, "tags").change.word
    assert (
        row(rows_of(look_live(CollectionsRequest(), profile, paths), None), "users").change.word
        == "no backup"
    )


def test_what_is_not_good_is_passed_over_and_why_there_is_none(
    profile: Profile, db: Database[Any], paths: Paths, make_context: Make, location: Path
) -> None:
    nothing = look_held(CollectionsHeldRequest(), profile, paths)
    assert nothing.newest is None and "There is no backup yet" in nothing.why
    db["users"].insert_one({"_id": 1})
    first = dump(profile, make_context)
    second = dump(profile, make_context)
    (location / f"quilltap_mongo_{second.removeprefix('quilltap_')}.gz").unlink()
    held = look_held(CollectionsHeldRequest(), profile, paths)
    assert held.newest is not None and held.newest.id == first
    assert held.passed_over[0][0] == second and "gone" in held.passed_over[0][1]
    (location / f"quilltap_mongo_{first.removeprefix('quilltap_')}.gz").unlink()
    held = look_held(CollectionsHeldRequest(), profile, paths)
    assert held.newest is None and second in held.why
    location.rename(location.parent / "away")
    assert "does not exist" in look_held(CollectionsHeldRequest(), profile, paths).problems[0]


FAULT = Finding(
    kind="missing-id", status="fail", what="3 documents have no id.", collection="chats", count=3, good_in="b"
)


def test_the_verdict_that_counts(profile: Profile, paths: Paths) -> None:
    job(paths, "validate", checked(profile, "fail", FAULT, full=True), at=AT)
    job(paths, "validate", checked(profile, "ok"), at=AT + timedelta(hours=1))
    job(paths, "validate", checked(profile, "fail", FAULT), at=AT + timedelta(hours=2), profile="other")
    job(paths, "validate", None, at=AT + timedelta(hours=3))
    job(paths, "validate", {"status": "failed", "error": {"what": "x"}}, at=AT + timedelta(hours=4))
    held = look_held(CollectionsHeldRequest(), profile, paths)
    chats = held.validated["chats"]
    assert (chats.seen.status, chats.full, chats.at) == ("fail", True, AT), "a quick ok hides no full fail"
    job(paths, "validate", checked(profile, "unknown"), at=AT + timedelta(hours=5), collections=["x" * 9_000])
    assert look_held(CollectionsHeldRequest(), profile, paths).validated["chats"].seen.status == "fail"
    job(paths, "validate", checked(profile, "ok", full=True), at=AT + timedelta(hours=6))
    assert look_held(CollectionsHeldRequest(), profile, paths).validated["chats"].seen.status == "ok"


def test_findings_and_a_restore_since(profile: Profile, paths: Paths) -> None:
    result = replace(
        checked(profile, "warn", replace(FAULT, status="warn")),
        references=(
            Finding(kind="dangling", status="fail", what="2 chats name no user.", collection="chats"),
        ),
    )
    job(paths, "validate", result)
    pairs = PairsResult(
        status="fail",
        findings=(
            Finding(kind="missing-object", status="fail", what="1 object is missing.", collection="files"),
        ),
    )
    job(paths, "pairs", pairs, at=AT + timedelta(minutes=1))
    held = look_held(CollectionsHeldRequest(), profile, paths)
    rows = rows_of(None, held)
    chats = row(rows, "chats")
    assert [one.status for one in chats.findings] == ["fail", "warn"]
    assert row(rows, "files").findings[0].kind == "missing-object"
    job(paths, "restore", {"status": "ok", "collections": {}}, at=AT + timedelta(minutes=30))
    held = look_held(CollectionsHeldRequest(), profile, paths)
    assert held.pairs is not None and held.pairs.replaced, "objects were restored"
    assert [one.status for one in row(rows_of(None, held), "chats").findings] == ["fail", "warn"], "alone"
    job(paths, "restore", {"status": "ok", "collections": {"users": {}}}, at=AT + timedelta(hours=1))
    held = look_held(CollectionsHeldRequest(), profile, paths)
    assert not held.validated["chats"].replaced and held.pairs is not None and held.pairs.replaced
    job(paths, "rollback", {"status": "ok", "collections": {"chats": {}}}, at=AT + timedelta(hours=2))
    held = look_held(CollectionsHeldRequest(), profile, paths)
    assert held.validated["chats"].replaced
    assert row(rows_of(None, held), "chats").findings == (), "what was replaced is no longer what is live"


def test_documents_by_page_and_by_id(profile: Profile, db: Database[Any], paths: Paths) -> None:
    ids = [ObjectId(f"{number:024x}") for number in range(150)]
    db["chats"].insert_many(
        [
            {"_id": one, "id": f"uuid-{place:04}", "title": "t" * 500, "totp": "s3cret"}
            for place, one in enumerate(ids)
        ]
    )
    db["chats"].insert_many(
        [{"_id": "migration_state"}, {"_id": 7, "name": "\x1b[31m[/x]\u202e"}, {"_id": Binary(b"12", 4)}]
    )

    def page(**more: str) -> DocumentsAnswer:
        answer: DocumentsAnswer = look_documents(DocumentsRequest(collection="chats", **more), profile, paths)
        return answer

    first = page()
    assert len(first.rows) == 100 and first.more
    second = page(after=first.rows[-1].key)
    keys = [one.key for one in (*first.rows, *second.rows)]
    assert len(keys) == len(set(keys)) == 153 and not second.more, "ids of every type, none twice"
    assert len(first.rows[-1].name) <= 200
    assert [one.own for one in page(find="uuid-0003").rows] == ["uuid-0003"]
    assert len(page(find="uuid-000").rows) == 10
    assert [one.id for one in page(find=str(ids[33])).rows] == [str(ids[33])]
    assert len(page(find="00000000000000000000008").rows) == 16
    assert {one.id for one in page(find="migration").rows} == {"migration_state"}
    assert [one.id for one in page(find="7").rows] == ["7"]
    assert page(find="nobody.*").rows == () == page(find="a\0b").rows
    assert look_documents(DocumentsRequest(collection="absent"), profile, paths).rows == ()
    db.command({"create": "everybody", "viewOn": "chats", "pipeline": []})
    view = look_documents(DocumentsRequest(collection="everybody"), profile, paths)
    after = look_documents(DocumentsRequest(collection="everybody", after=view.rows[-1].key), profile, paths)
    assert len(view.rows) == 100 and after.rows


def test_one_document_and_its_backup(
    profile: Profile, db: Database[Any], paths: Paths, make_context: Make
) -> None:
    db["users"].insert_one(
        {
            "_id": ObjectId("5" * 24),
            "name": "Inês",
            "passwordHash": "$2b$12$secretsecret",
            "totp": {"ciphertext": "feed", "enabled": True},
            "tags": list(range(40)),
            "list": [{"a": 1}, {"b": [1, {"sessionToken": "tok3n"}]}],
            "long": "x" * 1_000,
            "at": datetime(2026, 1, 1, tzinfo=UTC),
            "blob": b"123",
            "none": None,
            "url": "mongodb://u:hunter2@h/",
        }
    )
    db["users"].insert_many([{"_id": number} for number in range(5)])
    made = dump(profile, make_context)
    db["users"].update_one(
        {"_id": ObjectId("5" * 24)},
        {
            "$set": {"name": "Ines", "passwordHash": "other", "totp.ciphertext": "beef", "tags.3": 99},
            "$unset": {"blob": 1},
        },
    )
    request = DocumentRequest(collection="users", key='{"_id": {"$oid": "' + "5" * 24 + '"}}')
    alone = look_document(request, profile, paths)
    assert alone.live is not None and alone.kept is None and alone.fields == ()
    text = "\n".join(alone.live.lines)
    for secret in ("secretsecret", "other", "feed", "beef", "tok3n", "hunter2"):
        assert secret not in text
    assert f"passwordHash: {HIDDEN}" in text and alone.live.hidden == 3
    assert "and 28 more]" in text and "600 characters more" in text and "beginnings" in alone.live.cut
    assert (
        'name: "Ines"' in text
        and "ObjectId 555" in text
        and "date 2026-01-01" in text
        and "none: null" in text
    )
    both: DocumentAnswer = ask("document", profile, paths, replace(request, backup=made), seconds=30)
    assert both.backup == made and both.kept is not None and 'name: "Inês"' in "\n".join(both.kept.lines)
    fields = {one.path: one for one in both.fields}
    assert set(fields) == {"name", "passwordHash", "totp.ciphertext", "tags[3]", "blob"}
    assert (fields["name"].live, fields["name"].kept) == ('"Ines"', '"Inês"')
    assert fields["passwordHash"].secret and fields["passwordHash"].live is None
    assert fields["totp.ciphertext"].secret and fields["totp.ciphertext"].kept is None
    assert (fields["blob"].live, fields["blob"].kept) == (None, "binary, 3 bytes")
    db["users"].delete_one({"_id": ObjectId("5" * 24)})
    gone = look_document(replace(request, backup="latest"), profile, paths)
    assert gone.live is None and gone.kept is not None and gone.fields == ()
    nobody = look_document(
        DocumentRequest(collection="users", key='{"_id": 77}', backup=made), profile, paths
    )
    assert nobody.live is None and nobody.kept is None and nobody.backup == made
    assert profile.mongo is not None
    dead = replace(profile, mongo=replace(profile.mongo, uri=Secret("mongodb://127.0.0.1:9/")))
    waits = look_document(replace(request, backup=made), dead, paths)
    assert waits.kept is not None and waits.live is None and waits.problem
    with pytest.raises(QuillkeepError, match="no key of a document"):
        look_document(replace(request, key="nonsense"), profile, paths)


def test_a_document_of_sixteen_megabytes(profile: Profile, db: Database[Any], paths: Paths) -> None:
    db["chat_messages"].insert_one(
        {"_id": 1, "messages": [{"id": f"m{number}", "content": "x" * 15_000} for number in range(1_000)]}
    )
    seen = look_document(DocumentRequest(collection="chat_messages", key='{"_id": 1}'), profile, paths).live
    assert seen is not None and seen.bytes > 15_000_000
    assert len(seen.lines) < 1_000 and "beginnings" in seen.cut and "and 900 more" in seen.lines[-1]
    assert sum(map(len, seen.lines)) < 100_000
