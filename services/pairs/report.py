"""What a comparison found, as the `pairs` document: lists, groups of findings, notes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from services.catalog.model import CheckStatus
from services.counted import counted
from services.findings import FindingStatus
from services.objects.key_bytes import shown_key
from services.pairs.compare import Compared
from services.pairs.elsewhere import Elsewhere, Place
from services.pairs.facts import BROKEN, Broken, RowFacts, Verdict
from services.pairs.full_list import FullList
from services.pairs.groups import Groups
from services.pairs.located import Located
from services.pairs.model import LIVE, MAX_LISTED, BrokenFile, Mismatch, PairsResult
from services.pairs.origin import origin_of
from services.pairs.usage import Usage
from services.pairs.wording import Wording

LOOKED_FOR = 5_000
"""Missing and altered files whose use, owner and backup are looked up; more are only listed."""
_ALTERED: dict[Verdict, tuple[str, FindingStatus]] = {
    "size": ("altered-object", "fail"),
    "sha256": ("altered-object", "fail"),
    "claimed": ("unread-sha256", "warn"),
    "type": ("content-type", "warn"),
    "metadata": ("metadata-sha256", "warn"),
}
"""Kind and status of the finding of each verdict on an object that is there."""
_WORST: tuple[CheckStatus, ...] = ("fail", "unknown", "skipped", "warn", "ok")


class Circumstances(msgspec.Struct, kw_only=True):
    """What a report is told beside the comparison.

    `rows_of` and `objects_of` are `live` or a backup's id, `where` the objects in words, `bucket` and `prefix` the bucket's.
    `newer_rows` is the moment (as the application writes it) after which a row cannot be among these
    objects, `newer_objects` the one after which an object cannot have one of these rows; empty for none.
    `lost` are keys accepted as lost, `remarks` what could not be looked up.
    """

    rows_of: str = LIVE
    objects_of: str = LIVE
    where: str = "the bucket"
    bucket: str = ""
    prefix: str = ""
    newer_rows: str = ""
    newer_objects: str = ""
    lost: frozenset[str] = frozenset()
    remarks: list[str] = []
    usage: Usage | None = None
    located: Located | None = None
    elsewhere: Elsewhere = msgspec.field(default_factory=Elsewhere)
    full_list: Path | None = None
    sealed: bool = False


def report(found: Compared, about: Circumstances) -> PairsResult:
    """The document of one comparison; reads the table once more, in bounded memory. Errors: `QuillkeepError`."""
    return _Report(found, about).result()


class _Report:
    def __init__(self, found: Compared, about: Circumstances) -> None:
        self.found, self.about, self.table = found, about, found.table
        self.groups = Groups()
        self.wording = Wording(about.rows_of, about.objects_of, about.where, about.usage)
        self.notes: list[str] = list(about.remarks)
        self.files: list[BrokenFile] = []
        self.mismatched: list[Mismatch] = []
        self.needed = {place.key for place in about.elsewhere.rows.values()}
        self.good_in: dict[str, str] = about.located.good_in if about.located else {}

    def result(self) -> PairsResult:
        """All of it."""
        table = self.table
        counts = {
            "missing": table.broken_count("missing"),
            "altered": table.broken_count("size", "sha256"),
            "content-type": table.broken_count("type"),
            "metadata": table.broken_count("claimed", "metadata"),
            "orphans": table.orphan_count(),
            "outside": table.rows_count("outside"),
            "removed-key": 0,
            "shared": table.shared_count(),
            "other-user": table.rows_count("stranger"),
            "odd": table.rows_count("odd"),
            "outside-prefix": self.found.beyond,
            "moved": table.moved_count()
            + table.orphan_count(moved="added")
            + table.orphan_count(moved="removed"),
            "unread": table.count("unread"),
        }
        long = any(count > MAX_LISTED for count in counts.values())
        with FullList(self.about.full_list if long else None) as lines:
            missing = self._missing(lines)
            self._altered(lines)
            orphans = self._orphans(lines)
            outside, counts["removed-key"] = self._outside(lines)
            self._strangers(lines)
            moved = self._moved(lines)
            self._others()
            path = lines.path
        findings = tuple(self.wording.finding(group) for group in self.groups.sorted())
        if long and not path:
            whole = (
                "of an encrypted backup no more is written anywhere"
                if self.about.sealed
                else f"`quillkeep pairs {self.about.rows_of}` writes all of them to a file"
            )
            self.notes.append(f"Each list has its first {MAX_LISTED:,} only: {whole}.")
        self._remark(counts)
        statuses: list[CheckStatus] = [one.status for one in findings]
        return PairsResult(
            status=min(statuses, key=_WORST.index, default="ok"),
            depth=self.found.depth,
            rows_of=self.about.rows_of,
            objects_of=self.about.objects_of,
            rows=self.found.rows,
            objects=self.found.objects,
            missing=tuple(missing),
            orphans=tuple(orphans),
            mismatched=tuple(self.mismatched),
            outside=tuple(outside),
            moved=tuple(moved),
            counts={name: count for name, count in counts.items() if count},
            good_in={one.key: one.good_in for one in self.files if one.good_in},
            findings=findings,
            files=tuple(self.files),
            notes=tuple(self.notes),
            full_list=path,
            summary=self._summary(counts),
        )

    def _summary(self, counts: dict[str, int]) -> str:
        words = [f"{counted(self.found.rows, 'rows')}, {counted(self.found.objects, 'objects')}"]
        names = {
            "missing": "missing",
            "altered": "altered",
            "content-type": "of another content type",
            "metadata": "whose metadata names another sha256",
            "orphans": "without a row",
            "removed-key": "whose key was removed",
            "unread": "could not be looked at",
        }
        found = [f"{counts[key]:,} {word}" for key, word in names.items() if counts[key]]
        outside = counts["outside"] - counts["removed-key"]
        whole = f"every {'other row' if outside else 'row'} has its object and every object its row"
        if outside:
            found.insert(0, f"{outside:,} outside both stores")
        if len(found) == bool(outside):
            found.append(whole)
        words.append(", ".join(found))
        return ": ".join(words)

    def _missing(self, lines: FullList) -> list[str]:
        listed: list[str] = []
        for one in self.table.broken("missing"):
            key, why = shown_key(one.row.key or ""), (one.object.missing or "") if one.object else ""
            kind, status = self._missing_kind(one.row)
            good, then = self.good_in.get(one.row.key or "", ""), ""
            if place := self._place(one.row):
                kind, status, good, then = "changed-key", "fail", place.good_in, place.objects_in
                why = _lies_at(key, place)
            used = self.about.usage.of(one.row.id) if self.about.usage else ()
            self.groups.of(kind, status, one.row.user).add(key, why=why, used=used, good_in=good, then=then)
            lines.add("missing", key=key, id=one.row.id, user=one.row.user, why=why, good_in=good)
            if len(listed) < MAX_LISTED:
                listed.append(key)
                self.files.append(self._file(one, "missing", why, used, good))
        return listed

    def _missing_kind(self, row: RowFacts) -> tuple[str, FindingStatus]:
        if row.key in self.about.lost:
            return "lost-object", "warn"
        if self.about.newer_rows and row.created > self.about.newer_rows:
            return "newer-row", "warn"
        return "missing-object", "fail"

    def _file(self, one: Broken, what: str, why: str, used: tuple[str, ...], good: str) -> BrokenFile:
        users = self.about.usage.users if self.about.usage else {}
        return BrokenFile(
            key=shown_key(one.row.key or ""),
            id=one.row.id,
            what="missing" if what == "missing" else "altered",
            why=why,
            user=one.row.user,
            user_name=users.get(one.row.user, ""),
            name=one.row.name,
            used=used,
            good_in=good,
        )

    def _altered(self, lines: FullList) -> None:
        for one in self.table.broken("size", "sha256", "claimed", "type", "metadata"):
            key, why = shown_key(one.row.key or ""), why_altered(one)
            altered = one.kind in BROKEN
            good = self.good_in.get(one.row.key or "", "") if altered else ""
            used = self.about.usage.of(one.row.id) if self.about.usage and altered else ()
            kind, status = _ALTERED[one.kind]
            told, then = f"{key} {why}", ""
            if altered and (place := self._place(one.row)):
                kind, good, then = "changed-key", place.good_in, place.objects_in
                told = f"{told}; {_lies_at(key, place)}"
            group = self.groups.of(kind, status, one.row.user)
            group.add(key, why=told, used=used, good_in=good, then=then)
            lines.add("mismatched", key=key, id=one.row.id, user=one.row.user, why=why, good_in=good)
            self._mismatch(key, why)
            if altered and len(self.files) < 2 * MAX_LISTED:
                self.files.append(self._file(one, "altered", why, used, good))

    def _mismatch(self, key: str, why: str) -> None:
        if len(self.mismatched) < MAX_LISTED:
            self.mismatched.append(Mismatch(key=key, why=why))

    def _orphans(self, lines: FullList) -> list[str]:
        listed: list[str] = []
        for one in self.table.orphans():
            key = shown_key(one.key)
            few = len(listed) < MAX_LISTED
            told = origin_of(
                one, self.about.prefix, self.table if few else None, self.found.metadata.get(one.key)
            )
            newer = bool(self.about.newer_objects) and one.modified > self.about.newer_objects
            kind = "newer-object" if newer else f"orphan-{told.origin}"
            why = f"{key}: {told.more}" if told.more else ""
            good = self.about.elsewhere.orphans.get(one.key, "")
            if one.key not in self.needed:
                # What a row's bytes lie in takes no space for nothing: the row's finding names it.
                self.groups.of(kind, "warn", told.user).add(key, why=why, size=one.size, good_in=good)
            lines.add("orphan", key=key, user=told.user, why=kind, good_in="")
            if few:
                listed.append(key)
        return listed

    def _place(self, row: RowFacts) -> Place | None:
        return self.about.elsewhere.rows.get(row.id)

    def _outside(self, lines: FullList) -> tuple[list[str], int]:
        listed: list[str] = []
        removed = 0
        for number, row in enumerate(self.table.rows_where("outside")):
            if place := self._place(row):
                removed += 1
                group = self.groups.of("removed-key", "warn", row.user)
                group.add(row.id, why=_lies_at(row.id, place), good_in=place.good_in)
            lines.add("outside", key="", id=row.id, user=row.user, why="", good_in="")
            if len(listed) < MAX_LISTED:
                listed.append(row.id)
            elif not lines.path and number >= LOOKED_FOR:
                break
        return listed, removed

    def _strangers(self, lines: FullList) -> None:
        for row in self.table.rows_where("stranger"):
            key = shown_key(row.key or "")
            why = f"its key names another user than its row ({row.user})"
            self.groups.of("other-user", "warn", row.user).add(key, why=why)
            lines.add("other-user", key=key, id=row.id, user=row.user, why=why, good_in="")
            self._mismatch(key, why)

    def _moved(self, lines: FullList) -> list[str]:
        listed: list[str] = []
        for key in self._every_moved():
            lines.add("moved", key=key, why="", good_in="")
            if len(listed) < MAX_LISTED:
                listed.append(key)
        return listed

    def _every_moved(self) -> Iterator[str]:
        yield from (shown_key(key) for key in self.table.moved())
        yield from (shown_key(one.key) for one in self.table.orphans(moved="added"))
        yield from (shown_key(one.key) for one in self.table.orphans(moved="removed"))

    def _others(self) -> None:
        for row in self.table.rows_where("odd"):
            self.groups.of("odd-row", "warn", row.user).add(
                row.id or "a row that cannot be read", why=row.odd
            )
        for key, count, ids in self.table.shared():
            self.groups.of("shared-key", "warn").add(
                shown_key(key),
                why=f"{counted(count, 'rows')} ({', '.join(ids)}{', ...' if count > len(ids) else ''})",
            )
        for key, why in self.table.unread():
            self.groups.of("unread-object", "unknown").add(shown_key(key), why=why)
        if self.found.beyond:
            group = self.groups.of("outside-prefix", "warn")
            for key in self.found.beyond_keys:
                group.add(shown_key(key))
            group.count = self.found.beyond
        if self.found.depth == "deep" and (unproven := self.table.unproven_count()):
            group = self.groups.of("unproven-object", "unknown")
            group.add("rows without a sha256")
            group.count = unproven

    def _remark(self, counts: dict[str, int]) -> None:
        if outside := counts["outside"] - counts["removed-key"]:
            self.notes.append(
                f"{counted(outside, 'rows')} without an s3Key: the application kept the bytes on its own disk "
                "(public/uploads), outside both stores, so no backup of MongoDB and S3 has them. Copy that folder."
            )
        others = {name: count for name, count in self.table.buckets().items() if name != self.about.bucket}
        if others and self.about.bucket:
            named = ", ".join(f"{name} ({count:,})" for name, count in others.items())
            self.notes.append(
                f"Rows that name another bucket than {self.about.bucket}: {named}. Only migrated ones name any, "
                "and the application does not read by it."
            )
        if counts["moved"]:
            when = (
                "while it was looked at"
                if LIVE in (self.about.rows_of, self.about.objects_of)
                else "while the backup ran"
            )
            self.notes.append(
                f"{counted(counts['moved'], 'files')} came or went {when}: not counted as broken."
            )
        if self.found.depth != "shallow" and not self.found.headers and self.about.objects_of != LIVE:
            self.notes.append("This form of backup keeps no headers, so content types were not compared.")
        located = self.about.located
        if located and located.skipped:
            self.notes += [f"Not looked through for what is missing: {one}." for one in located.skipped]
        skipped = self.about.elsewhere.skipped
        self.notes += [f"Not looked through for rows with other keys: {one}." for one in skipped]
        broken = counts["missing"] + counts["altered"]
        if located and broken > LOOKED_FOR:
            self.notes.append(
                f"Use and backup were looked up for the first {LOOKED_FOR:,} of {broken:,} missing or altered files."
            )


def _lies_at(what: str, place: Place) -> str:
    if place.objects_in:
        return f"{what}: {place.objects_in} has its bytes at {shown_key(place.key)}"
    return f"{what}: its bytes lie at {shown_key(place.key)}"


def why_altered(one: Broken) -> str:
    """What differs, in words."""
    row, found = one.row, one.object
    assert found is not None
    if one.kind == "size":
        return f"has {counted(found.size, 'bytes')}, its row says {row.size or 0:,}"
    if one.kind == "sha256":
        return f"its bytes have the sha256 {found.sha256[:16]}..., its row says {row.sha256[:16]}..."
    claims = f"its metadata says the sha256 {found.claimed[:16]}..., its row {row.sha256[:16]}..."
    if one.kind != "type":
        return claims
    also = f"; {claims}" if row.sha256 and found.claimed not in ("", row.sha256) else ""
    return f"has the content type {found.type or 'none'}, its row says {row.mime}{also}"
