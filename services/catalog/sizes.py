"""What a backup of ours counted, as its manifest has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from services.catalog.manifest import decode_manifest

if TYPE_CHECKING:
    from services.catalog.model import Backup


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """A backup as it was counted: uncompressed bytes of documents, documents by collection, objects."""

    documents_bytes: int = 0
    collections: dict[str, int] = {}
    objects_bytes: int = 0
    objects: int = 0


def sizes_of(backup: Backup) -> Sizes | None:
    """By its manifest; None where there is none, or it cannot be read now (the catalog says so itself)."""
    if backup.manifest_path is None:
        return None
    try:
        manifest = decode_manifest(backup.manifest_path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    return Sizes(
        documents_bytes=sum(entry.bytes for entry in manifest.collections.values()),
        collections={
            name: entry.documents for name, entry in manifest.collections.items() if entry.kind != "view"
        },
        objects_bytes=manifest.objects.bytes if manifest.objects else 0,
        objects=manifest.objects.count if manifest.objects else 0,
    )
