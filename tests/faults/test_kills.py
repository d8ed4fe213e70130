"""kill -9 of the job in every phase of restore and backup; what was printed then is typed, and the data is whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.deployment import Deployment

MOMENTS: dict[str, dict[str, Any]] = {
    "loading": {"command": "insert", "skip": 1},
    "indexing": {"command": "createIndexes"},
    "proving": {"command": "update", "skip": 3},
    "objects copied, not put": {"command": "insert", "namespace": "quilltap_kills.__quillkeep_jobs"},
    "before the first rename": {"command": "renameCollection"},
    "between the two renames of a collection": {"command": "renameCollection", "skip": 1},
    "between collections": {"command": "renameCollection", "skip": 3},
    "after the last rename, before the view": {"command": "create", "skip": 4},
    "TTL": {"command": "createIndexes", "skip": 2},
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_restore(moment: str, deployment: Deployment) -> None:
    with deployment.held(**MOMENTS[moment]) as held:
        job = deployment.start()
        held.wait()
        lost = job.kill()
    deployment.assert_named()
    print(
        moment,
        lost.summary,
        lost.way_on,
        deployment.record().state,
        sorted(deployment.ours()),
        deployment.running.exists(),
    )
    for command in lost.way_on[:1]:
        done = deployment.follow(command)
        print(command, done.returncode, done.stdout, done.stderr)
    print(deployment.assert_whole())
    deployment.assert_named()
    deployment.assert_tidy_after_the_next_run()
