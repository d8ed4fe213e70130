"""Five kinds of damage to the demo's own data; each looks at the token first."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from services.demo.token import assert_ours
from services.mongo.connect import connect
from services.names import is_ours
from services.profile import BucketTarget, MongoTarget, Profile
from services.secret import Secret

if TYPE_CHECKING:
    from pymongo.database import Database
    from types_boto3_s3 import S3Client


class Damage(msgspec.Struct, frozen=True):
    """What was done, in a sentence, and to how many."""

    kind: str
    text: str
    count: int


def drop_collection(profile: Profile, token: Secret, collection: str = "characters") -> Damage:
    """Drops a collection whole. Raises `Refused` for servers without the token, as all of these do."""
    with _database(profile, token) as database:
        count = database[collection].count_documents({})
        database.drop_collection(collection)
    return Damage("dropped", f"dropped {collection} with its {count:,} documents", count)


def alter_documents(
    profile: Profile, token: Secret, collection: str = "memories", share: float = 0.2, seed: int = 0
) -> Damage:
    """Overwrites the text of a share of a collection's documents, leaving their number as it is."""
    with _database(profile, token) as database:
        every = sorted(each["_id"] for each in database[collection].find({}, {"_id": 1}))
        chosen = random.Random(seed).sample(every, max(1, round(len(every) * share))) if every else []
        changed = database[collection].update_many(
            {"_id": {"$in": chosen}}, {"$set": {"content": "(overwritten)", "name": "(overwritten)"}}
        )
    count = changed.modified_count
    return Damage("altered", f"overwrote the text of {count:,} documents of {collection}", count)


def delete_objects(profile: Profile, token: Secret, share: float = 0.2, seed: int = 1) -> Damage:
    """Deletes a share of the bucket's objects."""
    client, bucket, keys = _objects(profile, token)
    chosen = _some(keys, share, seed)
    for key in chosen:
        client.delete_object(Bucket=bucket.bucket, Key=key)
    return Damage("deleted", f"deleted {len(chosen):,} objects", len(chosen))


def corrupt_objects(profile: Profile, token: Secret, share: float = 0.2, seed: int = 2) -> Damage:
    """Replaces the bytes of a share of the objects by others of the same length, keeping type and metadata."""
    client, bucket, keys = _objects(profile, token)
    chosen = _some(keys, share, seed)
    done = 0
    for key in chosen:
        answer = client.get_object(Bucket=bucket.bucket, Key=key)
        body = answer["Body"].read()
        if not body:
            continue
        client.put_object(
            Bucket=bucket.bucket,
            Key=key,
            Body=bytes(byte ^ 0x5A for byte in body[:4096]) + body[4096:],
            ContentType=answer.get("ContentType", "application/octet-stream"),
            Metadata=answer["Metadata"],
        )
        done += 1
    return Damage("corrupted", f"overwrote the beginning of {done:,} objects, their sizes kept", done)


def empty_collection(profile: Profile, token: Secret, collection: str = "tags") -> Damage:
    """Deletes every document of a collection, which stays with its indexes."""
    with _database(profile, token) as database:
        count = database[collection].delete_many({}).deleted_count
    return Damage("emptied", f"emptied {collection} of its {count:,} documents", count)


FIVE_KINDS: tuple[Callable[[Profile, Secret], Damage], ...] = (
    drop_collection,
    alter_documents,
    delete_objects,
    corrupt_objects,
    empty_collection,
)


@contextmanager
def _database(profile: Profile, token: Secret) -> Iterator[Database[Any]]:
    assert_ours(profile, token)
    mongo: MongoTarget | None = profile.mongo
    assert mongo is not None
    with connect(mongo) as client:
        yield client[mongo.database]


def _objects(profile: Profile, token: Secret) -> tuple[S3Client, BucketTarget, list[str]]:
    from services.objects.clients import build_clients

    assert_ours(profile, token)
    bucket = profile.bucket
    assert bucket is not None
    client = build_clients(bucket).exact
    keys: list[str] = []
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket.bucket, Prefix=bucket.prefix):
        keys += [each["Key"] for each in page.get("Contents", ())]
    return client, bucket, [key for key in keys if not is_ours(key[len(bucket.prefix) :])]


def _some(keys: list[str], share: float, seed: int) -> list[str]:
    return random.Random(seed).sample(sorted(keys), max(1, round(len(keys) * share))) if keys else []
