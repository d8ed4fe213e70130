"""The matrix's list: entries in their order, and what runs on each now."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.looking.integrity import IntegrityAnswer, LiveSeen
from tui.screens.archives_list import MANY
from tui.screens.integrity_rows import LIVE_KEY, VERDICT, Entry, Matrix, entry_of, live_entry
from tui.screens.integrity_watch import LIVE, Watch
from widgets.glyphs import Glyphs
from widgets.inventory_table import TableRow

ORDERS = ("", "newest first", "worst first")
"""What `o` goes through: what was never verified first, then oldest, which is said by nothing."""
_SEVERITY = {"fail": 0, "warn": 1, "ok": 2}


def in_order(entries: Sequence[Entry], order: int) -> list[Entry]:
    """The live data first, then the backups in one of `ORDERS`; equal ones newest first."""

    def place(entry: Entry) -> tuple[float, ...]:
        if entry.backup is None:
            return (float("-inf"),)
        seen = entry.backup
        age = -seen.backup.created.timestamp()
        proven = seen.proven_at.timestamp() if seen.proven_at else 0.0
        return {0: (proven, age), 1: (age,), 2: (_SEVERITY[entry.severity], proven, age)}[order]

    return sorted(entries, key=place)


def entries_of(answer: IntegrityAnswer, now: datetime, glyphs: Glyphs) -> list[Entry]:
    """The rows of an answer; takes a while for thousands."""
    matrix = Matrix(answer)
    taken: set[str] = set()
    entries = [live_entry(answer.live, now, glyphs, {})]
    for seen in answer.backups:
        key = f"{seen.backup.location}\0{seen.backup.id}"
        while key in taken:
            key += "+"
        taken.add(key)
        entries.append(entry_of(seen, key, matrix, now, glyphs))
    if len(entries) >= MANY:
        # A full collection that walks all of these would hold the loop.
        gc.freeze()
    return entries


def with_running(
    rows: Sequence[TableRow],
    by_key: Mapping[str, Entry],
    watches: Sequence[Watch],
    live: Sequence[LiveSeen],
    now: datetime,
    glyphs: Glyphs,
) -> list[TableRow]:
    """The rows, with what runs on each now."""
    verbs = {watch.verb: _share(watch.share) for watch in watches if watch.subject == LIVE}
    running = {watch.subject: watch.words for watch in watches if watch.subject != LIVE}
    made = []
    for row in rows:
        backup = by_key[row.key].backup
        if row.key == LIVE_KEY and verbs:
            made.append(live_entry(live, now, glyphs, verbs).row)
        elif backup is not None and backup.backup.id in running:
            cells, tones = list(row.cells), list(row.tones)
            cells[VERDICT] = glyphs.status("running", running[backup.backup.id])
            tones[VERDICT] = "accent"
            made.append(row._replace(cells=tuple(cells), tones=tuple(tones)))
        else:
            made.append(row)
    return made


def _share(share: float | None) -> str:
    return f"{share:.0%}" if share is not None else "runs"
