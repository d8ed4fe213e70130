"""Finds one document live and in a backup."""

from __future__ import annotations

from typing import Any

import bson
import pymongo
from pymongo.errors import PyMongoError

from services.archive.documents import split_documents
from services.archive.model import Buffer
from services.catalog.listing import lookup
from services.errors import QuillkeepError
from services.looking.collections_asking import CONNECT_SECONDS, target_of
from services.looking.document import MOST_FIELDS, DocumentAnswer, DocumentRequest, DocumentSeen
from services.looking.document_text import decoded, differing, lines_of
from services.looking.documents_reading import READ_SECONDS, from_key, id_words
from services.mongo.connect import connect
from services.mongo.failures import translated
from services.passphrase import key_of
from services.paths import Paths
from services.profile import Profile
from services.reading.backup import BackupSide
from services.recovery.contents import read_contents


class _Found(Exception):
    """The document, so that the rest is not read."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data


def read(request: DocumentRequest, profile: Profile, paths: Paths) -> DocumentAnswer:
    """The answer of `services.looking.document.look`."""
    value = from_key(request.key)
    problem = ""
    live: bytes | None = None
    try:
        live = _live(request.collection, value, profile)
    except QuillkeepError as error:
        if not request.backup:
            raise
        problem = " ".join(part for part in (error.what, error.cause, error.next) if part)
    kept: bytes | None = None
    backup = ""
    if request.backup:
        backup, kept = _kept(request, value, profile, paths)
    fields = differing(live, kept) if live is not None and kept is not None else []
    return DocumentAnswer(
        id=id_words(value),
        live=_seen(live),
        kept=_seen(kept),
        backup=backup,
        fields=tuple(fields[:MOST_FIELDS]),
        more_fields=max(0, len(fields) - MOST_FIELDS),
        problem=problem,
    )


def _seen(data: bytes | None) -> DocumentSeen | None:
    return None if data is None else lines_of(decoded(data), len(data))


def _live(collection: str, value: Any, profile: Profile) -> bytes | None:
    from bson.raw_bson import RawBSONDocument

    target = target_of(profile)
    with pymongo.timeout(CONNECT_SECONDS):
        client = connect(target, raw=True)
    try:
        with pymongo.timeout(READ_SECONDS):
            found = client[target.database][collection].find_one({"_id": {"$eq": value}})
    except PyMongoError as error:
        raise translated(f"Reading a document of {collection}", error, next="Look again.") from None
    finally:
        client.close()
    assert found is None or isinstance(found, RawBSONDocument)
    return None if found is None else bytes(found.raw)


def _kept(request: DocumentRequest, value: Any, profile: Profile, paths: Paths) -> tuple[str, bytes | None]:
    """(the backup's id, the document); reads no further than it."""
    found, _ = lookup(request.backup, profile, paths, ("database",))
    contents = read_contents(
        found.backup,
        limits=profile.limits,
        from_database=None,
        target_database=profile.mongo.database if profile.mongo else "",
        check=_nothing,
        advance=_ignore,
        key=key_of(profile),
    )
    side = BackupSide(found.backup.id, contents)
    wanted = bson.encode({"_id": value})[4:-1]

    def take(_: str, data: Buffer) -> None:
        for document in split_documents(data):
            if _is(document, wanted, value):
                raise _Found(bytes(document))

    try:
        side.read({request.collection: ()}, take, check=_nothing, advance=_ignore)
    except _Found as hit:
        return found.backup.id, hit.data
    return found.backup.id, None


def _is(document: memoryview, wanted: bytes, value: Any) -> bool:
    """By the bytes of the first field, which `_id` nearly always is; else the document is decoded."""
    if bytes(document[4 : 4 + len(wanted)]) == wanted:
        return True
    if bytes(document[5:9]) == b"_id\0":
        return False
    return bool(decoded(bytes(document)).get("_id", _is) == value)


def _nothing() -> None:
    """Nobody cancels a look: its process is killed."""


def _ignore(_amount: int) -> None:
    """Nobody watches a look's progress."""
