"""Damage chosen at random: everything that was done is found, and nothing else is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import bson
import pytest

from services.demo.servers import Mongod
from services.validating.model import ValidateResult
from tests.services.validate_support import Validated, validated

ROUNDS = 20
Found = tuple[str, str, str]
"""(kind, collection, id of a document or name of an index)."""


@pytest.fixture(scope="module")
def made(mongod: Mongod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validated]:
    with validated(mongod, tmp_path_factory.mktemp("random")) as deployment:
        yield deployment


class Chance(random.Random):
    """Remembers which documents were damaged: no document is damaged twice."""

    used: set[tuple[str, Any]]


Damage = Callable[[Validated, Chance], Found]


def some(deployment: Validated, chance: Chance, collection: str) -> dict[str, Any]:
    free = [one for one in deployment.sound[collection] if (collection, one["_id"]) not in chance.used]
    document = chance.choice(free)
    chance.used.add((collection, document["_id"]))
    return document


def a_wrong_type(deployment: Validated, chance: Chance) -> Found:
    collection, field, values = chance.choice(
        [
            ("personas", "description", (5, None, ["x"])),
            ("image_profiles", "modelName", (1, {"a": 1})),
            ("embedding_profiles", "isDefault", ("yes", 0)),
            ("files", "originalFilename", (None, 3.5)),
            ("chats", "lastRenameCheckInterchange", ("3", None)),
        ]
    )
    document = some(deployment, chance, collection)
    change = {"$set": {field: chance.choice(values)}}
    deployment.db[collection].update_one({"_id": document["_id"]}, change)
    return "wrong-type", collection, document["id"]


def a_wrong_moment(deployment: Validated, chance: Chance) -> Found:
    collection = chance.choice(["chats", "characters", "memories", "tags", "connection_profiles"])
    field = chance.choice(["createdAt", "updatedAt"])
    document = some(deployment, chance, collection)
    value = chance.choice(["soon", "", "2026-02-31T25:00:00Z", "1795379276"])
    deployment.db[collection].update_one({"_id": document["_id"]}, {"$set": {field: value}})
    return "not-iso-date", collection, document["id"]


def a_missing_id(deployment: Validated, chance: Chance) -> Found:
    # Ids that nothing refers to in a way that breaks the application.
    collection = chance.choice(["chat_settings", "embedding_profiles", "image_profiles", "personas"])
    document = some(deployment, chance, collection)
    deployment.db[collection].update_one({"_id": document["_id"]}, {"$unset": {"id": ""}})
    return "missing-id", collection, str(document["_id"])


def a_double(deployment: Validated, chance: Chance) -> Found:
    collection = chance.choice(["memories", "personas", "files", "chat_settings"])
    document = some(deployment, chance, collection)
    copy = {**document, "_id": bson.ObjectId()}
    copy.pop("s3Key", None)
    deployment.db[collection].insert_one(copy)
    return "duplicate", collection, document["id"]


def an_index(deployment: Validated, chance: Chance) -> Found:
    collection, name = chance.choice(
        [("sessions", "expires_1"), ("chats", "userId_1_updatedAt_-1"), ("api_keys", "lastUsed_1")]
    )
    deployment.db[collection].drop_index(name)
    return "index-list", collection, name


def lost_messages(deployment: Validated, chance: Chance) -> Found:
    chat = some(deployment, chance, "chats")
    deployment.db.chat_messages.delete_one({"chatId": chat["id"]})
    return "messages-gone", "chat_messages", chat["id"]


def cut_messages(deployment: Validated, chance: Chance) -> Found:
    chat = some(deployment, chance, "chats")
    deployment.db.chat_messages.update_one({"chatId": chat["id"]}, {"$pop": {"messages": 1}})
    return "fewer-messages", "chat_messages", chat["id"]


def nowhere(deployment: Validated, chance: Chance) -> Found:
    collection, field = chance.choice(
        [
            ("memories", "characterId"),
            ("connection_profiles", "apiKeyId"),
            ("characters", "defaultImageId"),
            ("tags", "userId"),
        ]
    )
    document = some(deployment, chance, collection)
    deployment.db[collection].update_one({"_id": document["_id"]}, {"$set": {field: "nowhere"}})
    return "dangling-reference", collection, document["id"]


EVERY: tuple[Damage, ...] = (
    a_wrong_type,
    a_wrong_moment,
    a_missing_id,
    a_double,
    an_index,
    lost_messages,
    cut_messages,
    nowhere,
)


def found_in(result: ValidateResult) -> set[Found]:
    every = [one for row in result.collections for one in row.findings] + list(result.references)
    return {(one.kind, one.collection, example) for one in every for example in one.examples}


def play(deployment: Validated, seed: int) -> None:
    chance = Chance(seed)
    chance.used = set()
    try:
        done = {damage(deployment, chance) for damage in chance.sample(EVERY, chance.randint(1, 5))}
        result = deployment.validate()
        assert found_in(result) == done, seed
        assert result.status in ("warn", "fail")
        whole = {row.name for row in result.collections if row.status == "ok"}
        assert not whole & {collection for _, collection, _ in done}
    finally:
        deployment.again()


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_everything_done_is_found_and_nothing_else(made: Validated, seed: int) -> None:
    play(made, seed)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_same_500_times(made: Validated) -> None:
    for seed in range(1_000, 1_500):
        play(made, seed)
