"""Encrypted values in raw documents: where they stand, whose they are, and what is wrong with their form.

Shapes are those of Quilltap 1.8.5: `api_keys` hold ciphertext, iv and authTag themselves, `users.totp` and
`users.backupCodes` as documents; all three are strings of hex digits, iv and tag of 16 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from services.archive.elements import DOCUMENT, STRING, NotBson, elements
from services.quilltap.collections import GUIDE_NAMES, PROFILES_WITH_KEYS
from services.quilltap.encryption import IV_BYTES, TAG_BYTES

USERS, KEYS = "users", "api_keys"
PROFILES = frozenset(PROFILES_WITH_KEYS) | {
    guide for guide, stored in GUIDE_NAMES.items() if stored in PROFILES_WITH_KEYS
}
WANTS = frozenset({USERS, KEYS}) | PROFILES
"""The collections that hold encrypted values, or tell whose they are."""

PLACES = ("api_keys", "users.totp", "users.backupCodes")
"""Where encrypted values stand, as results name it."""

FIELDS: dict[str, tuple[str, ...]] = {
    KEYS: ("id", "userId", "ciphertext", "iv", "authTag"),
    **dict.fromkeys(sorted(PROFILES), ("apiKeyId", "userId")),
    USERS: ("id", "totp", "backupCodes"),
}
"""What is read of each collection, in this order: a key that was stored meanwhile has its user read after it."""

_PARTS = (b"ciphertext", b"iv", b"authTag")
_OF_USER = ((b"totp", "users.totp"), (b"backupCodes", "users.backupCodes"))
_LENGTHS = {b"iv": IV_BYTES, b"authTag": TAG_BYTES}
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2})*\Z")
OBJECT_ID, NULL, UNDEFINED = 7, 10, 6
Place = tuple[int, int, int]
"""Type, start and end of a value in its document."""


class Stored(msgspec.Struct, frozen=True, gc=False):
    """One encrypted value; `owner` is its user's id where the document says so, `damage` what its form lacks.

    `id` is that of the key or of the user, for words; `own` its document's `_id`, where that can be said. A
    damaged value has no bytes.
    """

    place: str
    id: str
    owner: str = ""
    iv: bytes = b""
    sealed: bytes = b""
    damage: str = ""
    own: str = ""


def of_user(raw: bytes) -> tuple[str, list[Stored]]:
    """(the user's id, empty where it has none; the second factor and the backup codes, as far as they are there)."""
    try:
        found = _fields(raw, (b"_id", b"id", *(name for name, _ in _OF_USER)))
    except NotBson as error:
        return "", [Stored(place, "?", damage=str(error)) for _, place in _OF_USER[:1]]
    user = _text(raw, found.get(b"id"))
    name = user or _shown_id(raw, found)
    values = []
    for field, place in _OF_USER:
        held = found.get(field)
        if held is None or held[0] in (NULL, UNDEFINED):
            continue
        value = _value(raw, held, place, name, user)
        if value is not None:
            values.append(msgspec.structs.replace(value, own=_shown_id(raw, found)))
    return user, values


def of_key(raw: bytes) -> Stored:
    """The key itself; `owner` is empty unless its document has a userId."""
    try:
        found = _fields(raw, (b"_id", b"id", b"userId", *_PARTS))
    except NotBson as error:
        return Stored("api_keys", "?", damage=str(error))
    name = _text(raw, found.get(b"id")) or _shown_id(raw, found)
    value = _of_parts(raw, found, "api_keys", name, _text(raw, found.get(b"userId")))
    return msgspec.structs.replace(value, own=_shown_id(raw, found))


def of_profile(raw: bytes) -> tuple[str, str] | None:
    """(the key's id, the user's id) of a profile that names both."""
    try:
        found = _fields(raw, (b"apiKeyId", b"userId"))
    except NotBson:
        return None
    key, user = (_text(raw, found.get(name)) for name in (b"apiKeyId", b"userId"))
    return (key, user) if key and user else None


def _value(raw: bytes, held: Place, place: str, name: str, user: str) -> Stored | None:
    kind, start, _ = held
    if kind != DOCUMENT:
        return Stored(place, name, damage="is no document with ciphertext, iv and authTag")
    try:
        parts = _fields(raw, _PARTS, start)
    except NotBson as error:
        return Stored(place, name, damage=str(error))
    if not any(part in parts for part in _PARTS):
        return None
    if not user:
        return Stored(place, name, damage="belongs to a user without an id")
    return _of_parts(raw, parts, place, name, user)


def _of_parts(raw: bytes, parts: dict[bytes, Place], place: str, name: str, owner: str) -> Stored:
    bytes_of: dict[bytes, bytes] = {}
    for part in _PARTS:
        held, label = parts.get(part), part.decode()
        if held is None or held[0] in (NULL, UNDEFINED):
            return Stored(place, name, owner, damage=f"has no {label}")
        if held[0] != STRING:
            return Stored(place, name, owner, damage=f"its {label} is no text")
        text = raw[held[1] + 4 : held[2] - 1]
        if not _HEX.match(text):
            return Stored(place, name, owner, damage=f"its {label} is not hexadecimal")
        value = bytes.fromhex(text.decode("ascii"))
        expected = _LENGTHS.get(part)
        if expected is not None and len(value) != expected:
            return Stored(
                place, name, owner, damage=f"its {label} has {len(value)} bytes instead of {expected}"
            )
        bytes_of[part] = value
    return Stored(place, name, owner, bytes_of[b"iv"], bytes_of[b"ciphertext"] + bytes_of[b"authTag"])


def _fields(raw: bytes, wanted: Iterable[bytes], start: int = 0) -> dict[bytes, Place]:
    names = frozenset(wanted)
    found: dict[bytes, Place] = {}
    for kind, name, value, end in elements(raw, start):
        label = raw[name : value - 1]
        if label in names:
            found.setdefault(label, (kind, value, end))
    return found


def _text(raw: bytes, held: Place | None) -> str:
    if held is None or held[0] != STRING:
        return ""
    return raw[held[1] + 4 : held[2] - 1].decode("utf-8", "replace")


def _shown_id(raw: bytes, found: dict[bytes, Place]) -> str:
    held = found.get(b"_id")
    if held is not None and held[0] == OBJECT_ID:
        return raw[held[1] : held[2]].hex()
    return _text(raw, held) or "?"
