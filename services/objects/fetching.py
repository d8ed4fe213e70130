"""One object becomes one file: hashed while it streams, compared with what the bucket claims of it, fsynced."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from services.files import open_new
from services.objects.bucket import Bucket
from services.objects.failures import StoreError
from services.objects.keys import Headers, ObjectInfo, claimed_sha256, md5_of

READ_BYTES = 1 << 20
FILE_MODE = 0o400


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """A file that holds an object's bytes; `mtime` in nanoseconds."""

    info: ObjectInfo
    headers: Headers
    sha256: str
    inode: int
    mtime: int
    contradicting: bool = False


class _Body(msgspec.Struct, frozen=True):
    headers: Headers
    sha256: str
    md5: str | None
    claim: str | None


def hash_file(path: Path, kind: str = "sha256", *, advance: Callable[[int], None] | None = None) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.new(kind, usedforsecurity=False)
    with open(path, "rb", buffering=0) as stream:
        while chunk := stream.read(READ_BYTES):
            digest.update(chunk)
            if advance is not None:
                advance(len(chunk))
    return digest.hexdigest()


def _download(bucket: Bucket, info: ObjectInfo, partial: Path, advance: Callable[[int], None]) -> _Body:
    sha256 = hashlib.sha256()
    md5: Any = None
    claim: str | None = None

    def begin(headers: Headers) -> None:
        nonlocal md5, claim
        claim = claimed_sha256(headers.metadata)
        if claim is None and md5_of(info.etag):
            md5 = hashlib.md5(usedforsecurity=False)

    with open_new(partial) as stream:

        def sink(chunk: Any) -> None:
            view = memoryview(chunk).cast("B")
            sha256.update(view)
            if md5 is not None:
                md5.update(view)
            advance(len(view))
            while view:
                view = view[stream.write(view) :]

        headers = bucket.read(info.key, size=info.size, etag=info.etag or None, begin=begin, sink=sink)
    return _Body(headers, sha256.hexdigest(), md5.hexdigest() if md5 is not None else None, claim)


def _doubt(body: _Body, info: ObjectInfo) -> str | None:
    """What contradicts the bytes, in words."""
    if body.claim is not None and body.claim != body.sha256:
        return "its bytes are not those of its own x-amz-meta-sha256"
    if body.md5 is not None and body.md5 != md5_of(info.etag):
        return "its bytes are not those of its ETag (MD5)"
    return None


def _proven_body(
    bucket: Bucket, info: ObjectInfo, partial: Path, advance: Callable[[int], None]
) -> tuple[_Body, bool]:
    """Downloads, and once more when in doubt; gives the body and whether it contradicts its own sha256."""
    try:
        first = _download(bucket, info, partial, advance)
        doubt = _doubt(first, info)
        if doubt is None:
            return first, False
    except StoreError as error:
        if error.kind != "short":
            raise
        first = None
    partial.unlink(missing_ok=True)
    body = _download(bucket, info, partial, advance)
    doubt = _doubt(body, info)
    if doubt is None:
        return body, False
    if first is not None and first.sha256 == body.sha256:
        expected = md5_of(info.etag)
        md5_agrees = expected is None or expected == (body.md5 or hash_file(partial, "md5"))
        if md5_agrees or not bucket.etag_is_md5(info.key):
            return body, body.claim is not None and body.claim != body.sha256
    raise StoreError("mismatch", f"downloaded twice, {doubt}", key=info.key)


def fetch_object(
    bucket: Bucket, info: ObjectInfo, *, partial: Path, final: Path, advance: Callable[[int], None]
) -> Fetched:
    """Downloads one object into `final` (0400, mtime = last modified) by way of `partial`, proven and fsynced.

    An object replaced since it was listed is fetched as it is now. Raises `StoreError` (`gone`, `denied`,
    `short`, `mismatch`, …) and leaves no file then, `OSError` when the location cannot take it.
    """
    try:
        for _ in range(3):
            try:
                body, contradicting = _proven_body(bucket, info, partial, advance)
                break
            except StoreError as error:
                if error.kind != "changed":
                    raise
            partial.unlink(missing_ok=True)
            now = bucket.stat(info.key)
            info = ObjectInfo(info.key, now.size, now.etag, now.last_modified)
        else:
            raise StoreError("mismatch", "it changed at every try", key=info.key)
        inode, mtime = settle(partial, info.last_modified)
        os.replace(partial, final)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return Fetched(
        info=info,
        headers=body.headers,
        sha256=body.sha256,
        inode=inode,
        mtime=mtime,
        contradicting=contradicting,
    )


def settle(partial: Path, last_modified: str) -> tuple[int, int]:
    """Makes a written file final: read-only, dated as the object, on disk. Gives its inode and mtime (ns)."""
    handle = os.open(partial, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fchmod(handle, FILE_MODE)
        with contextlib.suppress(ValueError):
            # Whole seconds survive every filesystem's granularity, and the stock tools compare them.
            seconds = int(datetime.fromisoformat(last_modified).timestamp())
            os.utime(handle, (seconds, seconds))
        os.fsync(handle)
        state = os.fstat(handle)
    finally:
        os.close(handle)
    return state.st_ino, state.st_mtime_ns
