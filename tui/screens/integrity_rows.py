"""The matrix: backups and the live data against groups of checks, each cell a glyph and a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from services.catalog.listing import row as as_document
from services.looking.integrity import BackupSeen, CheckAbout, IntegrityAnswer, LiveSeen
from tui.present_catalog import condition
from tui.screens.archives_rows import age, moment, verdict_word
from widgets.glyphs import Glyphs, tone
from widgets.inventory_table import Column, TableRow
from widgets.text import cells, escape

Group = Literal["files", "dump", "objects", "deep", "pairs", "data", "pepper"]
GROUPS: tuple[Group, ...] = ("files", "dump", "objects", "deep", "pairs", "data", "pepper")
TITLES: Mapping[Group, str] = {
    "files": "FILES",
    "dump": "DUMP",
    "objects": "OBJ",
    "deep": "DEEP",
    "pairs": "PAIRS",
    "data": "DATA",
    "pepper": "PEPPER",
}
ASKS: Mapping[Group, str] = {
    "files": "are its files there, with the sizes and sums that were recorded?",
    "dump": "is every byte and document of the database part what it was?",
    "objects": "is every object file what it was?",
    "deep": "could it be loaded into a server, with its indexes and validators?",
    "pairs": "has every row its object, and every object its row?",
    "data": "do documents refer to what exists, and have the application's shape?",
    "pepper": "does the pepper open what is encrypted?",
}
LIVE_GROUPS: Mapping[str, Group] = {"pairs": "pairs", "validate": "data", "pepper-check": "pepper"}
LIVE_KEY = "\0live"
DEPTHS = ("quick", "full", "deep")
CELL = 6
WORDS = {"o": "ok", "w": "warn", "f": "fail", "s": "skip", "u": "unkn", "-": "none", "p": "part", "x": "old"}
STATUS = {
    "o": "ok",
    "w": "warn",
    "f": "fail",
    "s": "skipped",
    "u": "unknown",
    "-": "none",
    "p": "none",
    "x": "none",
}
LETTER = {status: letter for letter, status in STATUS.items() if letter not in "-px"}
_WORST = "fuwspx-o"
_LIVE_ORDER = "fuws-ox"
_BAD, _DOUBT = frozenset("f"), frozenset("wus")
ID, AGE, FIRST, MERGED = 0, 1, 2, 9
WHEN, VERDICT, LOCATION, ID_LONG, BRIEF = 10, 11, 12, 13, 14
"""Places of a row's cells; the groups begin at `FIRST`, `MERGED` is files and dump in one."""
NARROWEST = 79
"""Cells that the table takes at least, its gutter included."""
_SHORT_VERDICT = {"not verified": "unverified"}


class Entry(NamedTuple):
    """One row: a backup, or the live data; `never` says that something of it was never verified."""

    key: str
    row: TableRow
    severity: Literal["fail", "warn", "ok"]
    never: bool
    backup: BackupSeen | None = None


def columns_for(width: int) -> tuple[Column, ...]:
    """The columns that a table of this width has room for: what is known of a check is never left out."""
    if width < NARROWEST:
        return (
            Column("BACKUP", 16, cell=ID),
            Column("CHECKS", toned=True, cell=BRIEF),
            Column("WHEN", 5, cell=WHEN),
            Column("VERDICT", 12, toned=True, cell=VERDICT),
        )
    spare = width - NARROWEST
    wide: set[int] = set()
    for cell, needed in ((MERGED, CELL + 1), (AGE, 5), (ID_LONG, 8), (LOCATION, 10)):
        if spare >= needed:
            wide.add(cell)
            spare -= needed
    groups = [
        Column(TITLES[group], CELL, toned=True, cell=FIRST + place) for place, group in enumerate(GROUPS)
    ]
    if MERGED not in wide:
        groups[:2] = [Column(TITLES["dump"], CELL, toned=True, cell=MERGED)]
    columns = [
        Column("BACKUP", 24, cell=ID_LONG) if ID_LONG in wide else Column("BACKUP", 16, cell=ID),
        *([Column("AGE", 4, right=True, cell=AGE)] if AGE in wide else []),
        *groups,
        Column("WHEN", 5, cell=WHEN),
        Column("VERDICT", 13 if LOCATION in wide else 12, toned=True, cell=VERDICT),
    ]
    if LOCATION in wide:
        columns.append(Column("LOCATION", 8 + min(12, spare), cell=LOCATION))
    return tuple(columns)


def group_of(name: str, about: CheckAbout | None) -> Group:
    """Where a check stands in the matrix; of one that this version does not know its name tells."""
    if "pair" in name:
        return "pairs"
    if "pepper" in name:
        return "pepper"
    if name.startswith("deep"):
        return "deep"
    decides = about.decides if about else name.partition(" ")[0]
    if decides == "data":
        return "data"
    if decides == "objects" or name.startswith(("object", "shared")):
        return "objects"
    if decides == "database":
        return "dump" if about is None or about.depth != "quick" else "files"
    return "files"


class Matrix:
    """Which checks of an answer belong to which group, and how deep each reaches."""

    def __init__(self, answer: IntegrityAnswer) -> None:
        self.about = {one.name: one for one in answer.about}
        self._places: dict[Group, list[tuple[int, int]]] = {group: [] for group in GROUPS}
        for place, name in enumerate(answer.names):
            known = self.about.get(name)
            depth = DEPTHS.index(known.depth) if known is not None else -1
            self._places[group_of(name, known)].append((place, depth))

    def letter(self, seen: BackupSeen, group: Group) -> str:
        """The state of a group: the worst of its checks, `p` where its deepest never ran, `-` where none did."""
        places = [one for one in self._places[group] if one[0] < len(seen.states)]
        ran = [(seen.states[place], depth) for place, depth in places if seen.states[place] != "-"]
        if not ran:
            return "-"
        worst = min((letter for letter, _ in ran), key=_WORST.index)
        deepest = max(depth for _, depth in places)
        reached = max(depth for _, depth in ran)
        if any(depth < 0 for _, depth in ran):
            # A note that names no checks stands for all of them, of a verify that read every byte.
            reached = deepest if seen.proven_at else max(reached, 0)
        return "p" if worst == "o" and reached < deepest else worst


def applies(group: Group, seen: BackupSeen) -> bool:
    """Whether the backup has what the group looks at."""
    parts = seen.backup.parts
    if not parts or group == "files":
        return True
    needs = {"objects": ("objects",), "pairs": ("database", "objects")}.get(group, ("database",))
    return set(needs) <= set(parts)


def entry_of(seen: BackupSeen, key: str, matrix: Matrix, now: datetime, glyphs: Glyphs) -> Entry:
    """One backup's row."""
    backup = seen.backup
    document = as_document(backup)
    status, why = condition(document)
    word = verdict_word(document, status)
    letters = {group: matrix.letter(seen, group) if applies(group, seen) else "" for group in GROUPS}
    merged = min(filter(None, (letters["files"], letters["dump"])), key=_WORST.index, default="")
    if not letters["dump"] and letters["objects"]:
        # Of objects alone: what was found of the backup as a whole stands with them.
        letters["objects"] = min(letters["files"], letters["objects"], key=_WORST.index)
        merged = ""
    if merged == "-" and letters["files"] not in ("", "-"):
        merged = "p"
    states = set(letters.values()) - {""}
    bad = bool(states & _BAD) or status == "fail"
    doubt = bool(states & _DOUBT) or status in ("warn", "unknown") or bool(seen.unreadable)
    never = seen.proven_at is None
    checked = age(seen.looked_at, now) if seen.looked_at else "never"
    shown = [cell_of(letters[group], glyphs) for group in GROUPS]
    verdict = glyphs.status(status, _SHORT_VERDICT.get(word, word))
    texts = (
        tail(escape(backup.id), glyphs.ellipsis),
        age(backup.created, now),
        *shown,
        cell_of(merged, glyphs),
        checked,
        verdict,
        escape(backup.location),
        tail(escape(backup.id), glyphs.ellipsis, 24),
        _brief(letters, glyphs),
    )
    tones = (
        "",
        "",
        *(_tone(letters[group]) for group in GROUPS),
        _tone(merged),
        "",
        tone(status),
        "",
        "",
        _tone(min(states, key=_WORST.index, default="")),
    )
    said = [WORDS[letter] for letter in sorted(states)]
    evidence = [f"{check.name} {check.status} {check.detail}" for check in seen.wrong]
    created = backup.created.strftime("%Y-%m-%d %Y%m%d %H:%M")
    words = " ".join(
        (backup.id, backup.location, created, word, why, "never" if never else "", *said, *evidence)
    )
    return Entry(
        key,
        TableRow(key, texts, tone(status), words.lower(), tones),
        "fail" if bad else "warn" if doubt else "ok",
        never,
        seen,
    )


def live_entry(live: Sequence[LiveSeen], now: datetime, glyphs: Glyphs, running: Mapping[str, str]) -> Entry:
    """The live data's row; `running` has the words of those verbs that run now."""
    letters: dict[Group, str] = dict.fromkeys(GROUPS, "")
    texts: dict[Group, str] = dict.fromkeys(GROUPS, "")
    for one in live:
        group = LIVE_GROUPS[one.verb]
        letters[group] = live_letter(one)
        texts[group] = cell_of(letters[group], glyphs)
        if one.verb in running:
            texts[group] = glyphs.status("running", running[one.verb])
    states = set(letters.values()) - {""}
    times = [one.at for one in live if one.at]
    status, word = _live_verdict(states)
    checked = age(min(times), now) if times and len(times) == len(live) else "part" if times else "never"
    row = TableRow(
        LIVE_KEY,
        (
            "live",
            "now",
            *(texts[group] for group in GROUPS),
            "",
            checked,
            glyphs.status(status, word),
            "",
            "live",
            _brief(letters, glyphs),
        ),
        tone(status),
        " ".join(
            ["live", word, checked, *(f"{one.verb} {one.status} {one.summary}" for one in live)]
        ).lower(),
        (
            "",
            "",
            *(_tone(letters[group]) for group in GROUPS),
            "",
            "",
            tone(status),
            "",
            "",
            _tone(min(states, key=_WORST.index, default="")),
        ),
    )
    severity: Literal["fail", "warn", "ok"] = "fail" if "f" in states else "warn" if states & _DOUBT else "ok"
    return Entry(LIVE_KEY, row, severity, bool(states & set("-x")))


def live_letter(one: LiveSeen) -> str:
    """The state of one live check; `x` where a restore put other data in place since.

    One that was only ever cancelled never ran; one that failed could not be told.
    """
    if one.at is None:
        return "u" if one.tried and not one.tried.startswith("cancelled") else "-"
    return "x" if one.replaced_at else LETTER[one.status]


def worst_first(live: Sequence[LiveSeen]) -> list[LiveSeen]:
    """The live checks, the worst first; one about data that was replaced since comes last, whatever it found."""
    return sorted(live, key=lambda one: _LIVE_ORDER.index(live_letter(one)))


def _live_verdict(states: set[str]) -> tuple[str, str]:
    if "f" in states:
        return "fail", "broken"
    if states <= set("-x"):
        return "none", "unchecked"
    if "u" in states:
        return "unknown", "unknown"
    if "w" in states:
        return "warn", "warnings"
    if states & set("-sx"):
        return "none", "in part"
    return "ok", "whole"


def _brief(letters: Mapping[Group, str], glyphs: Glyphs) -> str:
    """All groups in one cell, for a terminal too narrow for a column each: the worst and what it is about."""
    states = sorted({letter for letter in letters.values() if letter}, key=_WORST.index)
    said = []
    for letter in states:
        names = [TITLES[group].lower() for group in GROUPS if letters[group] == letter]
        said.append(f"{cell_of(letter, glyphs)}{'' if len(states) == 1 else ' ' + ','.join(names)}")
    return " ".join(said)


def cell_of(letter: str, glyphs: Glyphs) -> str:
    """Glyph and word of a state, empty where the group does not apply."""
    return glyphs.status(STATUS[letter], WORDS[letter]) if letter else ""


def _tone(letter: str) -> str:
    return tone(STATUS[letter]) if letter else ""


def tail(text: str, ellipsis: str, width: int = 16) -> str:
    """An id that does not fit loses its beginning, never the time at its end."""
    if cells(text) <= width:
        return text
    kept = text
    while kept and cells(kept) > width - cells(ellipsis):
        kept = kept[1:]
    return f"{ellipsis}{kept}"


def when_words(at: datetime, now: datetime) -> str:
    """A time, and how long ago that is."""
    return f"{moment(at)}, {age(at, now)} ago"
