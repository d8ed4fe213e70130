"""The sides of a pair check, opened: live by the profile, or a backup's parts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.catalog.manifest import Manifest, decode_manifest
from services.catalog.model import Backup
from services.errors import QuillkeepError
from services.pairs.sides import BackupRows, LiveRows
from services.pairs.stores import BackupObjects, LiveObjects
from services.passphrase import key_of
from services.profile import BucketTarget, Profile

if TYPE_CHECKING:
    from pymongo.database import Database

    from services.objects.patience import Patience


def live_rows(database: Database[Any]) -> LiveRows:
    """The rows of a live database."""
    from services.reading.live import LiveSide

    return LiveRows(database, LiveSide(database))


def live_objects(
    target: BucketTarget,
    *,
    check: Callable[[], None],
    say: Callable[[str], None],
    patience: Patience | None = None,
) -> LiveObjects:
    """The live bucket; no request is made yet. Errors: `Refused` without keys."""
    from services.objects.bucket import open_bucket

    return LiveObjects(open_bucket(target, patience=patience, check=check, say=say))


def backup_rows(
    backup: Backup, profile: Profile, *, check: Callable[[], None], advance: Callable[[int], None]
) -> BackupRows:
    """The rows of a backup's database part; a foreign one is read to its end here.

    Errors: `Refused` for several databases none of which is the profile's, `EncryptedDump` when it stays
    closed, `ArchiveError` when it is damaged.
    """
    from services.reading.backup import BackupSide
    from services.recovery.contents import read_contents

    contents = read_contents(
        backup,
        limits=profile.limits,
        from_database=None,
        target_database=profile.mongo.database if profile.mongo else "",
        sole=True,
        check=check,
        advance=advance,
        key=key_of(profile),
    )
    return BackupRows(BackupSide(backup.id, contents))


def backup_objects(backup: Backup, profile: Profile, *, scratch: Path | None = None) -> BackupObjects:
    """The objects of a backup. Errors: `QuillkeepError`, `EncryptedDump` when it stays closed."""
    from services.objects.source import SnapshotSource, open_objects

    assert backup.objects_path is not None
    source = open_objects(
        backup.objects_path,
        backup.objects_list,
        limits=profile.limits,
        scratch=scratch,
        key=key_of(profile),
    )
    manifest = manifest_of(backup)
    prefix = manifest.prefix if manifest else profile.bucket.prefix if profile.bucket else ""
    return BackupObjects(backup.id, source, prefix, headers=isinstance(source, SnapshotSource))


def manifest_of(backup: Backup) -> Manifest | None:
    """The manifest of one of ours, None for a foreign one. Errors: `QuillkeepError` when it cannot be read."""
    import msgspec

    if backup.kind != "quillkeep" or backup.manifest_path is None:
        return None
    try:
        return decode_manifest(backup.manifest_path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise QuillkeepError(
            f"The manifest of {backup.id} cannot be read.",
            cause=f"{error}.",
            next=f"`quillkeep show {backup.id}` says what is known of it.",
        ) from error


def in_application_words(moment: datetime) -> str:
    """A time as the application writes it: ISO 8601 in UTC with milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
