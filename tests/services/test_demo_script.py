"""`quillkeep demo --script`: the whole story on its own servers, whatever the environment points at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo.database import Database

from services.demo import script
from services.demo.compare import Content, compare
from services.demo.sample import fill_bucket, fill_database
from services.demo.servers import Mongod, Weed
from services.profile import BucketTarget
from tests.support import ROOT

COMMAND = [sys.executable, "-m", "tui", "demo", "--script"]


def hostile_environment(
    mongod: Mongod, weed: Weed, database: str, bucket: str, folder: Path
) -> dict[str, str]:
    """Everything an admin's shell may export, all of it naming another deployment."""
    config = folder / "config.toml"
    config.write_text(f'[profiles.prod]\nmongo = {{ uri = "{mongod.uri}" }}\n')
    dead_proxy = "http://127.0.0.1:9"
    return {
        **os.environ,
        "MONGODB_URI": mongod.uri,
        "MONGODB_DATABASE": database,
        "S3_ENDPOINT": weed.endpoint,
        "S3_BUCKET": bucket,
        "S3_ACCESS_KEY": weed.access_key,
        "S3_SECRET_KEY": weed.secret_key,
        "S3_PATH_PREFIX": "elsewhere/",
        "AWS_ENDPOINT_URL": weed.endpoint,
        "AWS_ENDPOINT_URL_S3": weed.endpoint,
        "AWS_ACCESS_KEY_ID": weed.access_key,
        "AWS_SECRET_ACCESS_KEY": weed.secret_key,
        "AWS_PROFILE": "no-such-profile",
        "AWS_CA_BUNDLE": str(folder / "no-such-bundle.pem"),
        "ENCRYPTION_MASTER_PEPPER": "p" * 40,
        "BACKUP_DIR": str(folder / "untouched"),
        "QUILLKEEP_CONFIG": str(config),
        "QUILLKEEP_STATE_DIR": str(folder / "untouched"),
        "HTTP_PROXY": dead_proxy,
        "http_proxy": dead_proxy,
        "TMPDIR": str(folder),
    }


def state_of(database: Database[Any], weed: Weed, bucket: str) -> tuple[Any, ...]:
    """All that a second pair of servers holds: databases, hashes, objects with their dates."""
    pages = weed.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    objects = [
        (each["Key"], each["ETag"], str(each["LastModified"]))
        for page in pages
        for each in page.get("Contents", ())
    ]
    buckets = [each["Name"] for each in weed.client().list_buckets()["Buckets"]]
    return (
        sorted(database.client.list_database_names()),
        database.command("dbHash")["collections"],
        objects,
        buckets,
    )


def test_demo_in_a_hostile_environment(
    db: Database[Any], bucket: BucketTarget, mongod: Mongod, weed: Weed, tmp_path: Path
) -> None:
    """It ends 0 with every comparison equal; the servers the environment names stay byte for byte as they were."""
    fill_database(db, scale=0.001, seed=1)
    fill_bucket(bucket, scale=0.001, seed=1)
    before = state_of(db, weed, bucket.bucket)
    environment = hostile_environment(mongod, weed, db.name, bucket.bucket, tmp_path)
    done = subprocess.run(
        [*COMMAND, "--json"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["status"] == "ok"
    assert len(document["comparisons"]) >= 7
    assert all(each["equal"] for each in document["comparisons"])
    verbs = [each["verb"] for each in document["jobs"]]
    assert verbs[:7] == ["backup", "verify", "plan", "restore", "release", "rollback", "restore"]
    assert "AWS_ENDPOINT_URL" in done.stderr
    assert weed.secret_key not in done.stderr + done.stdout
    assert state_of(db, weed, bucket.bucket) == before
    assert not (tmp_path / "untouched").exists()
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("quillkeep-demo")] == []


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A demo that is in the middle of its backup."""
    log = tmp_path / "log"
    with open(log, "w") as stream:
        process = subprocess.Popen(
            COMMAND, cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, stderr=stream, text=True
        )
    deadline = time.monotonic() + 60
    while "Backing up" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    yield process, tmp_path
    process.kill()
    process.wait()


def processes_below(folder: Path) -> list[int]:
    """Whoever has this folder in its arguments or its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and any(str(folder) in each for each in process.cmdline()):
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_demo_left_in_the_middle(started: tuple[subprocess.Popen[str], Path]) -> None:
    """ctrl+c ends its servers and takes its folder away (a kill -9 is test_demo_servers's)."""
    process, folder = started
    process.send_signal(signal.SIGINT)
    assert process.wait(30) != 0
    deadline = time.monotonic() + 20
    while (processes_below(folder) or list(folder.glob("quillkeep-demo-*"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_below(folder) == []
    assert list(folder.glob("quillkeep-demo-*")) == []


def test_a_difference_fails_the_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any comparison that differs makes the exit code 1, and the document says which."""
    played = script.Played(
        "failed", (), 1.0, "quilltap_20261122_020000", ({"what": "x", "equal": False},), ()
    )
    # The servers cannot be made to lie at one moment of a run, so the run's outcome stands in for it.
    monkeypatch.setattr(script, "perform", lambda **_: played)
    assert script.play(say=lambda _: None, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["status"] == "failed"


def test_comparison_sees_every_kind_of_difference() -> None:
    """A changed, missing or additional collection, a changed or missing object; extra objects only when allowed."""
    wanted = Content({"tags": "3:aa", "chats": "1:bb"}, {"k1": "11" * 32, "k2": "22" * 32})
    found = Content({"tags": "3:ab", "extra": "0:00"}, {"k1": "12" * 32, "k3": "33" * 32})
    told = " ".join(compare("x", wanted, found).differences)
    for part in ("tags: 3:aa expected, 3:ab found", "chats: 1:bb expected, absent", "extra: absent expected"):
        assert part in told
    assert len(compare("x", wanted, found).differences) == 6
    assert len(compare("x", wanted, found, extra_objects=True).differences) == 5
    assert compare("x", wanted, wanted).equal
