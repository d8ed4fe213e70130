"""Values that several documents have though the application takes the first one it finds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable

from services.counted import by_number, counted
from services.findings import MAX_EXAMPLES, Finding, FindingStatus
from services.quilltap import stored_name
from services.references.again import Again
from services.references.engine import References
from services.references.second import python_value, walked
from services.references.telling import label_of
from services.references.walker import Seen
from services.validating.good import Need
from services.validating.shapes import UNIQUE
from services.validating.wording import Placed

MAX_VALUES = 1_000
"""Values of one field that are looked at; more are counted."""
_BY_A_RACE = frozenset({("vector_indices", "id")})
"""Two first memories of a character at once make two documents in a sound application: one is never used."""


def double_findings(
    references: References,
    chosen: Collection[str],
    *,
    again: Again | None,
    check: Callable[[], None],
) -> tuple[list[Placed], int]:
    """A finding for each field with equal values, after the store was settled; and how many were moved meanwhile.

    `chosen` are collections as stored. The values themselves are never told: some let people in.
    """
    found: list[Placed] = []
    moved = 0
    for collection, field in UNIQUE:
        check()
        if collection not in chosen:
            continue
        values: dict[int, list[str]] = {}
        more = 0
        for h, places in references.store.doubles(references.kinds[collection, field]):
            if len(values) >= MAX_VALUES:
                more += 1
                continue
            labels = _still(references, collection, field, h, places, again)
            if len(labels) < 2:
                moved += 1
            else:
                values[h] = labels
        if values:
            found.append(_finding(collection, field, values, more))
    return found, moved


def _still(
    references: References, collection: str, field: str, h: int, places: list[int], again: Again | None
) -> list[str]:
    noted = [references.store.noted(place) for place in places]
    labels = {(one.kind, one.raw_id): label_of(one.label, one.kind, one.raw_id) for one in noted}
    if again is None:
        return list(labels.values())
    ids = [python_value(one.kind, one.raw_id) for one in noted]
    found = {}
    for name in sorted(references.names.get(collection, {collection})):
        for seen in walked(references, collection, again, name, "_id", ids, (field,)):
            text = seen.text(field)
            if text is not None and hash(text) == h:
                key = seen.kept["_id"]
                found[key] = labels.get(key, "")
    return list(found.values())


def _finding(collection: str, field: str, values: dict[int, list[str]], more: int) -> Placed:
    documents = sum(len(labels) for labels in values.values())
    several = len(values) + more
    status: FindingStatus = "warn" if (collection, field) in _BY_A_RACE else "fail"
    examples = tuple(dict.fromkeys(label for labels in values.values() for label in labels))
    what = (
        f"{counted(documents, 'documents')} of {collection} share {by_number(several, 'a value', f'{several:,} values')} "
        f"of {field}: the application takes the first it finds, and the others are never seen."
    )

    def key_of(seen: Seen) -> Hashable:
        text = seen.text(field)
        return None if text is None else hash(text)

    return (
        Finding(
            kind="duplicate",
            status=status,
            what=what,
            collection=collection,
            count=documents,
            examples=examples[:MAX_EXAMPLES],
        ),
        Need(stored_name(collection), list(values), key_of, once=True),
    )
