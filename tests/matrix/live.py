"""Checks of live data: one thing wrong in a sound database, and the sound database itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bson
import msgspec

from services.checks.model import CheckResult
from services.demo.servers import start_mongod
from services.validating.model import ValidateResult
from tests.checks_matrix import CASES, Bench, Case, Shown
from tests.services.validate_support import Validated, first, validated

Damage = Callable[[Validated], str]
"""Makes one thing wrong and gives the place that must be named."""


_sound: list[CheckResult] = []


def sound(bench: Bench) -> Sequence[CheckResult]:
    """A validation of whole data against a good backup, made once for all that it shows."""
    if not _sound:
        with validated(bench.fixture("mongod"), bench.folder) as deployment:
            _sound.extend(deployment.validate().checks)
    return _sound


def _with_findings(result: ValidateResult) -> list[CheckResult]:
    """The checks with what they found: in the document that stands with its collection, not twice."""
    found = [*(one for row in result.collections for one in row.findings), *result.references]
    return [
        one if one.status == "ok" else msgspec.structs.replace(one, found=tuple(found))
        for one in result.checks
    ]


def after(damage: Damage) -> Callable[[Bench], Shown]:
    """A validation after one thing was made wrong."""

    def failing(bench: Bench) -> Shown:
        with validated(bench.fixture("mongod"), bench.folder) as deployment:
            place = damage(deployment)
            return Shown(_with_findings(deployment.validate()), place)

    return failing


def changed(collection: str, **fields: Any) -> Damage:
    """One document with these fields, named by its id."""

    def damage(deployment: Validated) -> str:
        document = first(deployment.db, collection)
        deployment.db[collection].update_one({"_id": document["_id"]}, {"$set": fields})
        return str(document["id"])

    return damage


def _index(deployment: Validated) -> str:
    deployment.db.users.drop_index("email_1")
    return "email_1"


def _double(deployment: Validated) -> str:
    tag = first(deployment.db, "tags")
    deployment.db.tags.insert_one({**tag, "_id": bson.ObjectId(), "nameLower": "other"})
    return str(tag["id"])


def _large(deployment: Validated) -> str:
    chat = first(deployment.db, "chat_messages")
    message = {**chat["messages"][0], "id": "large", "content": "x" * (13 << 20)}
    deployment.db.chat_messages.update_one({"_id": chat["_id"]}, {"$push": {"messages": message}})
    return str(chat["chatId"])


def _fallen(deployment: Validated) -> str:
    ids = [one["_id"] for one in deployment.db.memories.find({}, {"_id": 1})]
    deployment.db.memories.delete_many({"_id": {"$in": ids[: len(ids) // 2]}})
    return "memories"


def _without_messages(deployment: Validated) -> str:
    chat = first(deployment.db, "chats")
    deployment.db.chat_messages.delete_one({"chatId": chat["id"]})
    return str(chat["id"])


def _broken_index(bench: Bench) -> Shown:
    """A server's own test commands leave a document out of its indexes, as a bad disk would."""
    server = start_mongod(bench.folder / "breakable", parameters={"enableTestCommands": "1"})
    try:
        with validated(server, bench.folder) as deployment:
            point = {"configureFailPoint": "skipIndexNewRecords"}
            deployment.client.admin.command({**point, "mode": "alwaysOn"})
            tag = first(deployment.db, "tags")
            deployment.db.tags.insert_one({**tag, "_id": bson.ObjectId(), "id": "new", "nameLower": "new"})
            deployment.client.admin.command({**point, "mode": "off"})
            return Shown(_with_findings(deployment.validate()), "tags")
    finally:
        server.kill()


CASES["server-validate"] = Case(failing=_broken_index, passing=sound)
CASES["index-list"] = Case(failing=after(_index), passing=sound)
CASES["shape"] = Case(failing=after(changed("characters", name=5)), passing=sound)
CASES["iso-dates"] = Case(failing=after(changed("memories", updatedAt="yesterday")), passing=sound)
CASES["unique"] = Case(failing=after(_double), passing=sound)
CASES["document-size"] = Case(failing=after(_large), passing=sound)
CASES["growth"] = Case(failing=after(_fallen), passing=sound)
CASES.setdefault("references", Case(failing=after(_without_messages), passing=sound))
