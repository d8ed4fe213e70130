"""Documents that differ, in words: their state, id, and the paths of their fields with values on demand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from services.counted import counted
from services.operations.diff_model import LIVE
from tui.present_diff import detail_words
from widgets.glyphs import Glyphs
from widgets.inventory_table import TableRow
from widgets.text import escape

FEW_FIELDS = 3
"""Fields named below the table; Enter shows all of them."""
_OBJECT_ID = re.compile(r'\{"\$oid": ?"([0-9a-f]+)"\}')

Document = Mapping[str, Any]


class Sides(NamedTuple):
    """What the two sides are called, and where documents and fields are that only one of them has."""

    a: str = "A"
    b: str = "B"
    only_a: str = "only in A"
    only_b: str = "only in B"

    def state(self, state: str) -> str:
        """A document's state in words."""
        return {"added": self.only_b, "removed": self.only_a}.get(state, state)


def sides_of(b: str) -> Sides:
    """Where B is what is live, they are called by what they are."""
    return Sides("backup", "live", "only backup", "only live") if b == LIVE else Sides()


def verdict_words(row: Document, sides: Sides) -> str:
    """`3 only in B, 1 only in A, 12 changed, 415 the same`."""
    documents = row["documents"]
    if not documents:
        words = detail_words(row)
        return words or (
            "the same by content" if row["state"] == "same" else "its documents were not compared"
        )
    shown = len(documents["examples"])
    differ = documents["added"] + documents["removed"] + documents["changed"]
    parts = [
        f"{documents[state]:,} {sides.state(state)}"
        for state in ("added", "removed", "changed")
        if documents[state]
    ]
    words = f"{', '.join(parts) or 'no document differs'}; {documents['same']:,} the same"
    return f"{words}; {shown:,} shown" if shown < differ else words


def document_row(place: int, one: Document, glyphs: Glyphs, sides: Sides) -> TableRow:
    """State, id, and the paths that differ."""
    paths = [field_name(field, sides) for field in one["fields"]]
    if one["more_fields"]:
        paths.append(f"and {one['more_fields']:,} more")
    fields = ", ".join(escape(path) for path in paths) or escape(str(one.get("note") or ""))
    cells = (glyphs.status("warn", sides.state(one["state"])), document_name(one), fields)
    return TableRow(str(place), cells, "warning", " ".join(cells).lower())


def document_name(one: Document) -> str:
    """The application's id where there is one, else `_id`."""
    return escape(str(one.get("own_id") or id_words(one)))


def id_words(one: Document) -> str:
    """The `_id` as an admin writes it: of an ObjectId the digits alone."""
    found = _OBJECT_ID.fullmatch(str(one["id"]))
    return found[1] if found else str(one["id"])


def field_name(field: Document, sides: Sides) -> str:
    """A path, and what became of it where that is not a changed value."""
    path = str(field["path"]) or "(document)"
    word = {"added": sides.only_b, "removed": sides.only_a, "order": "order"}.get(
        str(field.get("kind", "")), ""
    )
    word = str(field.get("types") or "") or word
    return f"{path} ({word})" if word else path


def document_lines(one: Document, sides: Sides, *, every: bool) -> list[str]:
    """The id and the fields, with values where the comparison has them."""
    own = f"   id {escape(str(one['own_id']))}" if one.get("own_id") else ""
    lines = [f"{sides.state(one['state'])}:  _id {escape(id_words(one))}{own}"]
    if one.get("note"):
        lines.append(f"  {escape(str(one['note']))}")
    fields = one["fields"] if every else one["fields"][:FEW_FIELDS]
    for field in fields:
        name = escape(field_name(field, sides))
        if field["secret"]:
            lines.append(f"  {name}: (its values are never shown)")
        elif field["a"] is None and field["b"] is None:
            lines.append(f"  {name}")
        elif every:
            lines += [
                f"  {name}",
                f"    {sides.a} {_value(field['a'])}",
                f"    {sides.b} {_value(field['b'])}",
            ]
        else:
            lines.append(f"  {name}: {sides.a} {_value(field['a'])}  {sides.b} {_value(field['b'])}")
    more = one["more_fields"] + len(one["fields"]) - len(fields)
    if more:
        lines.append(f"  and {counted(more, 'fields')} more{'' if every else ' (Enter)'}")
    return lines


def _value(value: object) -> str:
    return "(absent)" if value is None else escape(str(value))


def code(text: str) -> str:
    return "`" + escape(text).replace("`", "'").replace("|", "\\|") + "`"
