"""What the look at the live database asks, each question by itself: one that fails becomes a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple, TypeVar

import pymongo
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from services.app_control import AppController
from services.app_health import probe_health
from services.counted import counted
from services.errors import QuillkeepError
from services.jobs.database_lock import LockOwner, read_lock
from services.jobs.host import life_of, this_host
from services.looking.live import CollectionSeen, LiveAnswer, SwapSeen
from services.looking.live_swaps import see_swaps, with_sizes
from services.mongo.clients import OtherClients, other_clients
from services.mongo.commands import server_words
from services.mongo.connect import (
    LiveCollection,
    ServerInfo,
    connect,
    host_of,
    list_live,
    others_in_words,
    server_info,
)
from services.mongo.record import SwapRecord, read_records
from services.mongo.rights import Rights, read_rights
from services.mongo.space import DATA_FACTOR, free_bytes
from services.operations.backup_checks import application_version
from services.profile import AppControl, Profile
from services.recovery.rows import live_names

T = TypeVar("T")
CONNECT_SECONDS = 5.0
"""How long the server may take to let us in."""
ASK_SECONDS = 7.5
"""How long everything together may take; the look's own limit is 10 s, with the start of its process."""
APP_SECONDS = 4.0
"""How long the application's status command or health URL is waited for."""
SILENT_SECONDS = 60.0
"""A lock of another host whose heartbeat stood still longer is not called working."""
AppWord = Literal["running", "stopped", "unknown", "no control"]


def ask(profile: Profile) -> LiveAnswer:
    """The answer of `services.looking.live.look`."""
    if profile.mongo is None:
        raise QuillkeepError(
            "No database is configured.",
            next="Set MONGODB_URI in Quilltap's .env, or `uri` under [profiles.NAME.mongo] in config.toml.",
        )
    with ThreadPoolExecutor(max_workers=1) as pool:
        app = pool.submit(ask_app, profile)
        with pymongo.timeout(CONNECT_SECONDS):
            client = connect(profile.mongo)
        try:
            with pymongo.timeout(ASK_SECONDS):
                return _Asking(client[profile.mongo.database], profile).answer(app.result)
        finally:
            client.close()


def ask_app(profile: Profile) -> tuple[AppWord, str]:
    """Whether the application runs, and a sentence where that cannot be told."""
    if profile.app is not None and profile.app.status is not None:
        state = AppController(profile.app or AppControl(), command_seconds=APP_SECONDS).state()
        if state != "unknown":
            return state, ""
        return state, (
            f"The application's status command could not be run, or took over {APP_SECONDS:.0f} s. "
            "Try the profile's app.status by hand."
        )
    if profile.health_url is not None:
        health = probe_health(profile.health_url, APP_SECONDS)
        if health.state == "unknown":
            return "unknown", (
                f"Whether the application runs cannot be told: its health URL gave no answer in "
                f"{APP_SECONDS:.0f} s ({health.detail}). Check health_url in the profile."
            )
        return ("stopped" if health.state == "refusing" else "running"), ""
    if profile.app is not None:
        return "unknown", (
            "Whether the application runs cannot be told: set app.status or health_url in the profile."
        )
    return "no control", ""


class _Records(NamedTuple):
    """Records of swaps and the lock, as they were at one moment; `working` is who works on them."""

    records: list[SwapRecord]
    lock: LockOwner | None
    working: str


def _records(database: Database[Any]) -> _Records:
    """The lock is read between two readings of the records, so that a job that begins or ends meanwhile is not
    taken for one that was interrupted."""
    before = {record.job for record in read_records(database)}
    lock = read_lock(database)
    records = read_records(database)
    working = lock.job if lock is not None and is_working(lock) else ""
    begun = [record.job for record in records if record.job not in before]
    return _Records(records, lock, working or "".join(begun[-1:]))


class _Asking:
    """One connection, and the sentences on what could not be told."""

    def __init__(self, database: Database[Any], profile: Profile) -> None:
        self.database = database
        self.profile = profile
        self.problems: list[str] = []
        self._until = time.monotonic() + ASK_SECONDS

    def answer(self, app_of: Callable[[], tuple[AppWord, str]]) -> LiveAnswer:
        """Everything; the application's state is waited for last."""
        assert self.profile.mongo is not None
        name = self.database.name
        server = self._asked(lambda: server_info(self.database.client), "server version and topology")
        rights = self._asked(lambda: read_rights(self.database.client, name), "this user's rights")
        live = self._asked(lambda: list_live(self.database), "collections")
        swaps_at = self._asked(lambda: _records(self.database), "lock of writing jobs and their records")
        clients = self._asked(lambda: _clients(self.database, rights), "other clients")
        version = self._asked(lambda: application_version(self.database), "application's version")
        space = self._asked(lambda: free_bytes(self.database), "free space")
        if space is None:
            self.problems.append(
                "The server does not tell its free space: a restore asks for the risk `unknown-space`."
            )
        app, app_problem = app_of()
        if app_problem:
            self.problems.append(app_problem)
        swaps = self._swaps(live, swaps_at, app)
        # Sizes are many questions: they come last, and what they have no time for is said.
        collections = self._collections(live or {})
        if live is not None and not collections:
            others = self._asked(lambda: others_in_words(self.database), "other databases") or ""
            self.problems.append(
                f"The database {name} is empty or does not exist. {others} Check MONGODB_DATABASE.".replace(
                    "  ", " "
                )
            )
        if clients is not None and not clients.complete:
            self.problems.append(
                "Other users' connections are hidden from this user, so who else writes cannot be told; "
                "the role clusterMonitor on admin shows them."
            )
        return LiveAnswer(
            server=(server.host if server else "") or host_of(self.profile.mongo),
            version=server.version if server else "",
            topology=_topology(server),
            database=name,
            collections=collections,
            rights_missing=rights.missing_for_swap() if rights else (),
            grant=_grant(rights, name),
            space_free=space,
            space_needed_factor=DATA_FACTOR,
            lock=lock_words(swaps_at.lock if swaps_at else None),
            swaps=swaps,
            writers=", ".join(clients.names) if clients else "",
            writers_known=bool(clients and clients.complete),
            app=app,
            application_version=version or "",
            problems=tuple(self.problems),
        )

    def _asked(self, question: Callable[[], T], words: str) -> T | None:
        """The answer, or None with a sentence on why there is none."""
        try:
            return question()
        except OperationFailure as error:
            why = "This user may not ask" if error.code == 13 else server_words(error).rstrip(".")
        except PyMongoError as error:
            why = server_words(error).rstrip(".")
        except QuillkeepError as error:
            why = f"{error.what} {error.cause}".strip().rstrip(".")
        self.problems.append(f"Could not be told: the {words}. {why}. `quillkeep doctor` shows the settings.")
        return None

    def _collections(self, live: dict[str, LiveCollection]) -> tuple[CollectionSeen, ...]:
        found = []
        unasked = denied = 0
        for name in live_names(live):
            kind = live[name].kind
            stats: dict[str, Any] = {}
            if kind != "view" and time.monotonic() > self._until - 2.0:
                unasked += 1
            elif kind != "view":
                try:
                    stats = dict(self.database.command("collStats", name))
                except OperationFailure as error:
                    denied += error.code == 13
                    unasked += error.code != 13
                except PyMongoError:
                    unasked += 1
            found.append(_seen(name, kind, stats))
        if denied:
            self.problems.append(
                f"This user may not ask for the sizes of {counted(denied, 'collections')}: it needs collStats, "
                "which the role readWrite has."
            )
        if unasked:
            self.problems.append(
                f"The counts and sizes of {counted(unasked, 'collections')} did not come in time. Look again."
            )
        return tuple(found)

    def _swaps(
        self, live: dict[str, LiveCollection] | None, at: _Records | None, app: AppWord
    ) -> tuple[SwapSeen, ...]:
        if at is None or live is None:
            return ()
        found = see_swaps(at.records, live, working=at.working, app_runs=app == "running")
        measured = []
        for swap, copies in found:
            documents = size = 0
            for copy in copies:
                stats = self._asked(
                    lambda copy=copy: dict(self.database.command("collStats", copy)),  # type: ignore[misc]
                    f"size of the rollback copy {copy}",
                )
                documents += int((stats or {}).get("count", 0))
                size += int((stats or {}).get("size", 0)) + int((stats or {}).get("totalIndexSize", 0))
            measured.append(with_sizes(swap, documents, size))
        return tuple(measured)


def _clients(database: Database[Any], rights: Rights | None) -> OtherClients:
    nobody = Rights(
        user="",
        roles=(),
        authenticated=True,
        actions=frozenset(),
        cluster_actions=frozenset(),
        system_buckets=False,
    )
    return other_clients(database.client, rights or nobody)


def _seen(
    name: str, kind: Literal["collection", "view", "timeseries"], stats: dict[str, Any]
) -> CollectionSeen:
    def figure(key: str) -> int | None:
        return int(stats[key]) if key in stats else None

    return CollectionSeen(
        name=name,
        kind=kind,
        documents=figure("count") if kind == "collection" else None,
        bytes=figure("size"),
        index_bytes=figure("totalIndexSize"),
        indexes=figure("nindexes"),
    )


def _topology(server: ServerInfo | None) -> Literal["standalone", "replica set", "sharded"]:
    if server is not None and server.mongos:
        return "sharded"
    return "replica set" if server is not None and server.replica_set else "standalone"


def _grant(rights: Rights | None, database: str) -> str:
    return rights.grant("readWrite", database) if rights is not None and rights.missing_for_swap() else ""


def is_working(lock: LockOwner) -> bool:
    """Whether the owner of a lock is alive, or gave a sign of life from where it cannot be seen."""
    life = life_of(lock.owner, this_host())
    if life in ("alive", "dead"):
        return life == "alive"
    return lock.silent < SILENT_SECONDS


def lock_words(lock: LockOwner | None) -> str:
    """Who holds the lock, and whether that still counts; empty when nobody does."""
    if lock is None:
        return ""
    life = life_of(lock.owner, this_host())
    if life == "dead":
        return f"{lock.describe()}; its process is gone, and the next writing job clears the lock"
    return lock.describe()
