"""Indexes that an admin might have made: the application itself makes none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymongo.database import Database

INDEXES: dict[str, list[dict[str, Any]]] = {
    "users": [{"key": {"email": 1}, "name": "email_1", "unique": True}],
    "sessions": [
        {"key": {"sessionToken": 1}, "name": "sessionToken_1", "unique": True},
        {"key": {"expires": 1}, "name": "expires_1", "expireAfterSeconds": 0},
    ],
    "tags": [
        {
            "key": {"userId": 1, "nameLower": 1},
            "name": "userId_1_nameLower_1",
            "unique": True,
            "collation": {"locale": "en", "strength": 2},
        }
    ],
    "characters": [
        {"key": {"userId": 1}, "name": "userId_1"},
        {
            "key": {"name": "text", "description": "text"},
            "name": "name_text_description_text",
            "weights": {"name": 10, "description": 1},
            "default_language": "none",
        },
    ],
    "chats": [{"key": {"userId": 1, "updatedAt": -1}, "name": "userId_1_updatedAt_-1"}],
    "chat_messages": [{"key": {"chatId": 1}, "name": "chatId_1", "unique": True}],
    "memories": [{"key": {"characterId": 1}, "name": "characterId_1"}],
    "files": [
        {"key": {"sha256": 1}, "name": "sha256_1"},
        {
            "key": {"s3Key": 1},
            "name": "s3Key_1",
            "unique": True,
            "partialFilterExpression": {"s3Key": {"$exists": True}},
        },
    ],
    "api_keys": [{"key": {"lastUsed": 1}, "name": "lastUsed_1", "sparse": True}],
}
"""createIndexes specifications: unique, TTL, compound with a collation, text, partial, sparse."""


def build_indexes(database: Database[Any]) -> None:
    """Makes them all. Errors are pymongo's."""
    for collection, specifications in INDEXES.items():
        database.command("createIndexes", collection, indexes=specifications)
