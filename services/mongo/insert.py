"""Inserting raw documents into a collection loaded aside, and telling refusals from broken connections."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.archive.documents import Sums
from services.archive.transform import UPSERTED
from services.counted import counted
from services.files import open_new
from services.mongo.commands import server_words

if TYPE_CHECKING:
    from bson.raw_bson import RawBSONDocument
    from pymongo.collection import Collection

VALIDATION_FAILED = 121
DUPLICATE_KEY = 11000


class OutcomeUnknown(Exception):
    """The connection broke or the primary changed: the collection is dropped and loaded again."""


class Rejected:
    """Documents the server would not take, written beside the job; thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.reasons: dict[str, dict[str, int]] = {}
        self._lock = threading.Lock()

    def add(self, collection: str, document: bytes | memoryview, why: str) -> None:
        """Keeps one document's raw BSON."""
        with self._lock:
            if self.count == 0 and not self.path.exists():
                open_new(self.path).close()
            with self.path.open("ab") as stream:
                stream.write(document)
            self.count += 1
            by_reason = self.reasons.setdefault(collection, {})
            by_reason[why] = by_reason.get(why, 0) + 1

    def words(self) -> list[str]:
        """One sentence per collection and reason."""
        with self._lock:
            return [
                f"{collection}: {counted(count, 'documents')} the server refuses ({why})"
                for collection, reasons in sorted(self.reasons.items())
                for why, count in sorted(reasons.items())
            ]

    def forget(self, collection: str) -> None:
        """Before a collection is loaded again; the file keeps the earlier copies."""
        with self._lock:
            gone = self.reasons.pop(collection, {})
            self.count -= sum(gone.values())


def insert_batch(
    collection: Collection[Any],
    documents: Sequence[RawBSONDocument],
    *,
    ordered: bool,
    bypass: bool,
    name: str,
    rejected: Rejected,
) -> Sums:
    """Inserts a batch; the sums of refused documents are returned, to be taken off what is expected.

    Errors: `OutcomeUnknown` when the collection has to be loaded again.
    """
    from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

    refused = Sums()
    try:
        collection.insert_many(documents, ordered=ordered, bypass_document_validation=bypass)
    except BulkWriteError as error:
        details = error.details or {}
        if details.get("writeConcernErrors"):
            raise OutcomeUnknown(server_words(error)) from None
        for failure in details.get("writeErrors", []):
            raw = documents[failure["index"]].raw
            rejected.add(name, raw, _why(failure.get("code")))
            refused.add_unordered(raw)
        if ordered and details.get("writeErrors"):
            after = details["writeErrors"][0]["index"] + 1
            if after < len(documents):
                refused.merge(
                    insert_batch(
                        collection,
                        documents[after:],
                        ordered=True,
                        bypass=bypass,
                        name=name,
                        rejected=rejected,
                    )
                )
    except OperationFailure as error:
        from services.mongo.commands import STALE_OUTCOMES

        if error.code in STALE_OUTCOMES or error.code == 26:
            raise OutcomeUnknown(server_words(error)) from None
        if len(documents) == 1:
            rejected.add(name, documents[0].raw, _why(error.code))
            refused.add_unordered(documents[0].raw)
            return refused
        for document in documents:
            refused.merge(
                insert_batch(
                    collection, [document], ordered=ordered, bypass=bypass, name=name, rejected=rejected
                )
            )
    except PyMongoError as error:
        raise OutcomeUnknown(server_words(error)) from None
    return refused


def _why(code: object) -> str:
    if code == VALIDATION_FAILED:
        return "the collection's validator"
    if code == DUPLICATE_KEY:
        return "another document has its _id"
    return f"server code {code}"


def upsert_literal(collection: Collection[Any], document: RawBSONDocument, *, bypass: bool) -> str | None:
    """Writes a document whose top-level Timestamp(0,0) an insert would replace by the time of day.

    Gives why the server refuses it, or None. The filter matches nothing, so that a document of the same
    `_id` is a duplicate and never replaced. Errors: `OutcomeUnknown` when the collection has to be loaded
    again.
    """
    from pymongo.errors import OperationFailure, PyMongoError

    from services.mongo.commands import NAMESPACE_NOT_FOUND, STALE_OUTCOMES

    try:
        collection.update_one(
            {"_id": {"$eq": document["_id"]}, "$nor": [{}]},
            [{"$replaceWith": {"$literal": document}}],
            upsert=True,
            bypass_document_validation=bypass,
        )
    except OperationFailure as error:
        if error.code in STALE_OUTCOMES or error.code == NAMESPACE_NOT_FOUND:
            raise OutcomeUnknown(f"{UPSERTED}: {server_words(error)}") from None
        return _why(error.code)
    except PyMongoError as error:
        raise OutcomeUnknown(f"{UPSERTED}: {server_words(error)}") from None
    return None
