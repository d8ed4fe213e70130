"""How many of everything a sample of a given size holds, and what belongs to whom."""

from __future__ import annotations

import msgspec

from services.errors import UsageProblem
from services.quilltap import COLLECTIONS

SMALLEST, LARGEST = 0.001, 100.0
LEAST_USERS = 3
USERS = 40
AT_SCALE_ONE = {
    "users": USERS,
    "accounts": 20,
    "sessions": 100,
    "verification_tokens": 12,
    "api_keys": 80,
    "chat_settings": USERS,
    "chats": 20_000,
    "chat_messages": 20_000,
    "characters": 2_000,
    "personas": 400,
    "tags": 1_200,
    "memories": 183_000,
    "vector_indices": 2_000,
    "connection_profiles": 120,
    "embedding_profiles": USERS,
    "image_profiles": USERS,
    "files": 3_003,
    "migrations_state": 1,
}
"""About 432 MB in 232,000 documents."""
DIMENSIONS = 52
"""Of an embedding; real ones have some hundreds, which this size of sample would not hold for so many."""
SMALL_OBJECTS = 3_000
SMALL_BYTES = (5_000, 200_000)
LARGE_OBJECTS = 3
LARGE_BYTES = 100 << 20
KEY_OWNERS = 40
"""Only so many users have encrypted values: each costs 30 ms of key derivation."""
LEAST = {"accounts": 1, "verification_tokens": 2, "migrations_state": 1}


class Layout(msgspec.Struct, frozen=True):
    """The counts of one scale. Number `i` of a kind belongs to user `i % users`."""

    scale: float
    counts: dict[str, int]
    small_objects: int
    large_objects: int
    large_bytes: int

    @property
    def users(self) -> int:
        """How many users there are."""
        return self.counts["users"]

    @property
    def objects(self) -> int:
        """How many objects the bucket holds."""
        return self.small_objects + self.large_objects

    def owner(self, number: int) -> int:
        """The user something belongs to."""
        return number % self.users

    def owned(self, kind: str, user: int, pick: int) -> int:
        """The number of one of a user's documents of a kind."""
        total = self.counts[kind]
        mine = (total - user + self.users - 1) // self.users
        return user + self.users * (pick % mine)


def layout_of(scale: float) -> Layout:
    """The layout of a scale from 0.001 to 100. Raises `UsageProblem` outside it."""
    if not SMALLEST <= scale <= LARGEST:
        raise UsageProblem(
            f"A sample's scale is from {SMALLEST} to {LARGEST:g}, not {scale:g}.",
            next="Choose one between them.",
        )
    users = max(LEAST_USERS, round(USERS * scale))
    counts = {name: max(LEAST.get(name, users), round(AT_SCALE_ONE[name] * scale)) for name in COLLECTIONS}
    small = max(2 * users, round(SMALL_OBJECTS * scale))
    large = max(LARGE_OBJECTS, round(LARGE_OBJECTS * scale))
    counts["users"] = counts["chat_settings"] = users
    counts["migrations_state"] = 1
    counts["chat_messages"] = counts["chats"]
    counts["vector_indices"] = counts["characters"]
    counts["memories"] = max(counts["memories"], 2 * counts["characters"])
    # One row more than there are objects: a picture whose bytes the application kept on its own disk.
    counts["files"] = small + large + 1
    return Layout(scale, counts, small, large, max(300_000, round(LARGE_BYTES * min(scale, 1.0))))
