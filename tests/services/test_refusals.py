"""Every refusal and failure, as an admin reads it: what happened, what was and wasn't touched, what to do next."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pymongo import MongoClient

from services.demo.servers import Mongod, Weed
from services.jobs.database_lock import DatabaseLock
from services.jobs.location_lock import writing
from services.profile import BucketTarget
from tests.services.command_support import Command, Done, at_a_terminal, environment
from tests.support import FIXTURES, ROOT

UNTOUCHED = "Nothing was changed."
AS_IT_WAS = "Live data is as it was."
AT_ONCE = 3
"""Commands that run beside each other; each has a state folder of its own."""
LOCKING = frozenset({"restore", "rollback", "release"})
VERBS = frozenset(
    [
        "backup",
        "list",
        "show",
        "verify",
        "plan",
        "restore",
        "rollback",
        "release",
        "unlock",
        "pin",
        "unpin",
        "accept",
        "jobs",
        "doctor",
        "demo",
    ]
)


class Case(NamedTuple):
    """A command line, the exit code, and words of each sentence; `variables` are added to the environment."""

    arguments: str
    code: int
    what: str
    next: str
    cause: str = ""
    touched: str = UNTOUCHED
    variables: dict[str, str] = {}


def no_servers(folder: Path) -> list[Case]:
    """What ends before any server is asked."""
    toml = folder / "bad.toml"
    toml.write_text("nonsense")
    unknown = folder / "unknown.toml"
    unknown.write_text("[profiles.prod]\nenvfile = 'x'\n")
    other = folder / "other.toml"
    (folder / "other.env").write_text("MONGODB_DATABASE=elsewhere\n")
    other.write_text(f"[profiles.prod]\nenv_file = '{folder}/other.env'\n")
    (folder / "broken.env").write_text("MONGODB_URI=mongodb://a\n'no end\n")
    report = folder / "report.json"
    report.touch()
    return [
        Case("bakcup", 2, "No such verb 'bakcup'. Did you mean `backup`?", "`quillkeep --help`"),
        Case("list --bogus", 2, "No such option '--bogus'", "`quillkeep list --help`"),
        Case("backup --only bogus", 2, "'bogus' is not one of", "`quillkeep backup --help`"),
        Case("restore", 2, "needs a BACKUP", "`quillkeep list`"),
        Case("restore latest --finish J", 2, "takes no BACKUP", "`quillkeep restore --finish J`"),
        Case(f"restore x --yes --report {report}", 2, f"{report} exists already", "--report"),
        Case(f"--config {toml} list", 2, "is not valid TOML", f"Correct {toml}", cause="Expected"),
        Case(f"--config {unknown} list", 2, "unknown key `envfile` in [profiles.prod]", "Correct or remove"),
        Case(f"--config {folder}/none.toml list", 1, "does not exist", "Correct --config"),
        Case(f"--env-file {folder}/none.env list", 1, "does not exist", "Correct --env-file"),
        Case(f"--env-file {folder}/broken.env list", 1, "cannot be understood from line 2", "NAME=value"),
        Case("--profile prod list", 2, "no profile `prod`", "--profile"),
        Case(f"--profile prod --config {other} list", 4, "elsewhere (.env at", "`unset MONGODB_DATABASE`"),
        Case("backup", 2, "must begin with mongodb://", "MONGODB_URI", variables={"MONGODB_URI": "http://x"}),
        Case(
            "list",
            1,
            "No location can be read",
            "Mount it",
            "not mounted",
            variables={"BACKUP_DIR": "/none/b"},
        ),
        Case("jobs follow", 1, "There are no jobs", "`quillkeep backup`"),
        Case("jobs follow nope", 2, "There is no job nope", "`quillkeep jobs`"),
        Case("jobs cancel nope", 2, "There is no job nope", "`quillkeep jobs`"),
        Case(
            "show quilltap_19990101_000000",
            2,
            "There is no backup",
            "`quillkeep list`",
            cause="No backup can be seen",
        ),
        Case(
            "show latest",
            4,
            "no good backup of this deployment",
            "`quillkeep list`",
            cause="no backup at all",
        ),
        Case("pin nope", 2, "There is no backup 'nope'", "`quillkeep list`"),
        Case("restore latest", 4, "not confirmed, and without a terminal nothing asks", "Add --yes"),
        Case("rollback", 4, "not confirmed", "Add --yes"),
        Case("release J", 4, "not confirmed", "Add --yes"),
        Case("unlock J", 4, "not confirmed", "Add --yes"),
    ]


def with_servers() -> list[Case]:
    """What the servers, or their absence, end; the location is empty."""
    down = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200"
    nobody = {"MONGODB_DATABASE": "quilltap_of_nobody"}
    return [
        Case(
            "backup",
            1,
            "could not reach the database",
            "MONGODB_URI",
            "refused",
            variables={"MONGODB_URI": down},
        ),
        Case(
            "restore x --yes", 1, "could not reach", "MONGODB_URI", "refused", variables={"MONGODB_URI": down}
        ),
        Case("backup", 2, "does not allow: 'a b'", "MONGODB_DATABASE", variables={"MONGODB_DATABASE": "a b"}),
        Case("backup", 1, "does not answer", "S3_ENDPOINT", variables={"S3_ENDPOINT": "http://127.0.0.1:9"}),
        Case(
            "backup", 1, "does not accept the S3 keys", "S3_SECRET_KEY", variables={"S3_SECRET_KEY": "wrong"}
        ),
        Case(
            "backup",
            1,
            "not-there does not exist",
            "s3 mb s3://not-there",
            variables={"S3_BUCKET": "not-there"},
        ),
        Case(
            "backup",
            1,
            "has no collections",
            "`quillkeep restore latest`",
            "This server has",
            variables=nobody,
        ),
        Case("backup --exclude nope", 1, "has no collection nope", "--exclude", cause="It has: tags, users."),
        Case("backup --location nas", 2, "no location 'nas'", "BACKUP_DIR"),
        Case("backup --stop-app", 4, "nothing says how to stop", "app = {stop="),
        Case("backup", 1, "cannot be written", "`quillkeep doctor`", variables={"BACKUP_DIR": "/proc"}),
        Case("backup", 4, "is not there", "mkdir -p -m 700", variables={"BACKUP_DIR": "/dev/null"}),
        Case(
            "backup",
            1,
            "no job can be started",
            "QUILLKEEP_STATE_DIR",
            variables={"QUILLKEEP_STATE_DIR": "/proc/x"},
        ),
        Case("verify", 4, "no good backup", "`quillkeep list`", cause="no backup at all"),
        Case(f"verify {FIXTURES}/README.md", 2, "is no backup that Quillkeep knows", "`quillkeep list`"),
        Case("restore latest --yes", 4, "no good backup of this deployment", "`quillkeep list`"),
        Case("restore --finish J", 4, "No restore J is known", "`quillkeep jobs`", cause="None is waiting"),
        Case("rollback --yes", 4, "nothing to roll back", "`quillkeep jobs`"),
        Case("rollback J --yes", 4, "No restore or rollback J is known", "`quillkeep jobs`", cause="none"),
        Case("release J --yes", 4, "J holds copies", "`quillkeep jobs`", cause="none"),
        Case("unlock J --yes", 4, "Job J holds no lock", "`quillkeep jobs`"),
    ]


def with_a_backup(id: str, folder: Path) -> list[Case]:
    """What is refused of a backup that is there."""
    dump, gone = f"{folder}/quilltap-20261101.gz", f"{folder}/truncated.gz"
    app = folder / "app.toml"
    app.write_text("[profiles.prod]\napp = {stop = 'echo no >&2; exit 7', start = 'true', status = 'true'}\n")
    other = {"S3_PATH_PREFIX": "elsewhere/"}
    go = "--yes --allow writers"
    return [
        Case(
            f"restore {id} --yes",
            4,
            "risk that was not allowed: writers",
            "--allow writers",
            "still connected",
        ),
        Case(
            f"restore {id} {go}",
            4,
            "not allowed: other-deployment",
            "--allow other-deployment",
            variables=other,
        ),
        Case(f"--read-only restore {id} --yes", 4, "READ-ONLY", "--read-only"),
        Case("--read-only rollback --yes", 4, "READ-ONLY", "--read-only"),
        Case("--read-only release J --yes", 4, "READ-ONLY", "--read-only"),
        Case("--read-only restore --finish J", 4, "READ-ONLY", "--read-only"),
        Case(
            f"restore {id} --collections tagz {go}",
            4,
            "Did you mean tags?",
            "--collections",
            "It holds: tags, users",
        ),
        Case(f"restore {id} --to-database a$b {go}", 2, "'a$b' cannot be the name", "--to-database"),
        Case(f"restore {id} --to-bucket not-there {go}", 4, "s3 mb s3://not-there", "`quillkeep plan`"),
        Case(f"restore {dump} {go}", 4, "holds the database quilltap", "--from-database quilltap"),
        Case(
            f"restore {dump} --from-database zzz {go}",
            4,
            "no database zzz",
            "--from-database",
            "It holds: quilltap",
        ),
        Case(f"restore {dump} --only objects {go}", 4, "has no objects part", "`quillkeep list`"),
        Case(f"restore {dump}.gpg {go}", 4, "is encrypted with gpg", "passphrase"),
        Case(f"restore {gone} --from-database quilltap {go}", 1, "it is truncated", "`quillkeep list`"),
        Case(f"verify {folder}/nothing-there.gz", 2, "There is no backup", "`quillkeep list`"),
        Case(f"accept {id}", 4, "nothing to accept", f"`quillkeep show {id}`", cause="It is good"),
        Case(
            f"accept {id} --lost k",
            2,
            "does not miss the object 'k'",
            f"`quillkeep show {id}`",
            "It misses: none",
        ),
        Case(
            f"--profile prod --config {app} restore {id} {go}",
            1,
            "stops the application ended with 7",
            "app.stop",
            touched=AS_IT_WAS,
        ),
        Case(
            f"--profile prod --config {app} backup --stop-app",
            1,
            "stops the application ended with 7",
            "app.stop",
            touched="The application was not stopped; no data was changed.",
        ),
    ]


@pytest.fixture
def live(
    mongod: Mongod, database: str, weed: Weed, bucket: BucketTarget, location: Path, tmp_path: Path
) -> Iterator[Command]:
    """A small deployment, and a client that stays connected to it."""
    with MongoClient[Any](mongod.uri, appname="idle") as client:
        for name in ("users", "tags"):
            client[database][name].insert_many([{"id": n, "text": "x" * 40} for n in range(60)])
        weed.client().put_object(Bucket=bucket.bucket, Key="users/u/IMAGE/1_a.png", Body=b"x" * 99)
        yield Command(environment(tmp_path, mongod.uri, database, location, bucket))


def run_all(command: Command, cases: list[Case], folder: Path, *, own_locations: bool = False) -> None:
    """Runs the cases and reads what they say: beside each other, but for those that take the database's lock.

    With `own_locations` each has a folder for backups of its own, which has to be empty afterwards.
    """

    def run(number: int, case: Case) -> Done:
        places = {"QUILLKEEP_STATE_DIR": str(folder / f"state{number}")}
        if own_locations:
            places["BACKUP_DIR"] = str(folder / f"backups{number}")
            Path(places["BACKUP_DIR"]).mkdir(mode=0o700)
        done = command.run(*case.arguments.split(), "--json", **(places | case.variables))
        assert not own_locations or not os.listdir(places["BACKUP_DIR"]), (case, "left something")
        return done

    numbered = list(enumerate(cases))
    alone = [each for each in numbered if LOCKING & set(each[1].arguments.split())]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        beside = [
            (case, pool.submit(run, number, case)) for number, case in numbered if (number, case) not in alone
        ]
        for case, done in beside:
            read(case, done.result())
    for number, case in alone:
        read(case, run(number, case))


def read(case: Case, done: Done) -> None:
    """One document on stdout, the same sentences on stderr, and each of them says something."""
    said = f"{case.arguments} {case.variables}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == case.code, said
    assert done.stdout.count("\n") == 1 and done.stdout.endswith("\n"), said
    document = json.loads(done.stdout)
    assert document["status"] == ("refused" if case.code == 4 else "failed"), said
    assert document["warnings"] == [], said
    error = document["error"]
    assert set(error) == {"what", "cause", "touched", "next"}, said
    for part in ("what", "cause", "next", "touched"):
        assert getattr(case, part) in error[part], f"{part}: {getattr(case, part)!r}\n{said}"
    assert error["what"][0].isprintable() and len(error["what"]) > 15, said
    assert error["touched"] and len(error["next"]) > 5, said
    assert names_an_action(error["next"]), said
    assert "Traceback" not in said and "defect of its own" not in said
    spoken = " ".join(done.stderr.split())
    for part in (error["what"], error["touched"], error["next"]):
        assert " ".join(part.split())[:70] in spoken, f"stderr lacks {part!r}\n{said}"


def names_an_action(text: str) -> bool:
    """A command that exists, a flag, a setting to correct, or a sentence that begins with what to do."""
    commands = re.findall(r"quillkeep (?!-)([a-z]+)", text)
    assert set(commands) <= VERBS, text
    verbs = [
        "Add",
        "Check",
        "Correct",
        "Decrypt",
        "Look",
        "Make",
        "Mount",
        "Name",
        "Put",
        "Remove",
        "Run",
        "Set",
        "Then",
        "Try",
        "Use",
        "Wait",
        "Write",
    ]
    return bool(commands) or "--" in text or "`unset " in text or text.split()[0] in verbs


def test_what_is_wrong_on_the_command_line_and_in_settings(tmp_path: Path) -> None:
    command = Command(environment(tmp_path, "mongodb://127.0.0.1:9", "quilltap", tmp_path))
    run_all(command, no_servers(tmp_path), tmp_path)
    bare = {
        name: command.environ[name] for name in ("PATH", "HOME", "PYTHONPATH", "LANG", "QUILLKEEP_CONFIG")
    }
    unset = [
        Case("backup", 1, "No MongoDB is configured", "MONGODB_URI", variables={"BACKUP_DIR": str(tmp_path)})
    ]
    if not Path("/backups/quilltap").exists():
        unset.append(Case("list", 1, "No folder for backups is configured", "BACKUP_DIR", "localhost:27017"))
    run_all(Command(bare), unset, tmp_path)


def test_what_the_servers_end(live: Command, tmp_path: Path) -> None:
    run_all(live, with_servers(), tmp_path, own_locations=True)


def test_what_is_refused_of_a_backup(live: Command, mongod: Mongod, location: Path, tmp_path: Path) -> None:
    for name in ("quilltap-20261101.gz", "quilltap-20261101.gz.gpg", "corrupt/truncated.gz"):
        shutil.copy(FIXTURES / name, tmp_path)
    id = live.json("backup")["id"]
    database = live.environ["MONGODB_DATABASE"]
    with MongoClient[Any](mongod.uri) as client:
        before = client[database].command("dbHash")["collections"]
        run_all(live, with_a_backup(id, tmp_path), tmp_path)
        after = client[database].command("dbHash")["collections"]
    assert {name: value for name, value in after.items() if name != "__quillkeep_jobs"} == before

    archive = location / f"{id.replace('quilltap_', 'quilltap_mongo_')}.gz"
    archive.write_bytes(b"no gzip")
    bad = Case(f"restore {id} --yes --allow writers", 1, "expected gzip data", "`quillkeep list`", touched="")
    read(bad, live.run(*bad.arguments.split(), "--json"))
    archive.unlink()
    gone = Case(f"restore {id} --yes", 4, "is not there", "`quillkeep list`")
    read(gone, live.run(*gone.arguments.split(), "--json"))
    checked = live.json("verify", id, code=1)
    assert checked["status"] == "fail"
    failed = [each for each in checked["checks"] if each["status"] == "fail"]
    assert failed and all(each["detail"] and each["next"] for each in failed), failed


def test_what_rollbacks_refuse(live: Command, mongod: Mongod) -> None:
    id = live.json("backup")["id"]
    restore = ("restore", id, "--only", "database", "--yes", "--allow", "writers")
    first = live.json(*restore, code=3)["job"]
    second = live.json(*restore, code=3)["job"]

    def refuse(arguments: str, what: str, next: str, cause: str = "") -> None:
        read(Case(arguments, 4, what, next, cause), live.run(*arguments.split(), "--json"))

    refuse(f"rollback {first} --yes", f"A newer one stands on top of {first}", f"quillkeep rollback {second}")
    # The restore's own confirmation was for the restore.
    refuse("rollback --yes", "not allowed: writers", "--allow writers", "idle from 127.0.0.1")
    live.json("rollback", "--yes", "--allow", "writers")
    refuse(
        f"rollback {second} --yes", "was rolled back already by", "`quillkeep rollback`", "can be rolled back"
    )
    refuse(f"jobs cancel {second}", "does not run any more", f"`quillkeep jobs follow {second}`")


def test_what_locks_refuse(live: Command, mongod: Mongod, location: Path) -> None:
    id = live.json("backup", "--only", "database")["id"]
    before = sorted(path.name for path in location.iterdir())
    job = "20990101_000000"

    def refuse(arguments: str, what: str, cause: str) -> None:
        case = Case(arguments, 4, what, f"`quillkeep jobs follow {job}`", cause)
        read(case, live.run(*arguments.split(), "--json"))

    with MongoClient[Any](mongod.uri, appname="quillkeep") as client:
        database = client[live.environ["MONGODB_DATABASE"]]
        with DatabaseLock.acquire(database, job=job, verb="restore", clock=lambda: datetime.now(UTC)):
            refuse("backup", "No backup is made while the live data is being changed", f"job {job} (restore)")
            refuse(f"restore {id} --yes", "Another job works on the database", f"job {job} (restore)")
            refuse("rollback --yes", "Another job works on the database", f"job {job} (restore)")
    with writing(location, job, verb="backup"):
        refuse("backup", "Another job writes to the location", f"job {job} (backup)")
    assert sorted(path.name for path in location.iterdir() if not path.name.startswith(".")) == before


def test_every_refusal_in_the_code_says_what_to_do_next() -> None:
    """What cannot be provoked here is at least written: `Refused` and `UsageProblem` always get a next step."""
    silent = []
    for folder in ("services", "tui"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Refused", "UsageProblem"):
                    keywords = {keyword.arg for keyword in node.keywords}
                    if not keywords & {"next", None}:
                        silent.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not silent, silent


def test_a_rollback_at_a_terminal_shows_its_risk_before_it_asks(live: Command) -> None:
    id = live.json("backup", "--only", "database")["id"]
    live.json("restore", id, "--only", "database", "--yes", "--allow", "writers", code=3)
    code, text = at_a_terminal(live.environ, "rollback", answer="y")
    assert code == 4 and "not allowed: writers" in text and "idle from 127.0.0.1" in text, text
    assert "--allow writers" in text and "[y/N]" not in text, text
    code, text = at_a_terminal(live.environ, "rollback", "--allow", "writers", answer="y")
    assert code in (0, 3) and "[y/N]" in text, text
