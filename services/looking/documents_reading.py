"""Reads a page of a collection's ids and names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pymongo
from bson import ObjectId, json_util
from bson.errors import BSONError
from pymongo.collection import Collection
from pymongo.errors import ExecutionTimeout, OperationFailure, PyMongoError

from services.errors import NOTHING_TOUCHED, QuillkeepError
from services.looking.collections_asking import CONNECT_SECONDS, target_of
from services.looking.documents import PAGE, DocumentRow, DocumentsAnswer, DocumentsRequest
from services.mongo.connect import connect
from services.mongo.failures import translated
from services.mongo.live_sums import average_bytes
from services.profile import Profile

READ_SECONDS = 6.0
NAMES = ("name", "title", "label", "originalFilename")
OWN = ("id", "chatId")
UPDATED = ("updatedAt", "createdAt")
SHOWN = dict.fromkeys((*NAMES, *OWN, *UPDATED), 1)
TEXT = 200
"""Characters of a name or an id that are shown."""
PAGE_BYTES = 64 << 20
"""What a page makes the server read: of documents of megabytes it has fewer rows."""
FEWEST = 10
CANONICAL = json_util.CANONICAL_JSON_OPTIONS


def page(request: DocumentsRequest, profile: Profile) -> DocumentsAnswer:
    """The answer of `services.looking.documents.look`."""
    target = target_of(profile)
    with pymongo.timeout(CONNECT_SECONDS):
        client = connect(target)
    try:
        collection = client[target.database][request.collection]
        rows, more = _page(collection, request)
        return DocumentsAnswer(collection=request.collection, rows=rows, more=more)
    except ExecutionTimeout:
        raise QuillkeepError(
            f"Looking for {request.find!r} in {request.collection} took over {READ_SECONDS:.0f} s."
            if request.find
            else f"Reading a page of {request.collection} took over {READ_SECONDS:.0f} s.",
            cause="No index on id helps, and the documents are large.",
            touched=NOTHING_TOUCHED,
            next="Look for it by its _id, which is always quick, or go through the list.",
        ) from None
    except (PyMongoError, BSONError) as error:
        raise translated(f"Reading {request.collection}", error, next="Look again.") from None
    finally:
        client.close()


def _page(
    collection: Collection[dict[str, Any]], request: DocumentsRequest
) -> tuple[tuple[DocumentRow, ...], bool]:
    size = max(
        FEWEST, min(PAGE, int(PAGE_BYTES / max(1.0, average_bytes(collection.database, collection.name))))
    )
    for condition in _conditions(request.find):
        found = list(_find(collection, condition, request.after, size + 1))
        if found:
            return tuple(row_of(one) for one in found[:size]), len(found) > size
    return (), False


def _conditions(find: str) -> Iterator[dict[str, Any]]:
    """By `_id` first, which its index answers at once; then by the application's ids, which none may."""
    find = find.strip()
    if not find:
        yield {}
        return
    if "\0" in find:
        return
    begins = {"$regex": f"^{re.escape(find)}"}
    by_id: list[dict[str, Any]] = [{"_id": begins}]
    if re.fullmatch(r"[0-9a-fA-F]{1,24}", find):
        least, most = ObjectId(find.ljust(24, "0")), ObjectId(find.ljust(24, "f"))
        by_id.append({"_id": {"$gte": least, "$lte": most}})
    if re.fullmatch(r"-?[0-9]{1,18}", find):
        by_id.append({"_id": int(find)})
    yield {"$or": by_id}
    yield {"$or": [{field: begins} for field in OWN]}


def _find(
    collection: Collection[dict[str, Any]], condition: dict[str, Any], after: str, limit: int
) -> Iterator[dict[str, Any]]:
    cursor = collection.find(condition, SHOWN).sort("_id", 1).limit(limit + bool(after))
    cursor = cursor.max_time_ms(int(READ_SECONDS * 1000))
    if not after:
        yield from cursor
        return
    last = from_key(after)
    try:
        # By the index itself: a comparison would leave out ids of other types.
        beyond = list(cursor.clone().hint([("_id", 1)]).min([("_id", last)]))
    except ExecutionTimeout:
        raise
    except OperationFailure:
        # Views and time series have no such index.
        beyond = list(
            collection.find({"$and": [condition, {"_id": {"$gt": last}}]}, SHOWN)
            .sort("_id", 1)
            .limit(limit)
            .max_time_ms(int(READ_SECONDS * 1000))
        )
    yield from [one for one in beyond if to_key(one.get("_id")) != after][:limit]


def to_key(value: Any) -> str:
    """An `_id` as canonical Extended JSON, from which it comes back as it was."""
    return json_util.dumps({"_id": value}, json_options=CANONICAL)


def from_key(key: str) -> Any:
    """The `_id` of a key. Errors: `QuillkeepError` for a text that is none."""
    try:
        return json_util.loads(key, json_options=CANONICAL)["_id"]
    except (ValueError, TypeError, KeyError, BSONError) as error:
        raise QuillkeepError(f"{key[:TEXT]!r} is no key of a document.", cause=f"{error}.") from None


def id_words(value: Any) -> str:
    """An `_id` as an admin reads it: the digits of an ObjectId, a text as it is, anything else as JSON."""
    if isinstance(value, ObjectId | str | int) and not isinstance(value, bool):
        return str(value)[:TEXT]
    return json_util.dumps(value, json_options=json_util.RELAXED_JSON_OPTIONS)[:TEXT]


def row_of(document: Mapping[str, Any]) -> DocumentRow:
    """One row."""
    value = document.get("_id")
    return DocumentRow(
        key=to_key(value),
        id=id_words(value),
        own=_first(document, OWN),
        name=_first(document, NAMES),
        updated=_first(document, UPDATED),
    )


def _first(document: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    """The first of the fields that holds something, in words."""
    for field in fields:
        value = document.get(field)
        if isinstance(value, str) and value:
            return value[:TEXT]
        if value not in (None, ""):
            return f"{value}"[:TEXT]
    return ""
