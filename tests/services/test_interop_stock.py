"""Our files under the stock tools: sidecar, gzip, mongorestore; and the commands `show` prints, run as printed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.catalog.listing import show
from services.demo.servers import Mongod
from services.paths import Paths
from services.profile import Profile
from tests.services.interop_support import (
    ZOO,
    mapped,
    mongorestore,
    our_backup,
    run,
    scratch,
    shell,
    whole,
)
from tests.services.restore_support import FORMS, run_restore
from tests.support import FIXTURES, make_profile


@pytest.fixture(params=["mongod", "mongod_rs"])
def server(request: pytest.FixtureRequest) -> Mongod:
    """A standalone, whose backups are `quiet`, and a replica set, whose backups are `snapshot`."""
    found: Mongod = request.getfixturevalue(request.param)
    return found


def archive_of(profile: Profile, backup: str) -> Path:
    """The database part of one of ours."""
    return Path(profile.locations[0].path) / f"quilltap_mongo_{backup.removeprefix('quilltap_')}.gz"


def test_every_stock_tool_takes_ours(
    server: Mongod, database: str, peers: Path, location: Path, tmp_path: Path
) -> None:
    profile = make_profile(server.uri, database, location=location)
    with server.client() as client:
        db = client[database]
        run_restore(profile, tmp_path, ZOO, from_database="zoo")
        made = our_backup(profile, tmp_path)
        assert made.consistency == ("snapshot" if server.replica_set else "quiet")
        archive = archive_of(profile, made.id)
        assert (
            run("sha256sum", "-c", f"{archive.name}.sha256", cwd=location).stdout == f"{archive.name}: OK\n"
        )
        run("gunzip", "-t", archive)
        before = whole(db)
        dry = mongorestore(peers, server.uri, archive, "--dryRun", "-vv")
        assert "dry run completed" in dry.stderr
        assert whole(db) == before
        with scratch(db, "copy") as copy:
            ran = mongorestore(peers, server.uri, archive, *mapped(database, copy.name))
            assert "0 document(s) failed to restore" in ran.stderr
            assert whole(copy) == before
        data = bytearray(archive.read_bytes())
        data[len(data) // 2] ^= 1
        archive.write_bytes(data)
        assert run("sha256sum", "-c", f"{archive.name}.sha256", cwd=location, ok=False).returncode == 1
        client.drop_database(database)


def printed(profile: Profile, state: Path, ref: str) -> dict[str, list[str]]:
    """The stock commands that `show` prints."""
    commands: dict[str, list[str]] = show(ref, profile, Paths(state))["commands"]
    return commands


def altered(db: Database[Any]) -> None:
    """A dropped collection, a changed one, and one of the same server that the commands must leave alone."""
    db.characters.drop()
    db.users.delete_many({})
    db.tags.insert_one({"_id": "extra"})


def test_the_commands_shown_for_ours_do_what_they_say(
    mongod: Mongod, database: str, db: Database[Any], peers: Path, location: Path, tmp_path: Path
) -> None:
    profile = make_profile(mongod.uri, database, location=location)
    run_restore(profile, tmp_path, FORMS["archive.gz"])
    before = whole(db)
    made = our_backup(profile, tmp_path)
    commands = printed(profile, tmp_path, made.id)
    assert len(commands["verify"]) == 2 and len(commands["restore"]) == 1
    for line in commands["verify"]:
        shell(line, peers)
    altered(db)
    with scratch(db, "other") as other:
        other.users.insert_one({"_id": 1})
        shell(commands["restore"][0], peers)
        assert other.users.count_documents({}) == 1
    assert whole(db) == before
    archive = archive_of(profile, made.id)
    archive.write_bytes(archive.read_bytes()[:-100])
    assert all(shell(line, peers, ok=False).returncode != 0 for line in commands["verify"])


@pytest.mark.parametrize("form", FORMS)
def test_the_commands_shown_for_a_foreign_backup_do_what_they_say(
    form: str, mongod: Mongod, client: Any, peers: Path, location: Path, tmp_path: Path
) -> None:
    """They restore under the dump's own name, so this test has the server's `quilltap` to itself."""
    source = Path(FORMS[form])
    place = location / source.name
    if source.is_dir():
        shutil.copytree(source, place)
    else:
        shutil.copy(source, place)
        if (sidecar := FIXTURES / f"{source.name}.sha256").exists():
            shutil.copy(sidecar, location)
    profile = make_profile(mongod.uri, "quilltap", location=location)
    client.drop_database("quilltap")
    db = client["quilltap"]
    run_restore(profile, tmp_path, FORMS["archive.gz"])
    before = whole(db)
    altered(db)
    commands = printed(profile, tmp_path, source.name)
    for line in commands["verify"]:
        shell(line, peers)
    assert commands["restore"]
    work = tmp_path / "work"
    work.mkdir()
    for line in commands["restore"]:
        folder = next((entry.name for entry in work.iterdir()), "FOLDER")
        shell(line.replace("WORKDIR/FOLDER", f"{work}/{folder}").replace("WORKDIR", str(work)), peers)
    assert whole(db) == before
    client.drop_database("quilltap")
