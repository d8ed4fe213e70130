"""The parts of a comparison by document: identity of `_id`s, field paths, what is hidden, sums on disk."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, ObjectId, Regex, Timestamp, encode
from hypothesis import given, settings
from hypothesis import strategies as st

from services.comparing.fields import Change, changes
from services.comparing.identity import identity
from services.comparing.index import Spill
from services.comparing.joining import join
from services.comparing.shown import is_hidden, own_id, shown_id, shown_value
from services.errors import QuillkeepError

MOMENT = datetime(2026, 11, 20, tzinfo=UTC)
EVERY_TYPE: list[Any] = [
    1, 2.5, "a", "", b"x", Binary(b"x", 5), {"a": 1}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, True, False, None, MOMENT,
    ObjectId("6561" * 6), Regex("a"), Regex("a", "i"), Timestamp(1, 1), Int64(1 << 60), Code("a"), MaxKey(),
    Decimal128("1.25"), float("nan"), float("inf"), -1, {"a": {"b": [1]}}, {"a": {"b": [2]}}, [1], [1, 2],
]  # fmt: skip


def ident(value: Any) -> bytes | None:
    return identity(encode({"_id": value, "x": 1}))


def test_ids_are_equal_as_the_server_compares_them() -> None:
    for same in (
        [1, 1.0, Int64(1), Decimal128("1"), Decimal128("1.0"), Decimal128("10E-1")],
        [0, -0.0, Decimal128("-0")],
        [0.5, Decimal128("0.5")],
        [float("nan"), Decimal128("NaN")],
        [{"a": 1}, {"a": 1.0}],
        [{"a": [{"b": 2}]}, {"a": [{"b": Int64(2)}]}],
    ):
        assert len({ident(value) for value in same}) == 1, same
    assert ident(0.1) != ident(Decimal128("0.1"))
    kinds = [ident(value) for value in EVERY_TYPE]
    assert len(set(kinds)) == len(kinds)


def test_documents_with_an_odd_id() -> None:
    assert identity(encode({"a": 1})) is None
    assert identity(encode({"a": 1, "_id": 7})) == ident(7)
    assert identity(b"\x05\0\0\0\0") is None
    assert identity(encode({"_id": Decimal128("1E+6111")})) is not None
    deep: Any = 1
    for _ in range(150):
        deep = {"a": deep}
    assert ident(deep) is not None


def told(a: Any, b: Any) -> list[tuple[str, str]]:
    return [(change.kind, change.path) for change in changes(encode(a), encode(b))]


def test_field_paths() -> None:
    a = {"_id": 1, "title": "x", "participants": [{"isActive": True}, {"isActive": True}, {"isActive": True}]}
    b = {
        "_id": 1,
        "title": "x",
        "participants": [{"isActive": True}, {"isActive": True}, {"isActive": False}],
    }
    assert told(a, b) == [("changed", "participants[2].isActive")]
    assert told({"a": 1, "b": 2}, {"a": 1.0, "c": 3}) == [("type", "a"), ("removed", "b"), ("added", "c")]
    assert told({"a": 1, "b": 2}, {"b": 2, "a": 1}) == [("order", "")]
    assert told({"s": {"a": 1, "b": 2}}, {"s": {"b": 3, "a": 1}}) == [("changed", "s.b"), ("order", "s")]
    assert told({"a.b": {"$odd": 1}, "": 1}, {"a.b": {"$odd": 2}, "": 2}) == [
        ("changed", '["a.b"].$odd'),
        ("changed", '[""]'),
    ]
    assert told({"m": [1, 2, 3, 4]}, {"m": [1, 3, 4]}) == [("removed", "m[1]")]
    messages = [{"id": n, "content": "x"} for n in range(5)]
    assert told({"m": messages}, {"m": messages[:2] + messages[3:]}) == [("removed", "m[2]")]
    assert told({"m": messages}, {"m": [*messages, {"id": 9}]}) == [("added", "m[5]")]
    assert told({"v": [float(n) for n in range(99)]}, {"v": [n + 0.5 for n in range(99)]}) == [
        ("changed", "v")
    ]
    assert told({"a": float("nan")}, {"a": float("nan")}) == []
    assert told({"a": None}, {}) == [("removed", "a")]
    assert told({"a": "x\x00y"}, {"a": "x\x00z"}) == [("changed", "a")]


def test_two_fields_of_one_name_and_deep_ones() -> None:
    two = bytearray(encode({"a": 1, "b": 2}))
    two[two.index(b"b\0")] = ord("a")
    other = bytearray(two)
    other[-5] = 9
    assert [change.path for change in changes(bytes(two), bytes(other))] == ["a#2"]
    a, b = 1, 2
    deep_a: Any = a
    deep_b: Any = b
    for _ in range(170):
        deep_a, deep_b = {"a": deep_a}, {"a": deep_b}
    (change,) = changes(encode(deep_a), encode(deep_b))
    assert change.kind == "changed" and change.path.startswith("a.a.a")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc.$"), inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.sampled_from(["a", "b", "c", "d.e"]), VALUES, max_size=4)


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS, DOCUMENTS)
def test_changes_are_told_exactly_where_bytes_differ(a: dict[str, Any], b: dict[str, Any]) -> None:
    left, right = encode(a), encode(b)
    found = list(changes(left, right))
    assert bool(found) == (left != right)
    for change in found:
        if change.kind in ("changed", "type"):
            assert change.a and change.b
            assert (
                left[change.a[1] : change.a[2]] != right[change.b[1] : change.b[2]]
                or change.a[0] != change.b[0]
            )


@pytest.mark.parametrize(
    ("collection", "path"),
    [
        ("users", "passwordHash"),
        ("users", "totp.enabled"),
        ("users", "backupCodes.iv"),
        ("sessions", "sessionToken"),
        ("accounts", "access_token"),
        ("accounts", "id_token"),
        ("accounts", "scope"),
        ("accounts", "providerAccountId"),
        ("accounts", "expires_at"),
        ("api_keys", "ciphertext"),
        ("api_keys", "iv"),
        ("api_keys", "authTag"),
        ("verification_tokens", "token"),
        ("anything", "a.b.refresh_token.c"),
    ],
)
def test_secret_fields_are_hidden(collection: str, path: str) -> None:
    assert is_hidden(collection, path.split("."))


def test_ordinary_fields_are_shown() -> None:
    for collection, path in (
        ("chat_messages", "tokenCount"),
        ("connection_profiles", "apiKeyId"),
        ("accounts", "provider"),
        ("files", "sha256"),
        ("users", "email"),
    ):
        assert not is_hidden(collection, path.split("."))


def test_values_as_text() -> None:
    raw = encode(
        {
            "_id": ObjectId("65" * 12),
            "id": "own",
            "s": "x" * 5_000,
            "d": MOMENT,
            "t": {"token": "abc", "n": 1},
            "h": {"Authorization": "Bearer abc", "n": 1},
        }
    )

    def value(name: str) -> str:
        (change,) = [one for one in changes(raw, encode({})) if one.path == name]
        assert change.a is not None
        return shown_value(raw, change.a)

    assert shown_id(raw) == '{"$oid": "656565656565656565656565"}' and own_id(raw, "chats") == "own"
    messages = encode({"id": 7, "chatId": "chat-1"})
    assert own_id(messages, "chat_messages") == "chat-1" and own_id(messages, "memories") == ""
    assert value("d") == '{"$date": "2026-11-20T00:00:00Z"}'
    assert "abc" not in value("t") and '"n": 1' in value("t")
    assert value("h") == '{"Authorization": "(not shown)", "n": 1}'
    assert value("s").startswith('"xxx') and value("s").endswith("(5,000 bytes)") and len(value("s")) < 300
    assert shown_id(encode({"a": 1})) == "(no _id)"
    big = encode({"_id": 1, "b": [1.5] * 20_000})
    (change,) = [one for one in changes(big, encode({"_id": 1})) if one.path == "b"]
    assert (
        isinstance(change, Change) and change.a is not None and shown_value(big, change.a).endswith("bytes)")
    )


def test_joining_counts_every_document(tmp_path: Path) -> None:
    """Seeded sets against a plain dictionary; sums spilled in between, both sides in any order."""
    random.seed(20261123)
    for _ in range(5):
        a = {number: random.randrange(3) for number in random.sample(range(4_000), 2_500)}
        b = {number: random.randrange(3) for number in random.sample(range(4_000), 2_500)}
        with Spill(tmp_path) as spill:
            left, right = spill.index(), spill.index()
            for index, held in ((left, a), (right, b)):
                numbers = list(held)
                random.shuffle(numbers)
                for place in range(0, len(numbers), 100):
                    some = numbers[place : place + 100]
                    index.add(b"".join(encode({"_id": number, "v": held[number]}) for number in some))
                    if random.random() < 0.2:
                        index.write_out()
            found = join(left, right, examples=5, check=lambda: None)
        both = a.keys() & b.keys()
        assert found.same == sum(a[number] == b[number] for number in both)
        assert found.changed == len(both) - found.same
        assert (found.added, found.removed) == (len(b.keys() - a.keys()), len(a.keys() - b.keys()))
        assert len(found.changed_first) == 5 == len(found.added_first)
    assert list(tmp_path.iterdir()) == []


def test_documents_that_stand_twice_or_have_no_id(tmp_path: Path) -> None:
    one, other, bare = ({"_id": 1, "v": 1}, {"_id": 1, "v": 2}, {"v": 1})

    def counts(a: list[dict[str, int]], b: list[dict[str, int]]) -> tuple[int, int, int, int]:
        with Spill(tmp_path) as spill:
            left, right = spill.index(), spill.index()
            left.add(b"".join(map(encode, a)))
            right.add(b"".join(map(encode, b)))
            found = join(left, right, examples=3, check=lambda: None)
        return found.same, found.changed, found.added, found.removed

    assert counts([one, one], [one]) == (1, 0, 0, 1)
    assert counts([one, other], [other, one]) == (2, 0, 0, 0)
    assert counts([one, one], [other]) == (0, 1, 0, 1)
    assert counts([bare, bare], [bare, {"v": 2}]) == (1, 0, 1, 1)
    assert counts([], [one]) == (0, 0, 1, 0)


def test_nothing_of_a_document_is_in_the_file(tmp_path: Path) -> None:
    with Spill(tmp_path) as spill:
        index = spill.index()
        index.add(b"".join(encode({"_id": f"secret-id-{n}", "v": "secret-value"}) for n in range(500)))
        index.write_out()
        data = spill.read(0, 500 * 36)
        assert b"secret" not in data and len(data) == 500 * 36
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(QuillkeepError, match="temporary file"):
        Spill(tmp_path / "none")
