"""Numbers, ids and times made from a seed and a place, so that every document can be made again by itself."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime
from hashlib import blake2b

from bson import ObjectId

NEWEST = 1_795_374_000
"""The sample's latest moment, 2026-11-22T19:00:00Z in epoch seconds."""
SPAN_SECONDS = 200 * 86_400


def iso(seconds: float) -> str:
    """A moment as the application stores it: ISO 8601 text with milliseconds and Z."""
    return (
        datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        + f"{int(seconds * 1000) % 1000:03d}Z"
    )


class Seeds:
    """Everything random of one seed. The same seed, kind and number give the same value, in any order."""

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(16, "little", signed=True)

    def _bytes(self, kind: str, number: int, size: int) -> bytes:
        return blake2b(b"%s:%d" % (kind.encode(), number), digest_size=size, key=self._key).digest()

    def random(self, kind: str, number: int) -> random.Random:
        """A generator of its own for one document."""
        return random.Random(self._bytes(kind, number, 16))

    def id(self, kind: str, number: int) -> str:
        """A UUID v4 as text."""
        return str(uuid.UUID(bytes=self._bytes(f"id.{kind}", number, 16), version=4))

    def object_id(self, kind: str, number: int, seconds: float) -> ObjectId:
        """An ObjectId whose time is `seconds`."""
        return ObjectId(int(seconds).to_bytes(4, "big") + self._bytes(f"oid.{kind}", number, 8))

    def key(self, kind: str, number: int) -> bytes:
        """32 bytes, for a stream of pseudo-random content."""
        return self._bytes(f"key.{kind}", number, 32)

    def when(self, kind: str, number: int) -> float:
        """A moment in the sample's span, in epoch seconds with milliseconds."""
        share = int.from_bytes(self._bytes(f"at.{kind}", number, 6), "little") / (1 << 48)
        return round(NEWEST - SPAN_SECONDS * share, 3)
