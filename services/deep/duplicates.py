"""Which documents keep a unique index from being built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.catalog.naming import printable
from services.deep.model import MAX_EXAMPLES

if TYPE_CHECKING:
    from pymongo.database import Database


def duplicates(
    database: Database[Any], name: str, index: Mapping[str, Any], comment: str
) -> tuple[int, list[str]]:
    """(values that more than one document holds, _ids of some of these documents) under a unique index.

    Whole field values are compared, so elements of arrays that collide are not found. Values themselves are
    never given. Errors: pymongo's.
    """
    fields = {f"k{place}": f"${path}" for place, path in enumerate(dict(index["key"]))}
    stages: list[Mapping[str, Any]] = [
        {"$group": {"_id": fields, "n": {"$sum": 1}, "one": {"$min": "$_id"}, "other": {"$max": "$_id"}}},
        {"$match": {"n": {"$gt": 1}}},
        {"$project": {"_id": 0, "one": 1, "other": 1}},
    ]
    chosen = _indexed(index)
    if chosen:
        stages.insert(0, {"$match": chosen})
    more: dict[str, Any] = {}
    if index.get("collation"):
        more["collation"] = {key: value for key, value in index["collation"].items() if key != "version"}
    count = 0
    examples: list[str] = []
    for found in database[name].aggregate(stages, allowDiskUse=True, comment=comment, **more):
        count += 1
        if len(examples) < MAX_EXAMPLES:
            examples += [printable(str(found[key]))[:100] for key in ("one", "other")]
    return count, examples[:MAX_EXAMPLES]


def _indexed(index: Mapping[str, Any]) -> dict[str, Any]:
    """The documents that an index holds, where it does not hold all."""
    if index.get("partialFilterExpression"):
        return dict(index["partialFilterExpression"])
    if index.get("sparse"):
        return {"$or": [{path: {"$exists": True}} for path in dict(index["key"])]}
    return {}
