"""Restores by the rules: nobody's writes are lost unasked, a lost server comes back, one collection is one collection."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from services.demo.compare import live_content
from services.demo.people import SAMPLE_PEPPER
from services.demo.sample import fill_bucket, fill_database
from services.demo.servers import Mongod, Weed, start_mongod
from services.profile import BucketTarget, MongoTarget, Profile
from services.secret import Secret
from tests.services.command_support import Command, environment
from tests.services.restore_support import ours
from tests.support import FIXTURES

GUIDE = ("quilltap-20261101.gz", "quilltap-20261101.archive", "quilltap_mongo_20261101_020000.tar.gz")


@pytest.fixture
def command(mongod: Mongod, database: str, location: Path, tmp_path: Path) -> Command:
    return Command(environment(tmp_path, mongod.uri, database, location))


def hashes(db: Database[Any]) -> dict[str, str]:
    """dbHash, our own collections aside."""
    found = db.command("dbHash")["collections"]
    return {name: value for name, value in found.items() if not name.startswith("__quillkeep_")}


def test_an_idle_foreign_client_refuses_a_restore_without_app_control(
    command: Command, db: Database[Any], mongod: Mongod
) -> None:
    db["tags"].insert_many([{"id": n, "name": f"tag {n}"} for n in range(20)])
    command.json("backup", "--only", "database")
    db["tags"].delete_many({"id": {"$lt": 5}})
    before = hashes(db)
    with MongoClient[Any](mongod.uri, appname="a-forgotten-shell") as idle:
        idle.admin.command("ping")
        arguments = ("restore", "latest", "--only", "database", "--yes")
        error = command.failure(*arguments, code=4)
        assert "writers" in error["what"]
        assert "a-forgotten-shell from 127.0.0.1" in error["cause"]
        assert error["touched"]
        assert "--allow writers" in error["next"]
        assert hashes(db) == before and not ours(db)
        # A flag for a risk that is not there allows nothing else.
        command.failure(*arguments, "--allow", "weak-guard", code=4)
        done = command.json(*arguments, "--allow", "writers", code=3)
    assert any("a-forgotten-shell" in warning for warning in done["warnings"]), done["warnings"]
    assert done["collections"]["tags"]["documents"] == 20
    assert db["tags"].count_documents({}) == 20


def test_a_lost_server_comes_back_from_the_backups_on_a_mount(
    mongod: Mongod, database: str, weed: Weed, bucket: BucketTarget, location: Path, tmp_path: Path
) -> None:
    pepper = SAMPLE_PEPPER.reveal()
    old = environment(tmp_path / "old", mongod.uri, database, location, bucket, pepper=pepper)
    with mongod.client() as client:
        fill_database(client[database], scale=0.001, seed=5)
    fill_bucket(bucket, scale=0.001, seed=5)
    made = Command(old).json("backup")
    wanted = live_content(deployment(mongod.uri, database, bucket))
    assert wanted.documents and wanted.objects
    weed.delete_bucket(bucket.bucket)
    mount = tmp_path / "mnt"
    shutil.copytree(location, mount)
    manifest = mount / f"{made['id']}.json"
    # What another machine would have written: its own id, and the name it knew the server by.
    written = json.loads(manifest.read_bytes()) | {"machine_id": "f" * 32, "host": "db.lost.example:27017"}
    manifest.write_text(json.dumps(written))

    new_server = start_mongod(tmp_path / "new-mongod")
    try:
        uri = f"mongodb://localhost:{new_server.port}"
        settings = environment(tmp_path / "new", uri, database, mount, bucket, pepper=pepper)
        own = {"PATH", "HOME", "PYTHONPATH", "LANG", "QUILLKEEP_CONFIG", "QUILLKEEP_STATE_DIR"}
        env_file = tmp_path / "quilltap.env"
        env_file.write_text("".join(f"{name}={settings[name]}\n" for name in settings.keys() - own))
        command = Command({name: settings[name] for name in own})
        restore = ("--env-file", str(env_file), "restore", "latest", "--yes")

        stranger = command.failure(*restore, code=4, ENCRYPTION_MASTER_PEPPER="another pepper " * 3)
        assert "no good backup of this deployment" in stranger["what"]
        assert "db.lost.example" in stranger["cause"] and "its pepper is another one" in stranger["cause"]
        no_bucket = command.failure(*restore, code=4)
        assert f"s3 mb s3://{bucket.bucket}" in no_bucket["what"] + no_bucket["next"], no_bucket
        weed.create_bucket(bucket.bucket)
        done = command.json(*restore)
        assert done["status"] == "ok" and done["backup"] == made["id"]
        assert done["objects"]["put"] == len(wanted.objects)
        assert live_content(deployment(uri, database, bucket)) == wanted
    finally:
        new_server.kill()


def deployment(uri: str, database: str, bucket: BucketTarget) -> Profile:
    """What the comparison by content reads."""
    return Profile(mongo=MongoTarget(uri=Secret(uri), database=database), bucket=bucket)


@pytest.mark.parametrize("name", GUIDE)
def test_one_collection_comes_back_from_the_guides_archives(
    command: Command, db: Database[Any], location: Path, name: str
) -> None:
    for each in GUIDE:
        shutil.copy(FIXTURES / each, location)
    request = ("--from-database", "quilltap", "--yes", "--allow", "writers")
    command.json("restore", name, *request, code=3)
    whole = hashes(db)
    db["tags"].drop()
    db["characters"].update_many({}, {"$set": {"altered": True}})
    damaged = hashes(db)

    refused = command.failure("restore", "latest", "--collections", "tags", *request, code=4)
    assert "no good backup" in refused["what"]
    assert all(each in refused["cause"] for each in GUIDE) and "by its id or path" in refused["next"]
    done = command.json("restore", name, "--collections", "tags", *request, code=3)
    assert list(done["collections"]) == ["tags"]
    after = hashes(db)
    assert after["tags"] == whole["tags"]
    assert {key: value for key, value in after.items() if key != "tags"} == damaged
    assert damaged["characters"] != whole["characters"]
