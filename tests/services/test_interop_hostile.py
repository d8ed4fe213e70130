"""Dumps that no sane server wrote, through the whole restore: refused or named, and never half a database."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import bson
import pytest
from bson.int64 import Int64
from bson.regex import Regex
from pymongo.database import Database

from services.archive.documents import split_documents
from services.archive.model import ArchiveError
from services.demo.servers import Mongod
from services.errors import QuillkeepError, Refused
from services.operations.plan import plan
from services.profile import Profile
from services.recovery.request import RestoreRequest
from tests.services.interop_support import Part, mapped, mongorestore, scratch, uri_of, whole, write_archive
from tests.services.restore_support import job_id, ours, run_restore
from tests.support import make_context, make_profile

GOOD = Part("chats", [{"_id": 1, "text": "restored"}])


@pytest.fixture
def profile(mongod: Mongod, database: str) -> Profile:
    """A deployment without a bucket."""
    return make_profile(mongod.uri, database)


@pytest.fixture
def live(db: Database[Any]) -> Database[Any]:
    """A database in use."""
    db.chats.insert_many([{"_id": number, "text": "live"} for number in range(3)])
    db.users.insert_one({"_id": 1, "email": "a@example.org"})
    db.users.create_index("email", unique=True)
    return db


def untouched(database: Database[Any], before: dict[str, Any]) -> None:
    """Live data is what it was, and nothing of ours is left beside it."""
    assert whole(database) == before
    assert not ours(database)
    assert database["__quillkeep_jobs"].count_documents({"kind": "swap"}) == 0


def raw_document(*fields: bytes) -> bytes:
    """A document of hand-made elements."""
    body = b"".join(fields)
    return (len(body) + 5).to_bytes(4, "little") + body + b"\0"


def int_field(name: bytes, value: int) -> bytes:
    return b"\x10" + name + b"\0" + value.to_bytes(4, "little")


def nested(levels: int) -> dict[str, Any]:
    """A document of that many levels."""
    found: dict[str, Any] = {}
    for _ in range(levels):
        found = {"in": found}
    return found


REFUSED = {
    "id-type": bson.encode({"_id": [1, 2]}),
    "id-type-regex": bson.encode({"_id": Regex("a")}),
    "dollar-in-id": bson.encode({"_id": {"$a": 1}}),
    "two-ids": raw_document(int_field(b"_id", 7), int_field(b"n", 1), int_field(b"_id", 8)),
    "too-deep": bson.encode({"_id": 7, **nested(182)}),
    "bad-bool": raw_document(int_field(b"_id", 7), b"\x08flag\0\x02"),
}


@pytest.mark.parametrize(
    "name", ["", "do$lar", ".hidden", "nul\0inside", "system.users", "system.buckets.x", "system.made_up"]
)
def test_a_name_that_may_not_exist_is_refused_before_anything(
    name: str, profile: Profile, live: Database[Any], tmp_path: Path
) -> None:
    before = whole(live)
    dump = write_archive(tmp_path / "dump.gz", GOOD, Part(name, [{"_id": 1}]))
    with pytest.raises(ArchiveError) as error:
        run_restore(profile, tmp_path, dump, from_database="quilltap")
    assert "expected" in error.value.what and error.value.next
    if name:
        assert name.partition("\0")[0] in error.value.what
    untouched(live, before)


def test_a_name_too_long_for_the_target_is_refused_and_fits_a_shorter_one(
    profile: Profile, live: Database[Any], tmp_path: Path
) -> None:
    name = "é" * 119
    dump = write_archive(tmp_path / "dump.gz", Part(name, [{"_id": 1}]))
    before = whole(live)
    with pytest.raises(Refused) as refused:
        run_restore(profile, tmp_path, dump, from_database="quilltap")
    assert "too long for the database" in refused.value.what and "255" in refused.value.what
    untouched(live, before)
    short = f"q{secrets.token_hex(4)}"
    run_restore(profile, tmp_path, dump, from_database="quilltap", to_database=short)
    assert live.client[short][name].count_documents({}) == 1
    live.client.drop_database(short)


def test_collections_of_ours_in_a_dump_are_left_alone_and_said(
    profile: Profile, live: Database[Any], tmp_path: Path
) -> None:
    dump = write_archive(
        tmp_path / "dump.gz",
        GOOD,
        Part("__quillkeep_old_20260101_000000_1", [{"_id": 1}]),
        Part("__quillkeep_jobs", [{"_id": "lock", "job": "somebody's"}]),
    )
    result, ctx = run_restore(profile, tmp_path, dump, from_database="quilltap")
    assert set(result.collections) == {"chats"}
    assert any("__quillkeep_old_20260101_000000_1" in words for words in ctx.warnings)
    assert live["__quillkeep_jobs"].count_documents({"_id": "lock"}) == 0
    assert "__quillkeep_old_20260101_000000_1" not in live.list_collection_names()
    assert live.users.count_documents({}) == 1


@pytest.mark.parametrize("why", REFUSED)
def test_documents_that_no_server_takes_are_a_risk_and_are_kept_beside_the_job(
    why: str, profile: Profile, live: Database[Any], tmp_path: Path
) -> None:
    before = whole(live)
    dump = write_archive(tmp_path / "dump.gz", Part("chats", [{"_id": 1}, REFUSED[why], {"_id": 2}]))
    with pytest.raises(Refused) as refused:
        run_restore(profile, tmp_path, dump, from_database="quilltap")
    assert "rejected-documents" in refused.value.what and "chats: 1 document" in refused.value.cause
    assert "--allow rejected-documents" in refused.value.next
    untouched(live, before)
    result, ctx = run_restore(
        profile,
        tmp_path,
        dump,
        from_database="quilltap",
        allow=("writers", "rejected-documents"),
    )
    kept = ctx.folder / f"{ctx.job}.rejected.bson"
    assert [bytes(one) for one in split_documents(kept.read_bytes())] == [REFUSED[why]]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert result.status == "warnings" and result.collections["chats"].documents == 2
    assert any("chats" in words and str(kept) in words for words in result.warnings)
    assert [document["_id"] for document in live.chats.find().sort("_id")] == [1, 2]


def test_two_documents_of_one_id_under_the_collections_collation(
    profile: Profile, live: Database[Any], tmp_path: Path
) -> None:
    before = whole(live)
    tags = Part("tags", [{"_id": "a"}, {"_id": "A"}, {"_id": "b"}], collation={"locale": "en", "strength": 1})
    dump = write_archive(tmp_path / "dump.gz", GOOD, tags)
    with pytest.raises(Refused) as refused:
        run_restore(profile, tmp_path, dump, from_database="quilltap")
    assert "another document has its _id" in refused.value.cause
    assert "Live data is as it was." in refused.value.touched
    untouched(live, before)
    result, ctx = run_restore(
        profile, tmp_path, dump, from_database="quilltap", allow=("writers", "rejected-documents")
    )
    kept = (ctx.folder / f"{ctx.job}.rejected.bson").read_bytes()
    assert [bson.decode(bytes(one)) for one in split_documents(kept)] == [{"_id": "A"}]
    assert result.status == "warnings" and result.collections["tags"].documents == 2
    assert live.chats.find_one() == {"_id": 1, "text": "restored"}


def test_what_the_server_changes_is_proven_as_it_holds_it(
    profile: Profile, live: Database[Any], peers: Path, tmp_path: Path
) -> None:
    late = raw_document(int_field(b"n", 1), int_field(b"_id", 7), int_field(b"z", 2))
    none = bson.encode({"n": Int64(3)})
    dump = write_archive(tmp_path / "dump.gz", Part("chats", [late, {"_id": 8}, none]))
    shown = plan(
        RestoreRequest(backup=dump, from_database="quilltap"), make_context(profile, tmp_path, job=job_id())
    )
    assert "rejected-documents" not in [risk.word for risk in shown.risks]
    result, _ = run_restore(profile, tmp_path, dump, from_database="quilltap")
    assert result.collections["chats"].documents == 3
    held = {str(list(document)): document for document in live.chats.find()}
    assert set(held) == {"['_id', 'n', 'z']", "['_id']", "['_id', 'n']"}
    assert isinstance(held["['_id', 'n']"]["_id"], bson.ObjectId)
    with scratch(live, "ref") as reference:
        # Stock mongorestore gives the document without _id another one, so the rest is what can be compared.
        mongorestore(peers, uri_of(profile), dump, *mapped("quilltap", reference.name))
        known = {"_id": {"$in": [7, 8]}}
        assert list(reference.chats.find(known).sort("_id")) == list(live.chats.find(known).sort("_id"))
        assert reference.chats.count_documents({}) == 3


def test_a_unique_index_that_cannot_be_built_ends_it_before_any_rename(
    profile: Profile, live: Database[Any], tmp_path: Path
) -> None:
    before = whole(live)
    unique = {"v": 2, "key": {"email": 1}, "name": "email_1", "unique": True}
    users = Part("users", [{"_id": 1, "email": "same"}, {"_id": 2, "email": "same"}], indexes=[unique])
    dump = write_archive(tmp_path / "dump.gz", GOOD, users)
    with pytest.raises(QuillkeepError) as failed:
        run_restore(profile, tmp_path, dump, from_database="quilltap")
    assert not isinstance(failed.value, Refused)
    assert "email_1" in failed.value.what and "users" in failed.value.what
    assert "Live data is as it was." in failed.value.touched
    assert "same" not in str(failed.value), "the server quotes the document"
    untouched(live, before)


def test_a_capped_collection_whose_dump_overflows_it_fails_its_proof(
    profile: Profile, live: Database[Any], tmp_path: Path
) -> None:
    before = whole(live)
    log = Part("log", [{"_id": n} for n in range(9)], options={"capped": True, "size": 4096, "max": 5})
    with pytest.raises(QuillkeepError) as failed:
        run_restore(profile, tmp_path, write_archive(tmp_path / "dump.gz", log), from_database="quilltap")
    assert "log" in failed.value.what and "Live data is as it was." in failed.value.touched
    untouched(live, before)


def test_a_second_document_of_an_id_is_never_written_over_the_first(
    profile: Profile, live: Database[Any], tmp_path: Path
) -> None:
    first, second = ({"_id": 1, "at": bson.Timestamp(0, 0), "n": n} for n in (1, 2))
    dump = write_archive(tmp_path / "dump.gz", Part("chats", [first, second]))
    before = whole(live)
    with pytest.raises(Refused) as refused:
        run_restore(profile, tmp_path, dump, from_database="quilltap")
    assert "chats: 1 document the server refuses (another document has its _id)" in refused.value.cause
    untouched(live, before)
    run_restore(profile, tmp_path, dump, from_database="quilltap", allow=("writers", "rejected-documents"))
    assert list(live.chats.find()) == [first]


VALIDATED = Part(
    "users",
    [{"_id": 1, "email": "a"}, {"_id": 2}],
    options={"validator": {"$jsonSchema": {"required": ["email"]}}, "validationLevel": "moderate"},
)


def test_a_validator_that_old_rows_do_not_meet_is_bypassed(
    profile: Profile, live: Database[Any], tmp_path: Path
) -> None:
    dump = write_archive(tmp_path / "dump.gz", VALIDATED)
    result, _ = run_restore(profile, tmp_path, dump, from_database="quilltap")
    assert result.collections["users"].documents == live.users.count_documents({}) == 2
    assert "validator" in live.users.options()


@pytest.mark.parametrize("zero", [False, True], ids=["plain", "timestamp-zero"])
def test_without_the_right_to_bypass_a_validator_the_role_is_named(
    zero: bool, mongod_auth: Mongod, database: str, tmp_path: Path
) -> None:
    old = {"_id": 2, "at": bson.Timestamp(0, 0)} if zero else {"_id": 2}
    part = Part("users", [{"_id": 1, "email": "a"}, old], options=VALIDATED.options)
    dump = write_archive(tmp_path / "dump.gz", part)
    weak = mongod_auth.create_user(
        f"weak_{database}_{zero}", [{"role": "readWrite", "db": database}], database=database
    )
    able = mongod_auth.create_user(
        f"able_{database}_{zero}",
        [{"role": "readWrite", "db": database}, {"role": "dbAdmin", "db": database}],
        database=database,
    )
    allow = ("writers", "possible-loss")
    with mongod_auth.client() as client:
        db = client[database]
        db.users.insert_one({"_id": 9})
        before = whole(db)
        with pytest.raises(Refused) as refused:
            run_restore(make_profile(weak, database), tmp_path, dump, from_database="quilltap", allow=allow)
        assert "validator" in refused.value.what and "role dbAdmin" in refused.value.next
        untouched(db, before)
        run_restore(make_profile(able, database), tmp_path, dump, from_database="quilltap", allow=allow)
        assert list(db.users.find().sort("_id")) == [{"_id": 1, "email": "a"}, old]
        client.drop_database(db)
