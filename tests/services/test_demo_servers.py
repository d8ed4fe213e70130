"""The embedded servers: started, killed, restarted, and gone with their owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient
from pymongo.database import Database

from services.demo.ports import answers, free_ports
from services.demo.process import Supervised
from services.demo.servers import Mongod, Weed, start_mongod
from services.profile import BucketTarget, Profile
from tests.support import ROOT

OWNER = """
import sys, threading, time
from pathlib import Path
from services.demo.servers import DemoServers
made = []
starter = threading.Thread(target=lambda: made.append(DemoServers(parent=Path(sys.argv[1]))))
starter.start()
starter.join()
servers = made[0]
print(servers.folder, servers.mongod.pid(), servers.weed.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def owner(short_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path, list[int]]]:
    """A process that owns both servers, started by a thread of it that has ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(short_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    folder, *pids = process.stdout.readline().split()
    yield process, Path(folder), [int(pid) for pid in pids]
    process.kill()
    process.wait()
    process.stdout.close()


def eventually(true: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def test_fixtures_give_fresh_places(
    db: Database[Any], bucket: BucketTarget, profile: Profile, weed: Weed, make_context: Callable[..., Any]
) -> None:
    """A test finds an empty database and an empty bucket, and its profile names both."""
    assert db.list_collection_names() == []
    assert weed.client().list_objects_v2(Bucket=bucket.bucket)["KeyCount"] == 0
    assert profile.mongo is not None
    assert profile.mongo.database == db.name
    context = make_context(profile)
    context.log("hello")
    assert context.logs == ["hello"]


def test_nothing_of_the_callers_environment() -> None:
    """The suite's own process has none of the variables that name a deployment, and no proxy."""
    assert not [name for name in os.environ if name.startswith(("AWS_", "S3_", "MONGODB_"))]
    assert not [name for name in os.environ if name.lower().endswith("_proxy")]


def test_replica_set_and_auth(mongod_rs: Mongod, mongod_auth: Mongod) -> None:
    """The one-node set has a primary; a user made on request may do what its role says, nobody else anything."""
    with mongod_rs.client() as client:
        assert client.admin.command("hello")["setName"] == "quillkeep"
    uri = mongod_auth.create_user("ada", ["readWrite"], database="quilltap")
    with MongoClient[dict[str, Any]](uri) as client:
        client["quilltap"]["tags"].insert_one({"name": "sea"})
        assert client["quilltap"]["tags"].count_documents({}) == 1
    with (
        MongoClient[dict[str, Any]](mongod_auth.uri_for()) as nobody,
        pytest.raises(Exception, match="requires"),
    ):
        nobody["quilltap"]["tags"].find_one()


def test_only_loopback_listens(mongod: Mongod, weed: Weed) -> None:
    """Every port of both servers is bound to 127.0.0.1."""
    for pid in (mongod.pid(), weed.pid):
        listening = [
            each.laddr for each in psutil.Process(pid).net_connections() if each.status == psutil.CONN_LISTEN
        ]
        assert listening
        assert {address.ip for address in listening} == {"127.0.0.1"}


def test_private_files_and_no_secret_in_arguments(weed: Weed) -> None:
    """The identity file is the owner's alone; the keys stand in no argument and no environment."""
    assert (weed.folder / "s3.json").stat().st_mode & 0o777 == 0o600
    process = psutil.Process(weed.pid)
    seen = " ".join([*process.cmdline(), *(f"{name}={value}" for name, value in process.environ().items())])
    assert weed.secret_key not in seen
    assert weed.access_key not in seen


def test_kill_and_restart_keep_port_and_data(tmp_path: Path) -> None:
    """SIGKILL ends it at once; after a restart the address and an acknowledged document are the same."""
    server = start_mongod(tmp_path / "m")
    try:
        uri = server.uri
        with server.client() as client:
            client["q"]["c"].insert_one({"_id": 1})
            client.admin.command("fsync")
        server.kill()
        assert not server.running()
        assert not answers(server.port)
        server.restart()
        assert server.uri == uri
        with server.client() as client:
            assert client["q"]["c"].count_documents({}) == 1
    finally:
        server.stop()
    assert not server.running()


def test_taken_port_is_tried_elsewhere(
    tmp_path: Path, mongod: Mongod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port taken between choosing and binding is given up for another."""
    offers = [mongod.port, *free_ports(2)]
    monkeypatch.setattr("services.demo.mongod.free_ports", lambda count: [offers.pop(0)])
    server = start_mongod(tmp_path / "m")
    try:
        assert server.port != mongod.port
        assert len(offers) == 1
    finally:
        server.kill()


def test_servers_end_with_their_owner(owner: tuple[subprocess.Popen[str], Path, list[int]]) -> None:
    """After a kill -9 of the owner, no process, no folder and no socket of the servers is left."""
    process, folder, pids = owner
    supervisors = [psutil.Process(pid).ppid() for pid in pids]
    process.kill()
    process.wait()
    assert eventually(lambda: not any(psutil.pid_exists(pid) for pid in [*pids, *supervisors]))
    assert eventually(lambda: not folder.exists())


def test_server_ends_with_its_supervisor(tmp_path: Path) -> None:
    """A kill of the supervisor itself takes the server along."""
    program = Supervised(["/bin/sleep", "60"], folder=tmp_path, log=tmp_path / "log")
    os.kill(psutil.Process(program.pid).ppid(), signal.SIGKILL)
    assert program.wait(5) == -9
    assert eventually(lambda: not psutil.pid_exists(program.pid))
    program.leave()
