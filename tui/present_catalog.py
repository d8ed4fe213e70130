"""Backups as rows and as a page for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import humanize

from services.catalog.verdict import DAMAGED
from tui.table import table
from tui.terminal import Terminal
from widgets.text import escape

KIND_WORDS = {
    "quillkeep": "quillkeep",
    "archive": "mongodump archive",
    "directory": "dump folder",
    "tar": "tar of a dump",
    "objects": "bucket files",
    "objects-tar": "tar of bucket files",
    "group": "database + objects",
}
KNOWN_BY = {"manifest": "", "name": "by its name", "mtime": "by its file time"}

STOCK_HEADINGS = (
    ("verify", "To verify it without Quillkeep"),
    ("prepare", "Before the next ones, once: the address with its password, in a file only you can read"),
    ("aside", "To load it beside the live data without Quillkeep (overwrites nothing)"),
    ("restore", "To restore it over the live data without Quillkeep (stop Quilltap first)"),
)
"""The keys of `commands` and what they are for."""

Row = Mapping[str, Any]
"""A backup as the documents of `list` and `show` have it."""


def size(count: int) -> str:
    """Bytes for a person."""
    return str(humanize.naturalsize(count))


def condition(row: Row) -> tuple[str, str]:
    """The status word of a backup and why, the worst first."""
    verified = row["verified"]
    if row["problem"]:
        return "unknown", row["problem"]
    if not row["complete"]:
        return "fail", f"incomplete: {', '.join(row['missing'])}" if row["missing"] else "incomplete"
    if verified and verified["status"] == "fail":
        return "fail", f"{verified['depth']} verify failed {when(verified['at'])}"
    damaged = [f"{part}: {why}" for part, why in row["why"].items() if why.startswith(DAMAGED)]
    if damaged:
        return "fail", damaged[0]
    if row["suspicious"]:
        return "warn", f"suspicious: {row['suspicions'][0]}"
    if row["good"]:
        return "ok", "good"
    if row["encrypted"]:
        return "skipped", f"encrypted with {row['encrypted_with']}"
    if row["kind"] == "quillkeep":
        return "warn", "; ".join(f"{part} not good: {why}" for part, why in row["why"].items()) or "not good"
    if verified and verified["status"] == "ok":
        return "ok", f"{verified['depth']} verify {when(verified['at'])}"
    return "unknown", "not verified"


def list_lines(backups: Sequence[Row], terminal: Terminal, now: datetime) -> list[str]:
    """The table of `list`, newest first; foreign and other deployments' backups say so."""
    if not backups:
        return ["No backups."]
    cells = [("BACKUP", "CREATED (UTC)", "AGE", "PARTS", "SIZE")]
    ends = [terminal.paint("STATUS", "bold")]
    for row in backups:
        word, why = condition(row)
        notes = [why]
        if row["encrypted"] and "encrypted" not in why:
            notes.append(f"encrypted with {row['encrypted_with']}")
        if row["pinned"]:
            notes.append("pinned")
        if row["kind"] != "quillkeep":
            notes.append("foreign")
        elif row["other_deployment"]:
            notes.append("another deployment's")
        elif not row["counted"]:
            notes.append("safety copy")
        guess = "" if row["created_by"] == "manifest" else "~"
        cells.append(
            (
                escape(row["id"]),
                guess + when(row["created"]),
                age(row["created"], now),
                " + ".join(row["parts"]) or KIND_WORDS[row["kind"]],
                size(row["bytes"]),
            )
        )
        ends.append(f"{terminal.status(word)}  {escape('; '.join(notes))}")
    # The tail may run past the edge: an id is never cut, since it is what the next command needs.
    starts = table(cells, right=frozenset({4}))
    lines = [f"{start}  {end}" for start, end in zip(starts, ends, strict=True)]
    if any(row["created_by"] != "manifest" for row in backups):
        lines.append("~ the time is known only from the file's name or time")
    return lines


def when(at: str) -> str:
    """An RFC 3339 time for a person, UTC."""
    return at[:16].replace("T", " ")


def age(created: str, now: datetime) -> str:
    """How long ago, in one unit."""
    seconds = (now - datetime.fromisoformat(created)).total_seconds()
    if seconds < 0:
        return "future"
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length * (2 if unit == "d" else 1):
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"


def _locked(row: Row) -> str:
    return f", encrypted with {row['encrypted_with']}" if row["encrypted"] else ""


def show_lines(document: Row, terminal: Terminal) -> list[str]:
    """The page of `show`: what is known, its files, and the stock commands for when Quillkeep is gone."""
    row = document["backup"]
    word, why = condition(row)
    detail = row["created_detail"] or KNOWN_BY[row["created_by"]]
    facts: list[tuple[str, str]] = [
        ("Status", f"{terminal.status(word)}  {escape(why)}"),
        ("Kind", KIND_WORDS[row["kind"]] + _locked(row)),
        ("Created", f"{when(row['created'])} UTC" + (f" ({escape(detail)})" if detail else "")),
        ("Location", escape(row["location"])),
        ("Parts", ", ".join(row["parts"]) or "none"),
        ("Good", ", ".join(row["good_parts"]) or "no part is proven good"),
        ("Size", f"{size(row['bytes'])} ({row['bytes']:,} bytes)"),
    ]
    if row["other_deployment"]:
        facts.append(("Deployment", f"another: {escape(row['other_deployment'])}"))
    if row["verified"]:
        seen = row["verified"]
        facts.append(
            (
                "Verified",
                f"{terminal.status(seen['status'])}  {seen['depth']} on {when(seen['at'])} UTC, "
                f"proof by {seen['proof']}",
            )
        )
    for label, key in (("Missing", "missing"), ("Suspicious", "suspicions")):
        facts += [(label, escape(text)) for text in row[key]]
    facts += [("Not good", f"{part}: {escape(why)}") for part, why in row["why"].items()]
    if row["pinned"]:
        facts.append(("Pinned", "yes: no rule deletes it"))
    if row["reason"]:
        facts.append(("Reason", escape(row["reason"])))
    lines = [terminal.paint(escape(row["id"]), "bold")]
    lines += [f"  {label:<11} {text}" for label, text in facts]
    lines += _standing_lines(document.get("standing") or (), terminal)
    if document["manifest"]:
        lines += manifest_lines(document["manifest"])
    lines.append("")
    for file in document["files"]:
        if file["problem"] == "gone" and file["path"].endswith(".notes.jsonl"):
            continue
        about = file["problem"] or (size(file["bytes"]) if file["bytes"] is not None else "folder")
        lines.append(f"  {file['mode'] or '----'}  {escape(file['path'])}  {about}")
    lines += [f"  {line}" if line else "" for line in stock_lines(document["commands"])]
    return lines


def _standing_lines(standing: Sequence[Row], terminal: Terminal) -> list[str]:
    """The checks that do not stand at ok, with when and the next step; those about the data say so."""
    lines: list[str] = []
    for run in standing:
        if run["status"] == "ok":
            continue
        about = ", about the data in it" if run["decides"] == "data" else ""
        when_how = f"{run['depth']} on {when(run['at'])} UTC{about}"
        lines.append(
            f"  {'Check':<11} {terminal.status(run['status'])}  {escape(run['name'])}: {escape(run['detail'])}"
            f" ({when_how})"
        )
        if run["next"]:
            lines.append(f"  {'':<11} next: {escape(run['next'])}")
    return lines


def stock_lines(commands: Row) -> list[str]:
    """The stock commands under their headings, as a shell reads them: what is no command is a comment."""
    lines: list[str] = []
    for name, heading in STOCK_HEADINGS:
        if commands[name]:
            lines += ["", f"# {heading}:", *(escape(command) for command in commands[name])]
    if commands["notes"]:
        lines += ["", *(f"# {escape(note)}" for note in commands["notes"])]
    return lines


def manifest_lines(manifest: Row) -> list[str]:
    """What our own manifest says beyond the catalog's row."""
    facts = [
        ("Database", f"{manifest['database']} on {manifest['host']}, MongoDB {manifest['server_version']}"),
        ("Bucket", manifest["bucket"] + (f" below {manifest['prefix']}" if manifest["prefix"] else "")),
        ("Consistency", " ".join(filter(None, [manifest["consistency"], manifest["consistency_detail"]]))),
    ]
    objects = manifest.get("objects")
    if objects:
        facts.append(("Objects", f"{objects['count']:,} of {size(objects['bytes'])}"))
    lines = [f"  {label:<11} {escape(str(text))}" for label, text in facts if text]
    lines += [f"  {'Warning':<11} {escape(text)}" for text in manifest["warnings"]]
    collections = manifest["collections"]
    if collections:
        rows = [("COLLECTION", "KIND", "DOCUMENTS", "SIZE")]
        rows += [
            (escape(name), entry["kind"], f"{entry['documents']:,}", size(entry["bytes"]))
            for name, entry in sorted(collections.items())
        ]
        lines += ["", *("  " + line for line in table(rows, right=frozenset({2, 3})))]
    return lines
