"""What the name of a foreign artefact tells: when it was made, which part it is, what belongs to it.

The names are those of the application's backup guide; its script stamps local time (`date +%Y%m%d_%H%M%S`).
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from typing import Literal

import msgspec

from services.catalog.manifest import Part
from services.catalog.model import KnownBy

_STAMP = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?:[_T-]?(\d\d)-?(\d\d)-?(\d\d))?(?!\d)")
_OBJECTS = re.compile(r"(?:^|[^a-z0-9])(?:s3|minio|bucket|objects)(?:[^a-z0-9]|$)", re.IGNORECASE)
_DATABASE = re.compile(r"(?:^|[^a-z0-9])(?:mongo|mongodb|mongodump|database)(?:[^a-z0-9]|$)", re.IGNORECASE)
_GUIDE = re.compile(r"(?:quilltap|backup|mongo|dump|s3[_-])", re.IGNORECASE)
_BACKUP_ENDING = re.compile(
    r"\.(?:gz|archive|arch|mongodump|dump|tar|tgz|bson|gpg|pgp|asc|enc)$", re.IGNORECASE
)
_OWN_ARCHIVE = re.compile(r"quilltap_(?:mongo_\d{8}_\d{6}\.gz|s3_\d{8}_\d{6}$)")
_NEVER = re.compile(
    r"(?:\.json|\.jsonl|\.jsonl\.gz|\.sha256|\.sha256sum|\.sha256\.txt|\.md5|\.log|\.log\.gz|\.sh|\.txt|\.md|\.py|"
    r"\.lock|\.toml|\.ya?ml|\.env|\.sql|\.sql\.gz|\.html?|\.csv|\.ini|\.conf|~|\.bak|\.swp)$",
    re.IGNORECASE,
)
SIDECAR = ".sha256"
ENCRYPTED_ENDING = re.compile(r"\.(gpg|pgp|asc|enc)$", re.IGNORECASE)


class NamedTime(msgspec.Struct, frozen=True):
    """When an artefact was made, and how that is known."""

    created: datetime
    known_by: KnownBy
    detail: str


def created_of(name: str, mtime: float) -> NamedTime:
    """The time in a name (local, except in names only Quillkeep gives), else the time of change."""
    match = _STAMP.search(name)
    if match:
        year, month, day, hour, minute, second = (int(group) if group else 0 for group in match.groups())
        whole = match.group(4) is not None
        try:
            moment = datetime(year, month, day, hour, minute, second)
            if whole and _OWN_ARCHIVE.match(name):
                return NamedTime(moment.replace(tzinfo=UTC), "name", "from the name, UTC")
            detail = "from the name, local time" if whole else "from the name, the date only"
            return NamedTime(moment.astimezone(UTC), "name", detail)
        except (ValueError, OverflowError, OSError):
            pass
    try:
        return NamedTime(datetime.fromtimestamp(mtime, UTC), "mtime", "from its time of change")
    except (ValueError, OverflowError, OSError):
        return NamedTime(datetime.fromtimestamp(0, UTC), "mtime", "unknown: its time of change is no date")


def group_stamp(name: str) -> str | None:
    """`YYYYMMDD_HHMMSS` of names the cron script gives to what one run made; None for all others."""
    match = re.match(r"(?:quilltap_)?(?:mongo|s3)_(\d{8}_\d{6})(?:\.|$)", name)
    return match.group(1) if match else None


def part_by_name(name: str) -> Part | None:
    """Which part a name claims to be, None when it does not say."""
    if _OBJECTS.search(name):
        return "objects"
    return "database" if _DATABASE.search(name) else None


def candidate(name: str) -> Literal["named", "maybe", "no"]:
    """Whether a file's name says backup (then it is listed even when damaged), leaves it open, or denies it."""
    if name.startswith(".") or _NEVER.search(name):
        return "no"
    if _BACKUP_ENDING.search(name):
        return "named" if _GUIDE.match(name) else "maybe"
    return "maybe" if _GUIDE.match(name) or "." not in name else "no"


def printable(name: str) -> str:
    """A file name as an id: control characters and bytes that are not text become `\\xNN`."""
    if name.isprintable() and not any("\udc80" <= char <= "\udcff" for char in name):
        return name
    out = []
    for char in name:
        if "\udc80" <= char <= "\udcff":
            out.append(f"\\x{os.fsencode(char)[0]:02x}")
        elif char.isprintable():
            out.append(char)
        else:
            out.append("".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "backslashreplace")))
    return "".join(out)
