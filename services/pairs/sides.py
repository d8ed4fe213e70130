"""The rows of `files` of one side, live or in a backup."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from services.archive.model import Buffer
from services.errors import QuillkeepError
from services.pairs.facts import RowFacts
from services.pairs.rows import FIELDS, FILES, decoder, facts_of
from services.reading.side import DataSide

if TYPE_CHECKING:
    from pymongo.database import Database

Check = Callable[[], None]
Advance = Callable[[int], None]
TakeRows = Callable[[list[RowFacts]], None]


class RowsSide(Protocol):
    """Rows of `files`; `prefix` is the bucket's."""

    data: DataSide
    live: bool

    def read(self, prefix: str, take: TakeRows, *, check: Check, advance: Advance) -> None:
        """Gives every row to `take`, a batch at a time; `NoFiles` when there is no such collection."""
        ...

    def again(self, refs: Sequence[bytes], prefix: str) -> list[RowFacts]:
        """The rows with these `_id`s as they are now; only of a live side."""
        ...

    def with_keys(self, keys: Sequence[str], prefix: str) -> list[RowFacts]:
        """The rows that point at these keys now; only of a live side."""
        ...


class NoFiles(QuillkeepError):
    """There are no rows of `files` to look at; `what` says why."""


class BackupRows:
    """Rows of a backup: what they are does not change."""

    live = False

    def __init__(self, data: DataSide) -> None:
        self.data = data

    def read(self, prefix: str, take: TakeRows, *, check: Check, advance: Advance) -> None:
        """As `RowsSide.read`."""
        require_files(self.data.collections(), f"the backup {self.data.name}")
        _read(self.data, (), prefix, take, check=check, advance=advance)

    def again(self, refs: Sequence[bytes], prefix: str) -> list[RowFacts]:
        """Nothing."""
        return []

    def with_keys(self, keys: Sequence[str], prefix: str) -> list[RowFacts]:
        """Nothing."""
        return []


class LiveRows:
    """Rows of a live database. Errors of all methods: `QuillkeepError`."""

    live = True

    def __init__(self, database: Database[Any], data: DataSide) -> None:
        self.data = data
        self._database = database

    def read(self, prefix: str, take: TakeRows, *, check: Check, advance: Advance) -> None:
        """As `RowsSide.read`."""
        from pymongo.errors import PyMongoError

        from services.mongo.connect import others_in_words
        from services.mongo.failures import translated

        try:
            there = self.data.collections()
        except PyMongoError as error:
            raise translated("Listing the collections", error) from error
        try:
            require_files(there, f"the database {self._database.name}")
        except NoFiles as error:
            if not there:
                error.cause = f"It is empty. {others_in_words(self._database)}".strip()
            raise
        _read(self.data, FIELDS, prefix, take, check=check, advance=advance, live=True)

    def again(self, refs: Sequence[bytes], prefix: str) -> list[RowFacts]:
        """As `RowsSide.again`."""
        decode = decoder()
        return self._find({"_id": {"$in": [decode(ref)["_id"] for ref in refs]}}, prefix)

    def with_keys(self, keys: Sequence[str], prefix: str) -> list[RowFacts]:
        """As `RowsSide.with_keys`; the application has no index on s3Key, so each call reads the collection."""
        return self._find({"s3Key": {"$in": list(keys)}}, prefix)

    def _find(self, query: dict[str, Any], prefix: str) -> list[RowFacts]:
        from bson.raw_bson import DEFAULT_RAW_BSON_OPTIONS
        from pymongo.errors import PyMongoError

        from services.mongo.failures import translated

        files = self._database.get_collection(FILES, codec_options=DEFAULT_RAW_BSON_OPTIONS)
        try:
            found: list[bytes] = [one.raw for one in files.find(query, dict.fromkeys(FIELDS, 1))]
        except PyMongoError as error:
            raise translated("Looking at rows of files again", error) from error
        return [facts for raw in found for facts in facts_of(raw, prefix, live=True)]


def require_files(there: Mapping[str, str], where: str) -> None:
    """`NoFiles` unless `files` is among these collections ({name: kind}) and holds documents of its own."""
    kind = there.get(FILES)
    if kind is None:
        raise NoFiles(
            f"There is no collection `files` in {where}.",
            cause=f"It has: {', '.join(sorted(there)[:8])}." if there else "It is empty.",
            next="Check MONGODB_DATABASE: the application keeps a row of every upload there.",
        )
    if kind == "view":
        raise NoFiles(
            f"`files` is a view in {where}, not a collection.",
            next="The pair check reads the collection behind it only under its own name.",
        )


def _read(
    data: DataSide,
    fields: Sequence[str],
    prefix: str,
    take: TakeRows,
    *,
    check: Check,
    advance: Advance,
    live: bool = False,
) -> None:
    def block(_: str, documents: Buffer) -> None:
        take(list(facts_of(documents, prefix, live=live)))

    data.read({FILES: fields}, block, check=check, advance=advance)
