"""The rows of the compare screen: what differs first, what is the same folded into one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.counted import counted
from tui.present_catalog import size
from tui.present_diff import OBJECT_WORDS, count_of, detail_words
from widgets.glyphs import Glyphs
from widgets.inventory_table import Column, TableRow
from widgets.text import escape

FOLDED = "same"
"""The key of the line that stands for all collections that are the same."""
EXAMPLES = 5
"""Keys shown of each kind; the whole text has more."""
STATUS = {
    "differs": "warn",
    "only in A": "warn",
    "only in B": "warn",
    "not compared": "unknown",
    "same": "ok",
}
OBJECT_STATES = {
    "changed": ("warn", "differs"),
    "removed": ("warn", "only in A"),
    "added": ("warn", "only in B"),
    "untold": ("unknown", "not told"),
    "unreadable": ("unknown", "unreadable"),
}
_SHORT = {
    "changed": "changed",
    "removed": "only in A",
    "added": "only in B",
    "untold": "not told",
    "unreadable": "unreadable",
}
_TONES = {"warn": "warning", "unknown": "warning", "ok": "success"}
NARROW = (
    Column("Collection or object"),
    Column("State", 14, toned=True),
    Column("Documents A", 12, right=True),
    Column("Documents B", 12, right=True),
)
WIDE = (*NARROW, Column("Bytes A", 15, right=True), Column("Bytes B", 15, right=True))

Document = Mapping[str, Any]
"""The `diff` document."""


def verdict_words(result: Document) -> str:
    """The first line: how many of what differ, or that everything is the same."""
    states = [row["state"] for row in result["collections"]]
    same, untold = states.count("same"), states.count("not compared")
    differ = len(states) - same - untold
    words = []
    if states:
        words.append(
            f"{differ:,} of {_many(len(states), 'collection')} differ{'s' if differ == 1 else ''}"
            if differ
            else f"{_many(same, 'collection')} the same by content"
        )
    if untold:
        words.append(f"{untold:,} not compared")
    objects = result["objects"]
    if objects is not None:
        gone = objects["added"] + objects["removed"] + objects["changed"]
        words.append(
            f"{_many(gone, 'object')} differ{'s' if gone == 1 else ''}" if gone else "no object differs"
        )
    return "; ".join(words) or "nothing there to compare"


def objects_words(result: Document) -> str:
    """What became of the objects, in one line; empty when they were not compared."""
    objects = result["objects"]
    if objects is None:
        return ""
    words = [f"{objects['same']:,} same"]
    words += [f"{objects[name]:,} {_SHORT[name]}" for name in OBJECT_STATES if objects[name]]
    return f"Objects: {', '.join(words)}"


def _are_same(count: int, what: str) -> str:
    return f"{_many(count, what)} {'are' if count != 1 else 'is'} the same"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


def rows_of(result: Document, glyphs: Glyphs, *, unfolded: bool, wide: bool) -> list[TableRow]:
    """Collections that differ, then objects, then what is the same."""
    collections = result["collections"]
    rows = [_collection(row, glyphs, wide) for row in collections if row["state"] != "same"]
    objects = result["objects"]
    if objects is not None:
        rows += _objects(objects, glyphs, wide)
    same = [row for row in collections if row["state"] == "same"]
    if same and not unfolded:
        words = _are_same(len(same), "collection")
        rows.append(_row(FOLDED, (words, glyphs.status("ok", "same")), "ok", wide))
    elif same:
        rows += [_collection(row, glyphs, wide) for row in same]
    if objects is not None and objects["same"]:
        words = _are_same(objects["same"], "object")
        rows.append(_row("objects.same", (words, glyphs.status("ok", "same")), "ok", wide))
    return rows


def _collection(row: Document, glyphs: Glyphs, wide: bool) -> TableRow:
    word = STATUS[row["state"]]
    cells = (
        escape(row["name"]),
        glyphs.status(word, row["state"]),
        count_of(row["a"], "documents"),
        count_of(row["b"], "documents"),
        count_of(row["a"], "bytes"),
        count_of(row["b"], "bytes"),
    )
    return _row(f"collection:{row['name']}", cells, word, wide)


def _objects(objects: Document, glyphs: Glyphs, wide: bool) -> list[TableRow]:
    rows = []
    for name, (word, state) in OBJECT_STATES.items():
        count = objects[name]
        if not count:
            continue
        head = f"{_many(count, 'object')} {_SHORT[name]}"
        rows.append(_row(f"objects.{name}", (head, glyphs.status(word, state)), word, wide))
        keys = objects["examples"].get(name, ())
        rows += [
            _row(f"object:{name}:{place}", (f"  {escape(key)}", glyphs.status(word, state)), word, wide)
            for place, key in enumerate(keys[:EXAMPLES])
        ]
        if count > min(len(keys), EXAMPLES):
            more = f"  and {count - min(len(keys), EXAMPLES):,} more"
            rows.append(_row(f"objects.{name}.more", (more, ""), "", wide))
    return rows


def _row(key: str, cells: tuple[str, ...], word: str, wide: bool) -> TableRow:
    width = len(WIDE if wide else NARROW)
    return TableRow(key, (*cells, "", "", "", "")[:width], tone=_TONES.get(word, ""), words=cells[0])


def about(result: Document, key: str) -> list[str]:
    """What the row under the cursor says in full: its whole name, what differs, sizes and content sums."""
    kind, _, name = key.partition(":")
    if kind == "collection":
        row = next((row for row in result["collections"] if row["name"] == name), None)
        return [] if row is None else _about_collection(row)
    if kind == "object":
        outcome, _, place = name.partition(":")
        keys = result["objects"]["examples"].get(outcome, ())
        return [f"{OBJECT_WORDS[outcome]}: {keys[int(place)]}"] if int(place) < len(keys) else []
    if key == FOLDED:
        return ["By content, not only by count. Enter or u shows them one by one."]
    objects = result["objects"]
    if objects is None:
        return []
    a, b = objects["a"], objects["b"]
    return [
        f"A has {counted(a['count'], 'objects')} of {size(a['bytes'])}, B has {b['count']:,} of {size(b['bytes'])}."
    ]


def _about_collection(row: Document) -> list[str]:
    words = detail_words(row)
    lines = [f"{row['name']} ({row['kind']}){': ' + words if words else ''}"]
    for letter, key in (("A", "a"), ("B", "b")):
        held = row[key]
        if held is not None and held["content"]:
            lines.append(f"{letter}: {held['bytes']:,} bytes, content {held['content']}")
    return lines
