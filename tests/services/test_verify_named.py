"""A backup that failed a check says so wherever it is named, and what is wrong with data never makes it bad."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from services.catalog import layout
from services.catalog.notes import CheckNote, NotedCheck, append_note, read_notes
from services.paths import Paths
from tests.fabric import DOCUMENTS, HOST, NIGHT, OBJECTS, make_backup, rows_of
from tests.services.command_support import Command, environment

KEY = next(iter(OBJECTS))


@pytest.fixture
def location(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def command(tmp_path: Path, location: Path) -> Command:
    return Command(environment(tmp_path, f"mongodb://{HOST}/", "quilltap", location))


def test_a_failed_byte_check_is_said_everywhere(command: Command, location: Path) -> None:
    older = make_backup(location, NIGHT - timedelta(days=1))
    made = make_backup(location)
    path = location / layout.objects_name(made.id) / KEY
    os.chmod(path, 0o600)
    path.write_bytes(b"\xff" * path.stat().st_size)
    assert command.run("verify", made.id).returncode == 1
    quick = command.run("verify", made.id, "--depth", "quick")
    assert quick.returncode == 3, "a quick look that finds nothing disproves no byte"
    assert "failed an earlier check" in quick.stderr and KEY in quick.stderr
    listed = command.run("list").stdout
    (row,) = [line for line in listed.splitlines() if made.id in line]
    assert "fail" in row and "full verify failed" in row
    shown = command.run("show", made.id).stdout
    assert "not good" in shown.lower() and KEY in shown and "next:" in shown
    document = json.loads(command.run("show", made.id, "--json").stdout)
    standing = {one["name"]: one for one in document["standing"]}
    assert standing["objects"]["status"] == "fail" and standing["objects"]["depth"] == "full"
    assert standing["database-files"]["status"] == "ok"
    assert made.id in command.run("status").stdout
    latest = json.loads(command.run("verify", "latest", "--depth", "quick", "--json").stdout)
    assert latest["id"] == older.id
    assert latest["passed_over"][0][0] == made.id and KEY in latest["passed_over"][0][1]


def test_one_that_could_not_be_loaded_is_never_latest_whatever_full_says(
    command: Command, location: Path, tmp_path: Path
) -> None:
    made = make_backup(location)
    note = CheckNote(
        at=NIGHT,
        depth="deep",
        status="fail",
        parts={"database": "fail", "objects": "ok"},
        checks=(
            NotedCheck(
                name="deep-indexes",
                status="fail",
                detail="users: index e cannot be built",
                decides="database",
            ),
        ),
    )
    append_note(location, made.id, note, Paths(tmp_path / "state"))
    full = command.run("verify", made.id)
    assert full.returncode == 3 and "users: index e cannot be built" in full.stderr
    refused = command.run("verify", "latest")
    assert refused.returncode == 4 and "users: index e cannot be built" in refused.stderr
    (row,) = [line for line in command.run("list").stdout.splitlines() if made.id in line]
    assert "deep verify failed" in row
    assert "users: index e cannot be built" in command.run("show", made.id).stdout


def test_what_is_wrong_with_the_data_warns_and_decides_nothing(command: Command, location: Path) -> None:
    less = {name: data for name, data in OBJECTS.items() if name != KEY}
    documents = {"users": DOCUMENTS["users"], "files": rows_of(OBJECTS)}
    made = make_backup(location, documents=documents, objects=less)
    done = command.run("verify", made.id, "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 3
    assert (document["status"], document["verdict"], document["data"]) == ("warn", "ok", "fail")
    assert document["parts"] == {"database": "ok", "objects": "ok"}
    whole = f"{made.id} itself is whole: what is wrong is the data that was backed up."
    assert whole in document["warnings"]
    (note,) = read_notes(location, made.id, Paths(location)).checks
    assert note.status == "ok" and note.findings == ()
    assert {one.name: one.status for one in note.checks}["pairs"] == "fail"
    (row,) = json.loads(command.run("list", "--json").stdout)["backups"]
    assert row["good"] and row["verified"]["status"] == "ok"
    shown = command.run("verify", "latest").stdout
    assert "the backup itself: ok" in shown and KEY in shown
    assert "about the data in it" in command.run("show", made.id).stdout
    (location / layout.sidecar_name(made.id)).unlink()
    document = json.loads(command.run("verify", made.id, "--json").stdout)
    assert (document["verdict"], document["data"]) == ("warn", "fail")
    assert whole not in document["warnings"], "something of its own is missing, too"


def test_damage_found_through_another_snapshot_is_a_failure_of_this_one(
    command: Command, location: Path
) -> None:
    first = make_backup(location)
    second = make_backup(location, NIGHT + timedelta(days=1), link_to=first.id)
    path = location / layout.objects_name(first.id) / KEY
    os.chmod(path, 0o600)
    with path.open("r+b") as stream:
        stream.write(b"\xff")
    assert command.run("verify", first.id).returncode == 1
    (row,) = [line for line in command.run("list").stdout.splitlines() if second.id in line]
    assert "fail" in row and first.id in row
