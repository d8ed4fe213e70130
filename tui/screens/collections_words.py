"""What Collections says above and below its list, of one collection, and as a text to keep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from services.counted import counted
from services.findings import Finding
from services.looking.collections import CollectionsAnswer
from services.looking.collections_held import CollectionKept, CollectionsHeldAnswer, Validation
from services.looking.collections_view import CollectionRow
from tui.screens.archives_rows import age, long_age, moment, size
from tui.screens.collections_rows import change_told, count, trend
from tui.screens.integrity_actions import OBJECTS_ALONE
from tui.store import Looked
from widgets.glyphs import Glyphs
from widgets.text import escape

NAMED = 4
"""Collections named in a line; the rows have all of them."""
OUTDATED = "Its data was replaced by a restore since, so that it must be validated again."


def verdict(
    rows: Sequence[CollectionRow],
    live: Looked[CollectionsAnswer],
    held: Looked[CollectionsHeldAnswer],
    now: datetime,
    glyphs: Glyphs,
) -> tuple[str, str]:
    """(status, the first line): what is broken by name, else what is not known, else that nothing was found."""
    if live.value is None and live.problem is not None:
        return (
            "fail",
            f"{glyphs.status('fail', 'The database gave no answer')}: these rows are of the newest good backup.",
        )
    if live.value is None:
        since = f"{live.asked.astimezone(UTC):%H:%M:%S} UTC" if live.asked else ""
        words = f"Asking the database since {since}".rstrip() if since else "The database was not asked yet"
        more = "; so far the newest good backup's rows." if rows else "."
        return "waiting", f"{glyphs.of('waiting')} {words}{more}"
    broken = [row.name for row in rows if row.worst == "fail"]
    gone = [row.name for row in rows if row.change.loud and row.change.word == "gone"]
    fell = [row.name for row in rows if row.change.loud and row.change.word != "gone"]
    parts = [
        f"{words}: {_named(names)}"
        for words, names in (("broken", broken), ("gone", gone), ("fell", fell))
        if names
    ]
    if parts:
        return ("fail" if broken else "warn"), f"{glyphs.of('fail' if broken else 'warn')} {'; '.join(parts)}"
    warned = [row.name for row in rows if row.findings]
    if warned:
        return "warn", f"{glyphs.status('warn', 'findings')}: {_named(warned)}"
    there = [row for row in rows if row.state == "live" and row.kind == "collection"]
    never = sum(row.validation is None or row.validation.replaced for row in there)
    if held.value is None and held.problem is None:
        return "waiting", f"{glyphs.of('waiting')} Reading what the backups hold and what was validated."
    if there and never:
        some = "none" if never == len(there) else f"{never} of {len(there)} not"
        return (
            "unknown",
            f"{glyphs.of('unknown')} Nothing fell or is gone; {some} validated yet: V validates all.",
        )
    if not there:
        return "warn", f"{glyphs.of('warn')} There is no live collection."
    oldest = min(row.validation.at for row in there if row.validation is not None)
    words = f"Nothing found in {counted(len(there), 'collections')}; the oldest validation is {age(oldest, now)} old."
    return "ok", f"{glyphs.of('ok')} {words}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(escape(name) for name in names[:NAMED]) + more


def against(live: Looked[CollectionsAnswer], held: Looked[CollectionsHeldAnswer], now: datetime) -> str:
    """The second line: what is compared with what, and how old it is."""
    parts = []
    if live.value is not None and live.answered is not None:
        there = sum(one.kind != "view" for one in live.value.collections)
        looked = f"{live.answered.astimezone(UTC):%H:%M} UTC"
        again = ", asking again" if live.waiting else ", then no answer" if live.problem is not None else ""
        parts.append(f"{there} live {looked}{again}")
    answer = held.value
    if answer is None:
        parts.append("the backups could not be read" if held.problem else "reading the backups")
    elif answer.newest is None:
        parts.append(answer.why)
    else:
        parts.append(f"against {answer.newest.id}, {age(answer.newest.created, now)} old")
        if answer.passed_over:
            parts.append(f"{len(answer.passed_over):,} newer not good")
    return "; ".join(parts)


def about(row: CollectionRow, held: CollectionsHeldAnswer | None, now: datetime, glyphs: Glyphs) -> list[str]:
    """Three lines on the row under the cursor; each is cut with an ellipsis where it is too long."""
    first = f"{escape(row.name)}: {row.kind}{'' if row.known else ', unknown to this version of Quillkeep: not wrong'}"
    lines = [first + f"; {backups_words(row, held)}"]
    if row.findings:
        more = f" (and {len(row.findings) - 1} more: Enter)" if len(row.findings) > 1 else ""
        lines.append(f"{glyphs.of(row.findings[0].status)} {escape(row.findings[0].what)}{more}")
        lines.append(_ways_words(row, held))
    else:
        lines.append(validated_words(row, now, glyphs))
        lines.append(good_words(row, held))
    return lines


def _ways_words(row: CollectionRow, held: CollectionsHeldAnswer | None) -> str:
    """The way back of the worst finding where it is another than this collection's own, which R takes here."""
    own, worst = way_back(row, held), row.findings[0]
    if own == way_back(row, held, worst) or not (worst.good_in or worst.next):
        return good_words(row, held)
    restores = f"; R restores {escape(row.name)} from {escape(own.backup)}" if own.backup else ""
    return f"Enter shows the next step{restores}"


def backups_words(row: CollectionRow, held: CollectionsHeldAnswer | None) -> str:
    """What the newest good backup and the one before have of it."""
    if held is None:
        return "the backups are not read yet"
    if held.newest is None:
        return "no good backup to compare with"
    newest = documents(row.newest.documents) if row.newest else "not there"
    words = f"newest good backup {newest}"
    if held.before is not None:
        before = count(row.before.documents) if row.before else "not there"
        words += f", the one before {before}"
    return words


class WayBack(NamedTuple):
    """What R restores: collections of a backup, or its objects alone; no backup where none holds it."""

    backup: str = ""
    names: tuple[str, ...] = ()
    objects: bool = False


def good_words(row: CollectionRow, held: CollectionsHeldAnswer | None, finding: Finding | None = None) -> str:
    """What R restores, and from which backup."""
    way = way_back(row, held, finding)
    if not way.backup:
        return ""
    what = ", ".join(escape(name) for name in way.names) if way.names != (row.name,) else "it"
    if way.objects:
        what = "the objects alone"
    newest = held.newest if held is not None else None
    which = "the newest good backup, " if newest is not None and way.backup == newest.reference else ""
    return f"R restores {what} from {which}{escape(way.backup)}"


def way_back(
    row: CollectionRow, held: CollectionsHeldAnswer | None, finding: Finding | None = None
) -> WayBack:
    """What brings back what a finding misses, which may be other collections or the objects alone.

    Of no finding it is this collection: from the backup that its worst finding names as having the good version of
    it, else from the newest good one that holds it.
    """
    told = [finding] if finding is not None else sorted(row.findings, key=lambda one: one.status != "fail")
    for one in told:
        names = one.restore or (one.collection or row.name,)
        objects = one.kind in OBJECTS_ALONE
        # Rows that are gone do not come back with their objects.
        if one.good_in and (finding is not None or (row.name in names and not (objects and row.change.loud))):
            return WayBack(one.good_in, names if finding is not None else (row.name,), objects)
    newest = held.newest if held is not None else None
    if newest is None or row.name not in newest.collections:
        return WayBack()
    return WayBack(newest.reference, (row.name,))


def validated_words(row: CollectionRow, now: datetime, glyphs: Glyphs) -> str:
    """The verdict that counts, as a sentence."""
    one = row.validation
    if one is None:
        return "Never validated." if row.state == "live" else ""
    words = f"{glyphs.status(one.seen.status)}, {depth_of(one)}, {moment(one.at)} ({long_age(one.at, now)})"
    return f"{words}. {OUTDATED}" if one.replaced else f"Validated: {words}, nothing found."


def depth_of(one: Validation) -> str:
    """How much a validation looked at."""
    return "full" if one.full else "quick"


def facts_of(
    row: CollectionRow, held: CollectionsHeldAnswer | None, now: datetime, glyphs: Glyphs
) -> list[tuple[str, str]]:
    """Word and value of everything that is known of one collection."""
    live = row.live
    facts = [("Name", escape(row.name)), ("Kind", row.kind)]
    if not row.known:
        facts.append(("Known", "no: none of the application's that this version knows; that is not wrong"))
    if live is not None and row.kind != "view":
        facts.append(("Live", f"{documents(live.documents)}, {_size(live.bytes)}"))
        disk = f"{_size(live.storage_bytes)} + {_size(live.index_bytes)} of indexes"
        facts.append(("On disk", f"{disk}; {_size(live.average)} a document"))
    elif live is None:
        facts.append(
            ("Live", {"gone": "gone", "not read": "not known: no answer"}.get(row.state, "not there"))
        )
    if held is not None and held.newest is not None:
        facts += _kept_facts("Newest good", row.newest, held.newest.id)
        if row.change.word:
            facts.append(("Change", f"{change_told(row.change, glyphs)} since then"))
        if held.before is not None:
            facts += _kept_facts("Before", row.before, held.before.id)
            if row.change_before.word:
                facts.append(("Between", f"{change_told(row.change_before, glyphs)} from one to the other"))
    elif held is not None:
        facts.append(("Backups", held.why))
    if len(row.counts) > 1:
        words = f"{''.join(trend(row, glyphs))}  {counted(len(row.counts), 'good backups')}, then live"
        facts.append(("Trend", words))
    facts.append(
        (
            "Validated",
            validated_words(row, now, glyphs) if row.validation is None else _verdict(row, now, glyphs),
        )
    )
    if row.validation is not None and row.validation.seen.largest:
        old = ", before a restore" if row.validation.replaced else ""
        seen = f"seen {long_age(row.validation.at, now)}{old}"
        facts.append(("Largest", f"{_size(row.validation.seen.largest)} of at most 16 MiB, {seen}"))
    if row.pairs is not None:
        old = ", before a restore" if row.pairs.replaced else ""
        words = f"{glyphs.status(row.pairs.status)}, {row.pairs.depth}, {long_age(row.pairs.at, now)}{old}"
        facts.append(("Pair check", f"{words}: {escape(row.pairs.summary)}" if row.pairs.summary else words))
    if good := good_words(row, held):
        facts.append(("Restore", good))
    return facts


def _kept_facts(word: str, kept: CollectionKept | None, backup: str) -> list[tuple[str, str]]:
    """What a backup holds of it, its id in a line of its own."""
    if kept is None:
        return [(word, "not in it"), ("", backup)]
    return [(word, f"{documents(kept.documents)}, {_size(kept.bytes)}"), ("", backup)]


def _verdict(row: CollectionRow, now: datetime, glyphs: Glyphs) -> str:
    one = row.validation
    assert one is not None
    found = f", {counted(len(row.findings), 'findings')}" if row.findings else ""
    words = f"{glyphs.status(one.seen.status)}, {depth_of(one)}, {moment(one.at)} ({long_age(one.at, now)}){found}"
    return f"{words}. {OUTDATED}" if one.replaced else words


def documents(number: int | None) -> str:
    """How many, in words."""
    return "not counted" if number is None else counted(number, "documents")


def _size(number: int | None) -> str:
    return "-" if number is None else size(number)


def markdown(rows: Sequence[CollectionRow], head: Sequence[str]) -> str:
    """The list and every finding as a file to keep; every name is a code span, so that nothing in it is markup."""
    lines = ["# Collections", "", *(f"- {escape(line)}" for line in head if line), ""]
    lines += [
        "| collection | state | documents | newest good backup | change | bytes | indexes | validated | findings |",
        "| --- | --- | ---: | ---: | --- | ---: | ---: | --- | ---: |",
    ]
    for row in rows:
        live = row.live
        validated = "never"
        if row.validation is not None:
            validated = f"{row.validation.seen.status} {depth_of(row.validation)} {moment(row.validation.at)}"
            validated += " (outdated)" if row.validation.replaced else ""
        indexes = "-" if live is None or live.indexes is None else str(len(live.indexes))
        cells = (
            code(row.name),
            row.state,
            count(live.documents if live else None),
            count(row.newest.documents if row.newest else None),
            change_told(row.change, Glyphs(utf8=False)),
            count(live.bytes if live else None),
            indexes,
            validated,
            str(len(row.findings)),
        )
        lines.append(f"| {' | '.join(cells)} |")
    for row in rows:
        if row.findings:
            lines += ["", f"## {code(row.name)}", ""]
            lines += [f"- {line}" for one in row.findings for line in finding_lines(one)]
    return "\n".join(lines) + "\n"


def finding_lines(finding: Finding) -> list[str]:
    """A finding as list items: what, its examples, the backup that has it, the next step."""
    lines = [f"**{finding.status}** ({finding.kind}, {finding.count:,}): {_safe(finding.what)}"]
    if finding.user:
        lines.append(f"user {code(finding.user)}")
    if finding.examples:
        lines.append(f"examples: {', '.join(code(one) for one in finding.examples)}")
    if finding.good_in:
        lines.append(f"good in {code(finding.good_in)}")
    if finding.next:
        lines.append(f"next: {_safe(finding.next)}")
    return lines


def finding_text(row: CollectionRow, finding: Finding) -> str:
    """One finding to read: what, how often, where, examples, what brings it back."""
    lines = [finding.what, "", f"Status:     {finding.status}", f"Kind:       {finding.kind}"]
    lines.append(f"Collection: {finding.collection or row.name}")
    lines.append(f"Seen:       {counted(finding.count, 'times')}")
    if finding.user:
        lines.append(f"User:       {finding.user}")
    if finding.good_in:
        names = finding.restore or (finding.collection or row.name,)
        what = "the objects alone" if finding.kind in OBJECTS_ALONE else ", ".join(names)
        lines.append(f"Good in:    {finding.good_in} (R, back in the list, restores {what} from it)")
    if finding.next:
        lines.append(f"Next:       {finding.next}")
    if finding.examples:
        lines += ["", "Examples:", *(f"  {one}" for one in finding.examples)]
    return "\n".join(lines)


def code(text: str) -> str:
    """A code span in a table's cell."""
    return "`" + escape(text).replace("`", "'").replace("|", "\\|") + "`"


def _safe(text: str) -> str:
    return escape(text).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
