"""A small deployment whose rows and objects belong together, for tests to break one thing at a time."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from pymongo.database import Database

from services.objects.bucket import Bucket
from services.objects.keys import Headers
from services.operations.pairs import pairs
from services.pairs.model import PairsPlan, PairsResult
from services.quilltap import object_key, object_metadata
from tests.support import RecordingContext

USER = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"


def put(bucket: Bucket, key: str, body: bytes, content_type: str = "image/png", **metadata: str) -> None:
    """One object."""
    bucket.put(key, body, size=len(body), headers=Headers(content_type=content_type, metadata=metadata))


def row_of(key: str, body: bytes, user: str = USER, **more: Any) -> dict[str, Any]:
    """The row the application writes of an upload."""
    row = {
        "id": str(uuid.uuid4()),
        "userId": user,
        "sha256": hashlib.sha256(body).hexdigest(),
        "originalFilename": "a.png",
        "mimeType": "image/png",
        "size": len(body),
        "s3Key": key,
        "createdAt": "2026-11-01T10:00:00.000Z",
        "updatedAt": "2026-11-01T10:00:00.000Z",
    }
    return {name: value for name, value in (row | more).items() if value is not ...}


def upload(
    db: Database[Any], bucket: Bucket, name: str, body: bytes = b"\x89PNG", user: str = USER, **more: Any
) -> str:
    """An upload as the application does it, object first; gives the row's id."""
    key_id, sha256 = str(uuid.uuid4()), hashlib.sha256(body).hexdigest()
    key = object_key(bucket.prefix, user, "IMAGE", key_id, name)
    put(bucket, key, body, **object_metadata(user, key_id, "IMAGE", name, sha256))
    row = row_of(key, body, user, originalFilename=name, **more)
    db.files.insert_one(row)
    return str(row["id"])


def key_of(db: Database[Any], id: str) -> str:
    """The key of a row."""
    return str(db.files.find_one({"id": id})["s3Key"])  # type: ignore[index]


def looked(context: RecordingContext, **plan: Any) -> PairsResult:
    """One pair check."""
    return pairs(PairsPlan(**plan), context)


def kinds(result: PairsResult) -> dict[str, int]:
    """Findings by kind."""
    found: dict[str, int] = {}
    for one in result.findings:
        found[one.kind] = found.get(one.kind, 0) + one.count
    return found
