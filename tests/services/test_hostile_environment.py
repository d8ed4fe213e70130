"""The demo in the shell of somebody who works on production: nothing there is read, nothing there is changed."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from services.demo.sample import fill_bucket, fill_database
from services.demo.servers import Mongod, Weed
from services.profile import BucketTarget
from tests.support import ROOT

Pictured = dict[str, dict[str, Any]]


def databases(client: MongoClient[Any]) -> Pictured:
    """Every database of the server: its dbHash, collections, UUIDs and write counters."""
    found: Pictured = {}
    for name in client.list_database_names():
        if name == "local":
            continue
        listed = {each["name"]: each for each in client[name].list_collections()}
        found[name] = {
            "hash": client[name].command("dbHash")["collections"],
            "uuids": {key: str(each["info"].get("uuid")) for key, each in listed.items()},
        }
    return found


def objects(weed: Weed) -> Pictured:
    """Every object of every bucket: size, ETag, time and sha256."""
    client = weed.client()
    found: Pictured = {}
    for bucket in client.list_buckets()["Buckets"]:
        name = bucket["Name"]
        rows = found[name] = {}
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
            for each in page.get("Contents", ()):
                body = client.get_object(Bucket=name, Key=each["Key"])["Body"].read()
                rows[each["Key"]] = (
                    each["Size"],
                    each["ETag"],
                    each["LastModified"],
                    hashlib.sha256(body).hexdigest(),
                )
    return found


def commands_run(client: MongoClient[Any]) -> int:
    """How often the server was asked for anything a client asks when it connects or works."""
    counted = client.admin.command("serverStatus")["metrics"]["commands"]
    names = ("insert", "find", "listCollections", "aggregate", "renameCollection", "drop", "collMod")
    return sum(int(counted[name]["total"]) for name in names)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """TMPDIR for the demo, short since paths of sockets are limited."""
    with tempfile.TemporaryDirectory(prefix="quillkeep-hostile-") as name:
        yield Path(name)


def test_the_demo_leaves_the_servers_of_a_hostile_environment_alone(
    mongod: Mongod, weed: Weed, bucket: BucketTarget, temporary: Path, tmp_path: Path
) -> None:
    production = f"quilltap_{secrets.token_hex(4)}"
    assert bucket.endpoint and bucket.access_key and bucket.secret_key
    backups = tmp_path / "production-backups"
    backups.mkdir()
    config = tmp_path / "config.toml"
    config.write_text("this is no TOML, and whoever reads it fails\n")
    (tmp_path / ".env").write_text(f"MONGODB_URI={mongod.uri}\nMONGODB_DATABASE={production}\n")
    keys = {"ACCESS": bucket.access_key.reveal(), "SECRET": bucket.secret_key.reveal()}
    proxy = bucket.endpoint
    hostile = {
        "MONGODB_URI": mongod.uri,
        "MONGODB_DATABASE": production,
        "S3_ENDPOINT": bucket.endpoint,
        "S3_REGION": "eu-central-1",
        "S3_BUCKET": bucket.bucket,
        "S3_ACCESS_KEY": keys["ACCESS"],
        "S3_SECRET_KEY": keys["SECRET"],
        "S3_PATH_PREFIX": "production/",
        "S3_FORCE_PATH_STYLE": "false",
        "AWS_ACCESS_KEY_ID": keys["ACCESS"],
        "AWS_SECRET_ACCESS_KEY": keys["SECRET"],
        "AWS_ENDPOINT_URL": bucket.endpoint,
        "AWS_ENDPOINT_URL_S3": bucket.endpoint,
        "AWS_ENDPOINT": bucket.endpoint,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_REGION": "eu-central-1",
        "AWS_BUCKET": bucket.bucket,
        "AWS_PROFILE": "production",
        "AWS_ALLOW_HTTP": "false",
        "AWS_CA_BUNDLE": "/nonexistent.pem",
        **dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"), proxy),
        "ENCRYPTION_MASTER_PEPPER": "the pepper of production, which is nobody's business",
        "BACKUP_DIR": str(backups),
        "QUILLKEEP_CONFIG": str(config),
        "QUILLKEEP_STATE_DIR": str(tmp_path / "state"),
    }
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "TMPDIR": str(temporary),
    }
    with mongod.client() as client:
        try:
            fill_database(client[production], scale=0.001, seed=1)
            fill_bucket(bucket, scale=0.001, seed=1)
            before = databases(client), objects(weed), commands_run(client)
            done = subprocess.run(
                [sys.executable, "-m", "tui", "demo", "--script", "--json"],
                env=environ | hostile,
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=110,
            )
            asked = commands_run(client)
            after = databases(client), objects(weed)
        finally:
            client.drop_database(production)
    assert done.returncode == 0, done.stdout + done.stderr
    played = json.loads(done.stdout)
    assert played["status"] == "ok" and len(played["comparisons"]) >= 7
    verbs = [each["verb"] for each in played["jobs"]]
    assert verbs[:7] == ["backup", "verify", "plan", "restore", "release", "rollback", "restore"]
    assert all(each["equal"] for each in played["comparisons"])
    assert after == before[:2]
    # What this test itself asked in between; the demo alone asks hundreds of its own server.
    assert asked - before[2] < 5
    assert all(value not in done.stdout + done.stderr for value in (production, *keys.values()))
    for name in hostile:
        assert name in done.stderr or name.lower().endswith("_proxy"), f"{name} is not said to be passed over"
    assert not list(backups.iterdir()) and not (tmp_path / "state").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "config.toml", backups.name]
    assert not list(temporary.iterdir()), "the demo left something in its temporary folder"
