"""One pair check: both sides read, compared, and what seems wrong of a live one looked at again."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from services.counted import counted
from services.pairs.facts import ObjectFacts, RowFacts
from services.pairs.model import PairsDepth
from services.pairs.sides import RowsSide
from services.pairs.stores import Looked, ObjectsSide
from services.pairs.table import PairsTable

SETTLE_SECONDS = 0.5
"""Between looking at an object and looking at its row again: the application changes one right after the other."""
CHUNK = 1_000
FEW = 2_000
"""Up to so many are asked for one by one; more are found by a second listing, or by reading all rows again."""
KEPT_METADATA = 1_000
"""Orphans whose metadata is kept, to tell what put them there."""

MANY = 20_000
"""Never more than so many one by one."""

ROUNDS = 4
MOMENTS = timedelta(seconds=10)

T = TypeVar("T")
Advance = Callable[[int], None]
Stage = Callable[[str, str, "int | None", str], Advance]
"""Begins a stretch of work (name, detail, total, unit) and gives its counter."""


def no_stage(name: str, detail: str, total: int | None, unit: str) -> Advance:
    """Nobody counts."""
    return lambda amount: None


def _nothing() -> None:
    """No cancel."""


class Compared(msgspec.Struct, kw_only=True):
    """What a comparison found: the filled table, and what is not in it.

    `rows` and `objects` are how many were read. `beyond` are rows whose object is in the bucket but outside
    its prefix, with the first keys. `metadata` is that of the first orphans, where it was asked for.
    """

    table: PairsTable
    depth: PairsDepth
    rows: int = 0
    objects: int = 0
    beyond: int = 0
    beyond_keys: list[str] = []
    metadata: dict[str, dict[str, str]] = {}
    headers: bool = False


class Comparison:
    """Fills the table of two sides and looks twice; `run` gives the outcome. Used by one thread.

    A `table` may hold rows already, of a side that gives none any more. `rows_only` looks again at rows alone,
    for who does not ask for orphans.

    Errors: `NoFiles`, `QuillkeepError` when a side cannot be read to its end, and whatever `check` raises.
    """

    def __init__(
        self,
        rows: RowsSide,
        objects: ObjectsSide,
        *,
        depth: PairsDepth = "shallow",
        check: Callable[[], None] = _nothing,
        stage: Stage = no_stage,
        settle: float = SETTLE_SECONDS,
        table: PairsTable | None = None,
        rows_only: bool = False,
    ) -> None:
        self._rows, self._objects = rows, objects
        self._check, self._stage, self._settle = check, stage, settle
        self._prefix = objects.prefix
        self._heads = depth != "shallow"
        self._orphans = not rows_only
        self.table = table or PairsTable()
        self.found = Compared(table=self.table, depth=depth, headers=objects.headers)

    def run(self) -> Compared:
        """Reads, compares, looks again."""
        table, found = self.table, self.found
        # Objects first: the application writes an object before its row, so that a row has its object by then.
        advance = self._stage("listing objects", self._objects.where, None, "objects")
        table.add_objects(self._counted(self._objects.entries(), advance))
        found.objects = table.count("object")
        found.rows = table.count("row")
        advance = self._stage("reading rows", f"files of {self._rows.data.name}", None, "bytes")
        self._rows.read(self._prefix, self._take_rows, check=self._check, advance=advance)
        table.index()
        if self._objects.live and self._prefix:
            self._look_beyond()
        if self._heads and self._objects.live:
            self._look_at_heads()
        if found.depth == "deep":
            self._read_all()
        table.judge(heads=self._heads)
        if self._rows.live or self._objects.live:
            self._look_again()
        return found

    def _counted(self, entries: Iterator[ObjectFacts], advance: Advance) -> Iterator[ObjectFacts]:
        for entry in entries:
            self._check()
            advance(1)
            yield entry

    def _take_rows(self, rows: list[RowFacts]) -> None:
        self.found.rows += len(rows)
        self.table.add_rows(rows)

    def _look_beyond(self) -> None:
        """Rows made before the prefix was set point outside it: the application reads them all the same."""
        keys = list(itertools.islice(self.table.rows_beyond(self._prefix), FEW + 1))
        if not keys:
            return
        there: list[ObjectFacts] = []
        if len(keys) <= FEW:

            def take(looked: Looked) -> None:
                if looked.why:
                    self.table.mark_unread(looked.key, looked.why)
                elif looked.now is not None:
                    there.append(looked.now)
                    self._found_beyond(looked.key)

            self._objects.heads(keys, take, check=self._check)
            self.table.add_objects(there)
            return
        advance = self._stage("listing objects", "those outside the prefix", None, "objects")
        for one in self._counted(self._objects.beyond(), advance):
            if not one.key.startswith(self._prefix) and self.table.has_row(one.key):
                there.append(one)
                self._found_beyond(one.key)
            if len(there) >= CHUNK:
                self.table.add_objects(there)
                there.clear()
        self.table.add_objects(there)

    def _found_beyond(self, key: str) -> None:
        self.found.beyond += 1
        if len(self.found.beyond_keys) < KEPT_METADATA:
            self.found.beyond_keys.append(key)

    def _look_at_heads(self) -> None:
        total, _ = self.table.pair_totals()
        advance = self._stage("looking at headers", self._objects.where, total, "objects")

        def take(looked: Looked) -> None:
            advance(1)
            if looked.why:
                self.table.mark_unread(looked.key, looked.why)
            elif looked.now is None:
                self.table.drop_object(looked.key)
            else:
                self.table.headed(looked.key, type=looked.now.type, claimed=looked.now.claimed)

        self._objects.heads((one.key for one in self.table.pairs()), take, check=self._check)

    def _read_all(self) -> None:
        _, total = self.table.pair_totals()
        advance = self._stage("reading objects", self._objects.where, total, "bytes")

        def take(looked: Looked) -> None:
            if looked.why:
                self.table.mark_unread(looked.key, looked.why)
            elif looked.now is None:
                self.table.drop_object(looked.key)
            else:
                self.table.hashed(looked.key, looked.sha256)

        self._objects.hashes(self.table, take, check=self._check, advance=advance)

    def _look_again(self) -> None:
        """What seems wrong is asked for once more: on a system at work it may just have moved.

        Once where nothing moves, and up to `ROUNDS` times, longer each time, where something does.
        """
        table = self.table
        for number in range(ROUNDS):
            suspicious = table.broken_count() + (table.orphan_count() if self._orphans else 0)
            if not suspicious:
                return
            self._stage("looking again", counted(suspicious, "findings"), None, "objects")
            before = table.marked()
            if self._objects.live:
                self._objects_again(suspicious)
            if self._rows.live:
                self._wait(self._settle * 2**number)
                self._rows_again()
                if self._orphans:
                    self._row_less_again()
            table.judge(heads=self._heads)
            young = number == 0 and self._orphans and self._rows.live
            young = young and table.orphan_since(self._moments_ago())
            if table.marked() == before and not young:
                return

    def _moments_ago(self) -> str:
        """An object put since then may be an upload whose row is still on its way."""
        return (datetime.now(UTC) - MOMENTS).strftime("%Y-%m-%dT%H:%M:%S")

    def _objects_again(self, suspicious: int) -> None:
        table = self.table
        if suspicious > max(FEW, min(table.count("object") // 3, MANY)):
            advance = self._stage("listing objects", f"{self._objects.where} again", None, "objects")
            table.relist(self._counted(self._objects.entries(), advance), prefix=self._prefix)
            return
        # Taken before the table changes under them.
        keys = [one.row.key or "" for one in table.broken("missing", "size")]
        if self._orphans:
            keys += [one.key for one in table.orphans()]
        self._objects.heads(dict.fromkeys(keys), self._take_again, check=self._check)

    def _take_again(self, looked: Looked) -> None:
        table, key = self.table, looked.key
        if looked.why:
            table.mark_unread(key, looked.why)
        elif looked.now is None:
            if table.has_object(key):
                table.drop_object(key)
                table.mark_moved(key)
        else:
            if table.same_object(looked.now):
                if len(self.found.metadata) < KEPT_METADATA:
                    self.found.metadata[key] = looked.metadata
                return
            table.add_objects((looked.now,))
            table.mark_moved(key)

    def _rows_again(self) -> None:
        """Rows whose object is missing or altered: gone, changed, or as they were."""
        table = self.table
        for chunk in _chunks(table.broken_refs(), CHUNK):
            self._check()
            now = {row.ref: row for row in self._rows.again([ref for _, ref, _ in chunk], self._prefix)}
            for n, ref, key in chunk:
                row = now.get(ref)
                if row is None:
                    table.drop_row(n)
                    table.mark_moved(key)
                elif not table.same_row(n, row):
                    table.replace_row(n, row)
                    table.mark_moved(key)

    def _row_less_again(self) -> None:
        """Objects without a row: an upload's row may have come since."""
        table = self.table
        count = table.orphan_count()
        if count == 0:
            return
        if count <= FEW:
            for keys in _chunks((one.key for one in table.orphans()), CHUNK):
                self._check()
                self._take_late(self._rows.with_keys([key for key in keys if _is_text(key)], self._prefix))
            return
        self._rows.read(self._prefix, self._take_late, check=self._check, advance=lambda amount: None)

    def _take_late(self, rows: list[RowFacts]) -> None:
        late = [row for row in rows if row.key and not self.table.has_row(row.key)]
        self.table.add_rows(late)
        for row in late:
            self.table.mark_moved(row.key or "")

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(left, 0.1))


def _chunks(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while chunk := list(itertools.islice(items, size)):
        yield chunk


def _is_text(key: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in key)
