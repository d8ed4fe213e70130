"""A live database, or one loaded aside under other names, as a side that can be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from services.mongo.failures import translated
from services.mongo.live_sums import average_bytes, batch_documents
from services.mongo.raw_read import raw_replies
from services.reading.side import Take

if TYPE_CHECKING:
    from pymongo.database import Database

PROJECTED_BATCH = 1_000
"""Documents a batch of projected fields has at most: the ids in 1,000 vector indexes are 3 MB, and memory stays flat."""


class LiveSide:
    """`aside` maps the application's names to those under which a copy was loaded; None reads what is live."""

    def __init__(
        self, database: Database[Any], *, name: str = "live", aside: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.database = database.name
        self.live = aside is None
        self._database = database
        self._aside = aside

    def collections(self) -> dict[str, str]:
        """As `DataSide.collections`; of a copy aside the collections it was told of."""
        from services.mongo.connect import list_live
        from services.recovery.rows import live_names

        there = list_live(self._database)
        if self._aside is not None:
            return {name: there[stored].kind for name, stored in self._aside.items() if stored in there}
        return {name: there[name].kind for name in live_names(there)}

    def read(
        self,
        wanted: Mapping[str, Sequence[str]],
        take: Take,
        *,
        check: Callable[[], None],
        advance: Callable[[int], None],
    ) -> None:
        """As `DataSide.read`; one collection after another, in the order of `wanted`."""
        from pymongo.errors import PyMongoError

        kinds = self.collections()
        for name, fields in wanted.items():
            if kinds.get(name, "view") == "view":
                continue
            stored = name if self._aside is None else self._aside[name]
            try:
                for batch in self._batches(stored, fields):
                    check()
                    take(name, batch)
                    advance(len(batch))
            except PyMongoError as error:
                raise translated(f"Reading the collection {name}", error) from error

    def _batches(self, stored: str, fields: Sequence[str]) -> Any:
        if not fields:
            at_once = batch_documents(average_bytes(self._database, stored))
            return (reply.take() for reply in raw_replies(self._database, stored, batch_documents=at_once))
        return (
            reply.take()
            for reply in raw_replies(
                self._database,
                stored,
                batch_documents=PROJECTED_BATCH,
                projection={"_id": 1, **dict.fromkeys(fields, 1)},
            )
        )
