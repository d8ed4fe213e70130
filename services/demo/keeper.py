"""The keeper of the demo's servers: a process beside the console, which itself loads no driver.

It starts the servers, fills them, makes the week, breaks things when told, and ends with the console, however
that ends: the end of its standard input is the console's death.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import msgspec

from services.demo import damage
from services.demo.breaking import BreakName
from services.demo.days import Days
from services.demo.sample import SAMPLE_PEPPER, fill_bucket, fill_database
from services.demo.servers import DemoServers, Mongod, make_home
from services.demo.token import assert_ours, mark_as_ours
from services.demo.week import Week
from services.demo.wire import Do, Done, Failed, Order, Ready, Reply, Said
from services.errors import QuillkeepError, Refused
from services.files import make_private_folder
from services.jobs.journal import process_of
from services.jobs.launch import read_started
from services.jobs.listing import list_jobs
from services.jobs.process import is_alive
from services.mongo.connect import connect
from services.paths import Paths
from services.profile import AppControl, Location, MongoTarget, Profile
from services.redact import redact
from services.secret import Secret, decode_from_pipe, encode_for_pipe
from services.settings.explain import DEMO, told_by

DATABASE = "quilltap"
BUCKET = "quilltap-files"
ALL = 1.0
SWEEP_SECONDS = 5.0
SWEEP = """
import os, shutil, sys, time
gone = 0
for _ in range(100):
    time.sleep(0.1)
    gone = 0 if os.path.lexists(sys.argv[1]) else gone + 1
    if gone == 10:
        break
    shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


class Keeper:
    """The servers and what stands on them; `tell` writes one line to the console."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._begun = time.monotonic()
        self._home: Path | None = None
        self._servers: DemoServers | None = None
        self._paths: Paths | None = None
        self._profile: Profile | None = None
        self._token = Secret("")
        self._output = threading.Lock()

    def tell(self, reply: Reply) -> None:
        """One line; the console may be gone, which `leave` notices."""
        data = encode_for_pipe(reply) + b"\n"
        with self._output:
            view = memoryview(data)
            try:
                while view:
                    view = view[os.write(1, view) :]
            except BrokenPipeError:
                return

    def prepare(self) -> None:
        """Servers, sample, a week of backups; a line before each step."""
        order = self._order
        kind = "a MongoDB replica set of one" if order.replica_set else "a MongoDB"
        self._step(f"Starting {kind} and an S3 server of its own")
        self._home = make_home(Path(order.parent) if order.parent else None)
        self._servers = servers = DemoServers(
            replica_set=order.replica_set, home=self._home, meanwhile=self._fill_database
        )
        self._paths = Paths(servers.folder / "state")
        self._profile = profile = self._deployment(servers)
        mongo, bucket = profile.mongo, profile.bucket
        assert mongo is not None and bucket is not None
        with connect(mongo) as client:
            filled = fill_bucket(bucket, scale=order.scale, seed=order.seed)
            self._line(f"{filled.count} objects")
            self._token = mark_as_ours(profile)
            self._step("Living through a week: days of use, and a backup every night at 02:00")
            days = Days(client[DATABASE], servers.weed.client(), bucket, scale=order.scale, seed=order.seed)
            Week(profile, self._paths, days, now=datetime.now(UTC)).make(self._line)
        self.tell(Ready(profile=profile, folder=str(servers.folder), state=str(self._paths.state)))

    def do(self, name: BreakName) -> str:
        """Breaks one thing, or starts the database again; says what was done."""
        servers, profile = self._servers, self._profile
        assert servers is not None and profile is not None
        if name == "up":
            if servers.mongod.running():
                return "The database was running all the time."
            servers.mongod.restart()
            return "The database is up again, with what it held when it was stopped."
        if not servers.mongod.running():
            raise Refused(
                "The demo's database is down, so nothing else can be broken.",
                next="Start it again first: X, then u.",
            )
        if name == "down":
            assert_ours(profile, self._token)
            servers.mongod.stop()
            return "The database is down: its process was stopped, its data is on the disk."
        done = _DAMAGE[name](profile, self._token)
        text = f"{done.text[0].upper()}{done.text[1:]}"
        return f"{text}." if done.count else f"{text}: nothing of it was left."

    def leave(self) -> NoReturn:
        """Ends the jobs that still work on these servers, the servers, and the folder with all in it."""
        if self._paths is not None:
            _end_jobs(self._paths)
        if self._servers is not None:
            self._servers.close()
            deadline = time.monotonic() + SWEEP_SECONDS
            while self._servers.folder.exists() and time.monotonic() < deadline:
                shutil.rmtree(self._servers.folder, ignore_errors=True)
                time.sleep(0.02)
        elif self._home is not None:
            # What is still starting ends with this process; somebody has to be there after that.
            subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", SWEEP, str(self._home)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        os._exit(0)

    def _fill_database(self, mongod: Mongod) -> None:
        """While the S3 server still starts."""
        self._step("Filling them with sample data in Quilltap's own shapes")
        with connect(mongod.target(DATABASE)) as client:
            counts = fill_database(client[DATABASE], scale=self._order.scale, seed=self._order.seed)
        self._line(f"{sum(counts.values()):,} documents")

    def _deployment(self, servers: DemoServers) -> Profile:
        backups, app = servers.folder / "backups", servers.folder / "app"
        make_private_folder(backups)
        make_private_folder(app)
        (app / "running").touch(0o600)
        state = shlex.quote(str(app / "running"))
        profile = Profile(
            name="demo",
            production=False,
            demo=True,
            mongo=MongoTarget(uri=Secret(servers.mongod.uri), database=DATABASE),
            bucket=servers.weed.create_bucket(BUCKET),
            pepper=SAMPLE_PEPPER,
            locations=(Location(name="demo", path=str(backups)),),
            app=AppControl(stop=f"rm -f {state}", start=f"touch {state}", status=f"test -e {state}"),
        )
        return msgspec.structs.replace(profile, sources=told_by(profile, DEMO))

    def _step(self, text: str) -> None:
        self.tell(Said(text=f"{text} [{time.monotonic() - self._begun:.0f} s]"))

    def _line(self, text: str) -> None:
        self.tell(Said(text=f"    {text}"))


_DAMAGE: dict[BreakName, Callable[[Profile, Secret], damage.Damage]] = {
    "drop": damage.drop_collection,
    "alter": damage.alter_documents,
    "corrupt": damage.corrupt_objects,
    "empty": lambda profile, token: damage.delete_objects(profile, token, share=ALL),
}


def _end_jobs(paths: Paths) -> None:
    """Kills the demo's jobs that still run: what they work on is about to go, and nothing of it is kept."""
    for job in list_jobs(paths):
        started = read_started(paths.jobs / job.id) if job.state in ("running", "cancelling") else None
        if started is not None and is_alive(process_of(started)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(started.pid, signal.SIGKILL)


def main() -> None:
    """Prepares, then serves orders until the console is gone."""
    lines = iter(sys.stdin.buffer)
    keeper = Keeper(decode_from_pipe(next(lines), Order))
    orders: queue.SimpleQueue[Do] = queue.SimpleQueue()

    def read() -> None:
        for line in lines:
            orders.put(decode_from_pipe(line, Do))
        keeper.leave()

    threading.Thread(target=read, name="orders", daemon=True).start()
    if not _guarded(keeper, keeper.prepare):
        keeper.leave()
    while True:
        name = orders.get().name
        _guarded(keeper, lambda name=name: keeper.tell(Done(text=keeper.do(name))))  # type: ignore[misc]


def _guarded(keeper: Keeper, step: Callable[[], None]) -> bool:
    """Does a step; what goes wrong is told to the console. False when it did."""
    try:
        step()
    except QuillkeepError as error:
        words = {name: redact(text) for name, text in error.as_dict().items()}
        keeper.tell(Failed(error=words, exit_code=error.exit_code))
        return False
    except Exception as error:  # noqa: BLE001 - the last border: a defect is told without its data
        places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        words = {
            "what": f"The demo stopped at a defect of its own: {type(error).__name__}.",
            "cause": redact(f"{error} (at {' < '.join(reversed(places[-4:]))})"),
            "touched": "Nothing of yours is involved: the demo runs on its own servers.",
            "next": "Please report this text.",
        }
        keeper.tell(Failed(error=words))
        return False
    return True


if __name__ == "__main__":
    main()
