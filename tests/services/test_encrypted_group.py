"""What one run of the guide's script left, both parts encrypted: verified, compared, looked into and restored whole."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.profile import Profile
from tests.services.command_support import Command, environment
from tests.services.watching_plaintext import Watch
from tests.support import FIXTURE_PASSPHRASE, FIXTURE_PEPPER, FIXTURES
from tests.unit.streams.pgp_builder import literal, message
from tests.unit.streams.test_openssl_enc import sealed

DATABASE = "quilltap_mongo_20261101_020000.tar.gz"
OBJECTS = "quilltap_s3_20261101_020000.tar.gz"
RANDOM = random.Random(29)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """The passphrase's file."""
    path = tmp_path / "passphrase"
    path.write_text(FIXTURE_PASSPHRASE + "\n")
    return path


@pytest.fixture
def command(profile: Profile, db: Database[Any], location: Path, tmp_path: Path, secret: Path) -> Command:
    """The command of this deployment, which knows the passphrase; the location holds the encrypted group."""
    assert profile.mongo is not None and profile.bucket is not None
    for name in ("home", "scratch"):
        (tmp_path / name).mkdir()
    (location / f"{DATABASE}.gpg").write_bytes(message(literal((FIXTURES / DATABASE).read_bytes())))
    (location / f"{OBJECTS}.enc").write_bytes(sealed((FIXTURES / OBJECTS).read_bytes()))
    environ = environment(
        tmp_path / "home",
        profile.mongo.uri.reveal(),
        db.name,
        location,
        profile.bucket,
        pepper=FIXTURE_PEPPER,
    )
    return Command(environ | {"TMPDIR": str(tmp_path / "scratch"), "QUILLKEEP_PASSPHRASE_FILE": str(secret)})


def named(command: Command) -> str:
    """The one backup that the location holds."""
    (row,) = command.json("list")["backups"]
    assert row["kind"] == "group" and row["encrypted"] and sorted(row["parts"]) == ["database", "objects"]
    return str(row["id"])


def test_both_parts_are_proven_and_restored_and_nothing_is_written_in_clear(
    command: Command, db: Database[Any], location: Path, tmp_path: Path, secret: Path
) -> None:
    name = named(command)
    mirror = FIXTURES / "s3_20261101_020000"
    kept = {path.relative_to(mirror).as_posix(): path for path in mirror.rglob("*") if path.is_file()}
    marks = [path.read_bytes()[:64] for path in sorted(kept.values()) if path.stat().st_size >= 64][:5]
    assert len(marks) == 5
    folders = (tmp_path / "home", tmp_path / "scratch", location)
    with Watch([*marks, FIXTURE_PASSPHRASE.encode(), b'"firstMessage"'], folders, known=[secret]) as watch:
        found = command.json("verify", name)
        assert found["parts"] == {"database": "ok", "objects": "ok"}
        checks = {check["name"]: check["detail"] for check in found["checks"]}
        assert "MDC holds" in checks["decrypt"] and "no MAC" in checks["objects-decrypt"]
        request = (name, "--from-database", "quilltap")
        done = command.json("restore", *request, "--yes", "--allow", "writers", code=3)
    assert watch.found == set() and watch.looks > 20
    assert done["objects"]["put"] == len(kept)
    assert db["files"].count_documents({}) == len(kept) and db["characters"].count_documents({}) > 0
    same = command.json("diff", name, "live")
    assert same["same"] and same["objects"]["same"] == len(kept)


def test_pairs_and_pepper_look_into_it(command: Command) -> None:
    name = named(command)
    pairs = command.json("pairs", name)
    assert pairs["status"] == "ok"
    pepper = command.json("pepper", "check", "--backup", name)
    assert pepper["status"] == "ok"


def test_each_part_has_its_own_verdict(command: Command, location: Path) -> None:
    name = named(command)
    for file, part in ((f"{DATABASE}.gpg", "database"), (f"{OBJECTS}.enc", "objects")):
        path = location / file
        good = path.read_bytes()
        for _ in range(3):
            place = RANDOM.randrange(200, len(good))
            path.write_bytes(
                good[:place] + bytes([good[place] ^ 1 << RANDOM.randrange(8)]) + good[place + 1 :]
            )
            found = command.json("verify", name, code=1)
            other = "objects" if part == "database" else "database"
            assert (found["parts"][part], found["parts"][other]) == ("fail", "ok"), (place, found["checks"])
        path.write_bytes(good)


def test_without_the_passphrase_every_verb_says_what_it_lacks(command: Command) -> None:
    name = named(command)
    none = {"QUILLKEEP_PASSPHRASE_FILE": ""}
    assert command.json("verify", name, code=3, **none)["verdict"] == "skipped"
    for arguments in (("plan", name, "--from-database", "quilltap"), ("pepper", "check", "--backup", name)):
        error = command.failure(*arguments, code=4, **none)
        assert "encrypted with" in error["what"] and "--passphrase-file" in error["next"], arguments
    pairs = command.json("pairs", name, code=3, **none)
    assert pairs["status"] == "unknown" and "encrypted with" in pairs["summary"]
    shown = command.json("show", name, **none)
    assert "encrypted" in shown["collections_inside"]["problem"]
