"""References to nothing, looked at once more: what was made, deleted or changed meanwhile moved, it is not broken."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from services.archive.elements import NotBson
from services.quilltap import Reference
from services.references.again import ASKED_AT_ONCE, Again
from services.references.store import Noted
from services.references.walker import Field, Seen, look

if TYPE_CHECKING:
    from services.references.engine import References

DECIDED = 100_000
"""Targets whose second look is remembered."""
Row = tuple[int, bytes, int]


def forget_moved(
    references: References, number: int, one: Reference, again: Again, check: Callable[[], None]
) -> int:
    """Takes out of the store the references of a number that no longer refer to nothing; gives how many.

    A reference stays when its target is still not there and its document, as it is now, still names it.
    """
    store = references.store
    rows = store.gone_rows(number)
    there: dict[int, bool] = {}
    moved = 0
    while chunk := list(islice(rows, ASKED_AT_ONCE)):
        check()
        if len(there) > DECIDED:
            there.clear()
        asked = {h: text for h, text, _ in chunk if h not in there}
        there.update(dict.fromkeys(asked, False))
        there.update(dict.fromkeys(_existing(references, one, list(asked.values()), again), True))
        still = _still(references, number, one, chunk, again)
        gone = [
            (number, h, place)
            for h, text, place in chunk
            if there[h] or (_key(store.noted(place)), text) not in still
        ]
        store.forget(gone)
        moved += len(gone)
    return moved


def _existing(references: References, one: Reference, texts: list[bytes], again: Again) -> Iterator[int]:
    values = [text.decode("utf-8", "replace") for text in texts]
    for name in sorted(references.names.get(one.target, {one.target})):
        for seen in walked(
            references, one.target, again, name, one.target_field, values, (one.target_field,)
        ):
            found = seen.text(one.target_field)
            if found:
                yield hash(found)


def _still(
    references: References, number: int, one: Reference, chunk: list[Row], again: Again
) -> set[tuple[tuple[int, bytes], bytes]]:
    from services.references.engine import fields_of

    ids = {}
    for _, _, place in chunk:
        noted = references.store.noted(place)
        ids[_key(noted)] = noted
    values = [python_value(noted.kind, noted.raw_id) for noted in ids.values()]
    found = set()
    for name in sorted(references.names.get(one.collection, {one.collection})):
        for seen in walked(references, one.collection, again, name, "_id", values, fields_of(one.collection)):
            found |= {(seen.kept["_id"], text) for k, text in seen.refs if k == number}
    return found


def walked(
    references: References,
    stored: str,
    again: Again,
    name: str,
    field: str,
    values: list[Any],
    fields: tuple[str, ...],
) -> Iterator[Seen]:
    """The documents of a collection whose `field` has one of the values, walked as they are now."""
    root = references.tree(stored)
    for batch in again.find(name, field, values, fields):
        yield from whole_documents(root, bytes(batch))


def whole_documents(root: Field, raw: bytes) -> Iterator[Seen]:
    """The documents of a batch up to one that is no BSON: that is told by the first look."""
    at = 0
    while at < len(raw):
        try:
            seen, at = look(root, raw, at)
        except NotBson:
            return
        yield seen


def _key(noted: Noted) -> tuple[int, bytes]:
    return noted.kind, noted.raw_id


def python_value(kind: int, raw: bytes) -> Any:
    """A raw BSON value as the driver takes it in a query."""
    from bson import decode
    from bson.codec_options import CodecOptions, DatetimeConversion

    body = bytes((kind,)) + b"v\0" + raw + b"\0"
    options: CodecOptions[dict[str, Any]] = CodecOptions(
        document_class=dict, datetime_conversion=DatetimeConversion.DATETIME_MS
    )
    return decode(struct.pack("<i", len(body) + 4) + body, options)["v"]
