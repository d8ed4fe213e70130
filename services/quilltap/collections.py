"""The application's collections and how their documents refer to each other by string ids."""

from __future__ import annotations

import msgspec

COLLECTIONS = (
    "users",
    "accounts",
    "sessions",
    "verification_tokens",
    "api_keys",
    "chat_settings",
    "chats",
    "chat_messages",
    "characters",
    "personas",
    "tags",
    "memories",
    "vector_indices",
    "connection_profiles",
    "embedding_profiles",
    "image_profiles",
    "files",
    "migrations_state",
)
"""The eighteen names as stored."""

GUIDE_NAMES = {
    "connectionProfiles": "connection_profiles",
    "embeddingProfiles": "embedding_profiles",
    "imageProfiles": "image_profiles",
}
"""What the backup guide calls them, and what they are called."""

KNOWN_COLLECTIONS = frozenset(COLLECTIONS) | frozenset(GUIDE_NAMES)
"""Names whose absence from a backup means that it lacks the application's data."""

PASSING_COLLECTIONS = frozenset({"sessions", "verification_tokens"})
"""Log-ins and tokens that run out: these may shrink or vanish in a sound database."""


def stored_name(name: str) -> str:
    """A collection's name as stored, for one the guide spells otherwise."""
    return GUIDE_NAMES.get(name, name)


class Reference(msgspec.Struct, frozen=True):
    """`path` in `collection` (dots for fields, `[]` for each element) holds an id of `target`."""

    collection: str
    path: str
    target: str
    target_field: str = "id"


REFERENCES = (
    Reference("accounts", "userId", "users"),
    Reference("sessions", "userId", "users"),
    Reference("chat_settings", "userId", "users"),
    Reference("chats", "userId", "users"),
    Reference("chats", "participants[].characterId", "characters"),
    Reference("chats", "participants[].personaId", "personas"),
    Reference("chats", "participants[].connectionProfileId", "connection_profiles"),
    Reference("chats", "participants[].imageProfileId", "image_profiles"),
    Reference("chats", "tags[]", "tags"),
    Reference("chat_messages", "chatId", "chats"),
    Reference("chat_messages", "messages[].attachments[]", "files"),
    Reference("characters", "userId", "users"),
    Reference("characters", "defaultImageId", "files"),
    Reference("characters", "defaultConnectionProfileId", "connection_profiles"),
    Reference("characters", "personaLinks[].personaId", "personas"),
    Reference("characters", "avatarOverrides[].chatId", "chats"),
    Reference("characters", "avatarOverrides[].imageId", "files"),
    Reference("characters", "tags[]", "tags"),
    Reference("personas", "userId", "users"),
    Reference("personas", "defaultImageId", "files"),
    Reference("personas", "tags[]", "tags"),
    Reference("tags", "userId", "users"),
    Reference("memories", "characterId", "characters"),
    Reference("memories", "personaId", "personas"),
    Reference("memories", "chatId", "chats"),
    Reference("memories", "tags[]", "tags"),
    Reference("vector_indices", "characterId", "characters"),
    Reference("vector_indices", "entries[].id", "memories"),
    Reference("connection_profiles", "userId", "users"),
    Reference("connection_profiles", "apiKeyId", "api_keys"),
    Reference("embedding_profiles", "userId", "users"),
    Reference("embedding_profiles", "apiKeyId", "api_keys"),
    Reference("image_profiles", "userId", "users"),
    Reference("image_profiles", "apiKeyId", "api_keys"),
    Reference("files", "userId", "users"),
)
"""Every reference seen between documents; an absent field, null and an empty list refer to nothing."""

PROFILES_WITH_KEYS = ("connection_profiles", "embedding_profiles", "image_profiles")
"""Collections whose documents tie an `apiKeyId` to a `userId`."""
