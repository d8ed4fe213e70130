"""Live collections beside the backups, as rows: states, changes, what counts as loud, whose findings they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.findings import Finding
from services.looking.collections import CollectionLive, CollectionsAnswer, IndexNow
from services.looking.collections_held import (
    BackupKept,
    CollectionKept,
    CollectionsHeldAnswer,
    CountsAt,
    PairsSeen,
    Validation,
)
from services.looking.collections_view import CollectionRow, rows_of
from services.validating.model import CollectionValidated

AT = datetime(2026, 11, 22, tzinfo=UTC)


def live(*collections: CollectionLive) -> CollectionsAnswer:
    return CollectionsAnswer(server="s", database="d", collections=collections)


def held(collections: dict[str, CollectionKept], **more: Any) -> CollectionsHeldAnswer:
    return CollectionsHeldAnswer(
        newest=BackupKept(id="b", reference="b", created=AT, collections=collections), **more
    )


def one(name: str, now: CollectionLive | None, before: CollectionKept | None, **more: Any) -> CollectionRow:
    rows = rows_of(live(*((now,) if now else ())), held({name: before} if before else {}, **more))
    return next(row for row in rows if row.name == name)


def documents(number: int, size: int | None = None) -> tuple[CollectionLive, CollectionKept]:
    return CollectionLive(name="chats", documents=number, bytes=size), CollectionKept(
        documents=number, bytes=size
    )


def test_what_is_loud() -> None:
    for now, before, size_now, size_before, word, loud in (
        (100, 100, 10, 10, "same count", False),
        (70, 100, 70, 100, "shrank", False),
        (69, 100, 100, 100, "shrank", True),
        (100, 100, 60, 100, "same count", True),
        (10, 49, 10, 49, "shrank", False),
        (0, 3, 0, 3, "shrank", True),
        (120, 100, 120, 100, "grew", False),
        (1, 0, 1, 0, "grew", False),
    ):
        row = one("chats", documents(now, size_now)[0], documents(before, size_before)[1])
        assert (row.change.word, row.change.loud) == (word, loud), (now, before)
    passing = one("sessions", CollectionLive(name="sessions", documents=0), CollectionKept(documents=900))
    assert not passing.change.loud, "log-ins run out in a sound database"
    assert not one("sessions", None, CollectionKept(documents=900)).change.loud
    assert one("chats", None, CollectionKept(documents=9)).change.loud


def test_bytes_are_told_where_they_differ_notably() -> None:
    for now, before, told in (
        (15_500_000, 9_000, 15_491_000),
        (9_000, 15_500_000, -15_491_000),
        (501_000_000, 500_000_000, 1_000_000),
        (500_900_000, 500_000_000, None),
        (10_999, 10_000, None),
        (11_000, 10_000, 1_000),
        (10_000, 10_000, None),
        (5, 0, 5),
        (None, 10, None),
        (10, None, None),
    ):
        row = one("chats", documents(100, now)[0], documents(100, before)[1])
        assert (row.change.documents, row.change.bytes) == (0, told), (now, before)


def test_kinds_names_and_what_is_nowhere() -> None:
    view = one("chats", CollectionLive(name="chats", kind="view"), CollectionKept(documents=3))
    assert (view.change.word, view.change.loud) == ("kind", True)
    rows = rows_of(live(CollectionLive(name="connectionProfiles", documents=1)), held({}))
    names = {row.name: row for row in rows}
    assert names["connectionProfiles"].known and "connection_profiles" not in names
    assert names["users"].state == "absent" and not names["users"].change.word
    assert rows_of(None, None) == []
    assert {row.state for row in rows_of(None, held({"users": CollectionKept(documents=1)}))} == {
        "not read",
        "absent",
    }


def test_findings_of_what_is_live_now_alone() -> None:
    fault = Finding(kind="k", status="warn", what="w", collection="files")
    worse = Finding(kind="missing-object", status="fail", what="m", collection="files")
    checked = Validation(
        job="1",
        at=AT,
        full=False,
        seen=CollectionValidated(name="files", status="warn", findings=(fault, fault)),
    )
    pairs = PairsSeen(job="2", at=AT, status="fail", depth="shallow", findings=(worse,))
    now, before = CollectionLive(name="files", documents=1), CollectionKept(documents=1)
    row = one("files", now, before, validated={"files": checked}, pairs=pairs, references=(fault,))
    assert row.findings == (worse, fault) and row.worst == "fail", "the worst first, none twice"
    replaced = Validation(job="1", at=AT, full=False, seen=checked.seen, replaced=True)
    row = one("files", now, before, validated={"files": replaced})
    assert row.findings == () and row.worst == "" and row.validation == replaced


def test_order_trend_and_indexes() -> None:
    trend = (
        CountsAt(id="a", at=AT, documents={"tags": 1}),
        CountsAt(id="b", at=AT, documents={"tags": 2, "users": 3}),
    )
    same, other = IndexNow(name="i", form="x"), IndexNow(name="i", form="y")
    answer = live(
        CollectionLive(name="tags", documents=2, indexes=(same,)),
        CollectionLive(name="users", documents=0, indexes=(other,)),
    )
    kept = {
        "tags": CollectionKept(documents=2, indexes=(same,)),
        "users": CollectionKept(documents=3, indexes=(same,)),
    }
    rows = rows_of(answer, held(kept, trend=trend))
    assert [row.name for row in rows[:2]] == ["users", "tags"], "what was emptied stands before what is well"
    assert rows[1].counts == (1, 2) and rows[0].counts == (None, 3)
    assert rows[1].indexes[0].state == "same" and rows[0].indexes[0].state == "differs"
    unread = rows_of(live(CollectionLive(name="tags")), held(kept))
    tags = next(row for row in unread if row.name == "tags")
    assert tags.change.word == "not counted" and tags.indexes[0].state == "not compared"
