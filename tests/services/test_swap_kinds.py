"""Everything a name can be, or become, around a swap: views, kinds, TTL, clustered, system.js, other people's hands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from services.demo.servers import Mongod
from services.errors import QuillkeepError
from services.jobs.events import AnyEvent, Progress
from services.mongo.record import read_records
from services.operations.rollback import RollbackPlan, rollback, rollback_plan
from tests.services.restore_support import ours, picture
from tests.services.swap_support import (
    Deployment,
    Interrupted,
    at_checkpoint,
    deployed,
    eventually,
    fill,
    interrupt,
)

NOW = datetime.now(UTC).replace(tzinfo=None)


@pytest.fixture
def deployment(mongod: Mongod, tmp_path: Path) -> Iterator[Deployment]:
    """A fresh database on the standalone."""
    with deployed(mongod, tmp_path) as made:
        yield made


def rolled_back(deployment: Deployment, job: str) -> str:
    result = rollback(RollbackPlan(job=job, allow=("writers",)), deployment.context())
    return result.job


def test_views_and_changes_of_kind(deployment: Deployment) -> None:
    """Collection to view, view to collection, view to another view, view gone: there, back, and there again."""
    db = deployment.db
    fill(db)
    db.create_collection("was_view", viewOn="chats", pipeline=[])
    db["was_collection"].insert_many([{"_id": n} for n in range(10)])
    db["was_collection"].create_index("a")
    db.create_collection("changes", viewOn="chats", pipeline=[{"$match": {"n": 1}}])
    db.create_collection("missing", viewOn="nothing", pipeline=[])
    then = picture(db)
    made = deployment.backup()
    for name in ("was_view", "was_collection", "changes", "missing"):
        db.drop_collection(name)
    db["was_view"].insert_many([{"_id": n} for n in range(7)])
    db["was_view"].create_index("b", expireAfterSeconds=3600)
    db.create_collection("was_collection", viewOn="chats", pipeline=[])
    db.create_collection("changes", viewOn="chats", pipeline=[{"$match": {"n": 2}}])
    now = picture(db)
    result = deployment.restore(made)
    assert picture(db) == then
    back = rolled_back(deployment, result.job)
    assert picture(db) == now
    rolled_back(deployment, back)
    assert picture(db) == then


def test_kinds_changed_half_way(deployment: Deployment) -> None:
    """The job dies before the views; undone by UUID, everything is what it was."""
    db = deployment.db
    fill(db)
    db.create_collection("either", viewOn="chats", pipeline=[])
    made = deployment.backup()
    db.drop_collection("either")
    db["either"].insert_one({"_id": "live"})
    now = picture(db)
    with pytest.raises(Interrupted):
        deployment.restore(made, at_checkpoint("renaming", interrupt))
    (record,) = read_records(db)
    pair = next(pair for pair in record.pairs if pair.name == "either")
    assert pair.old
    db["either"].rename(pair.old)
    rollback(RollbackPlan(job=record.job, allow=("writers",)), deployment.context())
    assert picture(db) == now


def test_ttl_waits_for_the_proof_and_never_eats_a_copy(deployment: Deployment) -> None:
    db = deployment.db
    db["sessions"].insert_many([{"_id": n, "when": NOW} for n in range(20)])
    db["sessions"].create_index("when", expireAfterSeconds=7200, name="when_ttl")
    db["sessions"].create_index("user")
    made = deployment.backup()
    db["sessions"].insert_many([{"_id": f"now-{n}", "when": NOW} for n in range(5)])
    db["sessions"].drop_index("when_ttl")
    db["sessions"].create_index("when", expireAfterSeconds=9000, name="other_ttl")
    before = picture(db)
    seen: list[set[str]] = []

    def look(_: object = None) -> None:
        copies = [name for name in ours(db) if "_new_" in name] or ["sessions"]
        seen.append(set(db[copies[0]].index_information()))

    result = deployment.restore(made, at_checkpoint("proven", look), at_checkpoint("renaming", look))
    assert seen == [{"_id_", "user_1"}] * 2, "the TTL index is not there before the proof"
    assert db["sessions"].index_information()["when_ttl"]["expireAfterSeconds"] == 7200
    (copy,) = ours(db)
    assert set(db[copy].index_information()) == {"_id_", "user_1"}
    assert db[copy].count_documents({}) == 25
    rolled_back(deployment, result.job)
    assert picture(db) == before


def test_a_clustered_collection_stops_expiring_while_it_waits(deployment: Deployment) -> None:
    db = deployment.db
    clustered: dict[str, Any] = {
        "clusteredIndex": {"key": {"_id": 1}, "unique": True},
        "expireAfterSeconds": 7200,
    }
    db.create_collection("tickets", **clustered)
    db["tickets"].insert_many([{"_id": n} for n in range(20)])
    made = deployment.backup()
    db["tickets"].insert_one({"_id": 99})
    before = picture(db)
    result = deployment.restore(made)
    (copy,) = ours(db)
    assert "expireAfterSeconds" not in db[copy].options()
    assert db["tickets"].options()["expireAfterSeconds"] == 7200
    back = rolled_back(deployment, result.job)
    assert picture(db) == before
    rolled_back(deployment, back)
    assert db["tickets"].options()["expireAfterSeconds"] == 7200
    assert db["tickets"].count_documents({}) == 20


def test_system_js(deployment: Deployment) -> None:
    db = deployment.db
    db["system.js"].insert_one({"_id": "then", "value": "function () { return 1; }"})
    db["chats"].insert_one({"_id": 1})
    made = deployment.backup()
    db["system.js"].delete_many({})
    db["system.js"].insert_one({"_id": "now", "value": "function () { return 2; }"})
    before = picture(db)
    result = deployment.restore(made)
    assert [document["_id"] for document in db["system.js"].find()] == ["then"]
    rolled_back(deployment, result.job)
    assert picture(db) == before


def between(deployment: Deployment, action: Callable[[], object]) -> Any:
    """A restore of the fill, with `action` after the proof and before the first rename."""
    fill(deployment.db)
    made = deployment.backup()
    fill(deployment.db, word="now", documents=50)
    return deployment.restore(made, at_checkpoint("renaming", lambda: (action(), None)[1]))


def test_a_collection_dropped_between_plan_and_swap(deployment: Deployment) -> None:
    db = deployment.db
    result = between(deployment, lambda: db.drop_collection("chats"))
    assert db["chats"].count_documents({"word": "then"}) == 300
    assert any("chats was dropped by somebody" in words for words in result.warnings)
    back = rolled_back(deployment, result.job)
    assert db["characters"].count_documents({"word": "now"}) == 50
    assert "chats" not in picture(db)
    rolled_back(deployment, back)
    assert db["chats"].count_documents({"word": "then"}) == 300


def test_a_collection_replaced_between_plan_and_swap(deployment: Deployment) -> None:
    """What is set aside, and what a rollback brings back, is what really was live, with its own indexes."""
    db = deployment.db

    def replace_it() -> None:
        db.drop_collection("chats")
        db["chats"].insert_one({"_id": "somebody"})
        db["chats"].create_index("theirs", expireAfterSeconds=4000)

    result = between(deployment, replace_it)
    assert any("chats was replaced by another collection" in words for words in result.warnings)
    rolled_back(deployment, result.job)
    assert [document["_id"] for document in db["chats"].find()] == ["somebody"]
    assert "theirs_1" in db["chats"].index_information()


def test_a_collection_created_between_plan_and_swap(deployment: Deployment) -> None:
    db = deployment.db
    fill(db)
    made = deployment.backup()
    for name in list(picture(db)):
        db.drop_collection(name)

    def write() -> None:
        db["chats"].insert_one({"_id": "early"})

    result = deployment.restore(made, at_checkpoint("renaming", write))
    assert db["chats"].count_documents({}) == 300
    words = next(words for words in result.warnings if "chats was created since the plan" in words)
    assert "1 document " in words
    rolled_back(deployment, result.job)
    assert [document["_id"] for document in db["chats"].find()] == ["early"]


def test_a_view_created_between_plan_and_swap(deployment: Deployment) -> None:
    db = deployment.db

    def view() -> None:
        db.drop_collection("chats")
        db.create_collection("chats", viewOn="memories", pipeline=[])

    result = between(deployment, view)
    assert db["chats"].count_documents({"word": "then"}) == 300
    assert any("chats became a view" in words for words in result.warnings)
    rolled_back(deployment, result.job)
    assert (
        db.command("listCollections", filter={"name": "chats"})["cursor"]["firstBatch"][0]["type"] == "view"
    )


def test_a_view_created_in_the_gap(deployment: Deployment) -> None:
    """It holds no documents; it goes, its definition is told, and the swap goes on."""
    db = deployment.db
    fill(db)
    then = picture(db)
    made = deployment.backup()
    fill(db, word="now", documents=50)
    with pytest.raises(Interrupted):
        deployment.restore(made, at_checkpoint("renaming", interrupt))
    (record,) = read_records(db)
    pair = next(pair for pair in record.pairs if pair.name == "chats")
    assert pair.old
    db["chats"].rename(pair.old)
    db.create_collection("chats", viewOn="memories", pipeline=[{"$match": {"theirs": 1}}])
    result = deployment.finish(record.job)
    assert picture(db) == then
    told = next(words for words in result.warnings if "made chats a view" in words)
    assert '"viewOn": "memories"' in told and "theirs" in told


def test_a_view_created_in_the_gap_and_undone(deployment: Deployment) -> None:
    db = deployment.db
    fill(db)
    made = deployment.backup()
    fill(db, word="now", documents=50)
    now = picture(db)
    with pytest.raises(Interrupted):
        deployment.restore(made, at_checkpoint("renaming", interrupt))
    (record,) = read_records(db)
    pair = next(pair for pair in record.pairs if pair.name == "chats")
    assert pair.old
    db["chats"].rename(pair.old)
    db.create_collection("chats", viewOn="memories", pipeline=[])
    rolled_back(deployment, record.job)
    assert picture(db) == now


def test_one_collection_that_cannot_go_live_puts_everything_back(deployment: Deployment) -> None:
    """Somebody drops a loaded copy: the pairs already swapped go back, and the error says so."""
    db = deployment.db
    fill(db)
    made = deployment.backup()
    fill(db, word="now", documents=50)
    now = picture(db)

    def sabotage() -> None:
        (record,) = read_records(db)
        last = [pair for pair in record.pairs if pair.incoming == "collection"][-1]
        assert last.aside
        db.drop_collection(last.aside)

    ctx = deployment.context(at_checkpoint("renaming", sabotage))
    with pytest.raises(QuillkeepError) as failed:
        deployment.restore_in(ctx, made)
    assert "is gone" in failed.value.what
    assert "Every collection is live as it was before." in failed.value.touched
    assert f"quillkeep rollback {ctx.job}" in failed.value.next
    assert picture(db) == now
    rolled_back(deployment, ctx.job)
    assert picture(db) == now and not ours(db)


def test_an_open_transaction_holds_the_swap_up(mongod_rs: Mongod, tmp_path: Path) -> None:
    """The rename waits for it, says so, and goes on once it ends."""
    with deployed(mongod_rs, tmp_path) as deployment:
        db = deployment.db
        fill(db)
        then = picture(db)
        made = deployment.backup()
        fill(db, word="now", documents=50)
        held = MongoClient[dict[str, Any]](mongod_rs.uri)
        session = held.start_session()

        def hold() -> None:
            session.start_transaction()
            held[deployment.name]["chats"].insert_one({"_id": "in flight"}, session=session)
            threading.Thread(target=release, daemon=True).start()

        def release() -> None:
            told = "chats is held by an open transaction"
            eventually(lambda: any(told in words for words in ctx.logs), "the wait was told")
            session.commit_transaction()

        ctx = deployment.context(at_checkpoint("renaming", hold))
        result = deployment.restore_in(ctx, made)
        held.close()
        assert picture(db) == then
        (copy,) = [name for name in ours(db) if db[name].find_one({"_id": "in flight"})]
        assert copy.startswith(f"__quillkeep_old_{result.job}_"), "committed first, so it is what was live"


def test_a_rollback_plan_compares_with_what_was_restored(deployment: Deployment) -> None:
    """Never with the copy that comes back: one with other counts was all the same not written to."""
    db = deployment.db
    fill(db)
    made = deployment.backup()
    gone = db["chats"].find_one_and_delete({})
    assert gone is not None
    result = deployment.restore(made)

    def planned() -> tuple[dict[str, str], str, tuple[str, ...]]:
        plan = rollback_plan(RollbackPlan(job=result.job), deployment.context())
        return {row.name: row.content for row in plan.collections}, plan.confirmation, plan.warnings

    contents, typed, warnings = planned()
    assert set(contents.values()) == {"as restored"} and not typed and not warnings
    db["chats"].insert_one({"_id": "later"})
    contents, typed, warnings = planned()
    assert contents.pop("chats") == "written since" and set(contents.values()) == {"as restored"}
    assert typed and "chats" in warnings[0]
    db.drop_collection("chats")
    assert planned()[0]["chats"] == "dropped since"


def test_the_plan_to_undo_an_unfinished_swap_claims_no_writing(deployment: Deployment) -> None:
    db = deployment.db
    fill(db)
    made = deployment.backup()
    with pytest.raises(Interrupted):
        deployment.restore(made, at_checkpoint("renaming", interrupt))
    plan = rollback_plan(RollbackPlan(job=None), deployment.context())
    assert {row.content for row in plan.collections} == {"never went live"}
    assert {row.action for row in plan.collections} == {"keep"}
    assert not plan.warnings and plan.confirmation and "cannot itself be rolled back" in plan.facts[0]


def test_each_pair_is_counted_as_it_goes_live(deployment: Deployment) -> None:
    fill(deployment.db)
    for number in range(40):
        deployment.db[f"more{number}"].insert_one({"_id": 1})
    made = deployment.backup()
    counted: list[tuple[int, int | None]] = []

    def note(event: AnyEvent) -> None:
        if isinstance(event, Progress) and event.phase == "swapping":
            counted.append((event.done, event.total))

    deployment.restore(made, note)
    assert len(counted) > 1 and counted[-1][0] == counted[-1][1] and counted[0][0] < counted[-1][0]
