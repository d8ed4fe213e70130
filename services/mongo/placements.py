"""The objects' share of a swap record: where each replaced object's old bytes lie, kept in the database for every host."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import msgspec

from services.mongo.commands import DURABLE, run, run_again
from services.names import JOBS_COLLECTION
from services.objects.restore_model import Placement

if TYPE_CHECKING:
    from pymongo.database import Database


class PlacementLog:
    """Appends batches durably (majority, journaled) before the objects of the batch are touched."""

    def __init__(self, database: Database[Any], job: str) -> None:
        self._database = database
        self._job = job
        have = database[JOBS_COLLECTION].count_documents({"kind": "placements", "job": job})
        self._number = itertools.count(have)

    def append(self, batch: list[Placement]) -> None:
        """One document a batch."""
        run(
            self._database,
            {
                "insert": JOBS_COLLECTION,
                "documents": [
                    {
                        "_id": f"{self._job}-objects-{next(self._number):06d}",
                        "kind": "placements",
                        "job": self._job,
                        "items": msgspec.to_builtins(batch),
                    }
                ],
                "writeConcern": DURABLE,
            },
            "note which objects are about to be replaced",
        )


def read_placements(database: Database[Any], job: str) -> list[Placement]:
    """Every placement of a job in the order they were made."""
    found = database[JOBS_COLLECTION].find({"kind": "placements", "job": job}).sort("_id", 1)
    return [msgspec.convert(item, Placement) for document in found for item in document["items"]]


def delete_placements(database: Database[Any], job: str) -> None:
    """Forgets them, once copies are released or put back."""
    run_again(
        database,
        {
            "delete": JOBS_COLLECTION,
            "deletes": [{"q": {"kind": "placements", "job": job}, "limit": 0}],
            "writeConcern": DURABLE,
        },
        "forget which objects were replaced",
    )
