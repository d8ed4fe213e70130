"""A comparison for a person: rows that differ first, those that are the same folded into one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui.present_catalog import size, when
from tui.table import table
from tui.terminal import Terminal
from widgets.text import escape

VERDICTS = {
    "same": ("ok", "They are the same."),
    "differs": ("warn", "They differ."),
    "not all compared": ("unknown", "No difference was found, but not everything could be compared."),
}
OBJECT_WORDS = {
    "changed": "changed",
    "removed": "only in A",
    "added": "only in B",
    "untold": "same size, sums cannot be compared",
    "unreadable": "could not be read when its backup was made",
}
DOCUMENT_WORDS = {"changed": "changed", "removed": "only in A", "added": "only in B"}
EXAMPLES_SHOWN = 5

Document = Mapping[str, Any]
"""The `diff` document."""


def diff_lines(result: Document, terminal: Terminal) -> list[str]:
    """The verdict, both sides, the table and the objects."""
    status, words = VERDICTS[result["verdict"]]
    lines = [f"{terminal.status(status)}  {terminal.paint(words, 'bold')}"]
    lines += [f"  {letter}: {escape(side_words(result[key]))}" for letter, key in (("A", "a"), ("B", "b"))]
    rows = [row for row in result["collections"] if row["state"] != "same"]
    if rows:
        cells = [("COLLECTION", "STATE", "DOCUMENTS", "", "", "BYTES", "", "")]
        for row in rows:
            cells.append(
                (
                    escape(row["name"]),
                    row["state"],
                    count_of(row["a"], "documents"),
                    terminal.arrow(),
                    count_of(row["b"], "documents"),
                    count_of(row["a"], "bytes"),
                    terminal.arrow(),
                    count_of(row["b"], "bytes"),
                )
            )
        shown = table(cells, right=frozenset({2, 4, 5, 7}))
        lines += ["", terminal.paint(shown[0], "bold")]
        for line, row in zip(shown[1:], rows, strict=True):
            lines.append(line)
            words = detail_words(row)
            if words:
                lines.append(f"    {escape(words)}")
            lines += [f"    {escape(line)}" for line in document_lines(row, shown=EXAMPLES_SHOWN)]
    folded = len(result["collections"]) - len(rows)
    if folded:
        lines.append(same_words(folded))
    if result["objects"] is not None:
        lines += ["", *(escape(line) for line in object_lines(result["objects"], shown=EXAMPLES_SHOWN))]
    return lines


def side_words(side: Document) -> str:
    """One side in one line."""
    if side["live"]:
        parts = [side["database"], side["objects"]]
        return f"live, {when(side['created'])} UTC ({', '.join(part for part in parts if part)})"
    where = f", {side['location']}" if side["location"] else ""
    return f"{side['id']}, {when(side['created'])} UTC{where}"


def same_words(count: int) -> str:
    """The folded rows."""
    if count == 1:
        return "1 collection is the same by content."
    return f"{count:,} collections are the same by content."


def count_of(held: Document | None, key: str) -> str:
    """A figure of one side; `-` where it has none."""
    value = None if held is None else held[key]
    return "-" if value is None else f"{value:,}"


def detail_words(row: Document) -> str:
    """What differs beside the figures; documents that differ by content alone say so."""
    detail: Sequence[str] = row["detail"]
    a, b = row["a"], row["b"]
    both = row["state"] == "differs" and a and b and a["content"] and b["content"]
    alike = both and (a["documents"], a["bytes"]) == (b["documents"], b["bytes"])
    if alike and a["content"] != b["content"]:
        return "; ".join(("same count and bytes, other content", *detail))
    if both and a["documents"] == b["documents"] and a["bytes"] != b["bytes"]:
        return "; ".join(("same count, other documents", *detail))
    return "; ".join(detail)


def document_lines(row: Document, *, shown: int) -> list[str]:
    """How many documents differ, and the first of each kind with the fields that do; `shown` of each kind."""
    found = row.get("documents")
    if not found:
        return []
    counts = [f"{found[name]:,} {words}" for name, words in DOCUMENT_WORDS.items() if found[name]]
    if not counts:
        return []
    lines = [f"documents: {', '.join(counts)}; {found['same']:,} the same"]
    for name, sign in (("changed", "~"), ("removed", "-"), ("added", "+")):
        of_kind = [one for one in found["examples"] if one["state"] == name]
        for one in of_kind[:shown]:
            lines += _document(one, sign)
        if of_kind and found[name] > min(shown, len(of_kind)):
            lines.append(f"  {sign} and {found[name] - min(shown, len(of_kind)):,} more")
    return lines


def _document(one: Document, sign: str) -> list[str]:
    own = f" (id {one['own_id']})" if one["own_id"] and one["own_id"] not in one["id"] else ""
    note = f": {one['note']}" if one["note"] else ""
    lines = [f"  {sign} {one['id'] or 'a document'}{own}{note}"]
    plain = []
    for field in one["fields"]:
        words = field_words(field)
        if field["a"] is None and field["b"] is None:
            plain.append(words)
            continue
        lines.append(f"      {words}: {_value(field['a'])} -> {_value(field['b'])}")
    more = [f"{one['more_fields']:,} more"] if one["more_fields"] else []
    if plain or more:
        lines.append(f"      {', '.join([*plain, *more])}")
    return lines


def field_words(field: Document) -> str:
    """One field path, with what became of it where that is not a change of its value."""
    path = field["path"]
    if field["kind"] == "order":
        return f"{path} (field order)" if path else "(field order)"
    told = {"added": "only in B", "removed": "only in A", "type": field["types"], "changed": ""}[
        field["kind"]
    ]
    told = ", ".join(part for part in (told, "never shown" if field["secret"] else "") if part)
    return f"{path or '(the document)'} ({told})" if told else path or "(the document)"


def _value(text: str | None) -> str:
    return "-" if text is None else text


def object_lines(objects: Document, *, shown: int) -> list[str]:
    """Counts, and the first keys of each kind of difference."""
    a, b = objects["a"], objects["b"]
    lines = [
        f"Objects: A {a['count']:,} of {size(a['bytes'])}, B {b['count']:,} of {size(b['bytes'])}; "
        f"{objects['same']:,} are the same."
    ]
    for name, words in OBJECT_WORDS.items():
        if not objects[name]:
            continue
        lines.append(f"  {objects[name]:,} {words}")
        keys = objects["examples"].get(name, ())
        lines += [f"    {key}" for key in keys[:shown]]
        if objects[name] > min(shown, len(keys)):
            lines.append(f"    and {objects[name] - min(shown, len(keys)):,} more")
    return lines


def diff_markdown(result: Document) -> str:
    """The comparison as a file to keep; every name is a code span, so that nothing in it is markup."""
    _, verdict = VERDICTS[result["verdict"]]
    lines = ["# Comparison", "", f"**{verdict}**", ""]
    lines += [f"- {letter}: {_code(side_words(result[key]))}" for letter, key in (("A", "a"), ("B", "b"))]
    lines += [f"- {escape(str(warning))}" for warning in result["warnings"]]
    if result["collections"]:
        lines += [
            "",
            "## Collections",
            "",
            "| collection | state | documents A | documents B | bytes A | bytes B | content A | content B | detail |",
            "| --- | --- | ---: | ---: | ---: | ---: | --- | --- | --- |",
        ]
        for row in result["collections"]:
            figures = [count_of(row[side], key) for key in ("documents", "bytes") for side in ("a", "b")]
            sums = [(row[side] or {}).get("content") or "-" for side in ("a", "b")]
            detail = escape(detail_words(row)).replace("|", "\\|")
            lines.append(
                f"| {_code(row['name'])} | {row['state']} | {' | '.join([*figures, *sums])} | {detail} |"
            )
    for row in result["collections"]:
        told = document_lines(row, shown=10)
        if told:
            lines += ["", f"## Documents of {_code(row['name'])}", "", "```text"]
            lines += [escape(line).replace("```", "'''") for line in told]
            lines.append("```")
    if result["objects"] is not None:
        lines += ["", "## Objects", "", "```text"]
        shown = object_lines(result["objects"], shown=20)
        lines += [escape(line).replace("```", "'''") for line in shown]
        lines.append("```")
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return "`" + escape(text).replace("`", "'").replace("|", "\\|") + "`"
