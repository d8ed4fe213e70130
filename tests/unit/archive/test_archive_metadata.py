"""metadata.json: what the stock tool wrote is read, what is written reads back to the same BSON."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import bson
import pytest
from bson.int64 import Int64

from services.archive.metadata import encode_metadata, kind_of, parse_metadata
from services.archive.model import ArchiveError

VALUES: dict[str, Any] = {
    "int": 1,
    "long": Int64(1),
    "double": 1.0,
    "infinity": float("inf"),
    "decimal": bson.Decimal128("1.50"),
    "text": 'ünï \u2028 \\ " \x01',
    "true": True,
    "null": None,
    "oid": bson.ObjectId("0123456789abcdef01234567"),
    "date": datetime.datetime(2026, 11, 1, 2, 3, 4, 567000),
    "far": bson.DatetimeMS(300_000_000_000_000),
    "binary": bson.Binary(b"\0\1", 128),
    "bytes": b"ab",
    "uuid": bson.Binary(bytes(16), 4),
    "regex": bson.Regex("^a/b", "im"),
    "timestamp": bson.Timestamp(0, 0),
    "min": bson.MinKey(),
    "max": bson.MaxKey(),
    "code": bson.Code("x", None),
    "scoped": bson.Code("x", {"a": Int64(2)}),
    "array": [1, [2.5, {"$in": [3]}]],
    "nested": {"$and": [{"a.b": {"$regex": "^x", "$options": "i"}}, {"$ref": "c", "$id": 1}]},
    "like wrappers": {"$oid": 5, "$date": None},
    "": {"": {}},
}


def test_every_value_reads_back() -> None:
    raw = encode_metadata(
        VALUES, [{"v": 2, "key": {"a": 1, "b": -1}, "name": "a_1_b_-1"}], "ab" * 16, "x", "collection"
    )
    document = parse_metadata(raw)
    assert bson.encode(document["options"]) == bson.encode(VALUES)
    assert document["uuid"] == "ab" * 16
    assert list(document) == ["options", "indexes", "uuid", "collectionName", "type"]
    assert json.loads(raw)["indexes"][0]["key"] == {"a": {"$numberInt": "1"}, "b": {"$numberInt": "-1"}}


def test_empty_options_and_no_uuid_are_left_out() -> None:
    assert encode_metadata({}, [], None, "v", "view") == '{"indexes":[],"collectionName":"v","type":"view"}'


def test_the_stock_tools_text_is_ours(fixtures_dir: Path) -> None:
    for path in sorted((fixtures_dir / "zoo-dump" / "zoo").glob("*.metadata.json")):
        raw = path.read_text()
        document = parse_metadata(raw)
        again = encode_metadata(
            document.get("options", {}),
            document["indexes"],
            document.get("uuid"),
            document["collectionName"],
            document["type"],
        )
        assert json.loads(again) == json.loads(raw)
        assert list(json.loads(again)) == list(json.loads(raw))


def test_query_operators_are_no_types() -> None:
    document = parse_metadata('{"options":{"pipeline":[{"$match":{"a":{"$regex":"^x","$options":"i"}}}]}}')
    assert document["options"]["pipeline"][0]["$match"]["a"] == {"$regex": "^x", "$options": "i"}


def test_older_texts() -> None:
    legacy = '{"options":{"size":4096,"max":{"$numberLong":"7"},"at":{"$date":"2026-11-01T00:00:00Z"}},"indexes":[]}'
    options = parse_metadata(legacy)["options"]
    assert (options["size"], options["max"], options["at"].year) == (4096, 7, 2026)
    binary = parse_metadata('{"options":{"b":{"$binary":"AAE=","$type":"80"}}}')["options"]["b"]
    assert (bytes(binary), binary.subtype) == (b"\0\1", 128)
    assert parse_metadata("") == parse_metadata("  \n") == {}


@pytest.mark.parametrize(
    "raw",
    [
        "{",
        "[]",
        "nul",
        '"x"',
        '{"a":NaN}',
        '{"options":5}',
        '{"indexes":null, "options":[]}',
        '{"indexes":[1]}',
        '{"indexes":[{"name":"x"}]}',
        '{"a":{"$numberInt":"x"}}',
        '{"a":{"$numberLong":"1e3"}}',
        '{"a":{"$oid":"zz"}}',
        '{"a":{"$date":"yesterday"}}',
        '{"a":{"$numberDecimal":"x"}}',
        '{"a":{"$binary":{"base64":"?","subType":"zz"}}}',
        "[" * 100_000,
    ],
)
def test_what_is_no_metadata(raw: str) -> None:
    with pytest.raises(ArchiveError, match="expected metadata"):
        parse_metadata(raw)


def test_kinds() -> None:
    assert kind_of("view", {}) == "view"
    assert kind_of("", {"options": {"timeseries": {}}}) == "timeseries"
    assert kind_of("", {"options": {"viewOn": "x"}}) == "view"
    assert kind_of("", {}) == "collection"
    assert kind_of("table", {}) is None
