"""The sample data, the token rule, the damage and the busy writer."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database

from services.demo import damage
from services.demo.layout import layout_of
from services.demo.sample import SAMPLE_PEPPER, Sample, fill_bucket, fill_database
from services.demo.servers import Weed
from services.demo.token import MARK, assert_ours, mark_as_ours
from services.demo.writer import BusyWriter
from services.errors import Refused, UsageProblem
from services.profile import BucketTarget, MongoTarget, Profile
from services.quilltap import COLLECTIONS, REFERENCES, decrypt_value, probe_pepper
from services.secret import Secret
from tests.support import make_profile

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SCALE = 0.001
SEED = 7


@pytest.fixture
def filled(db: Database[Any], bucket: BucketTarget) -> Database[Any]:
    counts = fill_database(db, scale=SCALE, seed=SEED)
    assert sum(counts.values()) > 200
    fill_bucket(bucket, scale=SCALE, seed=SEED)
    return db


def values_at(document: Any, path: str) -> Iterator[Any]:
    """What a dotted path with `[]` finds; nothing for what is absent or null."""
    head, _, rest = path.partition(".")
    name, each = head.removesuffix("[]"), head.endswith("[]")
    value = document.get(name) if isinstance(document, dict) else None
    for found in (value or []) if each else [value]:
        if found is not None:
            yield from values_at(found, rest) if rest else [found]


def test_shapes_ids_dates_and_references(filled: Database[Any]) -> None:
    """Eighteen collections, string ids and dates, and every reference resolves."""
    assert sorted(filled.list_collection_names()) == sorted(COLLECTIONS)
    every = {name: list(filled[name].find()) for name in COLLECTIONS}
    assert all(every.values())
    for name, documents in every.items():
        for document in documents:
            if name not in {"accounts", "verification_tokens", "chat_messages", "migrations_state"}:
                assert UUID4.fullmatch(document["id"]), (name, document)
            for field in ("createdAt", "updatedAt", "expires", "lastUsed"):
                assert field not in document or ISO.fullmatch(document[field]), (name, field)
    ids = {name: {each.get("id") for each in documents} for name, documents in every.items()}
    checked = 0
    for reference in REFERENCES:
        for document in every[reference.collection]:
            for value in values_at(document, reference.path):
                assert value in ids[reference.target], reference
                checked += 1
    assert checked > 500
    assert len({each["chatId"] for each in every["chat_messages"]}) == len(every["chats"])
    assert {type(each["importance"]) for each in every["memories"]} == {int, float}
    memories = {each["id"]: each for each in every["memories"]}
    entry = every["vector_indices"][0]["entries"][0]
    assert memories[entry["id"]]["embedding"] == entry["embedding"]


def test_keys_open_with_the_samples_pepper(filled: Database[Any]) -> None:
    """The probe opens what it tries, another pepper nothing; a second factor opens for its user."""
    opened, tried = probe_pepper(filled, SAMPLE_PEPPER)
    assert opened == tried >= 4
    assert probe_pepper(filled, Secret("x" * 40)) == (0, tried)
    assert probe_pepper(filled, SAMPLE_PEPPER, limit=2) == (2, 2)
    user = filled["users"].find_one({"totp": {"$exists": True}})
    assert user
    assert re.fullmatch(r"[A-Z2-7]{52}", decrypt_value(user["totp"], user["id"], SAMPLE_PEPPER))


def test_rows_match_objects(filled: Database[Any], bucket: BucketTarget, weed: Weed) -> None:
    """Every row with an s3Key has its object with the right bytes, type and metadata, and there are no others."""
    client = weed.client()
    listed = {each["Key"] for each in client.list_objects_v2(Bucket=bucket.bucket)["Contents"]}
    rows = list(filled["files"].find({"s3Key": {"$exists": True}}))
    assert {row["s3Key"] for row in rows} == listed
    assert len(listed) == layout_of(SCALE).objects
    assert filled["files"].count_documents({"s3Key": {"$exists": False}}) == 1
    migrated = 0
    for row in rows:
        answer = client.get_object(Bucket=bucket.bucket, Key=row["s3Key"])
        body = answer["Body"].read()
        assert (hashlib.sha256(body).hexdigest(), len(body)) == (row["sha256"], row["size"])
        assert answer["ContentType"] == row["mimeType"]
        if not answer["Metadata"]:
            migrated += 1
            assert row["id"] in row["s3Key"]
            continue
        assert set(answer["Metadata"]) == {"userid", "fileid", "category", "filename", "sha256"}
        assert answer["Metadata"]["sha256"] == row["sha256"]
        assert row["id"] not in row["s3Key"]
    assert 0 < migrated < len(rows)
    assert 0 in {row["size"] for row in rows}


def test_indexes_only_on_request(db: Database[Any]) -> None:
    """The application makes none; an admin's are unique, TTL, text, partial."""
    fill_database(db, scale=SCALE, seed=SEED, indexes=False)
    assert all(len(db[name].index_information()) == 1 for name in COLLECTIONS)


def test_same_seed_same_bytes_in_any_order() -> None:
    """A seed fixes every byte, whatever was made before; another seed and a prefix change them."""
    first, second = Sample(scale=SCALE, seed=1), Sample(scale=SCALE, seed=1)
    for name in COLLECTIONS:
        forwards = list(first.documents(name))
        backwards = [second.document(name, number) for number in reversed(range(len(forwards)))]
        assert [first.document(name, number) for number in range(len(forwards))] == backwards[::-1]
        assert forwards == list(second.documents(name))
    assert list(Sample(scale=SCALE, seed=2).documents("chats")) != list(first.documents("chats"))
    file = Sample(scale=SCALE, seed=1, prefix="pre/").files.file(5)
    assert file.key == "pre/" + first.files.file(5).key
    assert first.files.body(5) == second.files.body(5)


def test_scale() -> None:
    """Counts grow with the scale; outside 0.001 to 100 it is refused."""
    whole = layout_of(1)
    assert 230_000 < sum(whole.counts.values()) < 234_000
    assert whole.objects == 3_003
    assert layout_of(100).counts["memories"] == 100 * whole.counts["memories"]
    for scale in (0.0009, 101, float("nan")):
        with pytest.raises(UsageProblem, match="scale"):
            layout_of(scale)


def test_token_rule(filled: Database[Any], profile: Profile, mongod_rs: Any, weed: Weed) -> None:
    """Damage needs the token in the database and in the bucket; without it nothing is touched."""
    before = {name: filled[name].count_documents({}) for name in COLLECTIONS}
    for kind in damage.FIVE_KINDS:
        with pytest.raises(Refused, match="not the demo's own servers"):
            kind(profile, Secret("guess"))
    token = mark_as_ours(profile)
    assert_ours(profile, token)
    elsewhere = make_profile(mongod_rs.uri, "other", profile.bucket)
    with pytest.raises(Refused, match="does not hold the demo's token"):
        damage.drop_collection(elsewhere, token)
    other_bucket = weed.create_bucket("quilltap-without-token")
    assert profile.mongo
    with pytest.raises(Refused, match="bucket"):
        damage.delete_objects(make_profile(profile.mongo.uri.reveal(), filled.name, other_bucket), token)
    weed.delete_bucket(other_bucket.bucket)
    assert {name: filled[name].count_documents({}) for name in COLLECTIONS} == before
    assert filled[MARK].count_documents({}) == 1


def test_only_loopback_is_marked(profile: Profile) -> None:
    """A server elsewhere never gets a token, so it can never be damaged."""
    remote = Profile(mongo=MongoTarget(uri=Secret("mongodb://db.example.com/")), bucket=profile.bucket)
    with pytest.raises(Refused, match=r"db\.example\.com is not this machine|not the demo's own"):
        mark_as_ours(remote)


def test_five_kinds_of_damage(
    filled: Database[Any], profile: Profile, bucket: BucketTarget, weed: Weed
) -> None:
    """Each does what it says, and leaves the token where it is."""
    client = weed.client()

    def objects() -> dict[str, tuple[str, int]]:
        page = client.list_objects_v2(Bucket=bucket.bucket)["Contents"]
        return {each["Key"]: (each["ETag"], each["Size"]) for each in page if not each["Key"].endswith(MARK)}

    before = objects()
    token = mark_as_ours(profile)
    done = {each.kind: each for each in (kind(profile, token) for kind in damage.FIVE_KINDS)}
    assert set(done) == {"dropped", "altered", "deleted", "corrupted", "emptied"}
    assert "characters" not in filled.list_collection_names()
    assert filled["tags"].count_documents({}) == 0
    assert filled["memories"].count_documents({"content": "(overwritten)"}) == done["altered"].count > 0
    after = objects()
    assert len(before) - len(after) == done["deleted"].count > 0
    changed = [key for key, (etag, _) in after.items() if before[key][0] != etag]
    assert len(changed) == done["corrupted"].count > 0
    assert all(after[key][1] == before[key][1] for key in changed)
    assert_ours(profile, token)


def test_busy_writer(filled: Database[Any], profile: Profile, bucket: BucketTarget, weed: Weed) -> None:
    """What it counts as acknowledged is there, rows have their objects, and a lost one is found."""
    with BusyWriter(profile, seed=3, pause=0) as writer:
        deadline = time.monotonic() + 5
        while {each.kind for each in writer.acknowledged} < {"message", "memory", "chat", "upload"} or (
            not writer.removed and time.monotonic() < deadline
        ):
            time.sleep(0.02)
    assert not writer.failures
    assert writer.lost(filled) == []
    keys = {each["Key"] for each in weed.client().list_objects_v2(Bucket=bucket.bucket)["Contents"]}
    uploaded = {row["s3Key"] for row in filled["files"].find({"originalFilename": "upload.png"})}
    assert uploaded
    assert uploaded <= keys
    for kind, collection, field in [("chat", "chat_messages", "chatId"), ("memory", "memories", "id")]:
        victim = next(
            each for each in writer.acknowledged if (each.kind, each.collection) == (kind, collection)
        )
        filled[collection].delete_one({field: victim.document})
        assert victim in writer.lost(filled)
