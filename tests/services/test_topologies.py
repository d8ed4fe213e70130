"""Every verb on a standalone, a one-node and a three-node replica set, and what an interrupted swap leaves there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.demo.servers import Mongod
from services.mongo.record import SwapRecord, read_records
from services.operations.plan import plan
from services.operations.release import ReleasePlan, release
from services.operations.rollback import RollbackPlan, rollback
from services.operations.verify import VerifyPlan, verify
from services.recovery.request import RestoreRequest
from tests.services.restore_support import ours, picture
from tests.services.swap_support import (
    Deployment,
    Interrupted,
    at_checkpoint,
    at_phase,
    deployed,
    fill,
    interrupt,
)

TOPOLOGIES = ("mongod", "mongod_rs", "mongod_rs3")


@pytest.fixture(params=TOPOLOGIES, ids=["standalone", "one-node", "three-nodes"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    """A fresh database on each topology."""
    server: Mongod = request.getfixturevalue(request.param)
    with deployed(server, tmp_path) as made:
        yield made


def test_every_verb(deployment: Deployment) -> None:
    db = deployment.db
    fill(db)
    then = picture(db)
    made = deployment.backup()
    assert verify(VerifyPlan(backup=made), deployment.context()).status == "ok"
    fill(db, word="now", documents=120)
    db.drop_collection("memories")
    now = picture(db)
    planned = plan(RestoreRequest(backup=made, only="database"), deployment.context())
    rows = {row.name: (row.live, row.backup, row.content, row.action) for row in planned.collections}
    assert rows["characters"] == (120, 300, "differs", "replace")
    assert rows["memories"] == (None, 300, "only in the backup", "create")
    assert not planned.refusals and [risk.word for risk in planned.risks] == ["writers"]
    assert picture(db) == now and not ours(db)
    result = deployment.restore(made)
    assert picture(db) == then
    back = rollback(RollbackPlan(job=result.job, allow=("writers",)), deployment.context())
    assert picture(db) == now
    again = rollback(RollbackPlan(job=back.job, allow=("writers",)), deployment.context())
    assert picture(db) == then
    released = release(ReleasePlan(job=again.job), deployment.context())
    assert {entry.name: entry.only_here for entry in released.collections} == {
        "characters": 120,
        "chats": 120,
    }
    assert not ours(db) and picture(db) == then


def move(db: Database[Any], record: SwapRecord, moves: int) -> None:
    """The first renames of a swap, by hand: what a job did that died in its middle."""
    steps = []
    for pair in record.pairs:
        if pair.incoming == "collection":
            assert pair.old and pair.aside
            steps += [(pair.name, pair.old), (pair.aside, pair.name)]
    for source, target in steps[:moves]:
        db[source].rename(target)


@pytest.mark.parametrize("moves", [0, pytest.param(3, marks=pytest.mark.soak), 5])
@pytest.mark.parametrize("way", ["finish", "rollback"])
def test_an_interrupted_swap(mongod: Mongod, tmp_path: Path, moves: int, way: str) -> None:
    """However far it came, both ways lead to data that is wholly old or wholly new."""
    with deployed(mongod, tmp_path) as deployment:
        interrupted_swap(deployment, moves, way)


@pytest.mark.parametrize("way", ["finish", "rollback"])
def test_an_interrupted_swap_on_a_replica_set(mongod_rs3: Mongod, tmp_path: Path, way: str) -> None:
    with deployed(mongod_rs3, tmp_path) as deployment:
        interrupted_swap(deployment, 1, way)


def interrupted_swap(deployment: Deployment, moves: int, way: str) -> None:
    """A restore that dies after so many renames, led on by one of its two ways."""
    db = deployment.db
    fill(db)
    then = picture(db)
    made = deployment.backup()
    fill(db, word="now", documents=120)
    now = picture(db)
    with pytest.raises(Interrupted):
        deployment.restore(made, at_checkpoint("renaming", interrupt))
    (record,) = read_records(db)
    assert record.state == "swapping"
    move(db, record, moves)
    if way == "finish":
        result = deployment.finish(record.job)
        assert result.job == record.job
        assert picture(db) == then
        assert deployment.finish(record.job).status == "ok", "nothing is left to do"
        rollback(RollbackPlan(job=record.job, allow=("writers",)), deployment.context())
    else:
        rollback(RollbackPlan(job=record.job), deployment.context())
        assert not ours(db), "copies that never went live are dropped"
    assert picture(db) == now


def test_an_interrupted_rollback(mongod_rs: Mongod, tmp_path: Path) -> None:
    with deployed(mongod_rs, tmp_path) as deployment:
        interrupted_rollback(deployment)


def interrupted_rollback(deployment: Deployment) -> None:
    """A rollback that dies after three renames and is undone: the restored state is live as it was."""
    db = deployment.db
    fill(db)
    then = picture(db)
    made = deployment.backup()
    fill(db, word="now", documents=120)
    result = deployment.restore(made)
    ctx = deployment.context(at_phase("swapping", interrupt))
    with pytest.raises(Interrupted):
        rollback(RollbackPlan(job=result.job, allow=("writers",)), ctx)
    record = read_records(db)[-1]
    assert record.verb == "rollback"
    move(db, record, 3)
    rollback(RollbackPlan(job=record.job, allow=("writers",)), deployment.context())
    assert picture(db) == then
