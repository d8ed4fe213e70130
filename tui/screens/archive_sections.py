"""The detail screen's sections: what each shows of the `show` document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.counted import counted
from tui.present_catalog import stock_lines
from tui.screens.archives_rows import moment, size
from widgets.glyphs import Glyphs, tone
from widgets.inventory_table import Column, TableRow
from widgets.text import escape

Document = Mapping[str, Any]
KEYS_SHOWN = 1_000
"""Missing and lost object keys listed one by one."""
Pairs = list[tuple[str, str]]


class Section(NamedTuple):
    """A table's columns and rows; `empty` says why there are none. `sums` are numbers to sort by, by key."""

    columns: tuple[Column, ...]
    rows: list[TableRow]
    empty: tuple[str, str]
    sums: Mapping[str, tuple[float, ...]] = {}
    orders: tuple[str, ...] = ()


def manifest_pairs(document: Document) -> Pairs:
    """What the manifest says beyond the catalog's row."""
    one = document["manifest"]
    if one is None:
        return []
    began, ended = datetime.fromisoformat(one["started"]), datetime.fromisoformat(one["finished"])
    pairs: Pairs = [
        (
            "Made",
            f"{moment(began)}, took {(ended - began).total_seconds():.0f} s, by Quillkeep {one['tool_version']}",
        ),
        ("Database", f"{one['database']} on {one['host']}" if one["database"] else ""),
        ("Server", f"MongoDB {one['server_version']}" if one["server_version"] else ""),
        ("Replica set", one["replica_set"] or ("none" if one["database"] else "")),
        ("Bucket", " below ".join(filter(None, [one["bucket"], one["prefix"]]))),
        (
            "Application",
            f"Quilltap {one['application_version']}" if one["application_version"] else "version unknown",
        ),
        ("Profile", one["profile"] or "none named"),
        ("Machine", one["machine_id"]),
        ("Consistency", ": ".join(filter(None, [one["consistency"], one["consistency_detail"]]))),
        ("Pepper", _pepper(one["pepper"])),
        ("Links", f"files shared with {one['previous']}" if one["previous"] else ""),
        ("Left out", ", ".join(one["excluded"])),
        ("Would change", _would_change(one["server_would_change"])),
    ]
    pairs += [("Suspicious", text) for text in one["suspicious"]]
    pairs += [("Warning", text) for text in one["warnings"]]
    return [(word, str(text)) for word, text in pairs if text]


def _pepper(entry: Document | None) -> str:
    if entry is None:
        return "no key-check: no pepper was configured"
    if not entry["opened"]:
        return f"key-check unproven: it opened none of {entry['tried']} stored keys"
    return f"key-check proven: it opened {entry['opened']} of {entry['tried']} stored keys"


def _would_change(entries: Sequence[Document]) -> str:
    if not entries:
        return ""
    first = entries[0]
    return f"{counted(len(entries), 'documents')} a server changes or refuses, first in {first['collection']}: {first['why']}"


def collections(document: Document) -> Section:
    """Collections with counts and sizes, or the names a foreign dump gives."""
    manifest = document["manifest"]
    if manifest is None:
        return _inside(document["collections_inside"] or {})
    rows, sums = [], {}
    for name, entry in sorted(manifest["collections"].items()):
        indexes = "-" if entry["indexes"] is None else f"{entry['indexes']:,}"
        cells = (
            escape(name),
            "" if entry["kind"] == "collection" else entry["kind"],
            f"{entry['documents']:,}",
            size(entry["bytes"]),
            indexes,
            size(entry["index_bytes"]),
        )
        rows.append(TableRow(name, cells, words=f"{name} {entry['kind']}".lower()))
        sums[name] = (-entry["documents"], -entry["bytes"])
    columns = (
        Column("COLLECTION"),
        Column("KIND", 10),
        Column("DOCUMENTS", 13, right=True),
        Column("SIZE", 9, right=True),
        Column("INDEXES", 7, right=True),
        Column("OF SIZE", 9, right=True),
    )
    parts = manifest["parts"]
    empty = ("It holds no collections.", "" if "database" in parts else "It has no database part.")
    return Section(columns, rows, empty, sums, ("by name", "most documents", "largest"))


def _inside(inside: Document) -> Section:
    rows = [
        TableRow(name, (escape(name), kind), words=name.lower())
        for name, kind in (inside.get("collections") or {}).items()
    ]
    problem = str(inside.get("problem") or "the dump names none")
    empty = (f"Its collections are not known: {problem}.", "v reads all of it and counts.")
    return Section((Column("COLLECTION (counts: v verifies and counts)"), Column("KIND", 12)), rows, empty)


def objects(document: Document) -> Section:
    """Objects by category, then the keys that are missing, lost or contradict themselves."""
    inside = document["objects_inside"] or {}
    rows, sums = [], {}
    for name, entry in (inside.get("categories") or {}).items():
        word = "other keys" if name == "other" else name
        rows.append(TableRow(name, (word, f"{entry['count']:,}", size(entry["bytes"])), words=word.lower()))
        sums[name] = (-entry["count"], -entry["bytes"])
    kept = (document["manifest"] or {}).get("objects") or {}
    for label, keys, look in (
        ("missing", document["missing_objects"], "fail"),
        ("lost", document["lost"], "warn"),
        ("contradicts its own sha256", kept.get("contradicting") or (), "warn"),
    ):
        for key in keys[:KEYS_SHOWN]:
            text = f"{label}: {escape(key)}"
            rows.append(TableRow(f"{label}\0{key}", (text, "", ""), tone(look), text.lower()))
            sums[f"{label}\0{key}"] = (1, 1)
    if inside.get("problem"):
        empty = (f"Its objects are not known: {inside['problem']}.", "")
    elif "objects" in document["backup"]["parts"] and not document["objects_inside"]:
        empty = ("Its objects are packed in one file.", "v reads all of it.")
    else:
        empty = ("It holds no objects.", "")
    title = "USERS' FILES BY KIND" if inside.get("whole", True) else "USERS' FILES BY KIND (counted in part)"
    columns = (Column(title, toned=True), Column("OBJECTS", 13, right=True), Column("SIZE", 10, right=True))
    return Section(columns, rows, empty, sums, ("by kind", "most objects", "largest"))


def checks(document: Document, glyphs: Glyphs) -> Section:
    """Verify runs, pins and accepts, the newest first."""
    rows = []
    for place, note in enumerate(reversed(document["notes"])):
        what, status, detail = _note(note)
        word = glyphs.status(status) if status else ""
        cells = (moment(note["at"]), what, word, escape(detail))
        rows.append(TableRow(str(place), cells, tone(status), " ".join(cells).lower()))
    columns = (Column("WHEN", 20), Column("WHAT", 13), Column("RESULT", 9, toned=True), Column("DETAIL"))
    return Section(columns, rows, ("Nothing was noted since it was made.", "v verifies it, p pins it."))


def _note(note: Document) -> tuple[str, str, str]:
    kind = note["note"]
    if kind == "check":
        findings = note.get("findings") or ()
        more = f" (and {len(findings) - 1} more: Enter)" if len(findings) > 1 else ""
        told = f"{findings[0]}{more}" if findings else f"proof by {note.get('proof', 'structure')}"
        return f"verify {note['depth']}", note["status"], told
    if kind == "shared-damage":
        count = len(note.get("bad") or ())
        return "shared damage", "fail", f"{count} object files damaged, found in {note['found_in']}"
    if kind == "accept":
        lost = len(note.get("lost") or ())
        words = [f"{counted(lost, 'objects')} as lost"] if lost else []
        words += ["the suspicion"] if note.get("suspicious") else []
        return "accepted", "", f"{' and '.join(words)}, by {note.get('by', '')}"
    name = {"pin": "pinned", "unpin": "unpinned"}.get(kind, str(kind))
    return name, "", f"by {note.get('by', '')}"


def note_text(note: Document) -> str:
    """Everything a note says."""
    lines = [f"{moment(note['at'])}: {' '.join(part for part in _note(note)[:2] if part)}"]
    lines += [
        f"{name}: {value}"
        for name, value in note.items()
        if name in ("proof", "job", "by", "found_in") and value
    ]
    lines += [f"{part}: {status}" for part, status in (note.get("parts") or {}).items()]
    lines += ["", *(f"- {text}" for text in note.get("findings") or ())]
    lines += [f"- {one.get('key')}: {one.get('why', '')}" for one in note.get("bad") or ()]
    lines += [f"- lost: {key}" for key in note.get("lost") or ()]
    return "\n".join(lines).rstrip()


def files(document: Document) -> Section:
    """Files on disk with sizes and modes, named below their common folder."""
    rows = []
    folders = {file["path"].rpartition("/")[0] + "/" for file in document["files"]}
    folder = folders.pop() if len(folders) == 1 else ""
    for file in document["files"]:
        notes_missing = file["problem"] == "gone" and file["path"].endswith(".notes.jsonl")
        if notes_missing:
            continue
        amount = size(file["bytes"]) if file["bytes"] is not None else ("" if file["problem"] else "folder")
        path = file["path"]
        shown = path.removeprefix(folder)
        cells = (file["mode"] or "----", amount, escape(file["problem"] or ""), escape(shown))
        look = tone("fail") if file["problem"] else ""
        rows.append(TableRow(path, cells, look, " ".join(cells).lower()))
    problem = 8 if any(row.cells[2] for row in rows) else 1
    columns = (
        Column("MODE", 4),
        Column("SIZE", 9, right=True),
        Column("PROBLEM" if problem > 1 else "", problem, toned=True),
        Column(f"IN {escape(folder)}" if folder else "PATH"),
    )
    return Section(columns, rows, ("No file of it is known.", ""))


def commands_text(document: Document) -> str:
    """The stock commands as a shell script that can be read."""
    row = document["backup"]
    head = f"# Backup {row['id']}, made {moment(row['created'])}"
    return "\n".join([escape(head), *stock_lines(document["commands"])])
