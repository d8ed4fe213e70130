"""A server whose commands can be held, and a deployment on it, shared by the tests of one module."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.demo.servers import Mongod, Weed, start_mongod
from services.jobs.launch import start_job
from services.operations.backup_model import BackupPlan
from services.paths import Paths
from tests.faults.deployment import Deployment, Job, wait_for
from tests.faults.s3server import Fault, FaultyS3
from tests.support import make_profile


@pytest.fixture(scope="session")
def mongod_held(server_folder: Path) -> Iterator[Mongod]:
    """A standalone with failpoints, which the tests may kill and start again."""
    server = start_mongod(
        server_folder / "held", parameters={"enableTestCommands": "1"}, sweep=(server_folder,)
    )
    yield server
    server.kill()


@pytest.fixture(scope="session")
def killed(mongod_held: Mongod, weed: Weed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The deployment, made once; `deployment` puts it back for each test."""
    target = weed.create_bucket(f"quilltap-kills-{secrets.token_hex(4)}")
    made = Deployment(mongod_held, target, tmp_path_factory.mktemp("kills"))
    yield made
    made.close()


@pytest.fixture
def deployment(killed: Deployment) -> Deployment:
    """The damaged deployment with its one good backup."""
    killed.reset()
    return killed


@dataclass
class Outages:
    """Two backups that wait for a long time: of a server that answers 503 for 20 s, and for one failing object."""

    begun: float
    silent: Job
    failing: Job
    bad: str


@pytest.fixture(scope="session")
def outages(mongod: Mongod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outages]:
    """Begun by the first module that names it and judged by the last, so that nobody waits."""
    bad = "users/u/IMAGE/bad.png"
    name = f"quilltap_outages_{secrets.token_hex(4)}"
    with mongod.client() as client:
        client[name]["characters"].insert_one({"_id": 1})
    servers = [FaultyS3(), FaultyS3()]
    jobs = []
    held = "users/u/IMAGE/4.png"
    for s3 in servers:
        for number in range(5):
            s3.put(f"users/u/IMAGE/{number}.png", b"data" * number)
        s3.put(bad, b"bad")
    servers[0].faults.append(Fault(key=held, pause=1.0, times=1))
    servers[1].faults.append(Fault(key=bad, status=500))
    # Others are served meanwhile, slowly: then it is the object, and is given up after 30 s instead of 120.
    for number in range(12):
        servers[1].put(f"users/u/slow/{number}.png", b"x" * 16384 * 3 * (number + 1))
        servers[1].faults.append(Fault(key=f"users/u/slow/{number}.png", pause=1.0))
    for s3 in servers:
        folder = tmp_path_factory.mktemp("outage")
        (folder / "backups").mkdir(mode=0o700)
        profile = make_profile(mongod.uri, name, s3.target(), location=folder / "backups")
        jobs.append(Job(start_job("backup", BackupPlan(), profile, Paths(folder / "state"))))
    wait_for(lambda: servers[0].count("GET", held), "an object is being read")
    begun = time.monotonic()
    servers[0].faults += [
        Fault(method=method, status=503, code="ServiceUnavailable", until=begun + 20)
        for method in ("GET", "HEAD")
    ]
    yield Outages(begun=begun, silent=jobs[0], failing=jobs[1], bad=bad)
    # Where another process of the suite judges, nobody has waited for these.
    for job in jobs:
        job.kill_now()
    for s3 in servers:
        s3.stop()
    with mongod.client() as client:
        client.drop_database(name)
