"""Where the benchmark plays: embedded servers filled with sample data, and fresh folders beside them."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from services.demo.layout import layout_of
from services.demo.sample import SAMPLE_PEPPER, fill_bucket, fill_database
from services.demo.servers import Mongod, Weed, scrub_environment, start_mongod, start_weed
from services.files import make_private_folder
from services.profile import BucketTarget

Say = Callable[[str], None]

SEED = 20261123
BUCKET = "quilltap-bench"
CACHE_GB = 1.0
"""The data of scale 1 fits, so that every run reads from a warm cache; ten times that never does."""
LARGE_DOCUMENTS = 20
LARGEST_DOCUMENT = 16 << 20
LARGE_DATABASE = "quilltap_documents_of_16_mib"
FILLED = "filled.json"


class Filled(msgspec.Struct):
    """What the servers in a data folder hold: documents by database, and the bucket's scale."""

    databases: dict[str, int] = {}
    bucket_scale: float | None = None


class Stage:
    """Servers and folders in one place, started when first asked for; a context manager.

    With `data` the filled standalone and the bucket stay there for the next time; without, all of it goes.
    """

    def __init__(self, *, scale: float, data: Path | None, say: Say) -> None:
        scrub_environment(keep=("QUILLKEEP_PEERS",))
        self.scale = scale
        self.say = say
        self.keep = data is not None
        self.folder = data or Path(tempfile.mkdtemp(prefix="quillkeep-bench-"))
        make_private_folder(self.folder)
        self.scratch = self.folder / "scratch"
        shutil.rmtree(self.scratch, ignore_errors=True)
        make_private_folder(self.scratch)
        self._filled = self._read_filled()
        self._standalone: Mongod | None = None
        self._replica_set: Mongod | None = None
        self._weed: Weed | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in (self._weed, self._standalone, self._replica_set):
            if server is not None:
                if self.keep:
                    server.stop()
                else:
                    server.kill()
        shutil.rmtree(self.scratch if self.keep else self.folder, ignore_errors=True)

    @property
    def standalone(self) -> Mongod:
        """The database server most lines use."""
        if self._standalone is None:
            sweep = () if self.keep else (self.folder,)
            self._standalone = start_mongod(self.folder / "standalone", cache_gb=CACHE_GB, sweep=sweep)
        return self._standalone

    @property
    def replica_set(self) -> Mongod:
        """A set of one node, empty at first; it is never kept."""
        if self._replica_set is None:
            folder = self.scratch / "replica-set"
            self._replica_set = start_mongod(folder, replica_set=True, cache_gb=CACHE_GB, sweep=(folder,))
        return self._replica_set

    @property
    def weed(self) -> Weed:
        """The S3 server."""
        if self._weed is None:
            sweep = () if self.keep else (self.folder,)
            self._weed = start_weed(self.folder / "weed", sweep=sweep)
        return self._weed

    @property
    def server_pids(self) -> list[int]:
        """The servers' processes, for their processor time."""
        mongods = [server.pid() for server in (self._standalone, self._replica_set) if server is not None]
        return [*mongods, *([self._weed.pid] if self._weed is not None else [])]

    def folder_for(self, name: str) -> Path:
        """An empty folder of this name."""
        folder = self.scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        make_private_folder(folder)
        return folder

    def database(self, scale: float) -> str:
        """The name of the sample's database at this scale, filled if it is not yet."""
        name = f"quilltap_{scale:g}".replace(".", "_")

        def fill(database: Any) -> None:
            documents = sum(layout_of(scale).counts.values())
            self.say(f"filling {name}: {documents:,} documents")
            fill_database(database, scale=scale, seed=SEED)

        self._fill_once(name, fill)
        return name

    def large_documents(self) -> str:
        """The name of a database of 20 documents of 16 MiB of random bytes, filled if it is not yet."""

        def fill(database: Any) -> None:
            self.say(f"filling {LARGE_DATABASE}: {LARGE_DOCUMENTS} documents of 16 MiB")
            for number in range(LARGE_DOCUMENTS):
                overhead = 64
                body = secrets.token_bytes(LARGEST_DOCUMENT - overhead)
                database["blobs"].insert_one({"_id": number, "body": body})

        self._fill_once(LARGE_DATABASE, fill)
        return LARGE_DATABASE

    def bucket(self) -> BucketTarget:
        """The sample's bucket, filled if it is not whole."""
        target = self.weed.target(BUCKET)
        layout = layout_of(self.scale)
        if self._filled.bucket_scale == self.scale and self._objects(target) == layout.objects:
            return target
        self.empty_bucket()
        self.say(f"filling the bucket: {layout.objects:,} objects")
        fill_bucket(target, scale=self.scale, seed=SEED)
        self._without_empty(target)
        self._filled.bucket_scale = self.scale
        self._write_filled()
        return target

    def forget_bucket(self) -> None:
        """The bucket is no longer what it was filled with."""
        self._filled.bucket_scale = None
        self._write_filled()

    def empty_bucket(self) -> None:
        """Makes the bucket anew, so that no run meets the space that an earlier one gave back."""
        client = self.weed.client()
        held = [each.get("Name") for each in client.list_buckets().get("Buckets", [])]
        if BUCKET in held:
            self.weed.delete_bucket(BUCKET)
        self.weed.create_bucket(BUCKET)

    def warm(self, server: Mongod, database: str) -> None:
        """Reads every document once."""
        with server.client() as client:
            for name in client[database].list_collection_names():
                for _ in client[database][name].find_raw_batches():
                    pass

    def settle(self, *servers: Mongod) -> None:
        """Lets servers and disk finish what the last run left them, before the next one is timed."""
        for server in servers:
            with server.client() as client:
                client.admin.command("fsync")
        os.sync()

    def environment(
        self, *, server: Mongod | None, database: str = "", bucket: BucketTarget | None = None, location: Path
    ) -> dict[str, str]:
        """The settings of one deployment, as Quilltap's own variables."""
        found = {**self.plain_environment(), "BACKUP_DIR": str(location)}
        found["ENCRYPTION_MASTER_PEPPER"] = SAMPLE_PEPPER.reveal()
        found["QUILLKEEP_STATE_DIR"] = str(self.scratch / "state")
        if server is not None:
            found |= {"MONGODB_URI": server.uri, "MONGODB_DATABASE": database}
        if bucket is not None:
            found |= {"S3_ENDPOINT": bucket.endpoint or "", "S3_REGION": bucket.region}
            found |= {"S3_BUCKET": bucket.bucket, "S3_FORCE_PATH_STYLE": "true"}
            found |= {"S3_ACCESS_KEY": self.weed.access_key, "S3_SECRET_KEY": self.weed.secret_key}
        return found

    def aws_environment(self) -> dict[str, str]:
        """What `aws` and `s5cmd` need to be let in."""
        found = {**self.plain_environment(), "AWS_REGION": self.weed.region}
        found |= {"AWS_DEFAULT_REGION": self.weed.region, "AWS_ACCESS_KEY_ID": self.weed.access_key}
        return {**found, "AWS_SECRET_ACCESS_KEY": self.weed.secret_key}

    def plain_environment(self) -> dict[str, str]:
        """Paths and a home of its own: no configuration of the person running this is looked at."""
        home = self.scratch / "home"
        make_private_folder(home)
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC"}

    def _fill_once(self, name: str, fill: Callable[[Any], None]) -> None:
        with self.standalone.client() as client:
            database = client[name]
            held = _documents(database)
            if held and self._filled.databases.get(name) == held:
                return
            client.drop_database(name)
            fill(database)
            self._filled.databases[name] = _documents(database)
            client.admin.command("fsync")
        self._write_filled()

    def _without_empty(self, target: BucketTarget) -> None:
        """Gives empty objects a byte, in the stock tool's favour.

        SeaweedFS answers an empty PUT without `100 Continue`; awscli then reads the next answer on that
        connection wrongly and waits 60 s for it (its connection keeps the response class of the early
        answer), which would say nothing about either side's speed.
        """
        client = self.weed.client()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=target.bucket):
            for each in page.get("Contents", ()):
                if each.get("Size") == 0:
                    client.put_object(Bucket=target.bucket, Key=each["Key"], Body=b"\n")

    def _objects(self, target: BucketTarget) -> int:
        client = self.weed.client()
        if target.bucket not in [each.get("Name") for each in client.list_buckets().get("Buckets", [])]:
            return 0
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=target.bucket)
        return sum(page.get("KeyCount", 0) for page in pages)

    def _read_filled(self) -> Filled:
        try:
            return msgspec.json.decode((self.folder / FILLED).read_bytes(), type=Filled)
        except (FileNotFoundError, msgspec.DecodeError):
            return Filled()

    def _write_filled(self) -> None:
        (self.folder / FILLED).write_bytes(msgspec.json.encode(self._filled))


def _documents(database: Any) -> int:
    """All documents of the application's own collections; ours and the server's do not count."""
    names: Iterable[str] = database.list_collection_names()
    return sum(
        database[name].estimated_document_count() for name in names if not name.startswith(("__", "system."))
    )
