"""`status` as monitoring runs it: exit codes, the document, and a bound on time whatever is dead."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.demo.servers import Mongod, Weed
from services.jobs.events import RENAMING, AnyEvent, Checkpoint
from services.looking.locations_probe import probe_all
from services.operations.restore import restore
from services.operations.restore_model import RestorePlan
from services.profile import BucketTarget, Location
from services.recovery.request import RestoreRequest
from tests.services.command_support import Command, environment
from tests.services.swap_support import Deployment, Interrupted

LIMIT = 12.0
"""Ten seconds, and the start of a process on a busy machine."""


@pytest.fixture
def command(mongod: Mongod, database: str, bucket: BucketTarget, location: Path, tmp_path: Path) -> Command:
    return Command(environment(tmp_path, mongod.uri, database, location, bucket))


@pytest.fixture
def filled(db: Database[Any], weed: Weed, bucket: BucketTarget) -> Database[Any]:
    db["users"].insert_many([{"_id": number, "name": f"user {number}"} for number in range(60)])
    db["files"].insert_one({"id": "a", "userId": "u", "s3Key": "users/a", "size": 5_000})
    weed.client().put_object(Bucket=bucket.bucket, Key="users/a", Body=b"x" * 5_000)
    return db


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_before_and_after_the_first_backup(command: Command, filled: Database[Any]) -> None:
    before = command.json("status", code=2)
    assert before["status"] == "CRITICAL"
    assert before["rpo_hours"] is None
    assert before["rto_minutes"] is None
    assert {one["status"] for one in before["latest"].values()} == {"CRITICAL"}
    made = command.json("backup")
    after = command.json("status")
    assert after["status"] == "OK"
    assert after["rpo_hours"] < 1
    assert after["latest"]["database"]["backup"] == made["id"]
    assert after["latest"]["objects"]["backup"] == made["id"]
    assert after["last_backup"]["status"] == "good"
    assert after["days"][-1]["status"] == "ok"
    for finding in after["findings"]:
        assert {"what", "status", "detail"} <= finding.keys()
        assert finding["status"] == "OK"
    verified = command.json("verify", made["id"])
    assert verified["status"] == "ok"
    text = command.run("status")
    assert text.returncode == 0, text.stderr
    assert text.stdout.splitlines()[0].startswith("✓ OK  Backed up and proven")
    assert "reading alone, by verification" in text.stdout
    assert command.run("status", LC_ALL="C").stdout.startswith("+ OK")


def test_a_manifests_files_are_gone(command: Command, filled: Database[Any], location: Path) -> None:
    made = command.json("backup")
    next(location.glob("quilltap_mongo_*.gz")).unlink()
    document = command.json("status", code=2)
    assert any(
        "Files are gone" in one["what"] and one["subject"] == made["id"] for one in document["findings"]
    )


def test_a_location_that_is_not_there(command: Command, filled: Database[Any], location: Path) -> None:
    command.environ["BACKUP_DIR"] = f"{location}-not-mounted"
    document = command.json("status", code=3)
    assert document["status"] == "UNKNOWN"
    assert any("cannot be read" in one["what"] for one in document["findings"])


def test_a_dead_database_is_its_own_finding(command: Command, filled: Database[Any]) -> None:
    made = command.json("backup")
    command.environ["MONGODB_URI"] = "mongodb://127.0.0.1:9/"
    document = command.json("status", code=3)
    assert document["latest"]["database"]["backup"] == made["id"]
    assert document["latest"]["database"]["status"] == "OK"
    assert [one["status"] for one in document["findings"]].count("UNKNOWN") == 1
    assert "nothing listens there" in document["verdict"]


def test_a_dead_bucket_is_a_warning(command: Command, filled: Database[Any]) -> None:
    command.json("backup")
    command.environ["S3_ENDPOINT"] = "http://127.0.0.1:9"
    document = command.json("status", code=1)
    assert "does not answer" in document["verdict"]


def test_stopped_servers_do_not_hold_it_up(
    command: Command, filled: Database[Any], mongod: Mongod, weed: Weed
) -> None:
    command.json("backup")
    begun = time.monotonic()
    with stopped(mongod.pid()), stopped(weed.pid):
        document = command.json("status", code=3)
    assert time.monotonic() - begun < LIMIT
    assert len([one for one in document["findings"] if one["status"] != "OK"]) == 2


def test_nothing_is_configured(tmp_path: Path) -> None:
    environ = environment(tmp_path, "", "", tmp_path)
    for name in ("MONGODB_URI", "MONGODB_DATABASE", "BACKUP_DIR", "ENCRYPTION_MASTER_PEPPER"):
        del environ[name]
    done = Command(environ).run("status")
    assert done.returncode == 3
    assert "BACKUP_DIR=" in done.stdout
    assert "MONGODB_URI" in done.stdout


def test_usage_errors_are_unknown(command: Command) -> None:
    assert command.run("--bogus", "status").returncode == 3
    assert command.run("--bogus", "list").returncode == 2
    done = command.run("status", "--bogus")
    assert done.returncode == 3
    assert "--bogus" in done.stderr
    for arguments in (("status", "--bogus"), ("--bogus", "status")):
        document = command.json(*arguments, code=3)
        assert document["status"] == document["findings"][0]["status"] == "UNKNOWN"
        assert "--bogus" in document["verdict"] and "--bogus" in document["error"]["what"]
    assert command.failure("--bogus", "list", code=2)["what"] == "No such option '--bogus'."
    document = command.json("--profile", "nope", "status", code=3)
    assert document["status"] == "UNKNOWN"
    assert "nope" in document["verdict"]


def test_an_interrupted_swap_is_critical(mongod: Mongod, tmp_path: Path) -> None:
    deployment = Deployment(mongod, tmp_path)
    try:
        deployment.db["users"].insert_many([{"_id": number} for number in range(5)])
        made = deployment.backup()
        deployment.db["users"].delete_one({"_id": 0})

        def die(event: AnyEvent) -> None:
            if isinstance(event, Checkpoint) and event.name == RENAMING:
                raise Interrupted

        with pytest.raises(Interrupted):
            restore(
                RestorePlan(request=RestoreRequest(backup=made), allow=("writers",)), deployment.context(die)
            )
        # The lock of this process would tell that the restore still runs.
        deployment.db["__quillkeep_jobs"].delete_one({"kind": {"$exists": False}})
        command = Command(environment(tmp_path, mongod.uri, deployment.name, tmp_path / "backups"))
        document = command.json("status", code=2)
        finding = next(one for one in document["findings"] if "was interrupted" in one["what"])
        assert finding["next"].startswith("quillkeep restore --finish ")
        assert finding["status"] == "CRITICAL"
    finally:
        deployment.close()


def test_no_secret_is_told(command: Command, filled: Database[Any], bucket: BucketTarget) -> None:
    command.environ["MONGODB_URI"] = "mongodb://root:hunter2-secret@127.0.0.1:9/"
    done = command.run("status", "--json")
    assert "hunter2" not in done.stdout + done.stderr
    assert bucket.secret_key is not None
    assert bucket.secret_key.reveal() not in done.stdout + done.stderr


def test_a_location_answers_beside_a_dead_one(location: Path) -> None:
    good = Location(name="good", path=str(location))
    (seen,) = probe_all((good,), 5.0)
    assert seen.free
