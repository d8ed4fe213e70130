"""The store of ids: what it is told when there is no room, and equal values however many."""

from __future__ import annotations

import sqlite3

import pytest

from services.errors import QuillkeepError
from services.references.store import MAX_PLACES, Noted, Store


def noted(number: int) -> Noted:
    return Noted(label=b"%d" % number, kind=16, raw_id=number.to_bytes(4, "little"), user=b"", names=[])


def test_equal_values_are_found_in_one_reading() -> None:
    store = Store()
    for number in range(5_000):
        place = store.note(noted(number))
        store.add("ids", (1, number // 2 if number < 20 else number, place))
    for number in range(MAX_PLACES + 50):
        store.add("ids", (2, -7, store.note(noted(number))))
    store.settle(lambda: None)
    found = list(store.doubles(1))
    assert [h for h, _ in found] == list(range(10)) and all(len(places) == 2 for _, places in found)
    assert {store.noted(place).label for _, places in found for place in places} == {
        b"%d" % number for number in range(20)
    }
    ((h, places),) = store.doubles(2)
    assert h == -7 and len(places) == MAX_PLACES
    assert not list(store.doubles(3))
    store.close()


def test_a_full_disk_is_said_in_an_admins_words() -> None:
    store = Store()
    store._database.execute("PRAGMA max_page_count = 40")
    with pytest.raises(QuillkeepError) as full:
        for number in range(200_000):
            store.add("ids", (1, number * 7919, store.note(noted(number))))
        store.settle(lambda: None)
    assert "temporary file" in full.value.what and "TMPDIR" in full.value.next
    assert isinstance(full.value.__cause__, sqlite3.Error)
    store.close()
