"""Looks into one backup: its collections and objects with their counts, so far as its head tells them."""

from __future__ import annotations

import msgspec

from services.catalog.model import Backup
from services.paths import Paths
from services.profile import Profile


class ContentsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A backup of the catalog."""

    backup: Backup


class CollectionHeld(msgspec.Struct, frozen=True, kw_only=True):
    """One collection of a backup; documents and bytes are None where only reading the whole dump tells them."""

    name: str
    kind: str = "collection"
    documents: int | None = None
    bytes: int | None = None


class ContentsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds; `unknown` says in words why there are no counts, or not even names."""

    id: str
    database: str = ""
    collections: tuple[CollectionHeld, ...] = ()
    excluded: tuple[str, ...] = ()
    objects: int | None = None
    object_bytes: int | None = None
    server_version: str = ""
    application_version: str = ""
    unknown: str = ""


def look(request: ContentsRequest, profile: Profile, paths: Paths) -> ContentsAnswer:
    """Reads the manifest, or the head of a foreign dump. Errors: `QuillkeepError` when it cannot be read."""
    from services.looking.contents_reading import read

    return read(request.backup, profile)
