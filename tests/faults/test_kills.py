"""kill -9 of the job in every phase of restore and backup; what was printed then is typed, and the data is whole."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.demo.servers import Mongod
from services.operations.restore_model import RestorePlan, RollbackPlan
from services.recovery.request import RestoreRequest
from tests.faults.deployment import REPLACED, Deployment, Job, wait_for
from tests.faults.s3server import Fault, FaultyS3

pytestmark = pytest.mark.usefixtures("outages")
"""They are begun here and judged in test_s3_jobs: their seconds pass meanwhile."""

FINISH, ROLLBACK = "restore --finish", "rollback"

BEFORE: dict[str, dict[str, Any]] = {
    "loading": {"command": "insert", "skip": 1},
    "proving": {"command": "update", "skip": 3},
    "objects copied, not put": {"command": "insert", "namespace": "quilltap_kills.__quillkeep_jobs"},
}
AFTER: dict[str, tuple[str, dict[str, Any]]] = {
    "before the first rename": (ROLLBACK, {"command": "renameCollection"}),
    "between the two renames of a collection": (FINISH, {"command": "renameCollection", "skip": 1}),
    "between collections": (ROLLBACK, {"command": "renameCollection", "skip": 3}),
    "after the last rename, before the view": (ROLLBACK, {"command": "create", "skip": 4}),
    "TTL": (FINISH, {"command": "createIndexes", "skip": 2}),
}


def kill_held(deployment: Deployment, hold: dict[str, Any]) -> tuple[Job, tuple[str, ...], str]:
    """The job, killed while this command of it is held; its way on, and what it is said to have left."""
    with deployment.held(**hold) as held:
        job = deployment.start()
        held.wait()
        lost = job.kill()
    deployment.assert_named()
    return job, lost.way_on, lost.summary


@pytest.mark.parametrize("moment", BEFORE)
def test_before_the_first_rename_everything_is_as_it_was(moment: str, deployment: Deployment) -> None:
    job, way_on, left = kill_held(deployment, BEFORE[moment])
    assert "the live collections are as they were" in left and "still stopped" not in left
    assert deployment.running.exists(), "the watcher started the application again"
    assert way_on[0] == f"quillkeep rollback {job.id}"
    followed = deployment.follow(way_on[0])
    assert followed.returncode in (0, 3), followed.stderr
    deployment.assert_whole(old=True)
    assert deployment.ours() <= {"__quillkeep_jobs"} and not deployment.our_keys()
    deployment.assert_tidy_after_the_next_run()


@pytest.mark.parametrize("moment", AFTER)
def test_after_it_one_of_two_commands_leads_to_old_or_new(moment: str, deployment: Deployment) -> None:
    verb, hold = AFTER[moment]
    job, way_on, left = kill_held(deployment, hold)
    assert "begun to rename" in left and not deployment.running.exists()
    assert set(way_on) == {f"quillkeep {FINISH} {job.id}", f"quillkeep {ROLLBACK} {job.id}"}
    listed = deployment.quillkeep("jobs")
    assert f"quillkeep {verb} {job.id}" in listed.stdout
    followed = deployment.follow(f"quillkeep {verb} {job.id}")
    assert followed.returncode in (0, 3), followed.stderr
    deployment.assert_whole(old=verb == ROLLBACK)
    assert deployment.running.exists(), "proven, so the application runs again"
    deployment.assert_named()
    deployment.assert_tidy_after_the_next_run()


def test_a_rename_that_the_dead_job_had_sent_is_waited_for(deployment: Deployment) -> None:
    with deployment.held("renameCollection", late=True, ms=3000) as held:
        job = deployment.start()
        held.wait()
        lost = job.kill()
        followed = deployment.follow(lost.way_on[1])
    assert followed.returncode in (0, 3), followed.stderr
    assert "A rename that was sent before is still under way" in followed.stderr
    deployment.assert_whole(old=True)
    assert deployment.ours() == {"__quillkeep_jobs"} and not deployment.our_keys()


def test_what_was_written_while_it_was_live_outlives_an_undo_that_is_killed_too(
    deployment: Deployment,
) -> None:
    job, _, _ = kill_held(deployment, {"command": "createIndexes", "skip": 2})
    deployment.db["characters"].insert_one({"_id": "written", "name": "meanwhile"})
    undo = RollbackPlan(job=job.id, allow=("writers",))
    with deployment.held("drop", skip=1) as held:
        first = deployment.start("rollback", undo)
        held.wait()
        lost = first.kill()
    assert lost.way_on == (f"quillkeep {FINISH} {job.id}", f"quillkeep {ROLLBACK} {job.id}")
    deployment.assert_named()
    followed = deployment.follow(lost.way_on[1])
    assert followed.returncode in (0, 3), followed.stderr
    deployment.assert_whole(old=True)
    deployment.assert_named()
    (kept,) = [name for name in deployment.ours() if "_old_" in name]
    assert deployment.db[kept].find_one({"_id": "written"}) and first.id in kept
    assert not any("expireAfterSeconds" in index for index in deployment.db[kept].list_indexes())
    deployment.assert_tidy_after_the_next_run()


def test_while_the_application_is_stopped(deployment: Deployment) -> None:
    (deployment.folder / "stop-hangs").touch()
    job = deployment.start()
    wait_for(lambda: not deployment.running.exists(), "the application is stopped")
    lost = job.kill()
    assert deployment.running.exists(), "the watcher started it"
    assert lost.way_on == (f"quillkeep rollback {job.id}",)
    (deployment.folder / "stop-hangs").unlink()


@pytest.mark.parametrize("verb", [FINISH, ROLLBACK])
def test_while_the_application_is_started_after_the_proof(verb: str, deployment: Deployment) -> None:
    (deployment.folder / "start-hangs").touch()
    again = deployment.start()
    wait_for(lambda: again.reached("app") and deployment.record().state == "done", "the swap is done")
    lost = again.kill()
    (deployment.folder / "start-hangs").unlink()
    assert not deployment.running.exists()
    followed = deployment.follow(f"quillkeep {verb} {again.id}")
    assert followed.returncode in (0, 3), followed.stderr
    assert verb == ROLLBACK or "finished already" in followed.stderr
    assert f"quillkeep {verb} {again.id}" in lost.way_on and deployment.running.exists()
    deployment.assert_whole(old=verb == ROLLBACK)
    deployment.assert_tidy_after_the_next_run()


@pytest.fixture(scope="module")
def on_faulty(
    mongod_held: Mongod, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Deployment, FaultyS3]]:
    """A bucket that refuses one key for as long as a test wants, which no real server does on demand."""
    s3 = FaultyS3()
    made = Deployment(mongod_held, s3.target(), tmp_path_factory.mktemp("half"), app=False)
    yield made, s3
    made.close()
    s3.stop()


def killed_among_objects(deployment: Deployment, s3: FaultyS3, plan: RestorePlan | None = None) -> Job:
    """A restore, killed when all but one of the objects that differ are put."""
    s3.faults.clear()
    deployment.reset()
    stuck = "users/u/IMAGE/003.png"
    s3.faults.append(Fault(method="PUT", key=stuck, status=503, code="SlowDown"))
    s3.requests.clear()
    job = deployment.start(plan=plan)
    others = [f"users/u/IMAGE/{number:03}.png" for number in range(REPLACED) if number != 3]
    wait_for(lambda: all(s3.count("PUT", key) for key in [*others, stuck]), "all but one are put")
    wait_for(lambda: s3.objects[others[-1]].data.startswith(b"new"), "they are there")
    lost = job.kill()
    s3.faults.clear()
    deployment.assert_named()
    assert set(lost.way_on) == {f"quillkeep {FINISH} {job.id}", f"quillkeep {ROLLBACK} {job.id}"}
    return job


@pytest.mark.parametrize("verb", [FINISH, ROLLBACK])
def test_half_of_the_objects_put(verb: str, on_faulty: tuple[Deployment, FaultyS3]) -> None:
    deployment, s3 = on_faulty
    job = killed_among_objects(deployment, s3)
    followed = deployment.follow(f"quillkeep {verb} {job.id}")
    assert followed.returncode in (0, 3), followed.stderr
    deployment.assert_whole(old=verb == ROLLBACK)
    if verb == FINISH:
        back = deployment.follow(f"quillkeep rollback {job.id}")
        assert back.returncode in (0, 3), back.stderr
        deployment.assert_whole(old=True)
    deployment.assert_tidy_after_the_next_run()


@pytest.mark.parametrize("verb", [FINISH, ROLLBACK])
def test_chosen_collections_and_half_of_the_objects(
    verb: str, on_faulty: tuple[Deployment, FaultyS3]
) -> None:
    deployment, s3 = on_faulty
    request = RestoreRequest(backup="latest", collections=("characters",), with_objects=True)
    job = killed_among_objects(deployment, s3, RestorePlan(request=request, allow=("writers",)))
    restored = {**deployment.old[0], "characters": deployment.new[0]["characters"]}
    followed = deployment.follow(f"quillkeep {verb} {job.id}")
    assert followed.returncode in (0, 3), followed.stderr
    if verb == FINISH:
        assert deployment.state() == (restored, deployment.new[1]), "the rest of the objects is put, too"
        back = deployment.follow(f"quillkeep rollback {job.id}")
        assert back.returncode in (0, 3), back.stderr
    deployment.assert_whole(old=True)
    deployment.assert_tidy_after_the_next_run()


def kill_backup(deployment: Deployment, job: Job) -> None:
    """Kills a backup; nothing of it counts, the good one stands, the command printed makes a new one."""
    lost = job.kill()
    assert lost.way_on == ("quillkeep backup",) and "no manifest" in lost.summary
    assert len(list(deployment.location.glob("quilltap_????????_??????.json"))) == 1
    deployment.assert_backups_whole()
    followed = deployment.follow(lost.way_on[0])
    assert followed.returncode in (0, 3), followed.stderr
    assert "Swept what an unfinished run left" in followed.stderr
    deployment.assert_whole(old=True)
    deployment.assert_tidy_after_the_next_run()


def test_a_backup_killed_while_it_reads_objects(
    on_faulty: tuple[Deployment, FaultyS3],
) -> None:
    deployment, s3 = on_faulty
    s3.faults.clear()
    deployment.reset()
    s3.requests.clear()
    s3.faults.append(Fault(key="users/u/IMAGE/000.png", pause=30))
    job = deployment.start("backup")
    wait_for(lambda: s3.count("GET", "users/u/IMAGE/000.png") > 0, "an object is being read")
    s3.faults.clear()
    kill_backup(deployment, job)


def test_a_backup_killed_while_it_dumps(deployment: Deployment) -> None:
    with deployment.held("find", namespace="quilltap_kills.characters") as held:
        job = deployment.start("backup")
        held.wait()
        job.signal(signal.SIGSTOP)
    kill_backup(deployment, job)


def stop_when(job: Job, deployment: Deployment, seen: Any) -> bool:
    """SIGSTOP as soon as `seen` is true; False when it was over by then."""
    deadline = os.times().elapsed + 20
    while not seen() and os.times().elapsed < deadline:
        pass
    job.signal(signal.SIGSTOP)
    return len(list(deployment.location.glob("quilltap_????????_??????.json"))) == 1


@pytest.mark.parametrize("moment", ["read-back", "published, no manifest"])
def test_a_backup_killed_before_its_manifest(moment: str, deployment: Deployment) -> None:
    kept = {path.name for path in deployment.kept.iterdir()}

    def published() -> bool:
        return any(
            name.startswith("quilltap_mongo_") and name.endswith(".gz") and name not in kept
            for name in os.listdir(deployment.location)
        )

    for _ in range(5):
        job = deployment.start("backup")
        journal: Path = job.folder / "journal.jsonl"
        seen = (
            published
            if moment != "read-back"
            else lambda path=journal: b'"phase":"prove"' in path.read_bytes()
        )
        if stop_when(job, deployment, seen):
            break
        job.signal(signal.SIGCONT)
        job.wait()
        deployment.reset()
    else:
        pytest.fail("never stopped in time")
    kill_backup(deployment, job)
