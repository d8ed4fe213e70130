"""No false alarm of validate: the sample at any size, the fixtures restored, what older versions left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.demo.sample import fill_database
from services.demo.servers import Mongod
from services.operations.validate import ValidatePlan, validate
from tests.references_support import fresh
from tests.services.swap_support import deployed
from tests.support import FIXTURES


@pytest.mark.parametrize("scale", [0.001, 0.01, 0.03])
def test_no_false_alarm_on_the_sample_at_any_size(mongod: Mongod, tmp_path: Path, scale: float) -> None:
    with deployed(mongod, tmp_path) as other:
        fill_database(other.db, scale=scale, seed=11, indexes=scale > 0.005)
        other.backup()
        result = validate(ValidatePlan(full=True), other.context())
        assert result.status == "ok" and not result.leftovers and not result.warnings, result.warnings


@pytest.mark.parametrize("name", ["quilltap-20261101.gz", "backup-gz-20261101", "zoo.archive.gz"])
def test_no_false_alarm_on_restored_fixtures(mongod: Mongod, tmp_path: Path, name: str) -> None:
    with deployed(mongod, tmp_path) as other:
        database = "zoo" if name.startswith("zoo") else "quilltap"
        allowed = ("writers", "rejected-documents", "possible-loss", "unknown-space")
        other.restore(str(FIXTURES / name), allow=allowed, from_database=database)
        result = validate(ValidatePlan(), other.context())
        found = [one for row in result.collections for one in row.findings] + list(result.references)
        # The zoo has a collection whose own validator refuses what is in it.
        assert {one.kind for one in found} <= {"rejected-documents"}, found
        assert result.status == ("warn" if found else "ok")
        assert bool(found) <= (database == "zoo")


def test_no_false_alarm_on_what_older_versions_left(mongod: Mongod, tmp_path: Path) -> None:
    """Documents as the migration of version 1.8.5 makes them, and collections by the guide's names."""
    user, chat, character, profile, key, file = (fresh() for _ in range(6))
    dates = {"createdAt": "2026-11-22T19:58:23.041Z", "updatedAt": "2026-11-22T19:58:23.041Z"}
    message = {"type": "message", "role": "ASSISTANT", "content": "やあ", "attachments": [file]}
    summary = {
        "type": "context-summary",
        "id": fresh(),
        "context": "the lamp",
        "createdAt": dates["createdAt"],
    }
    blank = {"image": None, "emailVerified": None, "passwordHash": None}
    part = {"id": fresh(), "type": "CHARACTER", "characterId": character, "personaId": None, "isActive": True}
    old: dict[str, dict[str, Any]] = {
        "users": {"id": user, "email": "hana@example.jp", "name": "花 Hana", **blank, **dates},
        "api_keys": {"id": key, "label": "old", "provider": "X", "ciphertext": "00", "userId": user, **dates},
        "connectionProfiles": {"id": profile, "userId": user, "name": "old", "apiKeyId": key, **dates},
        "chats": {
            "id": chat,
            "userId": user,
            "participants": [{**part, "connectionProfileId": profile}],
            "title": "昔のチャット",
            "messageCount": 2,
            "lastMessageAt": None,
            "tags": [],
            **dates,
        },
        "chat_messages": {
            "chatId": chat,
            "messages": [{**message, "id": fresh(), "createdAt": dates["createdAt"]}, summary],
        },
        "characters": {"id": character, "userId": user, "name": "古い友", "defaultImageId": file, **dates},
        "files": {
            "id": file,
            "userId": user,
            "sha256": "0" * 64,
            "originalFilename": "old.png",
            "size": 64,
            "s3Key": "users/x/image/old.png",
            "s3Bucket": "quilltap-legacy",
            "linkedTo": [chat],
            **dates,
        },
        "memories": {
            "id": fresh(),
            "characterId": character,
            "content": "a",
            "summary": "b",
            "importance": 0.5,
            **dates,
        },
    }
    with deployed(mongod, tmp_path) as other:
        for name, document in old.items():
            other.db[name].insert_one(document)
        other.backup()
        result = validate(ValidatePlan(), other.context())
        assert result.status == "ok" and not result.warnings and not result.leftovers
        assert all(row.known for row in result.collections)


def test_on_a_replica_set(mongod_rs: Mongod, tmp_path: Path) -> None:
    with deployed(mongod_rs, tmp_path) as other:
        fill_database(other.db, scale=0.001, seed=11)
        other.backup()
        for full in (False, True):
            result = validate(ValidatePlan(full=full), other.context())
            assert result.status == "ok" and not result.warnings, [one.what for one in result.references]
        other.db.characters.delete_one({})
        assert validate(ValidatePlan(), other.context()).status in ("warn", "fail")
