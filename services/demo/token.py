"""The random-token rule: damage is only ever done to servers that this process marked as its own."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from services.errors import Refused
from services.mongo.connect import connect, host_of
from services.names import OURS
from services.profile import BucketTarget, MongoTarget, Profile
from services.secret import Secret

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

MARK = f"{OURS}demo"
"""The collection and the object key (below the bucket's prefix) that hold the token."""
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


def mark_as_ours(profile: Profile) -> Secret:
    """Writes a fresh random token into the database and the bucket of servers just started; gives the token.

    Raises `Refused` when either is not on this machine's loopback.
    """
    mongo, bucket = _places(profile)
    hosts = [each.rpartition(":")[0] for each in host_of(mongo).split(",")]
    hosts.append(urlsplit(bucket.endpoint or "").hostname or "")
    for host in hosts:
        if host not in LOOPBACK_NAMES:
            raise _refused(f"{host or 'AWS'} is not this machine")
    token = secrets.token_hex(16)
    with connect(mongo) as client:
        client[mongo.database][MARK].replace_one({"_id": "token"}, {"token": token}, upsert=True)
    _s3(bucket).put_object(Bucket=bucket.bucket, Key=bucket.prefix + MARK, Body=token.encode())
    return Secret(token)


def assert_ours(profile: Profile, token: Secret) -> None:
    """Raises `Refused` unless the profile's database and bucket both hold exactly this token."""
    mongo, bucket = _places(profile)
    with connect(mongo) as client:
        found: dict[str, Any] = client[mongo.database][MARK].find_one({"_id": "token"}) or {}
    if not secrets.compare_digest(str(found.get("token", "")).encode(), token.reveal().encode()):
        raise _refused(f"the database {mongo.database} at {host_of(mongo)} does not hold the demo's token")
    if not secrets.compare_digest(_object_token(bucket), token.reveal().encode()):
        raise _refused(f"the bucket {bucket.bucket} does not hold the demo's token")


def _object_token(bucket: BucketTarget) -> bytes:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = _s3(bucket).get_object(Bucket=bucket.bucket, Key=bucket.prefix + MARK)
        return answer["Body"].read(256)
    except (ClientError, BotoCoreError):
        return b""


def _places(profile: Profile) -> tuple[MongoTarget, BucketTarget]:
    if profile.mongo is None or profile.bucket is None:
        raise _refused("the profile names no database or no bucket")
    return profile.mongo, profile.bucket


def _s3(bucket: BucketTarget) -> S3Client:
    from services.objects.clients import build_clients

    return build_clients(bucket).exact


def _refused(why: str) -> Refused:
    return Refused(
        "Sample damage was not done: these are not the demo's own servers.",
        cause=f"Looking for the token: {why}.",
        next="Only `quillkeep demo`, which starts servers of its own, does damage.",
    )
