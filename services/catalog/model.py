"""A backup as the catalog sees it, whoever made it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from services.catalog.manifest import Part

Depth = Literal["quick", "full", "deep"]
CheckStatus = Literal["ok", "warn", "fail", "skipped", "unknown"]
BackupKind = Literal["quillkeep", "archive", "directory", "tar", "objects", "objects-tar", "group"]
KnownBy = Literal["manifest", "name", "mtime"]


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """The newest verdict; a quick `ok` never hides an older full `fail`. `proof` is content or structure."""

    at: datetime
    status: CheckStatus
    depth: Depth
    proof: Literal["content", "structure"]


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the catalog.

    `id` is `quilltap_YYYYMMDD_HHMMSS` for ours, the path within the location for foreign ones. `ours` is
    False for foreign backups and for other deployments' (`other_deployment`). `good_parts` are the parts
    that are complete, proven and not suspicious. Paths are None where the part does not exist.
    """

    id: str
    kind: BackupKind
    location: str
    folder: Path
    created: datetime
    created_by: KnownBy
    parts: tuple[Part, ...]
    bytes: int
    complete: bool
    missing: tuple[str, ...] = ()
    ours: bool = False
    other_deployment: str = ""
    good_parts: tuple[Part, ...] = ()
    suspicious: tuple[str, ...] = ()
    encrypted: Literal["gpg", "openssl"] | None = None
    verified: Verified | None = None
    pinned: bool = False
    counted: bool = True
    """False for safety and before-release copies: never `latest`."""
    created_detail: str = ""
    """How `created` is known, in words: a date-only or local name says so."""
    not_good: dict[Part, str] = {}
    """Why a part is not good, one sentence each."""
    uncounted_parts: tuple[Part, ...] = ()
    """Parts that may be good but leave out a known Quilltap collection: never `latest` for that part."""
    missing_keys: tuple[str, ...] = ()
    """Object keys that could not be read and were not accepted as lost."""
    lost_keys: tuple[str, ...] = ()
    """Object keys accepted as lost, by the manifest or by a note of this backup."""
    pepper_salt: str = ""
    """Salt of the manifest's pepper key-check (hex); a new backup uses the newest one again."""
    reason: str = ""
    consistency: str = ""
    """What the copy is worth, as the manifest says; empty where nothing says it."""
    problem: str = ""
    """Why it could not be read (`no permission`, a manifest that is not JSON, of the future), else empty."""
    database_path: Path | None = None
    objects_path: Path | None = None
    objects_list: Path | None = None
    manifest_path: Path | None = None
    notes_path: Path | None = None
    files: tuple[Path, ...] = ()

    @property
    def good(self) -> bool:
        """Every part it has is good."""
        return bool(self.parts) and set(self.good_parts) >= set(self.parts)
