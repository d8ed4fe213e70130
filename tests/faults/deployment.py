"""A deployment whose jobs are killed: old and new data that are rebuilt in a moment, held at a command, followed out."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pymongo.database import Database

from services.demo.mongod import Mongod
from services.jobs.database_lock import break_lock, read_lock
from services.jobs.events import AnyEvent, Checkpoint, Finished, PhaseStarted
from services.jobs.host import life_of
from services.jobs.journal import read_events
from services.jobs.launch import StartedJob, start_job
from services.jobs.listing import JobSummary, summarize
from services.jobs.process import is_alive
from services.mongo.record import SwapRecord, read_record, read_records
from services.names import JOBS_COLLECTION
from services.objects.bucket import Bucket, open_bucket
from services.objects.keys import Headers
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.release import ReleasePlan, release
from services.operations.restore import RestorePlan
from services.paths import Paths
from services.profile import BucketTarget, Profile
from services.recovery.request import RestoreRequest
from services.settings.flags import Flags
from services.settings.resolve import resolve
from tests.services.restore_support import Picture, job_id, picture
from tests.services.test_restore_objects import contents
from tests.support import ROOT, make_context

SECONDS = 40.0
DATABASE = "quilltap_kills"
HELD_MS = 800
REPLACED, ADDED, SAME = 8, 4, 4
State = tuple[Picture, dict[str, tuple[str, str | None]]]


def key_of(number: int) -> str:
    """The key of an object: the first `REPLACED` differ, `SAME` are equal, `ADDED` are only in the backup."""
    return f"users/u/IMAGE/{number:03}.png"


def wait_for(condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """What `condition` gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.005)
    return found


class Deployment:
    """One database, bucket, backup folder and application (a file that its commands make and remove)."""

    def __init__(self, mongod: Mongod, target: BucketTarget, folder: Path, *, app: bool = True) -> None:
        self.mongod = mongod
        self.folder = folder
        self.location = folder / "backups"
        self.location.mkdir(mode=0o700)
        self.running = folder / "app-runs"
        self.paths = Paths(folder / "state")
        self.client = mongod.client()
        self.admin = mongod.client()
        self.db: Database[Any] = self.client[DATABASE]
        config = folder / "config.toml"
        lines = ["[profiles.kills]", "production = false"]
        if app:
            commands = {
                "stop": f"rm -f {self.running}; if [ -e {folder}/stop-hangs ]; then sleep 5; fi",
                "start": f"if [ -e {folder}/start-hangs ]; then sleep 5; fi; touch {self.running}",
                "status": f"test -e {self.running}",
            }
            lines += [
                f"app = {{ {', '.join(f'{key} = {shlex.quote(value)}' for key, value in commands.items())} }}"
            ]
        config.write_text("\n".join(lines) + "\n")
        config.chmod(0o600)
        assert target.access_key is not None and target.secret_key is not None
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "QUILLKEEP_CONFIG": str(config),
            "QUILLKEEP_STATE_DIR": str(self.paths.state),
            "MONGODB_URI": mongod.uri,
            "MONGODB_DATABASE": DATABASE,
            "S3_ENDPOINT": target.endpoint or "",
            "S3_BUCKET": target.bucket,
            "S3_ACCESS_KEY": target.access_key.reveal(),
            "S3_SECRET_KEY": target.secret_key.reveal(),
            "S3_FORCE_PATH_STYLE": "true",
            "BACKUP_DIR": str(self.location),
        }
        self.profile: Profile = resolve(Flags(profile="kills"), self.environ, folder)
        assert self.profile.bucket is not None
        self.bucket: Bucket = open_bucket(self.profile.bucket)
        self.app_ran = True
        self.make_new()
        self._backup()
        self.kept = folder / "kept"
        shutil.copytree(self.location, self.kept, copy_function=shutil.copy2)
        self.new_objects = contents(self.bucket)
        new = picture(self.db)
        self._make_old()
        self.old: State = self.state()
        self.new: State = (
            {**self.old[0], **new},
            {**self.old[1], **self.new_objects},
        )

    def close(self) -> None:
        """Ends the clients."""
        self.client.close()
        self.admin.close()

    def state(self) -> State:
        """Documents, indexes, options, views; and objects by sha256."""
        return picture(self.db), contents(self.bucket)

    def reset(self) -> None:
        """The damaged state, the one good backup, a running application, no trace of any job."""
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "stop-hangs").unlink()
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "start-hangs").unlink()
        self.release_commands()
        shutil.rmtree(self.location)
        shutil.copytree(self.kept, self.location, copy_function=shutil.copy2)
        self.location.chmod(0o700)
        self._make_old()
        assert self.state() == self.old

    def make_new(self) -> None:
        self._clear()
        db = self.db
        db["characters"].insert_many([{"_id": f"c{n}", "name": f"new {n}", "at": n} for n in range(120)])
        db["characters"].create_index("name")
        db["characters"].create_index("expires", expireAfterSeconds=86_400)
        db.create_collection("chats", validator={"title": {"$type": "string"}})
        db["chats"].insert_many([{"_id": f"h{n}", "title": f"t{n}"} for n in range(60)])
        db["chats"].create_index("title", unique=True)
        db.create_collection("log", capped=True, size=64_000)
        db["log"].insert_many([{"_id": n, "line": f"new {n}"} for n in range(30)])
        db["turns"].insert_many([{"_id": n} for n in range(10)])
        db.create_collection("names", viewOn="characters", pipeline=[{"$project": {"name": 1}}])
        for number in range(REPLACED + ADDED + SAME):
            self._put(key_of(number), b"new" * (number + 1))

    def _make_old(self) -> None:
        self._clear()
        db = self.db
        db["characters"].insert_many([{"_id": f"c{n}", "name": f"old {n}"} for n in range(70)])
        db["characters"].create_index("expires", expireAfterSeconds=7_200)
        db.create_collection("log", capped=True, size=32_000)
        db["log"].insert_many([{"_id": n, "line": f"old {n}"} for n in range(20)])
        db.create_collection("turns", viewOn="log", pipeline=[])
        db["only_live"].insert_one({"_id": 1})
        for number in range(REPLACED):
            self._put(key_of(number), b"old" * (number + 2))
        for number in range(REPLACED, REPLACED + SAME):
            self._put(key_of(number), b"new" * (number + 1))
        self._put("users/u/IMAGE/only-live.png", b"live")

    def _clear(self) -> None:
        self.client.drop_database(DATABASE)
        keys = [info.key for info in self.bucket.list_under("")]
        assert not self.bucket.delete_many(keys) if keys else True
        shutil.rmtree(self.paths.jobs, ignore_errors=True)
        self.running.touch()

    def _put(self, key: str, data: bytes) -> None:
        self.bucket.put(key, data, size=len(data), headers=Headers(content_type="image/png"))

    def _backup(self) -> Any:
        return backup(BackupPlan(), make_context(self.profile, self.paths.state, job=job_id()))

    # -- jobs, held and killed

    def start(self, verb: str = "restore", plan: Any = None) -> Job:
        """A job process; `restore latest` without another plan, writers allowed."""
        if plan is None:
            plan = (
                RestorePlan(request=RestoreRequest(backup="latest"), allow=("writers",))
                if verb == "restore"
                else BackupPlan()
            )
        return Job(start_job(verb, plan, self.profile, self.paths), verb)

    @contextlib.contextmanager
    def held(
        self, command: str, *, skip: int = 0, late: bool = False, ms: int = HELD_MS, **more: Any
    ) -> Iterator[Held]:
        """Holds our (skip + 1)th such command before it runs; afterwards it fails, or with `late` it runs.

        Leaving waits for its end.
        """
        data: dict[str, Any] = {
            "failCommands": [command],
            "blockConnection": True,
            "blockTimeMS": ms,
            "appName": "quillkeep",
            **more,
        }
        if not late:
            data["errorCode"] = 11601
        answer = self.admin.admin.command(
            {
                "configureFailPoint": "failCommand",
                "mode": {"skip": skip} if skip else {"times": 1},
                "data": data,
            }
        )
        yield Held(self, int(answer["count"]) + 1)
        self.release_commands()

    def release_commands(self) -> None:
        """No command is held any more."""
        self.admin.admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    # -- what people do then

    def quillkeep(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command line, without a terminal, in the deployment's environment."""
        return subprocess.run(
            [sys.executable, "-m", "tui", *arguments],
            env=self.environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def follow(self, command: str) -> subprocess.CompletedProcess[str]:
        """Types what was printed; without a terminal a rollback wants `--yes`, and says which risk it asks about."""
        words = shlex.split(command)
        assert words[0] == "quillkeep", command
        if words[1] == "rollback":
            words.append("--yes")
        done = self.quillkeep(*words[1:])
        if done.returncode == 4 and "--allow writers" in done.stderr and words[1] == "rollback":
            # The tests' own client is such a writer.
            return self.quillkeep(*words[1:], "--allow", "writers")
        return done

    # -- what must hold

    def assert_whole(self, *, old: bool | None = None) -> str:
        """Live data is old or new, wholly; gives which. Added objects may stay beside the old ones."""
        now, objects = self.state()
        added = {key: self.new_objects[key] for key in self.new_objects.keys() - self.old[1].keys()}
        was_old = now == self.old[0]
        assert was_old or now == self.new[0], _difference(now, self.old[0], self.new[0])
        if was_old:
            beside = {key: value for key, value in objects.items() if key not in self.old[1]}
            assert {key: objects.get(key) for key in self.old[1]} == self.old[1]
            assert beside.items() <= added.items()
        else:
            assert objects == self.new[1]
        assert old is None or old == was_old, f"the data is {'old' if was_old else 'new'}"
        return "old" if was_old else "new"

    def assert_named(self) -> None:
        """Whatever of ours lies in database and bucket belongs to a record."""
        records = read_records(self.db)
        named = {JOBS_COLLECTION}
        for record in records:
            for pair in record.pairs:
                named |= {name for name in (pair.aside, pair.old, *pair.late) if name}
            if record.state == "loading":
                named |= {name for name in self.ours() if f"_{record.job}_" in name}
        assert self.ours() <= named, (self.ours() - named, records)
        jobs = {record.job for record in records if record.objects is not None}
        for key in self.our_keys():
            found = re.search(r"__quillkeep_old_([0-9_]+)/", key)
            assert found and found.group(1) in jobs, (key, records)

    def ours(self) -> set[str]:
        """Our collections."""
        return {name for name in self.db.list_collection_names() if name.startswith("__quillkeep_")}

    def our_keys(self) -> list[str]:
        """Our objects."""
        return [info.key for info in self.bucket.list_under("__quillkeep_")]

    def assert_backups_whole(self) -> None:
        """The good backup is there byte for byte."""
        for path in self.kept.rglob("*"):
            if path.is_file() and not path.name.endswith(".notes.jsonl"):
                assert (self.location / path.relative_to(self.kept)).read_bytes() == path.read_bytes(), path

    def assert_tidy_after_the_next_run(self) -> None:
        """A backup goes again, and once every record is released nothing of ours is left anywhere."""
        made = self._backup()
        assert made.id
        self.assert_backups_whole()
        for record in reversed(read_records(self.db)):
            if record.state == "loading" or read_record(self.db, record.job) is None:
                continue
            release(ReleasePlan(job=record.job), make_context(self.profile, self.paths.state, job=job_id()))
        owner = read_lock(self.db)
        if owner is not None:
            # It names its job, and clears itself when the next one wants it.
            assert life_of(owner.owner) == "dead"
            break_lock(self.db, owner.job)
        left = [document["_id"] for document in self.db[JOBS_COLLECTION].find({}, {"_id": 1})]
        assert self.ours() <= {JOBS_COLLECTION} and not left and not self.our_keys(), (
            self.ours(),
            left,
            self.our_keys(),
        )
        partial = [name for name in os.listdir(self.location) if "partial" in name or name.startswith(".")]
        assert not partial, partial

    def record(self) -> SwapRecord:
        """The newest record."""
        return read_records(self.db)[-1]


class Held:
    """A command that is being held at the server."""

    def __init__(self, deployment: Deployment, times: int) -> None:
        self._deployment = deployment
        self._times = times

    def wait(self, seconds: float = SECONDS) -> None:
        """Returns once it is there."""
        self._deployment.admin.admin.command(
            {"waitForFailPoint": "failCommand", "timesEntered": self._times, "maxTimeMS": int(seconds * 1000)}
        )


class Job:
    """A running job process."""

    def __init__(self, started: StartedJob, verb: str = "") -> None:
        self.id = started.job
        self.verb = verb
        self.folder = started.folder
        self.process = started.process

    @property
    def events(self) -> list[AnyEvent]:
        """Its journal."""
        return read_events(self.folder)

    @property
    def ended(self) -> bool:
        """Whether it wrote its result."""
        return any(isinstance(event, Finished) for event in self.events)

    def reached(self, name: str) -> bool:
        """Whether the journal has a phase or checkpoint of this name."""
        return any(
            (isinstance(event, PhaseStarted) and event.phase == name)
            or (isinstance(event, Checkpoint) and event.name == name)
            for event in self.events
        )

    def wait_until(self, name: str) -> None:
        """Until a phase or checkpoint is in the journal."""
        wait_for(lambda: self.reached(name) or self._dead(), f"{self.id} reaches {name}")
        assert self.reached(name), self.events[-1]

    def _dead(self) -> bool:
        return not is_alive(self.process)

    def signal(self, number: int) -> None:
        """A signal to exactly this process."""
        os.kill(self.process.pid, number)

    def kill(self) -> JobSummary:
        """SIGKILL; what the list says of it once its watcher has spoken."""
        self.kill_now()
        wait_for(self._dead, f"{self.id} is gone")
        return self.settled()

    def kill_now(self) -> None:
        """SIGKILL, or nothing when it has just ended."""
        with contextlib.suppress(ProcessLookupError):
            self.signal(signal.SIGKILL)

    def settled(self) -> JobSummary:
        """What the list says of a lost job once its watcher has spoken."""
        watched = any(isinstance(event, Checkpoint) and event.name == "watched" for event in self.events)
        if watched:
            wait_for(
                lambda: any(isinstance(e, Checkpoint) and e.name == "lost" for e in self.events),
                "the watcher's last word",
            )
        summary = summarize(self.folder)
        assert summary.state == "lost", summary
        return summary

    def wait(self, seconds: float = SECONDS) -> Finished:
        """How it ended."""
        wait_for(self._dead, f"{self.id} ends", seconds)
        last = [event for event in self.events if isinstance(event, Finished)]
        assert last, (self.events[-1], (self.folder / "log").read_text())
        return last[0]

    def error(self, seconds: float = SECONDS) -> Mapping[str, str]:
        """The error it ended with."""
        finished = self.wait(seconds)
        assert "error" in finished.result, finished
        error: Mapping[str, str] = finished.result["error"]
        return error


def _difference(now: Picture, old: Picture, new: Picture) -> str:
    words = []
    for name in sorted({*now, *old, *new}):
        mine = now.get(name)
        side = "old" if mine == old.get(name) else "new" if mine == new.get(name) else f"neither {mine}"
        words.append(f"{name}: {side}")
    return "; ".join(words)
