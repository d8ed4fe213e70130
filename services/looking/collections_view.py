"""The live collections beside the newest good backups and what was validated: one row a name, the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from services.findings import Finding
from services.looking.collections import CollectionLive, CollectionsAnswer, IndexNow
from services.looking.collections_held import CollectionKept, CollectionsHeldAnswer, PairsSeen, Validation
from services.operations.guards_suspicious import FALL, MINIMUM_DOCUMENTS
from services.quilltap import COLLECTIONS, KNOWN_COLLECTIONS, PASSING_COLLECTIONS, stored_name
from services.validating.model import IndexSeen

State = Literal["live", "gone", "not read", "absent"]
"""`gone`: in the newest good backup and not live. `not read`: the database gave no answer. `absent`: nowhere."""

Word = Literal[
    "grew", "shrank", "same count", "new", "gone", "kind", "no backup", "not counted", "not read", ""
]

_WEIGHT = {"fail": 0, "warn": 2, "unknown": 3}
NOTABLE_BYTES = 1_000_000
NOTABLE_SHARE = 0.1
"""A change in bytes is told beside a count that stayed from so many bytes on, or from this share of them."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """From a backup to what is live; `loud` when it would make a backup suspicious.

    `bytes` of the documents, where they differ notably: a count that stayed says nothing of what is in them.
    """

    word: Word = ""
    documents: int | None = None
    bytes: int | None = None
    loud: bool = False


class CollectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One name. `counts` are its documents in the good backups, oldest first, None where one lacks it."""

    name: str
    state: State
    kind: str = "collection"
    known: bool = True
    live: CollectionLive | None = None
    newest: CollectionKept | None = None
    before: CollectionKept | None = None
    change: Change = Change()
    change_before: Change = Change()
    """From the backup before the newest one to the newest one."""
    validation: Validation | None = None
    findings: tuple[Finding, ...] = ()
    indexes: tuple[IndexSeen, ...] = ()
    counts: tuple[int | None, ...] = ()
    pairs: PairsSeen | None = None
    """Of `files`: how its rows and the objects belong together."""

    @property
    def worst(self) -> str:
        """The worst status among the findings, empty without any."""
        return min((one.status for one in self.findings), key=lambda word: _WEIGHT[word], default="")


def rows_of(live: CollectionsAnswer | None, held: CollectionsHeldAnswer | None) -> list[CollectionRow]:
    """Every collection that is live, in the newest good backup, or the application's own.

    Either answer may be missing: without the database rows say what the newest backup has, without the
    backups they say what is live.
    """
    lives = {one.name: one for one in live.collections} if live is not None else {}
    newest = held.newest.collections if held is not None and held.newest is not None else {}
    names = [*lives, *(name for name in newest if name not in lives)]
    if live is not None or held is not None:
        spelled = {stored_name(name) for name in names}
        names += [name for name in COLLECTIONS if name not in spelled]
    rows = [_row(name, live, lives.get(name), held) for name in names]
    return sorted(rows, key=_place)


def _row(
    name: str,
    answer: CollectionsAnswer | None,
    live: CollectionLive | None,
    held: CollectionsHeldAnswer | None,
) -> CollectionRow:
    newest = held.newest.collections.get(name) if held and held.newest else None
    before = held.before.collections.get(name) if held and held.before else None
    validation = held.validated.get(name) if held else None
    state: State = "live"
    if live is None:
        state = "not read" if answer is None and newest else "gone" if newest else "absent"
    pairs = held.pairs if held is not None and name == "files" else None
    return CollectionRow(
        name=name,
        state=state,
        kind=live.kind if live else newest.kind if newest else "collection",
        known=name in KNOWN_COLLECTIONS,
        live=live,
        newest=newest,
        before=before,
        change=_change(name, state, live, newest, has_backup=bool(held and held.newest)),
        change_before=_between(name, newest, before) if held and held.before else Change(),
        validation=validation,
        findings=_findings(name, validation, held, pairs),
        indexes=_indexes(() if state == "gone" else live.indexes if live else None, newest),
        counts=tuple(one.documents.get(name) for one in held.trend) if held else (),
        pairs=pairs,
    )


def _change(
    name: str,
    state: State,
    live: CollectionLive | None,
    newest: CollectionKept | None,
    *,
    has_backup: bool,
) -> Change:
    if state == "not read":
        return Change(word="not read")
    if live is None:
        return Change(word="gone", loud=name not in PASSING_COLLECTIONS) if state == "gone" else Change()
    if newest is None:
        return Change(word="new" if has_backup else "no backup")
    if live.kind != newest.kind:
        return Change(word="kind", loud=True)
    if live.kind != "collection":
        return Change()
    return _counted(name, newest.documents, live.documents, newest.bytes, live.bytes)


def _between(name: str, newest: CollectionKept | None, before: CollectionKept | None) -> Change:
    if newest is None:
        return Change(word="gone", loud=name not in PASSING_COLLECTIONS) if before is not None else Change()
    if before is None:
        return Change(word="new")
    return _counted(name, before.documents, newest.documents, before.bytes, newest.bytes)


def _counted(
    name: str, before: int | None, now: int | None, before_bytes: int | None, now_bytes: int | None
) -> Change:
    if before is None or now is None:
        return Change(word="not counted")
    moved = now - before
    fallen = max(_fallen(before, now), _fallen(before_bytes, now_bytes))
    emptied = bool(before) and not now
    loud = name not in PASSING_COLLECTIONS and (emptied or (before >= MINIMUM_DOCUMENTS and fallen > FALL))
    word: Word = "grew" if moved > 0 else "shrank" if moved < 0 else "same count"
    return Change(word=word, documents=moved, bytes=_notable(before_bytes, now_bytes), loud=loud)


def _notable(before: int | None, now: int | None) -> int | None:
    """The difference in bytes where it is worth telling; None where it is not, or not known."""
    if before is None or now is None:
        return None
    moved = now - before
    return moved if moved and abs(moved) >= min(NOTABLE_BYTES, before * NOTABLE_SHARE) else None


def _fallen(before: int | None, now: int | None) -> float:
    return (before - now) / before if before and now is not None else 0.0


def _findings(
    name: str,
    validation: Validation | None,
    held: CollectionsHeldAnswer | None,
    pairs: PairsSeen | None,
) -> tuple[Finding, ...]:
    """What holds of the data that is live now: nothing from before a restore."""
    found: list[Finding] = []
    if validation is not None and not validation.replaced:
        found += validation.seen.findings
    found += [one for one in (held.references if held else ()) if one.collection == name]
    if pairs is not None and not pairs.replaced:
        found += pairs.findings
    return tuple(sorted(_once(found), key=lambda one: _WEIGHT[one.status]))


def _once(findings: Iterable[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for one in findings:
        if one not in kept:
            kept.append(one)
    return kept


def _indexes(live: Sequence[IndexNow] | None, newest: CollectionKept | None) -> tuple[IndexSeen, ...]:
    """Live ones in the server's order, then those that only the backup has; None of live ones are not known."""
    kept = newest.indexes if newest is not None else None
    held = {one.name: one for one in kept or ()}
    seen: list[IndexSeen] = []
    for one in live or ():
        if kept is None:
            seen.append(IndexSeen(name=one.name, keys=one.keys))
        elif one.name not in held:
            seen.append(IndexSeen(name=one.name, keys=one.keys, state="not in backup"))
        else:
            same = held[one.name].form == one.form
            seen.append(IndexSeen(name=one.name, keys=one.keys, state="same" if same else "differs"))
    names = {one.name for one in live or ()}
    state: Literal["only in backup", "not compared"] = (
        "only in backup" if live is not None else "not compared"
    )
    seen += [
        IndexSeen(name=one.name, keys=one.keys, state=state) for one in held.values() if one.name not in names
    ]
    return tuple(seen)


def _place(row: CollectionRow) -> tuple[int, str]:
    """What is broken, what is gone or fell, what else was found, the rest by name, and last what is nowhere."""
    if row.state == "absent":
        return 9, row.name
    if row.worst == "fail":
        return 0, row.name
    if row.change.loud:
        return 1, row.name
    if row.findings:
        return _WEIGHT[row.worst], row.name
    return 8, row.name
