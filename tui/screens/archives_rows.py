"""The inventory's rows: what the catalog knows of a backup, in the words of the screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import humanize

from services.catalog.listing import row as as_document
from services.catalog.model import Backup
from services.catalog.verdict import DAMAGED
from tui.present_catalog import KIND_WORDS, condition
from widgets.glyphs import Glyphs, tone
from widgets.inventory_table import GUTTER, Column, TableRow
from widgets.text import escape

(
    ID,
    AGE,
    PARTS,
    PART_WORDS,
    SIZE,
    VERDICT,
    CHECKED,
    CHECKED_AT,
    NOTES,
    LOCATION,
    CONSISTENCY,
    KIND,
    FEW_NOTES,
) = range(13)
"""Places of a row's cells."""
MORE_NOTES = 9
"""Cells for the notes beyond the seven they always have, from which on they are written out."""
_PART = {"database": "db", "objects": "obj"}
_SHORT = {"other deployment": "others'", "safety copy": "safety"}
_RANK = {"fail": 0, "unknown": 1, "warn": 2, "skipped": 3, "ok": 4}


class Entry(NamedTuple):
    """A backup with its row and what it is sorted by."""

    backup: Backup
    row: TableRow
    rank: int


def columns_for(width: int) -> tuple[Column, ...]:
    """The columns that a table of this width has room for; an id of ours is never cut."""
    spare = width - GUTTER - 77
    wide: set[int] = set()
    for cell, needed in ((CHECKED_AT, 9), (LOCATION, 13), (CONSISTENCY, 12), (PART_WORDS, 12), (KIND, 19)):
        if spare >= needed + MORE_NOTES:
            wide.add(cell)
            spare -= needed
    columns = [
        Column("BACKUP", 24 + max(0, min(24, spare - 2 * MORE_NOTES)), cell=ID),
        Column("AGE", 4, right=True, cell=AGE),
        Column("PARTS", 18, cell=PART_WORDS) if PART_WORDS in wide else Column("PARTS", 6, cell=PARTS),
        Column("SIZE", 8, right=True, cell=SIZE),
        Column("VERDICT", 14, toned=True, cell=VERDICT),
    ]
    if spare >= -1:
        at = CHECKED_AT in wide
        columns.append(Column("CHECKED", 16 if at else 7, cell=CHECKED_AT if at else CHECKED))
        columns.append(Column("NOTES", cell=NOTES if spare >= MORE_NOTES else FEW_NOTES))
    elif spare < -17:
        del columns[2]
    columns += [
        Column(title, size, cell=cell)
        for title, size, cell in (
            ("LOCATION", 12, LOCATION),
            ("CONSISTENCY", 11, CONSISTENCY),
            ("KIND", 18, KIND),
        )
        if cell in wide
    ]
    return tuple(columns)


def entries_of(backups: Sequence[Backup], now: datetime, glyphs: Glyphs) -> list[Entry]:
    """One entry a backup, in the catalog's order; takes a while for thousands."""
    taken: set[str] = set()
    entries = []
    for backup in backups:
        key = f"{backup.location}\0{backup.id}"
        while key in taken:
            key += "+"
        taken.add(key)
        entries.append(_entry(backup, key, now, glyphs))
    return entries


def _entry(backup: Backup, key: str, now: datetime, glyphs: Glyphs) -> Entry:
    document = as_document(backup)
    status, why = condition(document)
    word = verdict_word(document, status)
    notes = notes_of(document)
    kind = KIND_WORDS[backup.kind]
    cells = (
        escape(backup.id),
        age(backup.created, now),
        "+".join(_PART[part] for part in backup.parts) or "?",
        " + ".join(backup.parts) or kind,
        size(backup.bytes),
        glyphs.status(status, word),
        checked(document, glyphs),
        checked(document, glyphs, now=now),
        ", ".join(notes),
        escape(backup.location),
        backup.consistency or "-",
        kind,
        ",".join(_SHORT.get(note, note) for note in notes),
    )
    created = backup.created.strftime("%Y-%m-%d %Y%m%d %H:%M")
    words = " ".join((*cells, word, why, backup.reason, created, *notes)).lower()
    return Entry(backup, TableRow(key, cells, tone(status), words), _RANK.get(status, 0))


def size(count: int) -> str:
    """Bytes in at most eight cells."""
    return str(humanize.naturalsize(count)).replace(" Bytes", " B").replace(" Byte", " B")


def age(then: datetime, now: datetime) -> str:
    """How long ago in one unit and at most four cells."""
    seconds = (now - then).total_seconds()
    if seconds < 0:
        return "soon" if seconds > -86400 else "late"
    for unit, length in (("y", 365 * 86400), ("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length * (2 if unit in "yd" else 1):
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"


def long_age(then: datetime, now: datetime) -> str:
    """How long ago, in words."""
    return str(humanize.naturaltime(now - then))


def moment(at: datetime | str) -> str:
    """A time for a person, UTC."""
    when = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def verdict_word(document: Mapping[str, Any], status: str) -> str:
    """The verdict in at most twelve cells."""
    verified = document["verified"]
    if document["problem"]:
        return "unreadable"
    if not document["complete"]:
        return "incomplete"
    if verified and verified["status"] == "fail":
        return "damaged"
    if any(str(why).startswith(DAMAGED) for why in document["why"].values()):
        return "damaged"
    if document["suspicious"]:
        return "suspicious"
    if document["good"]:
        return "good"
    if status == "ok":
        return "verified"
    return "not good" if document["kind"] == "quillkeep" else "not verified"


def notes_of(document: Mapping[str, Any]) -> list[str]:
    """What sets it apart: whose it is, its pin, its encryption."""
    notes = []
    if document["kind"] != "quillkeep":
        notes.append("foreign")
    elif document["other_deployment"]:
        notes.append("other deployment")
    elif not document["counted"]:
        notes.append("safety copy")
    if document["pinned"]:
        notes.append("pinned")
    if document["encrypted"]:
        notes.append(str(document["encrypted_with"]))
    return notes


def checked(document: Mapping[str, Any], glyphs: Glyphs, *, now: datetime | None = None) -> str:
    """The newest check: glyph, depth, and with `now` how long ago."""
    verified = document["verified"]
    if verified is None:
        own = document["kind"] == "quillkeep" and document["complete"] and not document["problem"]
        return (
            glyphs.status("ok", "own" if now is None else "own read-back")
            if own
            else glyphs.status("none", "never")
        )
    word = str(verified["depth"])
    if now is not None:
        word = f"{word} {age(datetime.fromisoformat(verified['at']), now)} ago"
    return glyphs.status(verified["status"], word)


def checked_words(document: Mapping[str, Any], now: datetime, glyphs: Glyphs) -> str:
    """The newest check as a sentence."""
    verified = document["verified"]
    if verified is None:
        if document["kind"] == "quillkeep" and document["complete"] and not document["problem"]:
            return f"{glyphs.of('ok')} by its own read-back when it was made, never since"
        return f"{glyphs.of('none')} never"
    at = datetime.fromisoformat(verified["at"])
    return (
        f"{glyphs.status(verified['status'])}, {verified['depth']}, {moment(at)} ({long_age(at, now)}), "
        f"proof by {verified['proof']}"
    )


SORTS: tuple[tuple[str, Callable[[Entry], Any]], ...] = (
    ("newest first", lambda entry: (-entry.backup.created.timestamp(), entry.row.key)),
    ("largest first", lambda entry: -entry.backup.bytes),
    ("by location", lambda entry: entry.backup.location),
    ("worst verdict first", lambda entry: entry.rank),
)
"""What `o` goes through; equal ones stay newest first."""


def facts_of(backup: Backup, now: datetime, glyphs: Glyphs) -> list[tuple[str, str]]:
    """Word and value of everything the catalog knows of one backup."""
    document = as_document(backup)
    status, why = condition(document)
    word = verdict_word(document, status)
    facts = [("Verdict", glyphs.status(status, why if why.startswith(word) else f"{word}: {why}"))]
    detail = (
        f" ({backup.created_detail})" if backup.created_by != "manifest" and backup.created_detail else ""
    )
    facts += [
        ("Created", f"{moment(backup.created)}, {long_age(backup.created, now)}{detail}"),
        ("Checked", checked_words(document, now, glyphs)),
        ("Holds", f"{' + '.join(backup.parts) or 'nothing known'}, {size(backup.bytes)}"),
    ]
    if backup.consistency:
        facts.append(("Consistency", backup.consistency))
    facts.append(("Kind", KIND_WORDS[backup.kind] + ("" if backup.kind == "quillkeep" else " (foreign)")))
    if backup.other_deployment:
        facts.append(("Deployment", f"another: {backup.other_deployment}"))
    if not backup.counted:
        facts.append(("Counts", "no: a copy made for safety, never the latest"))
    facts.append(("Location", f"{backup.location}  {document['path']}"))
    if backup.pinned:
        facts.append(("Pinned", "yes: no rule deletes it"))
    if backup.encrypted:
        facts.append(("Encrypted", backup.encrypted))
    if backup.reason:
        facts.append(("Reason", backup.reason))
    facts += [("Missing", text) for text in backup.missing[:3]]
    facts += [
        ("Not good", f"{part}: {reason}") for part, reason in backup.not_good.items() if reason not in why
    ]
    return facts


def reference(backup: Backup, backups: Sequence[Backup]) -> str:
    """What names exactly this backup to a verb: its id, or its path where another has the same id."""
    same = [one for one in backups if one.id == backup.id]
    special = backup.id in ("", "latest", "live")
    if len(same) <= 1 and not special:
        return backup.id
    path = str(backup.manifest_path or backup.database_path or backup.objects_path or backup.folder)
    if path.isprintable():
        return path
    # An id of a foreign one is its path within the location; the dot keeps it from being read as a word.
    return f"./{backup.id}" if special else backup.id
