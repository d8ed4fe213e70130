"""Whole backups and restores against an S3 server that fails: statuses, sentences, and that nothing is lost.

The raw server is needed since no real one fails on demand; SeaweedFS also rewrites odd keys itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from services.demo.servers import Mongod
from services.objects.keys import Headers
from services.operations.restore import RestorePlan
from services.recovery.request import RestoreRequest
from tests.faults.conftest import Outages
from tests.faults.deployment import ADDED, REPLACED, SAME, Deployment, key_of
from tests.faults.s3server import Fault, FaultyS3
from tests.faults.test_s3_odd_keys import ODD
from tests.services.test_restore_objects import contents

OLD_KEYS = [*(key_of(number) for number in range(REPLACED + SAME)), "users/u/IMAGE/only-live.png"]
ADDED_KEYS = [key_of(number) for number in range(REPLACED + SAME, REPLACED + SAME + ADDED)]


@pytest.fixture(scope="module")
def made(
    mongod_held: Mongod, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Deployment, FaultyS3]]:
    s3 = FaultyS3()
    deployment = Deployment(mongod_held, s3.target(), tmp_path_factory.mktemp("faulty"))
    yield deployment, s3
    deployment.close()
    s3.stop()


@pytest.fixture
def faulty(made: tuple[Deployment, FaultyS3]) -> tuple[Deployment, FaultyS3]:
    deployment, s3 = made
    s3.faults.clear()
    deployment.reset()
    return made


def test_a_backup_names_what_it_could_not_read_and_has_all_the_rest(
    faulty: tuple[Deployment, FaultyS3],
) -> None:
    deployment, s3 = faulty
    denied, flipped, short, gone, cut, busy, slow = OLD_KEYS[:7]
    s3.faults += [
        Fault(key=denied, status=403, code="AccessDenied"),
        Fault(key=flipped, flip=1),
        Fault(key=short, short=2),
        Fault(key=gone, status=404, code="NoSuchKey"),
        Fault(key=cut, cut=2, times=2),
        Fault(key=busy, status=503, code="SlowDown", times=3),
        Fault(key=slow, pause=0.3),
    ]
    job = deployment.start("backup")
    finished = job.wait()
    assert (finished.status, finished.exit_code) == ("warnings", 3)
    missing = {denied, flipped, short}
    assert set(finished.result["objects"]["missing"]) == missing
    words = " ".join(finished.result["warnings"])
    assert "3 objects could not be read, so the objects part is not good" in words and "accept" in words
    assert finished.result["objects"]["count"] == len(OLD_KEYS) - len(missing) - 1
    s3.faults.clear()
    deployment.assert_whole(old=True)
    deployment.assert_backups_whole()
    assert deployment.start("backup").wait().result["objects"]["count"] == len(OLD_KEYS)


def test_a_backup_of_a_bucket_that_lets_nobody_in(faulty: tuple[Deployment, FaultyS3]) -> None:
    deployment, s3 = faulty
    for method in ("GET", "HEAD"):
        s3.faults.append(Fault(method=method, status=403, code="AccessDenied"))
    job = deployment.start("backup")
    error = job.error()
    assert job.wait().exit_code in (1, 4) and error["next"], error
    assert len(list(deployment.location.glob("quilltap_????????_??????.json"))) == 1
    assert not [path for path in deployment.location.iterdir() if "partial" in path.name]
    s3.faults.clear()
    deployment.assert_whole(old=True)


def test_a_restore_rides_out_what_passes(faulty: tuple[Deployment, FaultyS3]) -> None:
    deployment, s3 = faulty
    s3.faults += [
        Fault(method="PUT", key=OLD_KEYS[0], status=503, code="SlowDown", times=3),
        Fault(method="PUT", key=OLD_KEYS[1], flip=0, times=1),
        Fault(method="PUT", key=ADDED_KEYS[0], status=500, times=1),
        Fault(method="HEAD", key=OLD_KEYS[2], status=500, times=1),
    ]
    finished = deployment.start().wait()
    assert finished.status in ("ok", "warnings"), finished
    deployment.assert_whole(old=False)
    back = deployment.quillkeep("rollback", "--yes", "--allow", "writers")
    assert back.returncode in (0, 3), back.stderr
    deployment.assert_whole(old=True)


def test_a_restore_that_may_not_put_leaves_everything_as_it_was(faulty: tuple[Deployment, FaultyS3]) -> None:
    deployment, s3 = faulty
    s3.faults.append(Fault(method="PUT", key=OLD_KEYS[3], status=403, code="AccessDenied"))
    job = deployment.start()
    error = job.error()
    assert job.wait().exit_code == 1 and "could not be put" in error["what"], error
    assert OLD_KEYS[3] in error["cause"] and "403" in error["cause"]
    assert "Live data is as it was." in error["touched"] and "put back and proven" in error["touched"]
    s3.faults.clear()
    deployment.assert_whole(old=True)
    assert deployment.running.exists() and not deployment.our_keys()
    assert not list(deployment.db["__quillkeep_jobs"].find())


def test_odd_keys_come_back(faulty: tuple[Deployment, FaultyS3]) -> None:
    deployment, s3 = faulty
    for number, key in enumerate(ODD):
        s3.put(key, key.encode() + bytes([number]), content_type="x/y")
    before = contents(deployment.bucket)
    finished = deployment.start("backup").wait()
    assert finished.result["objects"]["count"] == len(before) and not finished.result["objects"]["missing"]
    for key in ODD[::2]:
        s3.objects.pop(key)
    for key in ODD[1::2]:
        deployment.bucket.put(key, b"damaged", size=7, headers=Headers())
    plan = RestorePlan(
        request=RestoreRequest(backup=finished.result["id"], only="objects"), allow=("writers",)
    )
    assert deployment.start(plan=plan).wait().exit_code in (0, 3)
    assert contents(deployment.bucket) == before


def test_503_for_20_s_and_one_object_that_fails_for_ever(outages: Outages) -> None:
    silent = outages.silent.wait(60)
    assert (silent.status, silent.result["objects"]["count"]) == ("ok", 6), silent
    said = " ".join(getattr(event, "text", "") for event in outages.silent.events)
    assert "has not been answering for" in said and "answers again after" in said
    failing = outages.failing.wait(90)
    assert (failing.status, failing.exit_code) == ("warnings", 3)
    assert failing.result["objects"]["missing"] == [outages.bad]
    assert failing.result["objects"]["count"] == 17
    assert time.monotonic() - outages.begun > 20
