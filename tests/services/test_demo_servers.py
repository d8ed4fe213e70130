"""The embedded servers: started, killed, restarted, and gone with their owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from services.demo.servers import Mongod, Weed
from services.profile import BucketTarget, Profile


def test_fixtures_give_fresh_places(
    db: Database[Any], bucket: BucketTarget, profile: Profile, weed: Weed, make_context: Callable[..., Any]
) -> None:
    """A test finds an empty database and an empty bucket, and its profile names both."""
    assert db.list_collection_names() == []
    assert weed.client().list_objects_v2(Bucket=bucket.bucket)["KeyCount"] == 0
    assert profile.mongo is not None
    assert profile.mongo.database == db.name
    context = make_context(profile)
    context.log("hello")
    assert context.logs == ["hello"]


def test_replica_set_and_auth(mongod_rs: Mongod, mongod_auth: Mongod) -> None:
    """The one-node set has a primary; a user made on request may do what its role says."""
    with mongod_rs.client() as client:
        assert client.admin.command("hello")["setName"] == "quillkeep"
    uri = mongod_auth.create_user("ada", ["readWrite"], database="quilltap")
    with MongoClient[dict[str, Any]](uri) as client:
        client["quilltap"]["tags"].insert_one({"name": "sea"})
        assert client["quilltap"]["tags"].count_documents({}) == 1
