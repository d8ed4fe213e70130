"""A document as lines of a tree, and the fields in which two differ; values of secret fields never."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

import bson
from bson import Binary, Decimal128, ObjectId, json_util
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.regex import Regex
from bson.timestamp import Timestamp

from services.comparing.fields import Change, Value, changes
from services.counted import counted
from services.looking.document import MOST_LINES, DocumentSeen, FieldSeen
from services.quilltap.secret_fields import HIDDEN, is_secret_name
from services.redact import redact

TEXT = 400
"""Characters of one text that are shown."""
PLAIN_ITEMS = 12
"""Items of a list of numbers or short texts that are shown, in one line."""
ITEMS = 100
"""Documents of a list that are shown."""
VALUE = 160
"""Characters of one side of a difference."""
MOST_DIFFERENT = 5_000
_INDENT = "  "


def lines_of(document: Mapping[str, Any], size: int) -> DocumentSeen:
    """The tree of a document of `size` bytes: at most `MOST_LINES` lines, each text and list cut with words."""
    tree = _Tree()
    lines: list[str] = []
    for line in tree.fields(document, 0):
        if len(lines) >= MOST_LINES:
            tree.cut = True
            break
        lines.append(redact(line))
    words = ""
    if tree.cut:
        words = f"Of its {size:,} bytes only the beginnings of long lists and texts are shown."
    return DocumentSeen(bytes=size, lines=tuple(lines), cut=words, hidden=tree.hidden)


class _Tree:
    """Makes the lines, and remembers what it left out."""

    def __init__(self) -> None:
        self.cut = False
        self.hidden = 0

    def fields(self, document: Mapping[str, Any], depth: int) -> Iterator[str]:
        for name, value in document.items():
            yield from self._field(str(name), value, depth)

    def _field(self, name: str, value: Any, depth: int) -> Iterator[str]:
        head = f"{_INDENT * depth}{name}: "
        if is_secret_name(name) and value is not None:
            self.hidden += 1
            yield head + HIDDEN
        else:
            yield from self._value(head, value, depth)

    def _value(self, head: str, value: Any, depth: int) -> Iterator[str]:
        if isinstance(value, Mapping):
            if not value:
                yield f"{head}{{}}"
                return
            yield head.rstrip()
            yield from self.fields(value, depth + 1)
        elif isinstance(value, list):
            yield from self._list(head, value, depth)
        else:
            text, cut = words_of(value, TEXT)
            self.cut = self.cut or cut
            yield head + text

    def _list(self, head: str, items: list[Any], depth: int) -> Iterator[str]:
        if not items:
            yield f"{head}[]"
        elif not any(isinstance(item, Mapping | list) for item in items[:ITEMS]) and _is_short(items):
            shown = ", ".join(words_of(item, 60)[0] for item in items[:PLAIN_ITEMS])
            more = len(items) - PLAIN_ITEMS
            self.cut = self.cut or more > 0
            yield f"{head}[{shown}{f', and {more:,} more' if more > 0 else ''}]"
        else:
            yield f"{head}({counted(len(items), 'items')})"
            for place, item in enumerate(items[:ITEMS]):
                yield from self._value(f"{_INDENT * (depth + 1)}[{place}] ", item, depth + 1)
            if len(items) > ITEMS:
                self.cut = True
                yield f"{_INDENT * (depth + 1)}and {len(items) - ITEMS:,} more"


def _is_short(items: list[Any]) -> bool:
    return all(not isinstance(item, str) or len(item) <= 40 for item in items[:PLAIN_ITEMS])


def words_of(value: Any, most: int) -> tuple[str, bool]:
    """A value in words of at most `most` characters, and whether it was cut."""
    if isinstance(value, str):
        if len(value) <= most:
            return json.dumps(value, ensure_ascii=False), False
        return (
            f"{json.dumps(value[:most], ensure_ascii=False)} and {len(value) - most:,} characters more",
            True,
        )
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value], False
    if isinstance(value, ObjectId):
        return f"ObjectId {value}", False
    if isinstance(value, datetime):
        return f"date {value.isoformat()}", False
    if isinstance(value, Binary | bytes):
        return f"binary, {len(value):,} bytes", False
    if isinstance(value, int | float | Decimal128 | Timestamp | Regex):
        return str(value)[:most], False
    text = json_util.dumps(value, json_options=json_util.RELAXED_JSON_OPTIONS, default=str)
    return text[:most], len(text) > most


def differing(live: bytes, kept: bytes) -> list[FieldSeen]:
    """The paths of two raw documents whose values differ, those of secret fields without what they hold."""
    return [_field(live, kept, change) for change in islice(changes(live, kept), MOST_DIFFERENT)]


def _field(live: bytes, kept: bytes, change: Change) -> FieldSeen:
    path = change.path or "(document)"
    if any(is_secret_name(name) for name in change.names):
        return FieldSeen(path=path, secret=True)
    if change.kind == "order":
        return FieldSeen(path=path, live="the same fields", kept="in another order")
    return FieldSeen(path=path, live=_side(live, change.a), kept=_side(kept, change.b))


def _side(data: bytes, value: Value | None) -> str | None:
    """One value in words, None where there is none."""
    if value is None:
        return None
    kind, start, end = value
    body = bytes([kind]) + b"v\0" + data[start:end] + b"\0"
    found = decoded((len(body) + 4).to_bytes(4, "little") + body)["v"]
    if isinstance(found, Mapping):
        return f"a document of {counted(len(found), 'fields')}"
    if isinstance(found, list):
        return f"a list of {counted(len(found), 'items')}"
    return redact(words_of(found, VALUE)[0])


def decoded(data: bytes) -> dict[str, Any]:
    """A raw document; dates beyond Python's and texts that are no UTF-8 are taken as they can be shown."""
    options: CodecOptions[dict[str, Any]] = CodecOptions(
        tz_aware=True,
        datetime_conversion=DatetimeConversion.DATETIME_AUTO,
        unicode_decode_error_handler="replace",
    )
    return bson.decode(data, options)
