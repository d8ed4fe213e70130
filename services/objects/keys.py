"""What an object's key and metadata may look like, and which of the two S3 clients can carry them."""

from __future__ import annotations

import re

import msgspec

from services.names import OURS

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_METADATA_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_MD5_ETAG = re.compile(r'"?([0-9a-f]{32})"?\Z')
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_WELL_KNOWN = frozenset(
    (
        "content-type",
        "content-encoding",
        "content-language",
        "content-disposition",
        "cache-control",
        "storage-class",
    )
)


class Headers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a bucket keeps of an object beside its bytes; `metadata` is the user metadata, names in lower case."""

    content_type: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    content_disposition: str | None = None
    cache_control: str | None = None
    metadata: dict[str, str] = {}


class ObjectInfo(msgspec.Struct, frozen=True):
    """One row of a listing: `size` in bytes, `etag` and `last_modified` (RFC 3339) exactly as the server says them."""

    key: str
    size: int
    etag: str
    last_modified: str


def obstore_safe(key: str) -> bool:
    """Whether obstore asks for exactly this key; it rewrites or refuses the others (measured over 4,000 keys)."""
    return not _CONTROL.search(key) and all(part not in ("", ".", "..") for part in key.split("/"))


def needs_exact_client(metadata: dict[str, str]) -> bool:
    """Whether obstore would write a user metadata name over the real header of the same name."""
    return not _WELL_KNOWN.isdisjoint(metadata)


def is_ascii(metadata: dict[str, str]) -> bool:
    """Whether boto3 can write this metadata."""
    return all(value.isascii() for value in metadata.values())


def unwritable_metadata(metadata: dict[str, str]) -> str | None:
    """Names the metadata entry that no HTTP header can carry (it would make obstore panic), else None."""
    for name, value in metadata.items():
        if not _METADATA_NAME.match(name) or _CONTROL.search(value.replace("\t", " ")):
            return name
    return None


def md5_of(etag: str) -> str | None:
    """The hex MD5 that a single-part ETag is (without server-side KMS encryption), None for a multipart one."""
    match = _MD5_ETAG.match(etag)
    return match.group(1) if match else None


def claimed_sha256(metadata: dict[str, str]) -> str | None:
    """The sha256 that the application wrote as x-amz-meta-sha256, None when absent or not a sha256."""
    value = metadata.get("sha256", "").strip().lower()
    return value if _SHA256.match(value) else None


def is_our_key(key: str, prefix: str) -> bool:
    """Whether Quillkeep made this key: `prefix` is concatenated as it is."""
    return key.startswith(prefix + OURS)


def old_folder(prefix: str, job: str) -> str:
    """Where a restore job keeps copies of what it replaces: `<prefix>__quillkeep_old_<job>/`."""
    return f"{prefix}{OURS}old_{job}/"
