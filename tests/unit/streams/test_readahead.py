"""Reading ahead in a thread: order, errors in their place, nothing left running."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from services.streams.readahead import read_ahead


def counted(end: int, closed: list[int]) -> Iterator[int]:
    """Numbers, and a note when the generator was closed or ended."""
    try:
        yield from range(end)
    finally:
        closed.append(1)


def settled(before: int) -> bool:
    """Whether the threads of a test are gone, within two seconds."""
    for _ in range(200):
        if threading.active_count() <= before:
            return True
        time.sleep(0.01)
    return False


def test_items_in_order() -> None:
    assert list(read_ahead(counted(1000, []), 3)) == list(range(1000))


def test_an_error_comes_after_the_items_before_it() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("third")

    found = []
    with pytest.raises(ValueError, match="third"):
        for item in read_ahead(source()):
            found.append(item)
    assert found == [1, 2]


def test_a_consumer_that_stops_ends_the_thread() -> None:
    before, closed = threading.active_count(), list[int]()
    ahead = read_ahead(counted(10**9, closed), 2)
    assert next(ahead) == 0
    ahead.close()
    assert settled(before)
    assert closed == [1]


def test_it_stays_within_its_depth() -> None:
    made = []

    def source() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    ahead = read_ahead(source(), 3)
    next(ahead)
    time.sleep(0.1)
    assert len(made) <= 6
    ahead.close()
