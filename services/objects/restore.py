"""Planning a restore of objects: what to put, what to keep, what exists only live. Nothing is changed here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from services.errors import Refused
from services.objects.bucket import Bucket
from services.objects.clients import THREADS
from services.objects.failures import BucketMissing, StoreError
from services.objects.fetching import hash_file
from services.objects.keys import is_our_key, md5_of
from services.objects.pool import in_background, run_pool
from services.objects.put import put_objects
from services.objects.restore_model import (
    LiveObject,
    NamedObject,
    ObjectPlan,
    ObjectsResult,
    Placement,
    ReleaseResult,
    UndoResult,
)
from services.objects.source import Body, ObjectsSource
from services.objects.undo import copies_of, release_objects, rollback_objects, undo_objects

__all__ = [
    "LiveObject",
    "NamedObject",
    "ObjectPlan",
    "ObjectsResult",
    "Placement",
    "ReleaseResult",
    "UndoResult",
    "copies_of",
    "decode_placements",
    "encode_placements",
    "plan_objects",
    "prove_objects",
    "put_objects",
    "release_objects",
    "rollback_objects",
    "undo_objects",
]

FindElsewhere = Callable[[str, str], Path | None]
"""Gives another good backup's file of a key with this sha256 ("" when it is not known), or None."""


def _nothing() -> None:
    """No cancel."""


def _uncounted(amount: int) -> None:
    """Nobody counts."""


def require_target(bucket: Bucket) -> None:
    """Raises `Refused` with the command that makes it when the target bucket does not exist."""
    try:
        bucket.require()
    except BucketMissing as error:
        raise Refused(
            f"The target bucket {bucket.name} does not exist at {bucket.where}.",
            cause=error.cause,
            next=f"Make it, then run this again: {bucket.make_command}",
        ) from error


def plan_objects(
    bucket: Bucket,
    source: ObjectsSource,
    *,
    threads: int = THREADS,
    find_elsewhere: FindElsewhere | None = None,
    check: Callable[[], None] = _nothing,
    advance: Callable[[int], None] = _uncounted,
) -> ObjectPlan:
    """Compares a backup's objects with the bucket.

    Equal is: same size and the ETag of the snapshot; else an ETag that is the MD5 of the bytes; else the live
    object read and hashed. `advance` gets bytes hashed. Raises `Refused` when the bucket does not exist.
    """
    require_target(bucket)
    live: dict[str, LiveObject] = {}
    for info in in_background(bucket.list(), check=check):
        live[info.key] = LiveObject(info.size, info.etag)
    new: dict[str, int] = {}
    replace: dict[str, LiveObject] = {}
    keep: dict[str, LiveObject] = {}
    undecided: set[str] = set()
    outside: set[str] = set()
    lacking: list[NamedObject] = []
    sizes: dict[str, int] = {}
    for entry in source.entries():
        check()
        key = entry.key
        if is_our_key(key, bucket.prefix):
            continue
        found = live.get(key)
        if found is not None and found.size == entry.size and entry.etag and found.etag == entry.etag:
            keep[key] = found
        elif entry.missing is not None and (
            find_elsewhere is None or find_elsewhere(key, entry.sha256) is None
        ):
            lacking.append(NamedObject(key, entry.missing))
        elif found is None:
            new[key] = entry.size
            if not key.startswith(bucket.prefix):
                outside.add(key)
        elif found.size != entry.size or entry.missing is not None:
            replace[key] = found
            sizes[key] = entry.size
        else:
            undecided.add(key)
    if outside:
        # Listed without the prefix only when the backup has keys that lie outside of it.
        for info in in_background(bucket.list_under(""), check=check):
            if info.key in outside:
                live[info.key] = LiveObject(info.size, info.etag)
                size = new.pop(info.key)
                if size == info.size:
                    undecided.add(info.key)
                else:
                    replace[info.key] = live[info.key]
                    sizes[info.key] = size

    def compared(verdict: tuple[str, int, bool]) -> None:
        key, size, same = verdict
        if same:
            keep[key] = live[key]
        else:
            replace[key] = live[key]
            sizes[key] = size

    def compare(body: Body) -> tuple[str, int, bool]:
        try:
            same = _same_bytes(bucket, body, live[body.entry.key], advance)
        finally:
            body.release()
        return body.entry.key, body.entry.size, same

    if undecided:
        run_pool(source.bodies(undecided.__contains__), compare, compared, threads=threads, check=check)
    for named in lacking:
        live.pop(named.key, None)
    return ObjectPlan(
        bucket=bucket.name,
        prefix=bucket.prefix,
        new=new,
        replace=replace,
        keep=keep,
        only_live={
            key: value
            for key, value in live.items()
            if key not in keep and key not in replace and key not in new
        },
        lacking=tuple(lacking),
        ignored=source.odd,
        put_bytes=sum(new.values()) + sum(sizes.values()),
    )


def _same_bytes(bucket: Bucket, body: Body, live: LiveObject, advance: Callable[[int], None]) -> bool:
    """Whether the file and the live object of the same size hold the same bytes; unreadable live ones differ."""
    try:
        expected = md5_of(live.etag)
        if expected is not None and hash_file(body.path, "md5", advance=advance) == expected:
            return True
        if expected is not None and bucket.etag_is_md5(body.entry.key):
            return False
        digest = hashlib.sha256()
        bucket.read(body.entry.key, size=live.size, etag=live.etag, sink=digest.update)
        return digest.hexdigest() == (body.entry.sha256 or hash_file(body.path, advance=advance))
    except StoreError as error:
        if error.server_down:
            raise bucket.explain(error) from None
        return False


def prove_objects(
    bucket: Bucket,
    plan: ObjectPlan,
    result: ObjectsResult,
    *,
    check: Callable[[], None] = _nothing,
) -> tuple[NamedObject, ...]:
    """Lists the bucket again: every kept and every put object must be there with its size and ETag.

    Gives those that are not, and why; objects that could not be put are in the result, not here.
    """
    expected = {**plan.keep, **result.placed}
    inside_prefix = all(key.startswith(bucket.prefix) for key in expected)
    wrong: list[NamedObject] = []
    for info in in_background(bucket.list_under(bucket.prefix if inside_prefix else ""), check=check):
        wanted = expected.pop(info.key, None)
        if wanted is None:
            continue
        if wanted.size != info.size:
            wrong.append(NamedObject(info.key, f"{info.size:,} bytes instead of {wanted.size:,}"))
        elif wanted.etag != info.etag:
            wrong.append(NamedObject(info.key, "changed since it was compared or put"))
    wrong += [NamedObject(key, "not in the bucket") for key in expected]
    return tuple(wrong)


def encode_placements(placements: tuple[Placement, ...] | list[Placement]) -> list[dict[str, object]]:
    """Placements as JSON data, for a checkpoint."""
    encoded: list[dict[str, object]] = msgspec.to_builtins(list(placements))
    return encoded


def decode_placements(data: object) -> list[Placement]:
    """What a checkpoint kept; raises `msgspec.ValidationError` for anything else."""
    return msgspec.convert(data, list[Placement])
