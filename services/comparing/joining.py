"""Two indexes side by side, a part at a time: what was added, removed, changed, and which to look at."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from services.comparing.index import DIGEST_BYTES, PARTS, SUM_BYTES, DocumentIndex

Wanted = dict[bytes, int]
"""The first `SUM_BYTES` of a document's record -> its place among the examples."""


class Joined(msgspec.Struct, kw_only=True):
    """Counts from A to B, and the first documents of each kind in the order of their side.

    `changed` pairs the records of A with those of B.
    """

    same: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0
    added_first: tuple[bytes, ...] = ()
    removed_first: tuple[bytes, ...] = ()
    changed_first: tuple[tuple[bytes, bytes], ...] = ()


class _First:
    """The few with the lowest places, of any number."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._heap: list[tuple[int, bytes, bytes]] = []

    def add(self, place: bytes, one: bytes, other: bytes = b"") -> None:
        entry = (-int.from_bytes(place, "big"), one, other)
        if len(self._heap) < self._limit:
            heapq.heappush(self._heap, entry)
        elif self._limit and entry > self._heap[0]:
            heapq.heapreplace(self._heap, entry)

    def ordered(self) -> list[tuple[bytes, bytes]]:
        return [(one, other) for _, one, other in sorted(self._heap, reverse=True)]


def join(a: DocumentIndex, b: DocumentIndex, *, examples: int, check: Callable[[], None]) -> Joined:
    """Memory is that of the largest of 256 parts: about 1 MiB for a million documents a side.

    A document that stands several times on a side is matched as often as it stands on the other.
    """
    found = Joined()
    added, removed, changed = _First(examples), _First(examples), _First(examples)
    for part in range(PARTS):
        check()
        left, right = a.part(part), b.part(part)
        only_a, only_b, same = _apart(left, right)
        found.same += same
        if not only_a and not only_b:
            continue
        others: dict[bytes, list[bytes]] = {}
        for record in only_b:
            others.setdefault(record[:DIGEST_BYTES], []).append(record)
        for record in only_a:
            waiting = others.get(record[:DIGEST_BYTES])
            if waiting:
                found.changed += 1
                changed.add(record[SUM_BYTES:], record[:SUM_BYTES], waiting.pop(0)[:SUM_BYTES])
            else:
                found.removed += 1
                removed.add(record[SUM_BYTES:], record[:SUM_BYTES])
        for waiting in others.values():
            for record in waiting:
                found.added += 1
                added.add(record[SUM_BYTES:], record[:SUM_BYTES])
    found.added_first = tuple(one for one, _ in added.ordered())
    found.removed_first = tuple(one for one, _ in removed.ordered())
    found.changed_first = tuple(changed.ordered())
    return found


def _apart(left: list[bytes], right: list[bytes]) -> tuple[list[bytes], list[bytes], int]:
    """(records only on the left, only on the right, documents on both)."""
    ours = {record[:SUM_BYTES]: record for record in left}
    theirs = {record[:SUM_BYTES]: record for record in right}
    if len(ours) == len(left) and len(theirs) == len(right):
        both = ours.keys() & theirs.keys()
        only_a = [record for key, record in ours.items() if key not in both]
        return only_a, [record for key, record in theirs.items() if key not in both], len(both)
    counts_a, counts_b = _counts(left), _counts(right)
    both_counts = counts_a & counts_b
    only_a = [ours[key] for key in (counts_a - both_counts).elements()]
    only_b = [theirs[key] for key in (counts_b - both_counts).elements()]
    return only_a, only_b, sum(both_counts.values())


def _counts(records: Iterable[bytes]) -> Counter[bytes]:
    return Counter(record[:SUM_BYTES] for record in records)
