"""Parts of the pair check that need no server: rows of any type, places of files, origins, groups, the table."""

from __future__ import annotations

import datetime as dt
from typing import Any

import bson
import pytest
from bson import DatetimeMS, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from services.archive.elements import NotBson
from services.findings import MAX_EXAMPLES
from services.history.outcome import outcome_of
from services.objects.keys import Headers
from services.pairs.facts import ObjectFacts, RowFacts
from services.pairs.groups import MOST_GROUPS, Groups
from services.pairs.origin import origin_of
from services.pairs.rows import facts_of, normal_type, row_of
from services.pairs.stores import told_type
from services.pairs.table import PairsTable
from services.pairs.usage import MOST_PLACES, Usage, strings_of

USER = "11111111-1111-4111-8111-111111111111"
ID = "33333333-3333-4333-8333-333333333333"

odd_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=20).filter(lambda text: "\0" not in text),
    st.binary(max_size=8),
    st.sampled_from(
        [
            Int64(7),
            Decimal128("1e400"),
            ObjectId("0" * 24),
            MinKey(),
            MaxKey(),
            Regex("a", "i"),
            Timestamp(1, 2),
            DatetimeMS(2**62),
            dt.datetime(2026, 1, 1),
            ["x"],
            {"a": {"b": 1}},
        ]
    ),
)
FIELDS = (
    "_id",
    "id",
    "userId",
    "s3Key",
    "s3Bucket",
    "size",
    "sha256",
    "mimeType",
    "originalFilename",
    "createdAt",
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), odd_values), st.booleans())
def test_rows_of_any_type_become_facts(document: dict[str, Any], live: bool) -> None:
    (facts,) = facts_of(bson.encode(document), "", live=live)
    key = document.get("s3Key")
    assert facts.key == (key if isinstance(key, str) and key else None)
    if key is not None and not isinstance(key, str):
        assert "s3Key is" in facts.odd
    table = PairsTable()
    table.add_rows([facts])
    table.add_objects([ObjectFacts(key=facts.key or "other", size=0)])
    table.judge(heads=True)
    assert table.count("row") == 1
    if facts.key is None:
        assert table.rows_count("outside") == ("s3Key is" not in facts.odd)
    table.close()


def test_what_is_no_document_is_a_row_that_says_so() -> None:
    broken = b"\x0f\x00\x00\x00\x02id\x00\xff\xff\xff\x7fab\x00"
    whole = bson.encode({"id": "a", "s3Key": "k", "size": 1, "userId": USER})
    first, second = facts_of(broken + whole, "")
    assert "cannot be decoded" in first.odd
    assert (second.key, second.size, second.odd) == ("k", 1, "")


@pytest.mark.parametrize(
    ("size", "kept"),
    [(5, 5), (5.0, 5), (Int64(5), 5), (0, 0), (-1, None), (5.5, None), (float("nan"), None), ("5", None)],
)
def test_sizes_of_every_number_type(size: object, kept: int | None) -> None:
    facts = row_of({"id": "a", "userId": USER, "s3Key": "k", "size": size, "sha256": "A" * 64}, "")
    assert (facts.size, facts.sha256) == (kept, "a" * 64)
    assert ("size is" in facts.odd) == (kept is None)


def test_content_types_are_compared_in_one_spelling() -> None:
    assert normal_type("Text/Plain; charset=UTF-8") == normal_type('text/plain;charset="utf-8"')
    assert normal_type("binary/octet-stream") == "application/octet-stream"
    key = f"users/{USER}/image/{ID}_a.png"
    assert told_type(key, "", Headers()) is None
    assert told_type(key, "", Headers(content_type="text/html")) == "text/html"
    assert told_type(key.replace("image", "IMAGE"), "", Headers()) == ""


def document(**fields: Any) -> bytes:
    return bson.encode(fields)


def test_places_of_files_are_found_without_decoding() -> None:
    usage = Usage({"f1", "f2"}, {USER})
    usage.add("users", document(id=USER, name="Inês", passwordHash="x") + document(id="u2", name="no"))
    usage.add(
        "characters",
        document(id="c", name="K", defaultImageId="f1", avatarOverrides=[{"imageId": "f2", "chatId": "t"}]),
    )
    usage.add("personas", document(id="p", defaultImageId="f2"))
    text = "\x04attachments\x00 and f1"
    usage.add(
        "chat_messages", document(chatId="t", messages=[{"content": text, "attachments": ["f1", "zz"]}] * 2)
    )
    usage.add(
        "chat_messages",
        document(chatId="o", messages=[{"attachments": [{"id": "f2"}, 5, None]}, {"attachments": "f1"}]),
    )
    assert usage.needs_chats
    usage.add("chats", document(id="t", title="Fog") + document(id="x", title="no"))
    usage.add("unknown", document(id="t"))
    assert usage.needs_chats
    assert usage.of("f1") == ("the avatar of the character 'K' (c)", "an attachment in the chat 'Fog' (t)")
    assert usage.of("f2") == (
        "the avatar of the character 'K' (c) in the chat t",
        "the avatar of the persona '' (p)",
        "an attachment in the chat o",
    )
    assert usage.of("zz") == ()
    assert usage.users == {USER: "Inês"}


def test_places_without_end_are_counted() -> None:
    usage = Usage({"f"})
    for number in range(MOST_PLACES + 5):
        usage.add("characters", document(id=str(number), name="n", defaultImageId="f"))
        usage.add("chat_messages", document(chatId=str(number), messages=[{"attachments": ["f"]}]))
    assert len(usage.of("f")) == 2 * MOST_PLACES + 1
    assert usage.of("f")[-1] == "10 more places"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(sorted(Usage.wants)))
def test_bytes_that_are_no_document_end_in_nothing(data: bytes, collection: str) -> None:
    usage = Usage({"f"})
    length = (len(data) + 5).to_bytes(4, "little")
    usage.add(collection, length + data + b"\0")
    assert usage.of("f") == ()
    with pytest.raises(NotBson):
        strings_of(b"\xff" * 9, ("id",))


@pytest.fixture
def filled() -> PairsTable:
    table = PairsTable()
    table.add_rows(
        [RowFacts(key="a", id=ID, user=USER, sha256="e" * 64), RowFacts(key="b", id="b", user=USER)]
    )
    return table


Case = tuple[str, str, dict[str, str], str, str]
CASES: list[Case] = [
    (f"p/users/{USER}/IMAGE/{ID}_a", "p/", {}, "upload", ""),
    (
        f"users/{USER}/ATTACHMENT/{ID}_a",
        "",
        {"sha256": "e" * 64},
        "upload",
        f"the same bytes belong to the row {ID}",
    ),
    (f"users/{USER}/avatar/{ID}_a", "", {}, "migrated", "the row with the id in its key points at a"),
    (f"users/{USER}/image/{USER}_a", "", {}, "migrated", "there is no row with the id in its key"),
    (f"users/{USER}/files/x/y", "", {}, "guide", ""),
    ("p/users/u/images/x", "p/", {}, "guide", ""),
    (f"users/{USER}/IMAGE/short_a", "", {}, "another-program", ""),
    (f"users/{USER}/OTHER/{ID}_a", "", {}, "another-program", ""),
    ("", "", {}, "another-program", ""),
]


@pytest.mark.parametrize(("key", "prefix", "metadata", "origin", "more"), CASES)
def test_what_put_an_object_there(
    filled: PairsTable, key: str, prefix: str, metadata: dict[str, str], origin: str, more: str
) -> None:
    told = origin_of(ObjectFacts(key=key, size=0), prefix, filled, metadata)
    assert (told.origin, told.more) == (origin, more)


def test_groups_are_bounded_and_in_order() -> None:
    groups = Groups()
    for number in range(MOST_GROUPS * 2):
        for _ in range(3):
            groups.of("missing-object", "fail", f"user-{number}").add("k", good_in="b1" if number else "")
    groups.of("orphan-upload", "warn", "u").add("k")
    found = groups.sorted()
    assert found[-1].kind == "orphan-upload"
    assert len(found) == MOST_GROUPS + 2
    rest = next(one for one in found if one.kind == "missing-object" and not one.user)
    assert rest.count == 3 * MOST_GROUPS
    assert len(rest.examples) == MAX_EXAMPLES
    assert rest.best == "b1"


def test_a_second_listing_corrects_the_first(filled: PairsTable) -> None:
    known = [ObjectFacts(key=key, size=1) for key in ("a", "gone", "stays", "else/x")]
    filled.add_objects(known)
    filled.judge(heads=False)
    assert [one.row.key for one in filled.broken("missing")] == ["b"]
    again = [ObjectFacts(key="a", size=1), ObjectFacts(key="stays", size=1), ObjectFacts(key="b", size=0)]
    filled.relist(again, prefix="")
    filled.judge(heads=False)
    assert list(filled.broken()) == []
    assert [one.key for one in filled.orphans()] == ["stays"]
    assert list(filled.moved()) == ["b", "else/x", "gone"]


def test_rows_written_while_a_backup_ran_are_excused(filled: PairsTable) -> None:
    filled.add_rows([RowFacts(key="late", id="l", created="2026-11-02T00:00:00.000Z")])
    filled.add_rows([RowFacts(key="unreadable", id="u", created="2026-11-02T00:00:00.000Z")])
    filled.add_objects(
        [ObjectFacts(key="unreadable", size=0, missing="denied"), ObjectFacts(key="a", size=0)]
    )
    filled.judge(heads=False)
    filled.excuse("2026-11-01T00:00:00.000Z")
    assert [one.row.key for one in filled.broken()] == ["b", "unreadable"]


def test_history_tells_a_pair_check_with_its_findings_and_ways_on() -> None:
    result = {
        "status": "fail",
        "summary": "3 rows, 2 objects: 1 missing",
        "depth": "heads",
        "rows_of": "live",
        "objects_of": "live",
        "findings": [{"status": "fail", "what": "1 file has no object", "next": "restore it"}, "torn"],
        "notes": ["1 file came or went"],
        "full_list": "/state/pairs.jsonl",
    }
    told = outcome_of("pairs", "job", result)
    assert told.changed == "3 rows, 2 objects: 1 missing"
    assert ("Compared", "rows of live with objects of live, heads") in told.facts
    assert ("fail", "1 file has no object restore it") in told.facts
    assert ("Note", "1 file came or went") in told.facts
    proof = {"status": "warn", "detail": "3 rows of files: 1 without an object."}
    restored = outcome_of("restore", "job", {"pairs": proof, "backup": "b"})
    assert ("Rows against objects", "warn: 3 rows of files: 1 without an object.") in restored.facts
