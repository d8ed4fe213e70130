"""Object keys and metadata as the application writes them."""

from __future__ import annotations

import msgspec

CATEGORIES = ("IMAGE", "DOCUMENT", "AVATAR", "ATTACHMENT", "EXPORT")
"""Values of files.category; a key has it in upper case, a migrated file's key in lower case."""

ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


class KeyParts(msgspec.Struct, frozen=True):
    """What a key says; `file_id` is files.id only where `migrated`."""

    user_id: str
    category: str
    file_id: str
    name: str
    migrated: bool


def safe_name(name: str) -> str:
    """A file's name inside a key: `_` for every UTF-16 unit outside `[A-Za-z0-9._-]`."""
    return "".join(
        letter if letter in ALLOWED else "_" * (2 if ord(letter) > 0xFFFF else 1) for letter in name
    )


def object_key(prefix: str, user_id: str, category: str, key_id: str, name: str) -> str:
    """The key of an upload: `[prefix]users/{userId}/{CATEGORY}/{uuid}_{name}`; the uuid is not files.id."""
    return f"{prefix}users/{user_id}/{category.upper()}/{key_id}_{safe_name(name)}"


def migrated_key(prefix: str, user_id: str, category: str, file_id: str, name: str) -> str:
    """The key of a file from before: category in lower case, and files.id as its uuid."""
    return f"{prefix}users/{user_id}/{category.lower()}/{file_id}_{safe_name(name)}"


def object_metadata(user_id: str, key_id: str, category: str, name: str, sha256: str) -> dict[str, str]:
    """The `x-amz-meta-*` of an upload, without that prefix; the original name loses surrounding blanks."""
    return {
        "userid": user_id,
        "fileid": key_id,
        "category": category,
        "filename": name.strip(),
        "sha256": sha256,
    }


def parse_key(key: str, prefix: str = "") -> KeyParts | None:
    """The parts of one of the application's keys, None for any other key."""
    if not key.startswith(prefix):
        return None
    parts = key[len(prefix) :].split("/")
    if len(parts) != 4 or parts[0] != "users" or parts[2].upper() not in CATEGORIES:
        return None
    file_id, separator, name = parts[3].partition("_")
    if len(file_id) != 36 or not separator:
        return None
    return KeyParts(parts[1], parts[2].upper(), file_id, name, parts[2].islower())
