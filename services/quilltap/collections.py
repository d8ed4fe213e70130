"""The application's collections by name."""

from __future__ import annotations

from services.quilltap.references import REFERENCES as REFERENCES
from services.quilltap.references import Reference as Reference

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


PROFILES_WITH_KEYS = ("connection_profiles", "embedding_profiles", "image_profiles")
"""Collections whose documents tie an `apiKeyId` to a `userId`."""
