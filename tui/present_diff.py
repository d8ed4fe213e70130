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
    if result["objects"] is not None:
        lines += ["", "## Objects", "", "```text"]
        shown = object_lines(result["objects"], shown=20)
        lines += [escape(line).replace("```", "'''") for line in shown]
        lines.append("```")
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return "`" + escape(text).replace("`", "'").replace("|", "\\|") + "`"
