"""What a backup looks at besides its data: the pepper, what fell since the last good one, deletions by age."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from services.catalog.find import newest_good
from services.catalog.manifest import (
    CollectionEntry,
    Manifest,
    ObjectsEntry,
    Part,
    PepperEntry,
    decode_manifest,
)
from services.catalog.model import Backup
from services.catalog.scan import known_salt
from services.errors import QuillkeepError
from services.operations.guards_suspicious import suspicious_collections, suspicious_objects
from services.secret import Secret

if TYPE_CHECKING:
    from pymongo.database import Database

SALT_BYTES = 16
PEPPER_VALUES = 12
"""How many encrypted values are tried."""


def manifest_of(backup: Backup | None) -> Manifest | None:
    """The manifest of a backup of ours; None for none."""
    if backup is None or backup.manifest_path is None:
        return None
    try:
        return decode_manifest(backup.manifest_path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise QuillkeepError(
            f"The manifest of {backup.id}, the newest good backup, cannot be read.",
            cause=str(error),
            next=f"`quillkeep verify {backup.id}` says more.",
        ) from error


def suspicion(
    collections: dict[str, CollectionEntry] | None,
    objects: ObjectsEntry | None,
    *,
    excluded: Sequence[str],
    backups: Sequence[Backup],
) -> tuple[list[str], list[Part]]:
    """(sentences, the parts they are about) against the newest good backup of each part."""
    sentences: list[str] = []
    parts: list[Part] = []
    before = manifest_of(newest_good(backups, "database")) if collections is not None else None
    if collections is not None and before is not None:
        found = suspicious_collections(collections, before.collections, excluded=excluded, since=before.id)
        sentences += found
        parts += ["database"] if found else []
    before = manifest_of(newest_good(backups, "objects")) if objects is not None else None
    if objects is not None and before is not None and before.objects is not None:
        found = suspicious_objects(objects, before.objects, since=before.id)
        sentences += found
        parts += ["objects"] if found else []
    return sentences, parts


def pepper_entry(
    pepper: Secret | None, database: Database[Any] | None, backups: Sequence[Backup]
) -> tuple[PepperEntry | None, list[str]]:
    """(the key-check with how many values it opened, warnings); None where no pepper is configured."""
    if pepper is None:
        return None, []
    from pymongo.errors import PyMongoError

    from services.mongo.failures import translated
    from services.quilltap import key_check, probe_pepper

    salt = known_salt(backups) or os.urandom(SALT_BYTES)
    opened = tried = 0
    if database is not None:
        try:
            opened, tried = probe_pepper(database, pepper, limit=PEPPER_VALUES)
        except PyMongoError as error:
            raise translated("Trying the pepper on stored values", error) from error
    entry = PepperEntry(salt=salt.hex(), check=key_check(pepper, salt), opened=opened, tried=tried)
    if tried and not opened:
        return entry, [
            f"The pepper opens none of {tried} encrypted values: it is not the one they were stored with. "
            "Correct ENCRYPTION_MASTER_PEPPER, or the keys in this backup cannot be used after a restore."
        ]
    return entry, []


def application_version(database: Database[Any]) -> str:
    """The version that last migrated the data, as it says itself; empty where it does not."""
    found = database["migrations_state"].find_one({}, {"quilltapVersion": 1, "_id": 0})
    version = found.get("quilltapVersion") if found else None
    return version if isinstance(version, str) else ""
