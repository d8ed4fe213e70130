"""What live collections have lost since the newest good backup: small ones are told, too, log-ins never."""

from __future__ import annotations

from pathlib import Path

import bson

from services.catalog.manifest import CollectionEntry
from services.demo.servers import Mongod
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.validating.against import shrunk
from tests.services.validate_support import first, only, validated


def test_what_fell_of_a_small_collection(mongod: Mongod, tmp_path: Path) -> None:
    """40 documents are below the rule for a backup; live, 30 % and 10 of them are told all the same."""
    with validated(mongod, tmp_path) as deployment:
        db = deployment.db
        one = first(db, "vector_indices")
        there = db.vector_indices.count_documents({})
        db.vector_indices.insert_many(
            [{**one, "_id": bson.ObjectId(), "id": f"more-{number}"} for number in range(40 - there)]
        )
        later = backup(BackupPlan(only="database"), deployment.context())
        ids = [one["_id"] for one in db.vector_indices.find({}, {"_id": 1})]
        for left in (29, 28, 2):
            db.vector_indices.delete_many({"_id": {"$in": ids[left:]}})
            result = deployment.validate()
            if left == 29:
                assert result.status == "ok", result
                continue
            finding = only(result, "vector_indices")
            assert (finding.kind, finding.status, finding.good_in) == ("shrunk", "warn", later.id)
            assert f"40 -> {left} documents" in finding.what and finding.restore == ("vector_indices",)


def test_the_rule_on_counts_alone() -> None:
    def told(name: str, now: int | None, before: int) -> bool:
        there = None if now is None else CollectionEntry(documents=now, bytes=now * 100)
        return (
            shrunk(name, there, CollectionEntry(documents=before, bytes=before * 100), since="b") is not None
        )

    assert told("vector_indices", 28, 40) and told("tags", 0, 2) and told("tags", None, 2)
    assert not told("vector_indices", 29, 40) and not told("tags", 1, 10) and not told("tags", 40, 40)
    assert told("tags", 0, 10) and told("tags", 5, 15) and not told("memories", 800, 1_000)
    for name in ("sessions", "verification_tokens"):
        assert not any(told(name, now, 400) for now in (None, 0, 1, 100))
