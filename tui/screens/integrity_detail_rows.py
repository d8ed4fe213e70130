"""The rows of one backup's checks, or of the live data's: what stands in each, and all that it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from services.catalog.listing import row as as_document
from services.catalog.model import Backup, Depth
from services.counted import counted
from services.findings import Finding
from services.looking.integrity import BackupSeen, CheckAbout, CheckSeen, IntegrityAnswer, LiveSeen
from tui.present_catalog import condition
from tui.screens.archives_rows import age, moment
from tui.screens.integrity_rows import ASKS, STATUS, applies, group_of, live_letter, when_words, worst_first
from tui.screens.integrity_watch import Watch
from tui.screens.integrity_words import VERBS, check_lines, finding_lines
from widgets.glyphs import Glyphs, tone
from widgets.inventory_table import Column, TableRow
from widgets.lines_view import Line, wrapped
from widgets.text import escape

FINDINGS = 3
"""Findings that the row of their job repeats, the worst ones."""
_DEPTHS: tuple[Depth, ...] = ("quick", "full", "deep")
Lines = Callable[[int], list[Line]]


class Told(NamedTuple):
    """A row, everything it tells in a width, and the finding of it that names a backup with the good version."""

    row: TableRow
    lines: Lines
    good_in: Finding | None = None


def columns_for(width: int) -> tuple[Column, ...]:
    """More room for the name where there is some; a narrow terminal leaves the depth to the words below."""
    return (
        Column("STATUS", 9, toned=True),
        Column("CHECK", 21 if width < 100 else 26),
        Column("WHEN", 5),
        *([Column("DEPTH", 7)] if width >= 72 else []),
        Column("EVIDENCE", cell=4),
    )


def title_of(
    backup: Backup | None,
    answer: IntegrityAnswer | None,
    live: Sequence[LiveSeen],
    now: datetime,
    glyphs: Glyphs,
) -> str:
    """What the screen is about and its verdict."""
    if backup is None:
        run = [one for one in live if one.at]
        never = f", {len(live) - len(run)} of {len(live)} never ran" if len(run) < len(live) else ""
        return f"live: the database and the bucket{never}"
    status, why = condition(as_document(backup))
    return f"{backup.id}: {glyphs.status(status, why)}"


def of_backup(answer: IntegrityAnswer, now: datetime, glyphs: Glyphs) -> list[Told]:
    """Every check that ran, the worst first, then those that never did."""
    seen = answer.backups[0]
    about = {one.name: one for one in answer.about}
    told = [_of_note(text, place, glyphs) for place, text in enumerate(seen.unreadable)]
    told += [_of_check(check, about.get(check.name), now, glyphs) for check in seen.checks]
    ran = {check.name for check in seen.checks}
    deepest = max((_DEPTHS.index(run.depth) for run in seen.runs), default=-1)
    for one in answer.about:
        if one.name not in ran and _may_run(one, seen) and _DEPTHS.index(one.depth) > deepest:
            told.append(_never(one, glyphs))
    return told


def _may_run(about: CheckAbout, seen: BackupSeen) -> bool:
    return about.subject != "live" and applies(group_of(about.name, about), seen)


def _row(key: str, cells: tuple[str, ...], look: str) -> TableRow:
    shown = tuple(escape(cell) for cell in cells)
    return TableRow(key, shown, look, " ".join(shown).lower())


def _of_check(check: CheckSeen, about: CheckAbout | None, now: datetime, glyphs: Glyphs) -> Told:
    cells = (glyphs.status(check.status), check.name, age(check.at, now), check.depth, check.detail)

    def lines(width: int) -> list[Line]:
        text = f"{glyphs.status(check.status)} {check.name}: {check.detail or 'it noted no evidence'}"
        made = _lines(text, width, tone(check.status) or "strong")
        made += _lines(f"Next: {check.next}", width) if check.next else []
        made += _lines(f"Since: {check.since}", width) if check.since else []
        job = f", job {check.job}" if check.job else ""
        made += _lines(f"When: {when_words(check.at, now)}, in a {check.depth} verify{job}", width)
        if about is not None:
            made += _lines(f"Holds when ok: {about.says}", width, "dim")
        for finding in check.found:
            if finding.what != check.detail or finding.good_in or finding.next:
                made += finding_lines(finding, glyphs, width)
        return made

    good = next((finding for finding in check.found if finding.good_in), None)
    return Told(_row(f"check\0{check.name}", cells, tone(check.status)), lines, good)


def _never(about: CheckAbout, glyphs: Glyphs) -> Told:
    word = glyphs.status("none")
    cells = (word, about.name, "never", about.depth, f"runs at depth {about.depth}: {about.reads}")

    def lines(width: int) -> list[Line]:
        made = _lines(f"{word} {about.name}: it never ran on this backup.", width, "strong")
        made += _lines(f"Would hold: {about.says}", width)
        made += _lines(f"Reads: {about.reads}", width)
        made += _lines(f"Asks: {ASKS[group_of(about.name, about)]}", width, "dim")
        made += _lines(f"Next: v, then the depth {about.depth}.", width)
        return made

    return Told(_row(f"never\0{about.name}", cells, ""), lines)


def _of_note(text: str, place: int, glyphs: Glyphs) -> Told:
    cells = (glyphs.status("unknown"), "notes", "", "", text)

    def lines(width: int) -> list[Line]:
        return _lines(
            f"{glyphs.of('unknown')} Of its notes, {text}. What they say of checks is unknown.", width
        )

    return Told(_row(f"note\0{place}", cells, "warning"), lines)


def of_live(live: Sequence[LiveSeen], now: datetime, glyphs: Glyphs) -> list[Told]:
    """Each job about the live data, its findings below it, the worst first."""
    told = []
    for one in worst_first(live):
        told.append(_of_live(one, now, glyphs))
        told += [_of_live_check(one, check, now, glyphs) for check in one.checks if check.status != "ok"]
        told += [_of_finding(one, finding, place, now, glyphs) for place, finding in enumerate(one.findings)]
        told += [_of_live_check(one, check, now, glyphs) for check in one.checks if check.status == "ok"]
        if one.more_findings:
            text = f"and {one.more_findings:,} more: 6 Jobs shows the whole result"
            cells = ("", one.verb, "", "", text)
            told.append(Told(_row(f"{one.verb}\0more", cells, ""), _saying(text)))
    return told


def _of_live(one: LiveSeen, now: datetime, glyphs: Glyphs) -> Told:
    letter = live_letter(one)
    status = glyphs.status(STATUS[letter], "old" if letter == "x" else None)
    when = age(one.at, now) if one.at else "never"
    said = one.summary or (VERBS[one.verb] if one.at else f"{VERBS[one.verb]}: l runs it")
    cells = (status, one.verb, when, one.depth, said)

    def lines(width: int) -> list[Line]:
        made = _lines(
            f"{status} {one.verb}: {VERBS[one.verb]}", width, tone(one.status) if one.at else "strong"
        )
        if one.at is None:
            made += _lines("No run of it is known in this state folder. l runs it.", width)
        else:
            depth = f", {one.depth}" if one.depth else ""
            made += _lines(f"When: {when_words(one.at, now)}{depth}, job {one.job}", width)
            made += _lines(one.summary, width) if one.summary else []
        # Faults before facts: what it found stands in rows of its own, and its worst here too.
        for finding in one.findings[:FINDINGS]:
            made += _lines(f"{glyphs.status(finding.status)} {finding.what}", width, tone(finding.status))
        if more := len(one.findings[FINDINGS:]) + one.more_findings:
            made += _lines(f"and {counted(more, 'more findings')}, below it in the list", width)
        for warning in one.warnings:
            made += _lines(f"{glyphs.of('warn')} {warning}", width, "warning")
        for told in one.told:
            made += _lines(told, width)
        if one.replaced_at:
            text = f"A restore or rollback put other data in place {when_words(one.replaced_at, now)}: l looks again."
            made += _lines(text, width, "warning")
        if one.tried and one.tried_at:
            text = f"Tried {when_words(one.tried_at, now)}, without a verdict: {one.tried}"
            made += _lines(text, width, "warning")
        return made

    return Told(_row(f"{one.verb}\0", cells, tone(one.status) if one.at else ""), lines)


def _of_live_check(one: LiveSeen, check: CheckSeen, now: datetime, glyphs: Glyphs) -> Told:
    cells = (f" {glyphs.status(check.status)}", check.name, age(check.at, now), "", check.detail)
    return Told(
        _row(f"{one.verb}\0check\0{check.name}", cells, tone(check.status)),
        lambda width: check_lines(check, now, glyphs, width),
    )


def _of_finding(one: LiveSeen, finding: Finding, place: int, now: datetime, glyphs: Glyphs) -> Told:
    where = finding.collection or one.verb
    times = f" ({finding.count:,})" if finding.count > 1 else ""
    cells = (f" {glyphs.status(finding.status)}", where, "", "", f"{finding.what}{times}")

    def lines(width: int) -> list[Line]:
        made = finding_lines(finding, glyphs, width, -1)
        made += _lines(f"Found by {one.verb}, {moment(one.at)}.", width, "dim") if one.at else []
        return made

    row = _row(f"{one.verb}\0{place}", cells, tone(finding.status))
    return Told(row, lines, finding if finding.good_in else None)


def streamed(running: Sequence[Watch], glyphs: Glyphs) -> list[Told]:
    """What the journals of running checks have told so far, the newest first."""
    told = []
    for watch in running:
        for place, said in reversed(list(enumerate(watch.said))):
            if said.subject not in ("", watch.subject):
                continue
            cells = (glyphs.status(said.status), said.name or watch.verb, "now", "", said.detail)
            text = f"{glyphs.status(said.status)} {said.name or watch.verb}, found by the job that runs: {said.detail}"
            row = _row(f"{watch.job}\0{place}", cells, tone(said.status))
            look = tone(said.status)
            told.append(Told(row, _saying(text, look)))
    return told


def _saying(text: str, look: str = "") -> Lines:
    return lambda width: _lines(text, width, look)


def _lines(text: str, width: int, look: str = "") -> list[Line]:
    return [Line(line, look) for line in wrapped(text, max(10, width), rest="    ")]
