"""The rows of Collections: what is live beside the newest good backup, in the words of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.findings import Finding
from services.looking.collections_view import Change, CollectionRow
from tui.screens.archives_rows import age, size
from widgets.glyphs import Glyphs, tone
from widgets.inventory_table import GUTTER, Column, TableRow
from widgets.spark import spark
from widgets.text import escape

NAME, DOCUMENTS, CHANGE, SIZE, INDEXES, VALIDATED, FOUND, BEFORE, TREND, STORED, KEPT = range(11)
"""Places of a row's cells."""
SEVERITIES = ("all", "with findings", "failures only")
"""What `f` goes through."""
TREND_CELLS = 15
"""One for each backup of the trend and one for what is live."""
_WORDS = {"kind": "other kind", "not counted": "not known"}


def columns_for(width: int, *, live: bool) -> tuple[Column, ...]:
    """The columns that a table of this width has room for; without `live` figures are the backup's."""
    columns = [
        Column("COLLECTION", cell=NAME),
        Column("DOCUMENTS" if live else "IN BACKUP", 9, right=True, cell=DOCUMENTS),
        Column("VS BACKUP", 15, toned=True, cell=CHANGE),
        Column("SIZE", 8, right=True, cell=SIZE),
        Column("IDX", 3, right=True, cell=INDEXES),
        Column("VALIDATED", 12, toned=True, cell=VALIDATED),
        Column("FOUND", 5, toned=True, cell=FOUND),
    ]
    if width < 78 - GUTTER:
        del columns[3:5]
    spare = width - 80
    for column in (
        Column("TREND", TREND_CELLS, cell=TREND),
        Column("BEFORE", 15, toned=True, cell=BEFORE),
        Column("ON DISK", 8, right=True, cell=STORED),
    ):
        if spare >= column.width + 1:
            columns.append(column)
            spare -= column.width + 1
    return tuple(columns)


def table_rows(
    rows: Sequence[CollectionRow], now: datetime, glyphs: Glyphs, *, running: frozenset[str] | None = None
) -> list[TableRow]:
    """One line a collection; `running` are those validated now, all of them where it is empty, none when None."""
    return [_line(row, now, glyphs, running) for row in rows]


def _line(row: CollectionRow, now: datetime, glyphs: Glyphs, running: frozenset[str] | None) -> TableRow:
    live, kept = row.live, row.newest
    shown = live if live is not None else kept if row.state == "not read" else None
    indexes = None if live is None or live.indexes is None else len(live.indexes)
    validates = running is not None and row.state == "live" and (not running or row.name in running)
    cells = (
        escape(row.name),
        count(shown.documents if shown else None, view=row.kind == "view"),
        change_words(row.change, glyphs, absent=row.state == "absent", known=row.known),
        "-" if shown is None or shown.bytes is None else size(shown.bytes),
        "-" if indexes is None else str(indexes),
        glyphs.status("running") if validates else validated_cell(row, now, glyphs),
        found_cell(row, glyphs),
        change_words(row.change_before, glyphs),
        "".join(trend(row, glyphs)),
        "-" if live is None or live.storage_bytes is None else size(live.storage_bytes),
        count(kept.documents if kept else None),
    )
    words = " ".join(
        (*cells[:7], row.kind, "" if row.known else "unknown", *(one.what for one in row.findings))
    )
    return TableRow(row.name, cells, words=words.lower(), tones=tones_of(row, validates))


def count(number: int | None, *, view: bool = False) -> str:
    """Documents; a view has none."""
    return "view" if view else "-" if number is None else f"{number:,}"


def change_words(change: Change, glyphs: Glyphs, *, absent: bool = False, known: bool = True) -> str:
    """`+12 grew`, `! -60 shrank`, `! gone`; of a new one that the application is not known to have `new, unknown`.

    A count that stayed is `same count`, and the change in bytes where these differ notably.
    """
    if absent:
        return "not there"
    if not change.word:
        return ""
    word = _WORDS.get(change.word, change.word)
    if change.word == "new" and not known:
        word = "new, unknown"
    if change.loud and change.word in ("same count", "grew"):
        word = "less data"
    moved = f"{change.documents:+,} " if change.documents else ""
    if change.bytes and change.word == "same count":
        moved, word = f"{_signed(change.bytes)} ", "less" if change.loud else ""
    if len(f"{moved}{word}") > 13:
        # A sign and a figure say the same.
        word = ""
    loud = f"{glyphs.of('warn')} " if change.loud else ""
    return f"{loud}{moved}{word}".rstrip()


def change_told(change: Change, glyphs: Glyphs) -> str:
    """The change with its bytes, where there is room for both."""
    if not change.bytes:
        return change_words(change, glyphs)
    if change.word == "same count":
        words = f"{glyphs.of('warn')} same count" if change.loud else "same count"
    else:
        words = change_words(change, glyphs)
    return f"{words}, {_signed(change.bytes)}"


def _signed(count: int) -> str:
    return f"{'+' if count > 0 else '-'}{size(abs(count))}"


def validated_cell(row: CollectionRow, now: datetime, glyphs: Glyphs) -> str:
    """The verdict that counts and its age; `outdated` when the data was replaced since."""
    if row.state in ("gone", "absent"):
        return ""
    if row.validation is None:
        never = row.state == "live" and row.kind == "collection"
        return glyphs.status("none", "never") if never else ""
    if row.validation.replaced:
        return glyphs.status("unknown", "outdated")
    return f"{glyphs.status(row.validation.seen.status)} {age(row.validation.at, now)}"


def found_cell(row: CollectionRow, glyphs: Glyphs) -> str:
    """The worst finding's glyph and how many there are."""
    return f"{glyphs.of(row.worst)} {len(row.findings)}" if row.findings else ""


def tones_of(row: CollectionRow, running: bool = False) -> tuple[str, ...]:
    """A colour for each cell that says something: what words and glyphs say already."""
    tones = [""] * (KEPT + 1)
    tones[CHANGE] = "warning" if row.change.loud else ""
    tones[BEFORE] = "warning" if row.change_before.loud else ""
    tones[FOUND] = tone(row.worst) if row.findings else ""
    if running:
        tones[VALIDATED] = "accent"
    elif row.validation is not None:
        tones[VALIDATED] = "warning" if row.validation.replaced else tone(row.validation.seen.status)
    return tuple(tones)


def trend(row: CollectionRow, glyphs: Glyphs) -> list[str]:
    """One bar for each good backup, oldest first, and one for what is live."""
    now = row.live.documents if row.live is not None else 0 if row.state == "gone" else None
    return spark([*row.counts, now], utf8=glyphs.utf8)


def severe(rows: Sequence[CollectionRow], severity: int) -> list[CollectionRow]:
    """Those that the severity filter lets through; what is gone or fell counts as a finding."""
    if severity == 0:
        return list(rows)
    if severity == 1:
        return [row for row in rows if row.findings or row.change.loud]
    return [row for row in rows if row.worst == "fail" or row.change.loud]


def finding_line(finding: Finding, glyphs: Glyphs) -> str:
    """Glyph, status word and sentence."""
    return f"{glyphs.status(finding.status)}  {escape(finding.what)}"
