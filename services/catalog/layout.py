"""Names of the files a backup of ours consists of, all made from its id."""

from __future__ import annotations

import re
from datetime import UTC, datetime

OWN_ID = re.compile(r"quilltap_(\d{8}_\d{6})")
"""`quilltap_YYYYMMDD_HHMMSS`, UTC."""
OWN_MANIFEST = re.compile(r"(quilltap_\d{8}_\d{6})\.json")
NOTES_SUFFIX = ".notes.jsonl"


def backup_id(moment: datetime) -> str:
    """The id of a backup that starts at this moment."""
    return moment.astimezone(UTC).strftime("quilltap_%Y%m%d_%H%M%S")


def stamp_of(backup: str) -> str:
    """`YYYYMMDD_HHMMSS` of an id; `ValueError` for anything that is not one of ours."""
    match = OWN_ID.fullmatch(backup)
    if match is None:
        raise ValueError(f"{backup!r} is not the id of a backup of ours")
    return match.group(1)


def archive_name(backup: str) -> str:
    """The database part."""
    return f"quilltap_mongo_{stamp_of(backup)}.gz"


def sidecar_name(backup: str) -> str:
    """The database part's checksum, as `sha256sum -c` reads it."""
    return f"{archive_name(backup)}.sha256"


def objects_name(backup: str) -> str:
    """The folder of the objects part."""
    return f"quilltap_s3_{stamp_of(backup)}"


def objects_list_name(backup: str) -> str:
    """The object manifest."""
    return f"{objects_name(backup)}.objects.jsonl.gz"


def manifest_name(backup: str) -> str:
    """The manifest, written last."""
    return f"{backup}.json"


def notes_name(artefact: str) -> str:
    """The notes of a backup of ours (its id) or of a foreign artefact (its file name)."""
    return f"{artefact}{NOTES_SUFFIX}"
