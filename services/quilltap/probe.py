"""Whether a pepper opens what a database holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from services.quilltap.collections import GUIDE_NAMES, PROFILES_WITH_KEYS
from services.quilltap.encryption import IV_BYTES, TAG_BYTES, Encrypted, WrongPepper, derive_key, open_with
from services.secret import Secret

if TYPE_CHECKING:
    from pymongo.database import Database

PROBED_VALUES = 12
USERS_TRIED = 25
"""Owners tried for a value that names none: each costs 30 ms, once."""
KEYS_LOOKED_AT = 200
_HEX = re.compile("(?:[0-9a-fA-F]{2})*")


class EncryptedValue(msgspec.Struct, frozen=True):
    """One encrypted value and where it is; `owners` are the users it may belong to, likeliest first."""

    collection: str
    field: str
    id: str
    value: Encrypted
    owners: tuple[str, ...] = ()


class Opener:
    """Opens values with one pepper, trying each likely owner and then every other user, within a bound."""

    def __init__(self, pepper: Secret, users: Sequence[str]) -> None:
        self._pepper = pepper
        self._users = tuple(users)
        self._keys: dict[str, bytes] = {}

    def opens(self, value: EncryptedValue) -> bool:
        """Whether any owner's key opens the value."""
        return any(self._opens_as(value, user) for user in self._candidates(value))

    def conclusive(self, value: EncryptedValue) -> bool:
        """Whether a value that did not open was tried with everyone it may belong to."""
        return bool(value.owners) or len(self._users) <= USERS_TRIED

    def _candidates(self, value: EncryptedValue) -> Iterable[str]:
        yield from value.owners
        for user in self._users[:USERS_TRIED]:
            if user not in value.owners:
                yield user

    def _opens_as(self, value: EncryptedValue, user: str) -> bool:
        key = self._keys.get(user)
        if key is None:
            key = self._keys[user] = derive_key(user, self._pepper)
        try:
            open_with(value.value, key)
        except WrongPepper:
            return False
        return True


def probe_values(
    values: Iterable[EncryptedValue], users: Sequence[str], pepper: Secret, *, limit: int = PROBED_VALUES
) -> tuple[int, int]:
    """(opened, tried) of at most `limit` values, those with a likely owner first.

    A value whose owner is unknown among more users than are tried counts only when it opens.
    """
    opener = Opener(pepper, users)
    chosen = sorted(values, key=lambda value: not value.owners)[:limit]
    opened = tried = 0
    for value in chosen:
        fits = opener.opens(value)
        opened += fits
        tried += fits or opener.conclusive(value)
    return opened, tried


def probe_pepper(database: Database[Any], pepper: Secret, limit: int = PROBED_VALUES) -> tuple[int, int]:
    """(opened, tried) of up to `limit` encrypted values of a live database; (0, 0) where it holds none.

    Reads users.totp, users.backupCodes and api_keys only. Errors are pymongo's, for the caller to translate.
    """
    users = [
        str(each["id"]) for each in database["users"].find({"id": {"$type": "string"}}, {"id": 1}).sort("_id")
    ]
    return probe_values(_mixed(_of_users(database, limit), _of_keys(database)), users, pepper, limit=limit)


def _mixed(first: Sequence[EncryptedValue], second: Sequence[EncryptedValue]) -> list[EncryptedValue]:
    """Both kinds by turns, so that neither takes every place."""
    mixed: list[EncryptedValue] = []
    for place in range(max(len(first), len(second))):
        mixed += [*first[place : place + 1], *second[place : place + 1]]
    return mixed


def _of_users(database: Database[Any], limit: int) -> list[EncryptedValue]:
    has_any = {"$or": [{f"{field}.ciphertext": {"$type": "string"}} for field in ("totp", "backupCodes")]}
    found: list[EncryptedValue] = []
    shown = {"id": 1, "totp": 1, "backupCodes": 1}
    for user in database["users"].find(has_any, shown).sort("_id").limit(limit):
        for field in ("totp", "backupCodes"):
            value = _encrypted(user.get(field))
            if value is not None:
                name = str(user.get("id"))
                found.append(EncryptedValue("users", field, name, value, (name,)))
    return found


def _of_keys(database: Database[Any]) -> list[EncryptedValue]:
    shown = {"id": 1, "userId": 1, "ciphertext": 1, "iv": 1, "authTag": 1}
    keys = list(database["api_keys"].find({}, shown).sort("_id").limit(KEYS_LOOKED_AT))
    owners = _owners(database, [str(key.get("id")) for key in keys])
    found = []
    for key in keys:
        value = _encrypted(key)
        if value is None:
            continue
        name = str(key.get("id"))
        own = key.get("userId")
        likely = (str(own),) if isinstance(own, str) else tuple(owners.get(name, ()))
        found.append(EncryptedValue("api_keys", "ciphertext", name, value, likely))
    return found


def _owners(database: Database[Any], keys: Sequence[str]) -> dict[str, list[str]]:
    """The users whose profiles name a key, most often first."""
    counted: dict[str, dict[str, int]] = {}
    spelled = {stored: guide for guide, stored in GUIDE_NAMES.items()}
    for stored in PROFILES_WITH_KEYS:
        for name in (stored, spelled[stored]):
            for profile in database[name].find(
                {"apiKeyId": {"$in": list(keys)}}, {"apiKeyId": 1, "userId": 1}
            ):
                user = profile.get("userId")
                if isinstance(user, str):
                    votes = counted.setdefault(str(profile["apiKeyId"]), {})
                    votes[user] = votes.get(user, 0) + 1
    return {key: sorted(votes, key=lambda user: -votes[user]) for key, votes in counted.items()}


def _encrypted(document: object) -> Encrypted | None:
    if not isinstance(document, Mapping):
        return None
    parts = [document.get(field) for field in ("ciphertext", "iv", "authTag")]
    if not all(isinstance(part, str) and _HEX.fullmatch(part) for part in parts):
        # Damaged, whatever the pepper: it says nothing of it.
        return None
    found = Encrypted(*(str(part) for part in parts))
    whole = (len(found.iv), len(found.authTag)) == (2 * IV_BYTES, 2 * TAG_BYTES)
    return found if whole else None
