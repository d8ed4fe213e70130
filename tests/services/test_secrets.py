"""No secret and no open file: every verb is run as a real tree of processes, and looked at while it runs."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pymongo import MongoClient

from services.demo.servers import Mongod, Weed
from services.jobs.journal import follow_events
from services.jobs.launch import start_job
from services.operations.selftest import SelftestPlan
from services.paths import Paths
from services.profile import BucketTarget, MongoTarget, Profile
from services.secret import Secret
from tests.services.command_support import Command, Done, environment

PASSWORD = "Pw:7f/Ω@s3cr#t%word-of-mongodb"
PEPPER = "pepper-6b1e-of-the-application-which-nobody-sees"
PROXY_PASSWORD = "proxy-9d2c-password"
WRONG_PASSWORD = "wr0ng-4a77/pass@word"
WRONG_KEY = "wr0ng-5b88-secret-key-of-s3"
FRONT_END = b"\0-m\0tui\0"
DATABASE = "quilltap"


class Watch(threading.Thread):
    """Samples /proc and the modes of every file below `folders`, again and again, until stopped.

    `seen` counts processes of ours by their module; `leaks` and `open_to_others` are findings.
    """

    def __init__(self, secrets: tuple[str, ...], folders: tuple[Path, ...]) -> None:
        super().__init__(daemon=True)
        self.needles = tuple(needle for secret in secrets for needle in forms_of(secret))
        self.folders = folders
        self.seen: set[str] = set()
        self.leaks: set[str] = set()
        self.open_to_others: set[str] = set()
        self.rounds = 0
        self._ignored = set(running())
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.is_set():
            for pid in running():
                if pid not in self._ignored:
                    self._look_at(pid)
            self._look_at_modes()
            self.rounds += 1
            self._done.wait(0.005)

    def stop(self) -> None:
        self._done.set()
        self.join(10)
        self._look_at_modes()

    def _look_at(self, pid: int) -> None:
        # A child that has not called exec yet still shows its parent's environment, and its command line.
        command, environ, again = read(pid, "cmdline"), read(pid, "environ"), read(pid, "cmdline")
        if command != again or not command:
            return
        for module in (b"services.jobs.runner", b"services.jobs.watcher", b"app-control", b"-m\0tui"):
            if module in command:
                self.seen.add(module.decode().replace("\0", " "))
        for needle in self.needles:
            if needle in command:
                self.leaks.add(f"cmdline {command[:80]!r}")
            if needle in environ and FRONT_END not in command + b"\0":
                self.leaks.add(f"environ of {command[:80]!r}")

    def _look_at_modes(self) -> None:
        for folder in self.folders:
            for path in below(folder):
                with contextlib.suppress(FileNotFoundError):
                    status = path.lstat()
                    if stat.S_ISLNK(status.st_mode):
                        continue
                    if stat.S_IMODE(status.st_mode) & 0o077:
                        self.open_to_others.add(f"{stat.S_IMODE(status.st_mode):o} {path}")


def below(folder: Path) -> Iterator[Path]:
    """Everything below a folder, however fast it goes away."""
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(root, name)


def running() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def forms_of(secret: str) -> tuple[bytes, ...]:
    """A secret as it stands, as a URI holds it, and as JSON escapes it."""
    written = {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1]}
    return tuple(form.encode() for form in written)


class Deployment:
    """A deployment behind a password, run under umask 000, with everything that is written below `home`."""

    def __init__(self, home: Path, mongod: Mongod, bucket: BucketTarget) -> None:
        assert bucket.secret_key
        self.home = home
        self.location = home / "backups"
        self.temporary = home / "tmp"
        for folder in (self.location, self.temporary):
            folder.mkdir(mode=0o700)
        self.uri = mongod.uri_for("quilltap-user", PASSWORD)
        self.bucket = bucket
        self.secrets = (
            PASSWORD,
            PEPPER,
            PROXY_PASSWORD,
            bucket.secret_key.reveal(),
            WRONG_PASSWORD,
            WRONG_KEY,
        )
        config = home / "config.toml"
        running = home / "running"
        running.touch(0o600)
        # The commands of an application: each stays long enough to be looked at.
        config.write_text(
            "[profiles.prod]\n"
            f"app = {{stop = ': app-control; sleep 0.2; rm -f {running}',"
            f" start = ': app-control; touch {running}', status = ': app-control; test -e {running}'}}\n"
        )
        config.chmod(0o600)
        proxy = f"http://someone:{PROXY_PASSWORD}@127.0.0.1:9"
        environ = environment(home, self.uri, DATABASE, self.location, bucket, pepper=PEPPER) | {
            "TMPDIR": str(self.temporary),
            "QUILLKEEP_CONFIG": str(config),
            "HTTP_PROXY": proxy,
            "https_proxy": proxy,
            "NO_PROXY": "127.0.0.1,localhost",
        }
        self.command = Command(environ, umask=0)
        self.watch = Watch(self.secrets, (self.location, home / "state", self.temporary))
        self.told: list[Done] = []

    def run(self, *arguments: str, code: int, **more: str) -> Done:
        done = self.command.run(*arguments, **more)
        self.told.append(done)
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done

    def profile(self) -> Profile:
        """What a front end hands to a job."""
        return Profile(
            mongo=MongoTarget(uri=Secret(self.uri), database=DATABASE),
            bucket=self.bucket,
            pepper=Secret(PEPPER),
        )

    def assert_untold(self) -> None:
        """No secret in anything that was printed or written."""
        needles = self.watch.needles
        for done in self.told:
            text = (done.stdout + done.stderr).encode()
            assert not [needle for needle in needles if needle in text], (done.args, done.stdout, done.stderr)
        written = [path for path in below(self.home) if path.is_file()]
        assert len(written) > 10
        for path in written:
            data = path.read_bytes()
            assert not [needle for needle in needles if needle in data], path


@pytest.fixture
def deployment(mongod_auth: Mongod, weed: Weed, bucket: BucketTarget, tmp_path: Path) -> Iterator[Deployment]:
    with MongoClient[Any](mongod_auth.uri) as client:
        roles = [{"role": role, "db": DATABASE} for role in ("readWrite", "dbAdmin")]
        client.admin.command("createUser", "quilltap-user", pwd=PASSWORD, roles=roles)
        for name in ("users", "tags"):
            client[DATABASE][name].insert_many([{"id": n, "text": name * 20} for n in range(40)])
        row = {"id": "a", "userId": "u", "s3Key": "users/u/IMAGE/1_a.png", "size": 99}
        client[DATABASE].files.insert_one(row)
        weed.client().put_object(Bucket=bucket.bucket, Key="users/u/IMAGE/1_a.png", Body=b"x" * 99)
        made = Deployment(tmp_path, mongod_auth, bucket)
        made.watch.start()
        yield made
        made.watch.stop()
        client.admin.command("dropUser", "quilltap-user")
        client.drop_database(DATABASE)


def test_no_verb_shows_a_secret_or_an_open_file(deployment: Deployment, mongod_auth: Mongod) -> None:
    run = deployment.run
    risks = [part for word in ("writers", "unknown-space") for part in ("--allow", word)]
    report = deployment.home / "state" / "report.json"
    run("doctor", code=0)
    run("backup", "--stop-app", "--profile", "prod", code=2)
    run("--profile", "prod", "backup", "--stop-app", "--reason", "nightly", code=0)
    run("list", "--json", code=0)
    run("show", "latest", code=0)
    run("verify", "latest", "--json", code=0)
    run("pin", "latest", code=0)
    run("unpin", "latest", code=0)
    run("accept", "latest", code=4)
    with MongoClient[Any](mongod_auth.uri) as client:
        client[DATABASE]["tags"].delete_many({"id": {"$gt": 9}})
    run("plan", "latest", code=0)
    run("restore", "latest", code=4)
    restored = run("--profile", "prod", "restore", "latest", "--yes", *risks, "--report", str(report), code=0)
    assert report.exists(), restored
    run("rollback", "--yes", *risks, code=0)
    newest = sorted((deployment.home / "state" / "jobs").iterdir())[-1].name
    run("release", newest, "--yes", code=0)
    run("unlock", newest, "--yes", code=4)
    run("jobs", "--json", code=0)
    run("jobs", "follow", "--json", code=4)
    run("jobs", "cancel", newest, code=4)
    deployment.watch.stop()

    assert {"services.jobs.runner", "services.jobs.watcher", "app-control", "-m tui"} == deployment.watch.seen
    assert deployment.watch.rounds > 50
    assert not deployment.watch.leaks
    assert not deployment.watch.open_to_others
    deployment.assert_untold()


def test_no_failure_tells_a_secret(deployment: Deployment, mongod_auth: Mongod) -> None:
    run = deployment.run
    wrong = mongod_auth.uri_for("quilltap-user", WRONG_PASSWORD)
    run("backup", "--json", code=1, MONGODB_URI=wrong)
    run("plan", "latest", code=1, MONGODB_URI=wrong)
    nowhere = (
        f"mongodb://quilltap-user:{quote(WRONG_PASSWORD, safe='')}@127.0.0.1:9/?serverSelectionTimeoutMS=200"
    )
    run("backup", code=1, MONGODB_URI=nowhere)
    # Not a URI: `@` and `/` of the password are not escaped.
    run("backup", "--json", code=2, MONGODB_URI=f"mongodb://me:{WRONG_PASSWORD}@127.0.0.1:9/")
    run("backup", "--json", code=1, S3_SECRET_KEY=WRONG_KEY)
    run("backup", code=1, MONGODB_URI=f"mongodb+srv://me:{quote(WRONG_PASSWORD, safe='')}@nowhere.invalid/")
    run("doctor", "--json", code=0, MONGODB_URI=wrong)
    (deployment.home / "both.toml").write_text("[profiles.two]\nenv_file='two.env'\n")
    two = f"MONGODB_URI={wrong}\nS3_SECRET_KEY={WRONG_KEY}\nENCRYPTION_MASTER_PEPPER=other-{PEPPER[:4]}\n"
    env_file = deployment.home.parent / f"{deployment.home.name}.env"
    env_file.write_text(two + "MONGODB_DATABASE=elsewhere\n")
    run("--env-file", str(env_file), "list", code=0)
    env_file.write_text(two + f"'{WRONG_KEY} without its quote\n")
    run("--env-file", str(env_file), "list", code=1)
    deployment.watch.stop()
    assert not deployment.watch.leaks
    assert not deployment.watch.open_to_others
    deployment.assert_untold()


@pytest.mark.parametrize("outcome", ["crash", "failed", "refused", "ok"])
def test_a_job_that_ends_badly_tells_no_secret(deployment: Deployment, outcome: Any) -> None:
    """An operation's own words hold every secret: in an error's text, its traceback, and in a log line."""
    words = " and ".join((*deployment.secrets[:2], deployment.secrets[3], deployment.uri))
    paths = Paths(deployment.home / "state")
    plan = SelftestPlan(outcome=outcome, text=words, seconds=0.05)
    before = os.umask(0)
    try:
        started = start_job("selftest", plan, deployment.profile(), paths)
        events = list(follow_events(started.folder, process=started.process))
    finally:
        os.umask(before)
    assert events
    deployment.told.append(deployment.command.run("jobs", "follow", started.job, "--json"))
    deployment.told.append(deployment.command.run("jobs", "follow", started.job))
    deployment.watch.stop()
    if outcome == "crash":
        assert "Traceback" in (started.folder / "log").read_text()
    assert "services.jobs.runner" in deployment.watch.seen
    assert not deployment.watch.leaks
    assert not deployment.watch.open_to_others
    needles = deployment.watch.needles
    for path in below(started.folder):
        data = path.read_bytes()
        assert not [needle for needle in needles if needle in data], (path, data)
    for done in deployment.told:
        text = (done.stdout + done.stderr).encode()
        assert not [needle for needle in needles if needle in text], text


def test_the_watch_would_see_a_leak(tmp_path: Path) -> None:
    """The sampling itself can fail: a secret in an argument, one in an environment, one open file."""
    watch = Watch((PASSWORD, PEPPER), (tmp_path,))
    watch.start()
    program = [sys.executable, "-c", "import time; time.sleep(0.5)"]
    first = subprocess.Popen([*program, quote(PASSWORD, safe="")], env={})
    second = subprocess.Popen(program, env={"X": f"y{PEPPER}"})
    (tmp_path / "open").touch(0o644)
    first.wait()
    second.wait()
    watch.stop()
    assert {leak.split()[0] for leak in watch.leaks} == {"cmdline", "environ"}
    assert len(watch.open_to_others) == 1
