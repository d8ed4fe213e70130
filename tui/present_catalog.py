"""Backups as rows, as pages and as the JSON of the headless contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import humanize

from services.catalog.model import Backup
from tui.table import table
from tui.terminal import Terminal, escape

KIND_WORDS = {
    "quillkeep": "quillkeep",
    "archive": "mongodump archive",
    "directory": "dump folder",
    "tar": "tar of a dump",
    "objects": "bucket files",
    "objects-tar": "tar of bucket files",
    "group": "database + objects",
}
KNOWN_BY = {"manifest": "", "name": " by its name", "mtime": " by its file time"}


def backup_json(backup: Backup) -> dict[str, Any]:
    """One entry of `list`; times are UTC."""
    verified = backup.verified
    return {
        "id": backup.id,
        "kind": backup.kind,
        "created": backup.created,
        "created_by": backup.created_by,
        "location": backup.location,
        "folder": escape(str(backup.folder)),
        "complete": backup.complete,
        "missing": list(backup.missing),
        "good": backup.good,
        "good_parts": list(backup.good_parts),
        "suspicious": bool(backup.suspicious),
        "suspicions": list(backup.suspicious),
        "encrypted": backup.encrypted,
        "parts": list(backup.parts),
        "bytes": backup.bytes,
        "verified": {
            "at": verified.at,
            "status": verified.status,
            "depth": verified.depth,
            "proof": verified.proof,
        }
        if verified
        else None,
        "pinned": backup.pinned,
        "ours": backup.ours,
        "other_deployment": backup.other_deployment,
        "reason": backup.reason,
        "problem": backup.problem,
    }


def size(count: int) -> str:
    """Bytes for a person."""
    return str(humanize.naturalsize(count))


def moment(at: datetime) -> str:
    """A time for a person, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def condition(backup: Backup) -> tuple[str, str]:
    """The status word of a backup and why, the worst first."""
    if backup.problem:
        return "unknown", backup.problem
    if not backup.complete:
        return "fail", f"incomplete: {', '.join(backup.missing)}" if backup.missing else "incomplete"
    if backup.verified and backup.verified.status == "fail":
        return "fail", f"{backup.verified.depth} verify failed {moment(backup.verified.at)}"
    if backup.suspicious:
        return "warn", f"suspicious: {backup.suspicious[0]}"
    if backup.good:
        return "ok", "good"
    if backup.encrypted:
        return "skipped", f"encrypted with {backup.encrypted}"
    if backup.ours and backup.good_parts:
        lacking = [part for part in backup.parts if part not in backup.good_parts]
        return "warn", f"{', '.join(lacking)} not good"
    if backup.verified and backup.verified.status == "ok":
        return "ok", f"{backup.verified.depth} verify {moment(backup.verified.at)}"
    return "unknown", "not verified"


def list_lines(backups: Sequence[Backup], terminal: Terminal, now: datetime) -> list[str]:
    """The table of `list`, newest first; foreign and other deployments' backups say so."""
    if not backups:
        return ["No backups."]
    rows = [("BACKUP", "CREATED (UTC)", "AGE", "PARTS", "SIZE", "STATUS")]
    for backup in backups:
        word, why = condition(backup)
        notes = [why]
        if backup.pinned:
            notes.append("pinned")
        if backup.kind != "quillkeep":
            notes.append("foreign")
        elif backup.other_deployment:
            notes.append(f"another deployment's ({backup.other_deployment})")
        elif not backup.counted:
            notes.append("safety copy")
        guess = "" if backup.created_by == "manifest" else "~"
        rows.append(
            (
                escape(backup.id),
                guess + moment(backup.created),
                age(backup.created, now),
                " + ".join(backup.parts) or KIND_WORDS[backup.kind],
                size(backup.bytes),
                f"{word}\0{escape('; '.join(notes))}",
            )
        )
    plain = [(*row[:5], row[5].replace("\0", "  ")) for row in rows]
    # The tail may run past the edge: an id is never cut, since it is what the next command needs.
    lines = table(plain, width=10_000, right=frozenset({4}))
    shown = [terminal.paint(lines[0], "bold")]
    for line, row in zip(lines[1:], rows[1:], strict=True):
        word, _, rest = row[5].partition("\0")
        head = line[: len(line) - len(f"{word}  {rest}".rstrip())]
        shown.append(f"{head}{terminal.status(word)}  {rest}".rstrip())
    if any(backup.created_by != "manifest" for backup in backups):
        shown.append("~ the time is known only from the file's name or time")
    return shown


def age(created: datetime, now: datetime) -> str:
    """How long ago, in one unit."""
    seconds = (now - created).total_seconds()
    if seconds < 0:
        return "future"
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length * (2 if unit == "d" else 1):
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"


def show_lines(backup: Backup, manifest: dict[str, Any] | None, terminal: Terminal) -> list[str]:
    """The page of `show`."""
    word, why = condition(backup)
    facts: list[tuple[str, str]] = [
        ("Status", f"{terminal.status(word)}  {escape(why)}"),
        ("Kind", KIND_WORDS[backup.kind]),
        ("Created", f"{moment(backup.created)} UTC{KNOWN_BY[backup.created_by]}"),
        ("Location", f"{escape(backup.location)} ({escape(str(backup.folder))})"),
        ("Parts", ", ".join(backup.parts) or "none"),
        ("Good", ", ".join(backup.good_parts) or "no part is proven good"),
        ("Size", f"{size(backup.bytes)} ({backup.bytes:,} bytes)"),
    ]
    if backup.other_deployment:
        facts.append(("Deployment", f"another: {escape(backup.other_deployment)}"))
    if backup.verified:
        seen = backup.verified
        facts.append(
            (
                "Verified",
                f"{terminal.status(seen.status)}  {seen.depth} on {moment(seen.at)} UTC, proof by {seen.proof}",
            )
        )
    for label, texts in (("Missing", backup.missing), ("Suspicious", backup.suspicious)):
        facts += [(label, escape(text)) for text in texts]
    if backup.pinned:
        facts.append(("Pinned", "yes: no rule deletes it"))
    if backup.reason:
        facts.append(("Reason", escape(backup.reason)))
    facts += [("File", escape(str(path))) for path in backup.files]
    lines = [terminal.paint(escape(backup.id), "bold")]
    lines += [f"  {label:<11} {text}" for label, text in facts]
    return lines + (manifest_lines(manifest, terminal) if manifest else [])


def manifest_lines(manifest: dict[str, Any], terminal: Terminal) -> list[str]:
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
        lines += ["", *("  " + line for line in table(rows, width=10_000, right=frozenset({2, 3})))]
    return lines
