"""metadata.json: options, indexes and UUID of one collection in canonical Extended JSON v2."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import bson
from bson import json_util
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion

from services.archive.model import ArchiveError, Kind

_CANONICAL = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL,
    uuid_representation=UuidRepresentation.UNSPECIFIED,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    tz_aware=False,
)
_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    document_class=dict, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)

_STRING, _ONE, _ANY, _DATE = "string", "one", "any", "date"
_WRAPPERS: dict[frozenset[str], dict[str, str]] = {
    frozenset(shape): shape
    for shape in (
        {"$oid": _STRING},
        {"$numberInt": _STRING},
        {"$numberLong": _STRING},
        {"$numberDouble": _STRING},
        {"$numberDecimal": _STRING},
        {"$symbol": _STRING},
        {"$uuid": _STRING},
        {"$code": _STRING},
        {"$code": _STRING, "$scope": _ANY},
        {"$date": _DATE},
        {"$binary": _ANY},
        {"$binary": _STRING, "$type": _STRING},
        {"$timestamp": _ANY},
        {"$regularExpression": _ANY},
        {"$dbPointer": _ANY},
        {"$minKey": _ONE},
        {"$maxKey": _ONE},
        {"$undefined": _ONE},
    )
}
"""Type wrappers of Extended JSON v2 and the older `$binary`/`$type`, by exactly their keys.

`$regex`, `$ref` and the like are left out: in a view's pipeline or a validator they are query operators.
"""
_INNER: dict[str, frozenset[str]] = {
    "$binary": frozenset({"base64", "subType"}),
    "$timestamp": frozenset({"t", "i"}),
    "$regularExpression": frozenset({"pattern", "options"}),
    "$dbPointer": frozenset({"$ref", "$id"}),
}
_INTEGER = re.compile(r"-?[0-9]{1,19}\Z")


def parse_metadata(raw: str) -> dict[str, Any]:
    """The metadata with BSON values, canonical or relaxed; {} for an empty text (a legacy dump has none).

    Raises `ArchiveError` for anything that is not such a document.
    """
    if not raw.strip():
        return {}
    try:
        document = json.loads(raw, object_pairs_hook=_value, parse_constant=_refuse_constant)
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError, bson.errors.BSONError) as error:
        raise ArchiveError(
            "metadata in Extended JSON", found=f"text that is none ({_short(error)})"
        ) from error
    if not isinstance(document, dict):
        raise ArchiveError("metadata in Extended JSON", found="no document")
    _check_shape(document)
    return document


def _short(error: Exception) -> str:
    return type(error).__name__ if isinstance(error, RecursionError) else str(error)[:100]


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _check_shape(document: dict[str, Any]) -> None:
    options, indexes = document.get("options"), document.get("indexes")
    if options is not None and not isinstance(options, dict):
        raise ArchiveError("metadata whose options are a document", found=type(options).__name__)
    if indexes is not None and not (
        isinstance(indexes, list)
        and all(isinstance(index, dict) and isinstance(index.get("key"), dict) for index in indexes)
    ):
        raise ArchiveError("metadata whose indexes are documents with a key", found="something else")


def _value(pairs: list[tuple[str, Any]]) -> Any:
    document = dict(pairs)
    shape = _WRAPPERS.get(frozenset(document)) if pairs and pairs[0][0].startswith("$") else None
    if shape is None or len(document) != len(pairs):
        return document
    if not all(_fits(key, document[key], kind) for key, kind in shape.items()):
        return document
    if "$numberInt" in document or "$numberLong" in document:
        text = next(iter(document.values()))
        if not _INTEGER.match(text):
            raise ValueError(f"{text[:30]!r} is not an integer")
    if "$binary" in document and "$type" in document:
        return json_util.object_hook(
            {"$binary": {"base64": document["$binary"], "subType": document["$type"]}}, _CANONICAL
        )
    return json_util.object_hook(document, _CANONICAL)


def _fits(key: str, value: Any, kind: str) -> bool:
    if kind == _STRING:
        return isinstance(value, str)
    if kind == _ONE:
        return value == 1 or value is True
    if kind == _DATE:
        return isinstance(value, str | int)
    inner = _INNER.get(key)
    return inner is None or (isinstance(value, dict) and frozenset(value) == inner)


def kind_of(declared: str, document: Mapping[str, Any]) -> Kind | None:
    """The kind by the dump's word, else (older tools write none) by the options; None for an unknown word."""
    if declared in ("collection", "view", "timeseries"):
        return declared  # type: ignore[return-value]
    if declared:
        return None
    options = document.get("options") or {}
    if "viewOn" in options:
        return "view"
    return "timeseries" if "timeseries" in options else "collection"


def encode_metadata(
    options: Mapping[str, Any],
    indexes: Sequence[Mapping[str, Any]],
    uuid_hex: str | None,
    name: str,
    kind: Kind,
) -> str:
    """The text mongodump writes: empty options and a missing UUID left out, `indexes` never null.

    `options` and `indexes` hold BSON values as the server sent them. Raises `ValueError` when the text
    would not read back to the same BSON, as mongodump does.
    """
    document: dict[str, Any] = {}
    if options:
        document["options"] = dict(options)
    document["indexes"] = [dict(index) for index in indexes]
    if uuid_hex:
        document["uuid"] = uuid_hex
    document["collectionName"] = name
    document["type"] = kind
    raw = json_util.dumps(document, json_options=_CANONICAL, separators=(",", ":"), ensure_ascii=False)
    if bson.encode(parse_metadata(raw), codec_options=_CODEC) != bson.encode(document, codec_options=_CODEC):
        raise ValueError(f"the metadata of {name} does not survive Extended JSON")
    return raw


def base64url_sha1(name: str) -> str:
    """What mongodump puts behind `%24` in the file name of a collection whose escaped name is too long."""
    import hashlib

    digest = hashlib.sha1(name.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
