"""The headless command end to end: exit codes, documents, refusals and confirmations on real servers."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.profile import BucketTarget
from tests.services.command_support import at_a_terminal
from tests.support import FIXTURES, ROOT

SECRET = "a-pepper-of-at-least-32-characters!"


class Cli:
    """Runs `quillkeep` as cron does: its own environment, no terminal."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tui", *arguments],
            env=self.environ | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
        )

    def json(self, *arguments: str, code: int = 0) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == code, done.stderr + done.stdout
        return json.loads(done.stdout)


@pytest.fixture
def cli(mongod: Any, database: str, bucket: BucketTarget, location: Path, tmp_path: Path) -> Cli:
    assert bucket.access_key and bucket.secret_key and bucket.endpoint
    return Cli(
        {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
            "QUILLKEEP_STATE_DIR": str(tmp_path / "state"),
            "MONGODB_URI": mongod.uri,
            "MONGODB_DATABASE": database,
            "S3_ENDPOINT": bucket.endpoint,
            "S3_BUCKET": bucket.bucket,
            "S3_ACCESS_KEY": bucket.access_key.reveal(),
            "S3_SECRET_KEY": bucket.secret_key.reveal(),
            "ENCRYPTION_MASTER_PEPPER": SECRET,
            "BACKUP_DIR": str(location),
        }
    )


@pytest.fixture
def filled(db: Database[Any]) -> Database[Any]:
    """Three small collections."""
    for name in ("users", "tags", "characters"):
        db[name].insert_many([{"id": f"{name}-{n}", "text": "x" * 50} for n in range(60)])
    return db


def test_a_deployment_goes_through_backup_damage_restore_and_rollback(
    cli: Cli, filled: Database[Any], location: Path
) -> None:
    made = cli.json("backup", "--only", "database", "--reason", "before\x1b[31m")
    assert made["status"] == "ok", made
    assert made["database"]["collections"]["tags"]["documents"] == 60
    [row] = cli.json("list")["backups"]
    assert (row["id"], row["good"], row["parts"]) == (made["id"], True, ["database"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["created"])
    shown = cli.run("show", "latest")
    assert shown.returncode == 0 and "mongorestore" in shown.stdout and "\x1b" not in shown.stdout
    assert cli.json("verify", "latest")["status"] == "ok"
    assert cli.json("verify", made["id"], "--depth", "quick")["status"] == "ok"

    filled["tags"].delete_many({})
    plan = cli.json("plan", "latest", "--only", "database", code=3)
    assert [risk["word"] for risk in plan["risks"]] == ["writers"]
    assert {entry["name"]: entry["content"] for entry in plan["collections"]}["tags"] == "differs"
    unconfirmed = cli.run("restore", "latest", "--json")
    assert unconfirmed.returncode == 4
    failure = json.loads(unconfirmed.stdout)
    assert failure["status"] == "refused" and "--yes" in failure["error"]["next"]
    assert filled["tags"].count_documents({}) == 0

    refused = cli.run("restore", "latest", "--only", "database", "--yes")
    assert refused.returncode == 4
    assert "--allow writers" in refused.stderr and "Touched:" in refused.stderr
    done = cli.json(
        "restore",
        "latest",
        "--only",
        "database",
        "--yes",
        "--allow",
        "writers",
        "--allow",
        "unknown-space",
        code=3,
    )
    assert done["collections"]["tags"]["documents"] == 60
    assert filled["tags"].count_documents({}) == 60
    back = cli.json("rollback", "--yes", "--allow", "writers")
    assert back["status"] == "ok"
    assert filled["tags"].count_documents({}) == 0

    listed = cli.json("jobs")["jobs"]
    assert {"id", "verb", "state", "started", "finished", "summary"} <= set(listed[0])
    assert listed[0]["verb"] == "rollback"
    everything = "".join(
        path.read_text(errors="replace") for path in (location.parent / "state").rglob("*") if path.is_file()
    )
    for secret in (SECRET, cli.environ["S3_SECRET_KEY"]):
        assert secret not in everything


def test_pin_and_unpin(cli: Cli, filled: Database[Any]) -> None:
    made = cli.json("backup", "--only", "database")
    cli.json("pin", "latest")
    assert cli.json("list")["backups"][0]["pinned"]
    assert cli.json("unpin", made["id"])["pinned"] is False
    nothing = cli.run("accept", made["id"])
    assert nothing.returncode == 4 and "nothing to accept" in nothing.stderr


def test_an_empty_database_fails_without_a_manifest(cli: Cli, location: Path) -> None:
    done = cli.run("backup", "--only", "database", "--json")
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["what"] and error["touched"]
    assert not list(location.glob("quilltap_2*.json"))


def test_a_server_that_lets_nobody_in_is_said_without_the_password(cli: Cli) -> None:
    place = cli.environ["MONGODB_URI"].partition("://")[2].partition("/")[0].partition("?")[0]
    done = cli.run("backup", MONGODB_URI=f"mongodb://me:hunter2-hunter2@{place}/?authSource=admin")
    assert done.returncode == 1
    assert place in done.stderr and "Next:" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_settings_of_another_deployment_are_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "q.env").write_text("MONGODB_URI=mongodb://elsewhere/quilltap\n")
    (tmp_path / "c.toml").write_text(f'[profiles.prod]\nenv_file = "{tmp_path}/q.env"\n')
    done = cli.run("--profile", "prod", "--config", str(tmp_path / "c.toml"), "list", "--json")
    assert done.returncode == 4
    error = json.loads(done.stdout)["error"]
    assert "environment MONGODB_URI" in error["what"] and "q.env" in error["what"]


def test_without_settings_each_verb_says_what_to_set(tmp_path: Path) -> None:
    bare = Cli(
        {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "QUILLKEEP_CONFIG": "/dev/null",
        }
    )
    listed = bare.run("list")
    if not Path("/backups/quilltap").exists():
        assert listed.returncode == 1 and "BACKUP_DIR" in listed.stderr
    backed_up = bare.run("backup", BACKUP_DIR=str(tmp_path))
    assert (
        backed_up.returncode == 1
        and "MONGODB_URI" in backed_up.stderr
        and "localhost:27017" in backed_up.stderr
    )


def test_doctor_names_sources_and_no_secret(cli: Cli) -> None:
    done = cli.run("doctor")
    assert "environment MONGODB_DATABASE" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    assert cli.environ["S3_SECRET_KEY"] not in done.stdout
    rows = {row["setting"]: row for row in json.loads(cli.run("doctor", "--json").stdout)["settings"]}
    pepper = rows["pepper"]
    assert (pepper["value"], pepper["source"]) == ("set", "environment ENCRYPTION_MASTER_PEPPER")
    assert pepper["line"].endswith('pepper_file = "/etc/quillkeep/pepper"')


@pytest.mark.parametrize(
    ("name", "code", "status"),
    [
        ("zoo.archive.gz", 0, "ok"),
        # Whole, and its keys are stored with another pepper than this deployment's.
        ("quilltap-20261101.gz", 3, "warn"),
        ("corrupt/truncated.gz", 1, "fail"),
        ("quilltap-20261101.gz.gpg", 3, "skipped"),
    ],
)
def test_verify_of_foreign_backups(cli: Cli, tmp_path: Path, name: str, code: int, status: str) -> None:
    # Verify notes its result beside the backup, so it gets a copy.
    copied = Path(shutil.copy(FIXTURES / name, tmp_path))
    assert cli.json("verify", str(copied), code=code)["status"] == status
    assert (tmp_path / f"{copied.name}.notes.jsonl").exists()


def test_an_unknown_backup_is_usage(cli: Cli, filled: Database[Any]) -> None:
    assert cli.run("show", "quilltap_19990101_000000").returncode == 2
    assert cli.run("plan", "latest").returncode == 4


def test_a_person_confirms_with_profile_and_database(cli: Cli, filled: Database[Any], mongod: Any) -> None:
    code, text = at_a_terminal(cli.environ, "backup", "--only", "database", answer="")
    assert code == 130 and "[y/N]" in text and "Nothing was done" in text
    code, text = at_a_terminal(cli.environ, "backup", "--only", "database", answer="y")
    assert code in (0, 3), text
    filled["users"].delete_many({})
    arguments = ("restore", "latest", "--only", "database", "--allow", "writers", "--allow", "unknown-space")
    code, text = at_a_terminal(cli.environ, *arguments, answer="yes")
    assert code == 4 and "users" in text and "collections are the same" in text, text
    words = re.search(r"Type (\S+) to go on", text)
    assert words and words[1].endswith(f"/{filled.name}")
    assert filled["users"].count_documents({}) == 0
    code, text = at_a_terminal(cli.environ, *arguments, answer=words[1])
    assert code in (0, 3), text
    assert filled["users"].count_documents({}) == 60
