"""Looking again at what seems to be wrong in data that is being written to, before it is called wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from services.archive.model import Buffer

if TYPE_CHECKING:
    from pymongo.database import Database

ASKED_AT_ONCE = 5_000
"""Values of one question: 200 KiB of ids."""


class Again(Protocol):
    """Finds documents by values of a field, now."""

    def find(self, name: str, field: str, values: Sequence[Any], fields: Sequence[str]) -> Iterator[Buffer]:
        """Whole batches of documents of a collection whose `field` has one of the values, with `fields` (all without)."""
        ...


class LiveAgain:
    """Asks the live database. Errors: `QuillkeepError`."""

    def __init__(self, database: Database[Any], check: Callable[[], None]) -> None:
        self._database = database
        self._check = check

    def find(self, name: str, field: str, values: Sequence[Any], fields: Sequence[str]) -> Iterator[Buffer]:
        """As `Again.find`."""
        from pymongo.errors import PyMongoError

        from services.mongo.failures import translated

        projection = {"_id": 1, **dict.fromkeys(fields, 1)} if fields else None
        try:
            for at in range(0, len(values), ASKED_AT_ONCE):
                self._check()
                wanted = {field: {"$in": list(values[at : at + ASKED_AT_ONCE])}}
                batches = self._database[name].find_raw_batches(wanted, projection)
                for batch in batches:
                    if batch:
                        yield batch
        except PyMongoError as error:
            raise translated(f"Looking again into the collection {name}", error) from error
