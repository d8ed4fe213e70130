"""`verify --depth deep` as it is typed: the question before the live server, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.demo.servers import Mongod
from services.looking.child import look
from services.looking.deep_place import DeepPlaceRequest
from services.paths import Paths
from services.profile import Profile
from tests.deep_support import DEEP
from tests.services.command_support import Command, at_a_terminal, environment
from tests.services.restore_support import ours
from tests.support import FIXTURES

NAME = "quilltap-20261101.gz"


@pytest.fixture
def environ(mongod: Mongod, database: str, location: Path, tmp_path: Path) -> dict[str, str]:
    shutil.copy(FIXTURES / NAME, location)
    home = tmp_path / "home"
    home.mkdir()
    return environment(home, mongod.uri, database, location)


def test_without_a_terminal_yes_has_to_be_said(environ: dict[str, str], db: Database[Any]) -> None:
    command = Command(environ)
    error = command.failure("verify", NAME, "--depth", "deep", "--on", "live", code=4)
    assert "not confirmed" in error["what"] and "--yes" in error["next"]
    error = command.failure("--read-only", "verify", NAME, "--depth", "deep", "--on", "live", "--yes", code=4)
    assert "READ-ONLY" in error["what"] and "--depth full" in error["next"]
    assert not db.list_collection_names()
    found = command.json("verify", NAME, "--depth", "deep", "--on", "live", "--yes", code=3)
    # The pepper of these tests is not the fixture's: the data is said to have a fault, the backup none.
    assert found["verdict"] == "ok" and found["depth"] == "deep"
    ran = {check["name"]: check["status"] for check in found["checks"]}
    assert {name: ran[name] for name in DEEP} == dict.fromkeys(DEEP, "ok")
    assert not ours(db)


def test_a_terminal_is_asked_and_no_is_the_default(environ: dict[str, str], db: Database[Any]) -> None:
    arguments = ("verify", NAME, "--depth", "deep", "--on", "live")
    code, shown = at_a_terminal(environ, *arguments, answer="")
    assert code == 4 and "Not confirmed" in shown
    words = " ".join(shown.split())
    assert f"database {db.name}" in words and "No live collection is touched" in words
    assert not db.list_collection_names()
    code, shown = at_a_terminal(environ, *arguments, answer="y")
    assert code == 3 and "deep-indexes" in shown
    assert not ours(db)


def test_the_consoles_look_says_where_it_would_run(mongod: Mongod, database: str, tmp_path: Path) -> None:
    profile = Profile(mongo=mongod.target(database))
    found = look("deep_place", profile, Paths(tmp_path), DeepPlaceRequest())
    assert found.where == "embedded" and str(tmp_path / "deep") in found.words
    found = look("deep_place", profile, Paths(tmp_path), DeepPlaceRequest(encrypted=True))
    assert found.where == "embedded" and "/dev/shm" in found.words
