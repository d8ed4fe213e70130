"""A rollback says what came back and what was set aside, with counts: in its result, in Jobs and in History."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from services.demo.servers import Mongod
from services.history.outcome import outcome_of
from services.operations.restore_model import RestoreResult, RollbackPlan, in_words
from services.operations.rollback import rollback
from tests.services.swap_support import Deployment


@pytest.fixture
def deployment(mongod: Mongod, tmp_path: Path) -> Iterator[Deployment]:
    made = Deployment(mongod, tmp_path)
    yield made
    made.close()


def _rolled_back(deployment: Deployment, job: str) -> RestoreResult:
    return rollback(RollbackPlan(job=job, allow=("writers",)), deployment.context())


def test_what_came_back_and_what_was_set_aside_is_counted(deployment: Deployment) -> None:
    deployment.db["characters"].insert_many([{"n": number} for number in range(40)])
    deployment.db["chats"].insert_many([{"n": number} for number in range(7)])
    backup = deployment.backup()
    deployment.db["characters"].drop()
    deployment.db["chats"].delete_many({"n": {"$gte": 5}})
    restored = deployment.restore(backup, collections=("characters",))
    assert restored.summary == "1 collection, 40 documents live" and not restored.set_aside
    back = _rolled_back(deployment, restored.job)
    assert back.set_aside == {"characters": 40} and not back.collections
    assert back.summary == "no collection had to come back; set aside: characters (40 documents)"
    told = outcome_of("rollback", back.job, msgspec.to_builtins(back))
    assert told.changed == back.summary
    assert (
        "Set aside",
        "characters (40 documents): not live any more, kept as rollback copies",
    ) in told.facts
    assert not [label for label, _ in told.facts if label == "Live now"]

    again = deployment.restore(backup)
    back = _rolled_back(deployment, again.job)
    assert back.collections["chats"].documents == 5 and back.set_aside == {"characters": 40, "chats": 7}
    assert back.summary == (
        "1 collection, 5 documents back; set aside: characters (40 documents), chats (7 documents)"
    )


def test_many_names_are_cut_with_their_sum() -> None:
    aside = {f"c{number}": number for number in range(6)}
    assert in_words("rollback", {"a": 1}, (1, 0), aside) == (
        "1 collection, 1 document back; 1 object put; set aside: c5 (5 documents), c4 (4 documents), "
        "c3 (3 documents) and 3 collections more (3 documents)"
    )
    assert in_words("restore", {}, None, {}) == ""
