"""kill -9 of mongod during a restore and a backup, which is then started again; what was printed then is typed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.deployment import Deployment

MOMENTS: dict[str, dict[str, Any]] = {
    "during the load": {"command": "insert", "skip": 1},
    "between the renames": {"command": "renameCollection", "skip": 1},
    "after the renames": {"command": "create", "skip": 4},
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_mongod_killed_during_a_restore(moment: str, deployment: Deployment) -> None:
    with deployment.held(**MOMENTS[moment], ms=20_000) as held:
        job = deployment.start()
        held.wait()
        deployment.mongod.kill()
        deployment.mongod.restart()
    finished = job.wait(90)
    error = finished.result.get("error")
    if error is None:
        deployment.assert_whole(old=False)
    else:
        deployment.assert_named()
        assert error["touched"] and error["next"], error
        if "quillkeep" in error["next"]:
            command = next(part for part in error["next"].split("`") if part.startswith("quillkeep"))
            followed = deployment.follow(command)
            assert followed.returncode in (0, 3), followed.stderr
        deployment.assert_whole()
    assert deployment.running.exists()
    deployment.assert_tidy_after_the_next_run()


def test_mongod_killed_during_a_backup(deployment: Deployment) -> None:
    with deployment.held("find", namespace="quilltap_kills.characters", ms=20_000) as held:
        job = deployment.start("backup")
        held.wait()
        deployment.mongod.kill()
        deployment.mongod.restart()
    finished = job.wait(60)
    error = finished.result.get("error")
    if error is not None:
        assert "removed" in error["touched"] and error["next"], error
        assert len(list(deployment.location.glob("quilltap_????????_??????.json"))) == 1
    assert not [path for path in deployment.location.iterdir() if "partial" in path.name]
    deployment.assert_whole(old=True)
    deployment.assert_tidy_after_the_next_run()
