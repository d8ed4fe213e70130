"""Looks at the live collections: documents, sizes and indexes, by what the server counts itself."""

from __future__ import annotations

from typing import Literal

import msgspec

from services.paths import Paths
from services.profile import Profile

Kind = Literal["collection", "view", "timeseries"]


class CollectionsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The profile's database."""


class IndexNow(msgspec.Struct, frozen=True, kw_only=True):
    """One index; `form` is what makes it equal to another one, as text, `bytes` its size where the server tells it."""

    name: str
    keys: str = ""
    form: str = ""
    bytes: int | None = None


class CollectionLive(msgspec.Struct, frozen=True, kw_only=True):
    """One live collection or view; sizes in bytes, None where the server did not tell or a view has none.

    `bytes` is the documents uncompressed, `storage_bytes` their files, `average` one document. `indexes` is
    None where they could not be listed.
    """

    name: str
    kind: Kind = "collection"
    documents: int | None = None
    bytes: int | None = None
    storage_bytes: int | None = None
    index_bytes: int | None = None
    average: int | None = None
    indexes: tuple[IndexNow, ...] | None = None


class CollectionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is live now; `problems` are sentences on what could not be told, each with its next step."""

    server: str
    database: str
    version: str = ""
    collections: tuple[CollectionLive, ...] = ()
    problems: tuple[str, ...] = ()


def look(request: CollectionsRequest, profile: Profile, paths: Paths) -> CollectionsAnswer:
    """Connects, asks, and leaves; reads no document, writes nothing and takes at most 8 s.

    Errors: `QuillkeepError` without a configured database, `DatabaseUnreachable` in the words of the failure.
    """
    from services.looking.collections_asking import ask

    return ask(profile)
