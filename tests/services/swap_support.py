"""What the tests of topologies, elections, rights and swaps share: small backups, hooks at a moment, busy writers."""

from __future__ import annotations

import contextlib
import copy
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from services.demo.servers import Mongod
from services.jobs.events import AnyEvent, Checkpoint, PhaseStarted
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.finish import FinishPlan, finish
from services.operations.restore import RestorePlan, RestoreResult, restore
from services.profile import Profile
from services.recovery.request import RestoreRequest
from services.secret import Secret
from tests.services.restore_support import job_id
from tests.support import RecordingContext, make_context, make_profile

DEADLINE = 30.0
Hook = Callable[[AnyEvent], None]


class Interrupted(BaseException):
    """Ends a job where it stands, as the death of its process would."""


class Deployment:
    """A fresh database on a server, its backups folder and its jobs' state; `close` drops the database."""

    def __init__(self, server: Mongod, folder: Path, *, uri: str | None = None, **more: Any) -> None:
        self.server = server
        self.folder = folder
        location = folder / "backups"
        location.mkdir(mode=0o700, exist_ok=True)
        self.name = f"quilltap_{secrets.token_hex(4)}"
        self.profile: Profile = make_profile(uri or server.uri, self.name, location=location, **more)
        self.client: MongoClient[Any] = server.client()
        self.db: Database[Any] = self.client[self.name]

    def as_user(self, uri: str) -> Deployment:
        """The same deployment for a profile that comes as another user; the tests look with their own rights."""
        assert self.profile.mongo is not None
        other = copy.copy(self)
        other.profile = replace(self.profile, mongo=replace(self.profile.mongo, uri=Secret(uri)))
        return other

    def close(self) -> None:
        """Drops the database."""
        self.client.close()
        with self.server.client() as client:
            client.drop_database(self.name)

    def context(self, *hooks: Hook, profile: Profile | None = None) -> RecordingContext:
        """A job's context whose every report goes through `hooks` after it was recorded."""
        ctx = make_context(profile or self.profile, self.folder / "state", job=job_id())
        record = ctx.report

        def report(event: AnyEvent) -> None:
            record(event)
            for hook in hooks:
                hook(event)

        ctx.report = report
        return ctx

    def backup(self) -> str:
        """The id of a fresh backup of the database."""
        made = backup(BackupPlan(only="database"), self.context())
        assert made.status in ("ok", "warnings"), made
        return made.id

    def restore(
        self,
        backup: str,
        *hooks: Hook,
        allow: tuple[str, ...] = ("writers",),
        profile: Profile | None = None,
        **request: Any,
    ) -> RestoreResult:
        """One restore of the database part."""
        return self.restore_in(self.context(*hooks, profile=profile), backup, allow=allow, **request)

    def restore_in(
        self,
        ctx: RecordingContext,
        backup: str,
        *,
        allow: tuple[str, ...] = ("writers",),
        **request: Any,
    ) -> RestoreResult:
        """One restore in a context the caller keeps."""
        wanted = RestoreRequest(backup=backup, only="database", **request)
        return restore(RestorePlan(request=wanted, allow=allow), ctx)

    def finish(self, job: str, *hooks: Hook) -> RestoreResult:
        """`restore --finish`."""
        return finish(FinishPlan(job=job), self.context(*hooks))


@contextlib.contextmanager
def deployed(server: Mongod, folder: Path, **more: Any) -> Iterator[Deployment]:
    """A deployment that is gone afterwards."""
    deployment = Deployment(server, folder, **more)
    try:
        yield deployment
    finally:
        deployment.close()


def fill(db: Database[Any], *, documents: int = 300, word: str = "then") -> None:
    """Three collections with indexes and a view, told apart by `word`."""
    for name in ("characters", "chats", "memories"):
        db.drop_collection(name)
        db[name].insert_many(
            [{"_id": f"{word}-{n}", "word": word, "n": n, "text": "x" * 100} for n in range(documents)]
        )
        db[name].create_index([("word", 1), ("n", -1)], name="word_n")
    db["characters"].create_index("n", unique=True, name="n_unique")
    db.drop_collection("recent")
    db.create_collection("recent", viewOn="chats", pipeline=[{"$match": {"word": word}}])


def at_checkpoint(name: str, action: Callable[[], None], *, times: int = 1) -> Hook:
    """Runs `action` when the job reports this checkpoint, the first `times` times."""
    left = [times]

    def hook(event: AnyEvent) -> None:
        if isinstance(event, Checkpoint) and event.name == name and left[0]:
            left[0] -= 1
            action()

    return hook


def at_phase(name: str, action: Callable[[], None]) -> Hook:
    """Runs `action` when the job begins this phase for the first time."""
    left = [1]

    def hook(event: AnyEvent) -> None:
        if isinstance(event, PhaseStarted) and event.phase == name and left[0]:
            left[0] = 0
            action()

    return hook


def interrupt() -> None:
    """Ends the job as if its process had died here."""
    raise Interrupted


def eventually(condition: Callable[[], bool], what: str, *, seconds: float = DEADLINE) -> None:
    """Waits until `condition` holds; a server that does not answer counts as not yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(PyMongoError):
            if condition():
                return
        time.sleep(0.01)
    raise AssertionError(f"Not within {seconds} s: {what}")


class Busy:
    """Clients that insert into one collection as fast as they can and remember what was acknowledged."""

    def __init__(self, uri: str, database: str, collection: str, *, writers: int = 2) -> None:
        self._uri = uri
        self._place = (database, collection)
        self._stop = threading.Event()
        self.acknowledged: list[list[str]] = [[] for _ in range(writers)]
        self.errors: list[str] = []
        self._threads = [threading.Thread(target=self._write, args=(n,), daemon=True) for n in range(writers)]

    def _write(self, number: int) -> None:
        mine = self.acknowledged[number]
        with MongoClient[dict[str, Any]](self._uri, appname="quilltap-app") as client:
            collection = client[self._place[0]][self._place[1]]
            while not self._stop.is_set():
                name = f"w{number}-{secrets.token_hex(6)}"
                try:
                    collection.insert_one({"_id": name, "writer": number})
                except PyMongoError as error:
                    self.errors.append(str(error)[:80])
                else:
                    mine.append(name)

    def __enter__(self) -> Busy:
        for thread in self._threads:
            thread.start()
        eventually(lambda: all(self.acknowledged), "every writer wrote")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(DEADLINE)

    @property
    def every(self) -> set[str]:
        """Ids of all acknowledged documents."""
        return {name for names in self.acknowledged for name in names}


def everywhere(db: Database[Any]) -> set[Any]:
    """The `_id`s in every collection of the database, ours (but the lock's) included."""
    found: set[Any] = set()
    for entry in db.list_collections():
        if entry["type"] == "collection" and entry["name"] not in ("__quillkeep_jobs", "system.views"):
            found.update(document["_id"] for document in db[entry["name"]].find({}, {"_id": 1}))
    return found
