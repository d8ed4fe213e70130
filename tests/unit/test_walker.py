"""Walking raw documents: what it tells is what a decoder would say, and damage is an error, never a crash."""

from __future__ import annotations

import random
from typing import Any

import bson
import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from services.archive.elements import NotBson
from services.references.walker import Field, look

ODD: list[Any] = [
    1.5,
    "text",
    {"a": {"b": 1}},
    [1, [2, {"c": None}]],
    Binary(b"\x00\x01", 0),
    ObjectId(),
    True,
    None,
    Regex("a\u00e9", "im"),
    Code("x"),
    Code("x", {"scope": 1}),
    7,
    Timestamp(1, 2),
    Int64(1 << 40),
    Decimal128("1.5"),
    MinKey(),
    MaxKey(),
    DBRef("c", 1),
]
names = st.text(min_size=1, max_size=8).filter(lambda name: "\0" not in name)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20) | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
documents = st.dictionaries(names, values, max_size=8)


def tree() -> Field:
    root = Field()
    root.at("id").keep = True
    for number, path in enumerate(("id", "tags[]", "participants[].characterId", "a.b")):
        root.at(path).refs = (number,)
    root.at("styles").names = (9,)
    root.at("tags").count = True
    return root


@settings(max_examples=60, deadline=None)
@given(documents, documents, st.text(max_size=10), st.lists(st.text(max_size=5), max_size=5))
def test_only_what_is_asked_for_is_told_whatever_stands_around_it(
    before: dict[str, Any], after: dict[str, Any], own: str, tags: list[str]
) -> None:
    mine = {
        "id": own,
        "tags": tags,
        "participants": [{"x": 1, "characterId": own}, {}, 3],
        "styles": {"k": 1},
    }
    document = {**{k: v for k, v in before.items() if k not in mine and k != "a"}, **mine}
    document |= {k: v for k, v in after.items() if k not in document and k != "a"}
    raw = bson.encode({"first": 1}) + bson.encode(document)
    start = len(bson.encode({"first": 1}))
    seen, end = look(tree(), raw, start)
    assert end == len(raw)
    expected = [(0, own.encode())] if own else []
    expected += [(1, tag.encode()) for tag in tags if tag]
    expected += [(2, own.encode())] if own else []
    assert sorted(seen.refs) == sorted([*expected, (9, b"k")])
    assert seen.counts == {"tags": len(tags)}
    assert seen.text("id") == own.encode()


def test_every_type_is_stepped_over() -> None:
    document = {f"f{number}": value for number, value in enumerate(ODD)} | {"id": "me"}
    seen, end = look(tree(), bson.encode(document), 0)
    assert seen.text("id") == b"me" and end == len(bson.encode(document))


def test_numbers_of_every_kind() -> None:
    root = Field()
    root.at("n").keep = True
    for value, told in ((3, 3), (Int64(5), 5), (7.0, 7), (float("nan"), None), (1e300, None), ("9", None)):
        seen, _ = look(root, bson.encode({"n": value}), 0)
        assert seen.number("n") == told


@pytest.mark.parametrize("seed", range(20))
def test_damaged_bytes_are_an_error_or_another_document(seed: int) -> None:
    """Never a crash, never a walk beyond the document."""
    chance = random.Random(seed)
    whole = bson.encode(
        {f"f{number}": value for number, value in enumerate(ODD)} | {"tags": ["a"], "a": {"b": "c"}}
    )
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            _, end = look(tree(), bytes(damaged), 0)
        except NotBson:
            continue
        assert end <= len(damaged)


def test_dates() -> None:
    root = Field()
    root.at("at").date = True
    good = [
        "2026-11-22T19:58:02.987Z",
        "2026-11-22T19:58:02Z",
        "2036-01-01T00:00:00.000+01:00",
        "2026-11-22T19:58Z",
    ]
    bad = [
        "yesterday",
        "",
        "2026-11-22",
        "2026-13-01T00:00:00Z",
        "2026-11-22T25:00:00Z",
        "1795379276",
        "2026-11-22T19:58:02.987",
    ]
    for text in good:
        assert not look(root, bson.encode({"at": text}), 0)[0].undated, text
    for text in bad:
        assert look(root, bson.encode({"at": text}), 0)[0].undated, text


def test_what_is_missing() -> None:
    root = Field()
    root.at("id")
    root.required = frozenset({b"id"})
    for document, missing in (({"id": "x"}, []), ({"id": None}, ["id"]), ({"x": 1}, ["id"])):
        assert look(root, bson.encode(document), 0)[0].missing == missing
