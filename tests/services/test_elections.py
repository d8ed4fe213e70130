"""A new primary, or a server that starts again, at the worst moments: data is wholly old or wholly new, and proven."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from services.demo.ports import wait_until
from services.demo.servers import Mongod, start_mongod
from services.errors import QuillkeepError
from services.jobs.database_lock import read_lock
from services.mongo.record import read_records
from services.operations.plan import plan
from services.operations.rollback import RollbackPlan, rollback
from services.recovery.request import RestoreRequest
from tests.services.restore_support import ours, picture
from tests.services.swap_support import (
    Busy,
    Deployment,
    at_checkpoint,
    at_phase,
    deployed,
    eventually,
    everywhere,
    fill,
)

STEP_DOWN_SECONDS = 5


@pytest.fixture(scope="module")
def trio(server_folder: Path) -> Iterator[Mongod]:
    """A replica set of three whose members these tests kill."""
    server = start_mongod(server_folder / "elections", members=3, sweep=(server_folder,))
    yield server
    server.kill()


def step_down(server: Mongod) -> None:
    """An election that was asked for."""
    server.step_down(STEP_DOWN_SECONDS)


def kill_primary(server: Mongod) -> None:
    """An election after a death; the dead member comes back while the job goes on."""
    primary = server.wait_for_primary()
    server.kill(primary)
    server.restart(primary)


ELECTIONS = {"step-down": step_down, "kill": kill_primary}


def both(quick: str) -> list[Any]:
    """Both elections, the one named in every run, the other in the long one."""
    return [pytest.param(name, marks=() if name == quick else pytest.mark.soak) for name in ELECTIONS]


def apart(action: Callable[[], object]) -> Callable[[], None]:
    """Begins `action` in a thread of its own, so that the job runs into it."""
    return lambda: threading.Thread(target=action, daemon=True).start()


class Held:
    """An open transaction on one collection: the swap stops there, in its middle, until the primary changes."""

    def __init__(self, deployment: Deployment, name: str) -> None:
        self.deployment = deployment
        self.name = name
        self.client = MongoClient[dict[str, Any]](deployment.server.uri)
        self.session = self.client.start_session()

    def __call__(self) -> None:
        """Begins the transaction."""
        self.session.start_transaction()
        self.client[self.deployment.name][self.name].find_one({}, session=self.session)

    def waits(self) -> bool:
        """Whether a rename stands behind it."""
        waiting = {"op": "command", "command.renameCollection": {"$exists": True}, "waitingForLock": True}
        stages: list[dict[str, Any]] = [{"$currentOp": {"allUsers": True}}, {"$match": waiting}]
        return bool(list(self.client.admin.aggregate(stages)))


@pytest.fixture
def deployment(trio: Mongod, tmp_path: Path) -> Iterator[Deployment]:
    """Two words: `now` is live, `then` in the backup that `made_of` names.

    The last test's election must be over: a member of a higher priority that came back takes over once more.
    """
    assert wait_until(trio.settled, 60, 0.2)
    with deployed(trio, tmp_path) as made:
        yield made


@pytest.mark.parametrize("election", both("kill"))
def test_during_load(deployment: Deployment, election: str) -> None:
    db = deployment.db
    fill(db, documents=4_000)
    then = picture(db)
    made = deployment.backup()
    fill(db, word="now", documents=50)
    begun = apart(lambda: ELECTIONS[election](deployment.server))
    result = deployment.restore(made, at_phase("loading aside", begun))
    deployment.server.restart()
    assert picture(db) == then
    assert result.collections["chats"].documents == 4_000
    assert not any("_new_" in name for name in ours(db))


@pytest.mark.parametrize("election", both("step-down"))
def test_between_proof_and_swap(deployment: Deployment, election: str) -> None:
    """What was proven under the old primary is proven again under the new one."""
    db = deployment.db
    fill(db)
    then = picture(db)
    made = deployment.backup()
    fill(db, word="now", documents=50)
    now = picture(db)
    ctx = deployment.context(at_checkpoint("proven", lambda: ELECTIONS[election](deployment.server)))
    result = deployment.restore_in(ctx, made)
    assert picture(db) == then
    assert ctx.phases.index("proving again") < ctx.phases.index("swapping")
    rollback(RollbackPlan(job=result.job, allow=("writers",)), deployment.context())
    assert picture(db) == now


@pytest.mark.parametrize("election", both("kill"))
def test_during_the_swap(deployment: Deployment, election: str) -> None:
    """One collection is new already, the next one's rename is under way when the primary goes."""
    db = deployment.db
    fill(db)
    then = picture(db)
    made = deployment.backup()
    fill(db, word="now", documents=50)
    now = picture(db)
    held = Held(deployment, "chats")

    def middle() -> None:
        eventually(held.waits, "the rename waits in the middle of the swap")
        ELECTIONS[election](deployment.server)

    def begin() -> None:
        held()
        apart(middle)()

    result = deployment.restore(made, at_checkpoint("renaming", begin))
    held.client.close()
    deployment.server.restart()
    assert picture(db) == then
    assert result.rollback_until
    rollback(RollbackPlan(job=result.job, allow=("writers",)), deployment.context())
    assert picture(db) == now


@pytest.mark.soak
def test_during_the_swap_under_writers(deployment: Deployment) -> None:
    """Writers that wait for the majority, as is the default, lose nothing either."""
    db = deployment.db
    fill(db)
    made = deployment.backup()
    with Busy(deployment.server.uri, deployment.name, "chats") as busy:
        begun = apart(lambda: step_down(deployment.server))
        deployment.restore(made, at_checkpoint("renaming", begun))
        deployment.server.wait_for_primary()
    assert not busy.every - everywhere(db)
    assert db["memories"].count_documents({"word": "then"}) == 300
    assert db["chats"].count_documents({"word": "then"}) == 300


@pytest.mark.parametrize("moment", [pytest.param("loading aside", marks=pytest.mark.soak), "swapping"])
def test_a_direct_connection_ends_with_an_election(deployment: Deployment, moment: str) -> None:
    """The plan says so; the job ends in words, and `restore --finish` goes on where it stopped."""
    db = deployment.db
    server = deployment.server
    fill(db)
    then = picture(db)
    made = deployment.backup()
    fill(db, word="now", documents=50)
    now = picture(db)
    primary = server.wait_for_primary()
    direct = deployment.as_user(f"mongodb://127.0.0.1:{server.ports[primary]}/?directConnection=true")
    planned = plan(RestoreRequest(backup=made, only="database"), direct.context())
    assert any("an election ends the job" in words for words in planned.warnings)
    hook = at_phase(moment, lambda: step_down(server))
    if moment == "swapping":
        # The first pair moves before the primary goes: what is left is half old, half new.
        held = Held(deployment, "chats")

        def middle() -> None:
            eventually(held.waits, "the rename waits")
            step_down(server)

        hook = at_checkpoint("renaming", lambda: (held(), apart(middle)(), None)[2])
    ctx = direct.context(hook)
    if moment == "loading aside":
        # The member may win again while the load waits: then it goes on, and is proven like any other.
        try:
            direct.restore_in(ctx, made)
        except QuillkeepError as error:
            assert "Live data is as it was." in error.touched
            assert picture(db) == now
        else:
            assert picture(db) == then
        return
    with pytest.raises(QuillkeepError) as failed:
        direct.restore_in(ctx, made)
    assert "nothing is lost" in failed.value.touched
    assert f"quillkeep restore --finish {ctx.job}" in failed.value.next
    assert f"quillkeep rollback {ctx.job}" in failed.value.next
    assert picture(db) not in (now, then)
    if read_lock(db) is not None:
        # A job that cannot reach the primary cannot give its lock back; its process being gone clears it,
        # and this one lives on.
        db["__quillkeep_jobs"].delete_one({"_id": "lock"})
    deployment.finish(ctx.job)
    assert picture(db) == then


@pytest.mark.parametrize("moment", [pytest.param("proven", marks=pytest.mark.soak), "renaming"])
def test_a_standalone_that_starts_again(server_folder: Path, tmp_path: Path, moment: str) -> None:
    """SIGKILL and a start, while the job waits: it goes on and ends well."""
    server = start_mongod(server_folder / f"again-{moment}", sweep=(server_folder,))
    try:
        with deployed(server, tmp_path) as deployment:
            db = deployment.db
            fill(db)
            then = picture(db)
            made = deployment.backup()
            fill(db, word="now", documents=50)
            now = picture(db)

            def again() -> None:
                server.kill()
                server.restart()

            ctx = deployment.context(at_checkpoint(moment, again))
            result = deployment.restore_in(ctx, made)
            assert picture(db) == then
            if moment == "proven":
                assert "proving again" in ctx.phases
            rollback(RollbackPlan(job=result.job, allow=("writers",)), deployment.context())
            assert picture(db) == now
    finally:
        server.kill()


def test_a_one_node_set_that_steps_down(mongod_rs: Mongod, tmp_path: Path) -> None:
    with deployed(mongod_rs, tmp_path) as deployment:
        db = deployment.db
        fill(db)
        then = picture(db)
        made = deployment.backup()
        fill(db, word="now", documents=50)
        begun = apart(lambda: mongod_rs.step_down(1))
        result = deployment.restore(made, at_checkpoint("renaming", begun))
        assert picture(db) == then
        (record,) = read_records(db)
        assert record.state == "done" and record.job == result.job
