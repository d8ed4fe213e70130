"""The pair check of a backup in a pass that reads it anyhow: rows as they come, objects from the object manifest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from services.archive.model import Buffer
from services.objects.keys import is_our_key
from services.objects.source import SourceEntry
from services.pairs.compare import Comparison, Stage, no_stage
from services.pairs.engine import Surroundings, before_uploads, conclude, nothing_yet
from services.pairs.facts import ObjectFacts
from services.pairs.model import PairsResult
from services.pairs.rows import FILES, facts_of
from services.pairs.sides import BackupRows, TakeRows, require_files
from services.pairs.stores import Advance, Check, ObjectsSide, TakeLooked, facts_of_entry, facts_of_line
from services.pairs.table import PairsTable
from services.reading.side import DataSide, Take

AT_ONCE = 500


class PairsCollector:
    """`wants`, `add`, then `result` once, or `close`; `prefix` is the bucket's. One thread at a time.

    Memory stays flat: rows lie in a temporary file, but `sealed` ones, of an encrypted backup, in memory alone.
    """

    wants = frozenset({FILES})

    def __init__(self, prefix: str, *, sealed: bool = False) -> None:
        self._prefix = prefix
        self._table = PairsTable(sealed=sealed)
        self._objects: list[ObjectFacts] = []

    def add_object(self, entry: SourceEntry) -> None:
        """One object of a foreign backup as somebody reads it anyhow, with the sha256 of its bytes."""
        if not is_our_key(entry.key, self._prefix):
            self._objects.append(facts_of_entry(entry, self._prefix, headers=False))
            if len(self._objects) >= AT_ONCE:
                self._flush()

    def _flush(self) -> None:
        self._table.add_objects(self._objects)
        self._objects.clear()

    def add(self, collection: str, data: Buffer) -> None:
        """Whole raw documents of `files`."""
        self._table.add_rows(facts_of(data, self._prefix))

    def close(self) -> None:
        """Forgets everything."""
        self._table.close()

    def result(
        self,
        collections: Collection[str],
        data: DataSide,
        objects: ObjectsSide,
        around: Surroundings,
        *,
        check: Check,
        stage: Stage = no_stage,
    ) -> PairsResult:
        """Compares the rows that came with these objects by what is known of them, reading no object.

        `collections` are those of the backup, `data` the same backup, read again only to say who uses what is
        broken. Errors: as `check_pairs`.
        """
        self._flush()
        try:
            none = not self._table.count("object") and next(iter(objects.entries()), None) is None
            if none and before_uploads(collections):
                return nothing_yet("heads", data.name, objects.name)
            require_files(dict.fromkeys(collections, "collection"), f"the backup {data.name}")
            rows = _Gathered(data)
            comparison = Comparison(rows, objects, depth="heads", check=check, stage=stage, table=self._table)
            return conclude(comparison.run(), rows, objects, around, check=check, stage=stage)
        finally:
            self.close()


class _Gathered(BackupRows):
    """Rows that were all taken before."""

    def read(self, prefix: str, take: TakeRows, *, check: Check, advance: Advance) -> None:
        """Nothing more comes."""


class LazySide:
    """A backup's database that is opened only when somebody reads it."""

    live = False

    def __init__(self, name: str, database: str, open_side: Callable[[], DataSide]) -> None:
        self.name = name
        self.database = database
        self._open = open_side
        self._side: DataSide | None = None

    @property
    def _opened(self) -> DataSide:
        if self._side is None:
            self._side = self._open()
        return self._side

    def collections(self) -> dict[str, str]:
        """As `DataSide.collections`."""
        return self._opened.collections()

    def read(
        self, wanted: Mapping[str, Sequence[str]], take: Take, *, check: Check, advance: Advance
    ) -> None:
        """As `DataSide.read`."""
        self._opened.read(wanted, take, check=check, advance=advance)


class LinesObjects:
    """What an object manifest lists, whatever became of the files: other checks look at those."""

    live = False
    headers = True

    def __init__(self, name: str, lines: Path, prefix: str) -> None:
        self.name = name
        self.where = f"the objects of {name}"
        self.prefix = prefix
        self._lines = lines

    def entries(self) -> Iterator[ObjectFacts]:
        """As `ObjectsSide.entries`. Errors: `QuillkeepError` when the manifest is damaged."""
        from services.objects.manifest import read_lines

        for line in read_lines(self._lines):
            if not is_our_key(line.key, self.prefix):
                yield facts_of_line(line, self.prefix)

    def beyond(self) -> Iterator[ObjectFacts]:
        """Nothing."""
        return iter(())

    def heads(self, keys: Iterable[str], take: TakeLooked, *, check: Check) -> None:
        """Nothing: the lines have the headers."""

    def hashes(self, table: PairsTable, take: TakeLooked, *, check: Check, advance: Advance) -> None:
        """Nothing: the lines have the sha256."""


class TakenObjects:
    """Objects that the collector was given one by one; nothing more comes."""

    live = False
    headers = False

    def __init__(self, name: str, prefix: str) -> None:
        self.name = name
        self.where = f"the objects of {name}"
        self.prefix = prefix

    def entries(self) -> Iterator[ObjectFacts]:
        """Nothing more."""
        return iter(())

    def beyond(self) -> Iterator[ObjectFacts]:
        """Nothing."""
        return iter(())

    def heads(self, keys: Iterable[str], take: TakeLooked, *, check: Check) -> None:
        """Nothing: this form has no headers."""

    def hashes(self, table: PairsTable, take: TakeLooked, *, check: Check, advance: Advance) -> None:
        """Nothing: they came with their sha256."""
