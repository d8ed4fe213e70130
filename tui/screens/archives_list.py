"""The inventory's list: entries in their order, and where each backup's rows are; made off the event loop."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from services.catalog.model import Backup
from tui.screens.archives_rows import SORTS, Entry, entries_of
from widgets.glyphs import Glyphs
from widgets.inventory_table import TableRow

MANY = 1_000
"""Rows from which on the collector leaves them, and all that is alive then, alone."""


class Listed(NamedTuple):
    """`entries` newest first, `rows` in the order that was asked for, `keys` of the rows by a backup's id."""

    entries: Sequence[Entry]
    rows: Sequence[TableRow]
    backups: Mapping[str, Backup]
    keys: Mapping[str, Sequence[str]]

    def sorted_by(self, sort: int) -> Listed:
        """The same in another order; equal ones stay newest first."""
        entries = sorted(self.entries, key=SORTS[sort][1])
        return self._replace(rows=[entry.row for entry in entries])


NOTHING = Listed((), (), {}, {})


def listed(backups: Sequence[Backup], now: datetime, glyphs: Glyphs, sort: int) -> Listed:
    """Everything the screen needs of a catalog; takes a while for thousands."""
    entries = entries_of(backups, now, glyphs)
    keys: dict[str, list[str]] = {}
    for entry in entries:
        keys.setdefault(entry.backup.id, []).append(entry.row.key)
    by_key = {entry.row.key: entry.backup for entry in entries}
    made = Listed(entries, [], by_key, keys).sorted_by(sort)
    if len(entries) >= MANY:
        # A full collection that walks all of these held the loop for 40 to 100 ms (measured with 10,000).
        gc.freeze()
    return made
