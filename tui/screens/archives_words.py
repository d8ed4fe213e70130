"""The inventory's sentences: what is known, what is waited for, and what to do with an empty list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.catalog.model import Backup
from services.catalog.scan import Catalog
from tui.screens.archives_rows import moment
from tui.store import Store
from widgets.glyphs import Glyphs
from widgets.inventory_table import TableRow
from widgets.text import escape

PLACES_SHOWN = 3


def head_words(store: Store, sort: str, glyphs: Glyphs) -> str:
    """How many there are, in which order, and since when this is known or waited for."""
    looked = store.catalog
    if store.marked is not None:
        return f" {store.marked.id} is marked: c on another compares, l with live"
    parts = []
    backing_up = next((job for job in store.running if job.verb == "backup"), None)
    if backing_up is not None:
        part = f" {backing_up.progress:.0%}" if backing_up.progress else ""
        parts.append(f"{glyphs.of('running')} a backup runs{part} (6)")
    if looked.value is not None:
        backups = looked.value.backups
        foreign = sum(backup.kind != "quillkeep" for backup in backups)
        others = sum(bool(backup.other_deployment) for backup in backups)
        detail = [f"{foreign:,} foreign"] if foreign else []
        detail += [f"{others:,} of other deployments"] if others else []
        count = len(backups)
        text = f"{count:,} backup{'s' if count != 1 else ''}"
        parts.append(f"{text} ({', '.join(detail)})" if detail else text)
        if count > 1:
            parts.append(sort)
    if looked.waiting and looked.asked is not None:
        where = f"looking at {_places(store)} since {looked.asked:%H:%M:%S} UTC"
        parts.insert(0, f"{glyphs.of('waiting')} {where}")
    elif looked.answered is not None:
        parts.append(f"looked {looked.answered:%H:%M} UTC")
    return f" {', '.join(parts)}"


def _places(store: Store) -> str:
    paths = [location.path for location in store.profile.locations]
    if not paths:
        return "no folder"
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def places_lines(catalog: Catalog | None, glyphs: Glyphs) -> str:
    """One line for each folder that could not be read: its backups are unknown, not absent."""
    problems = catalog.problems if catalog is not None else ()
    lines = [
        f" {glyphs.status('unknown', problem.location)}: {problem.problem}: {problem.path}"
        for problem in problems[:PLACES_SHOWN]
    ]
    if len(problems) > PLACES_SHOWN:
        lines.append(f" {glyphs.of('unknown')} and {len(problems) - PLACES_SHOWN:,} more folders")
    return "\n".join(lines)


def empty_words(store: Store, filtered: str, *, building: bool = False) -> tuple[str, str]:
    """Why the list is empty, and what to do."""
    looked = store.catalog
    if filtered.strip():
        return f"No backup matches {filtered.strip()!r}.", "Escape shows all of them again."
    if not store.profile.locations:
        return (
            "No folder for backups is configured.",
            "8 shows the line to write: BACKUP_DIR=/path/to/backups, or [[locations]] in config.toml.",
        )
    if looked.value is None and looked.problem is not None:
        return "The backups are not known: the look at their folder failed.", "r looks again."
    if looked.value is None or building:
        since = f" since {looked.asked:%H:%M:%S} UTC" if looked.asked else ""
        return f"Looking at {_places(store)}{since}.", "Backups appear here as soon as the folder answers."
    if looked.value.problems:
        return (
            "No backup can be seen: a folder could not be read.",
            "It may hold backups. Mount it, or run as a user that may read it; then r looks again.",
        )
    return (
        f"No backups yet in {_places(store)}.",
        "b makes the first one: it reads the database and the bucket, and changes nothing there.",
    )


def focus_lines(backup: Backup, facts: Mapping[str, str]) -> str:
    """The backup under the cursor in three lines."""
    holds = " + ".join(backup.parts) or "nothing known"
    first = f"{backup.id}: {moment(backup.created)}, {holds}, in {backup.location}"
    more = [
        facts[word]
        for word in ("Deployment", "Encrypted", "Pinned", "Consistency", "Reason")
        if word in facts
    ]
    lines = (first, facts["Verdict"], "  ".join([f"Checked {facts['Checked']}", *more]))
    return "\n".join(f" {escape(line)}" for line in lines)


def jump_target(text: str, backups: Mapping[str, Backup], rows: Sequence[TableRow]) -> str:
    """The key of the row that an id, a part of one, or a date means; of a date without backups the next older."""
    wanted = text.strip().lower()
    for holds in (str.startswith, str.__contains__):
        found = next(
            (row.key for row in rows if row.key in backups and holds(backups[row.key].id.lower(), wanted)), ""
        )
        if found:
            return found
    digits = "".join(char for char in wanted if char.isdigit())
    if len(digits) < 4:
        return ""
    stamps = {
        row.key: backups[row.key].created.strftime("%Y%m%d%H%M%S") for row in rows if row.key in backups
    }
    same = next((key for key, stamp in stamps.items() if stamp.startswith(digits)), "")
    if same:
        return same
    older = {key: stamp for key, stamp in stamps.items() if stamp < digits}
    return max(older, key=lambda key: older[key], default="")
