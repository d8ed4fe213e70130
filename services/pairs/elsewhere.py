"""Rows that lost the way to their bytes: an object without a row has them, or a backup's row names another key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from services.catalog.model import Backup
from services.errors import Cancelled, QuillkeepError
from services.pairs.facts import ObjectFacts, RowFacts
from services.pairs.located import Wanted
from services.pairs.sides import NoFiles, RowsSide
from services.pairs.stores import Looked, ObjectsSide
from services.pairs.table import PairsTable

MAX_BACKUPS = 3
"""Good backups whose rows are read, the newest first."""
MOST = 5_000
"""Rows and objects that are looked for at most."""
MOST_HEADS = 1_000
"""Objects of a row's size whose headers are asked for at most."""


class Place(msgspec.Struct, frozen=True):
    """The key of the object that has a row's bytes; `good_in` is the backup whose row names it, empty for none.

    `objects_in` is the backup that has the object, where this side has it no more.
    """

    key: str
    good_in: str = ""
    objects_in: str = ""


class Elsewhere(msgspec.Struct, kw_only=True):
    """`rows` maps files.id to where the bytes are, `orphans` keys to the newest good backup that has their rows.

    `gone` are places that a backup's row names and where nothing is. `skipped` names backups that could not be looked into.
    """

    rows: dict[str, Place] = {}
    orphans: dict[str, str] = {}
    gone: dict[str, Place] = {}
    skipped: list[str] = []


def look_elsewhere(
    table: PairsTable,
    objects: ObjectsSide,
    rows: Sequence[RowFacts],
    backups: Sequence[Backup],
    open_rows: Callable[[Backup], RowsSide] | None,
    *,
    check: Callable[[], None],
    without: str = "",
    locate: Callable[[Mapping[str, Wanted]], Mapping[str, str]] | None = None,
) -> Elsewhere:
    """Looks for the bytes of `rows` (no backup has them under their key) among the objects without a row.

    `backups` are the catalog's, newest first, `without` one that is left out; `locate` tells which backups
    have the objects of other keys. Memory grows with what is
    looked for, `MOST` at most. Errors: `QuillkeepError` when the live bucket does not answer; a backup that
    cannot be read is named in `skipped`.
    """
    found = Elsewhere()
    wanted = {row.id: row for row in rows[:MOST] if row.id}
    orphans = {one.key: one for one in table.orphans(limit=MOST)}
    if orphans:
        _by_bytes(_with_sha256(orphans, wanted, objects, check), orphans, wanted, found)
    if open_rows is None:
        return found
    for number, backup in enumerate(_good(backups, without)):
        left = {id: row for id, row in wanted.items() if id not in found.rows or not found.rows[id].good_in}
        if not left and (number or not orphans):
            break
        check()
        try:
            _read(
                backup, open_rows(backup), table, left, orphans if number == 0 else {}, found, objects, check
            )
        except (Cancelled, NoFiles) as error:
            if isinstance(error, Cancelled):
                raise
        except (QuillkeepError, OSError) as error:
            found.skipped.append(f"{backup.id}: {error}")
    gone = {id: place for id, place in found.gone.items() if id not in found.rows}
    if gone and locate is not None:
        held = locate({place.key: Wanted(wanted[id].size, wanted[id].sha256) for id, place in gone.items()})
        for id, place in gone.items():
            if place.key in held:
                found.rows[id] = Place(place.key, place.good_in, held[place.key])
    return found


def _good(backups: Sequence[Backup], without: str) -> list[Backup]:
    """Ours by their members, else the newest foreign one: that is read to its end."""
    good = [
        one
        for one in backups
        if "database" in one.good_parts and one.counted and not one.other_deployment and one.id != without
    ]
    return [one for one in good if one.kind == "quillkeep"][:MAX_BACKUPS] or good[:1]


def _with_sha256(
    orphans: Mapping[str, ObjectFacts],
    wanted: Mapping[str, RowFacts],
    objects: ObjectsSide,
    check: Callable[[], None],
) -> dict[str, str]:
    """What is known of the bytes of objects without a row: {key: sha256}, by their metadata where nobody read them."""
    known = {key: one.sha256 or one.claimed for key, one in orphans.items() if one.sha256 or one.claimed}
    sizes = {row.size for row in wanted.values() if row.sha256}
    if objects.live and sizes:

        def take(looked: Looked) -> None:
            if looked.now is not None and looked.now.claimed:
                known[looked.key] = looked.now.claimed

        ask = [
            key for key, one in orphans.items() if key not in known and (one.size in sizes or None in sizes)
        ]
        objects.heads(ask[:MOST_HEADS], take, check=check)
    return {key: sha256 for key, sha256 in known.items() if key in orphans}


def _by_bytes(
    known: Mapping[str, str],
    orphans: Mapping[str, ObjectFacts],
    wanted: Mapping[str, RowFacts],
    found: Elsewhere,
) -> None:
    keys = {(sha256, size): key for key, sha256 in known.items() for size in (orphans[key].size, None)}
    for id, row in wanted.items():
        if row.sha256 and (key := keys.get((row.sha256, row.size))):
            found.rows[id] = Place(key)


def _read(
    backup: Backup,
    side: RowsSide,
    table: PairsTable,
    wanted: Mapping[str, RowFacts],
    orphans: Mapping[str, ObjectFacts],
    found: Elsewhere,
    objects: ObjectsSide,
    check: Callable[[], None],
) -> None:
    def take(rows: list[RowFacts]) -> None:
        for row in rows:
            if row.key is None:
                continue
            now = wanted.get(row.id)
            if now is not None:
                if row.key == now.key or row.sha256 != now.sha256:
                    continue
                if _has_bytes(table, row):
                    found.rows[row.id] = Place(row.key, backup.id)
                elif now.key is not None and row.sha256:
                    found.gone.setdefault(row.id, Place(row.key, backup.id))
            elif row.key in orphans and table.key_of_id(row.id) is None:
                found.orphans[row.key] = backup.id

    side.read(objects.prefix, take, check=check, advance=lambda amount: None)


def _has_bytes(table: PairsTable, row: RowFacts) -> bool:
    """Whether the object that a backup's row names is there, and is what the row stands for."""
    there = table.object_at(row.key or "")
    if there is None or (row.size is not None and there.size != row.size):
        return False
    return not (there.sha256 and row.sha256) or there.sha256 == row.sha256
