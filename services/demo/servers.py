"""The embedded servers of the demo and of the tests, and the folder they live in."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from services.demo.mongod import Mongod, start_mongod
from services.demo.process import ServerFailed
from services.demo.weed import Identity, Weed, new_identity, start_weed

__all__ = [
    "DemoServers",
    "Identity",
    "Mongod",
    "ServerFailed",
    "Weed",
    "make_home",
    "new_identity",
    "scrub_environment",
    "start_mongod",
    "start_weed",
]

FOREIGN_PREFIXES = ("AWS_", "S3_", "MONGODB_", "QUILLKEEP_", "WEED_")
FOREIGN_NAMES = ("ENCRYPTION_MASTER_PEPPER", "BACKUP_DIR")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def scrub_environment(*, keep: tuple[str, ...] = ()) -> dict[str, str]:
    """Takes every setting of another deployment, and every proxy, out of this process's environment.

    Gives what was removed, by name.
    """
    removed = {}
    for name in list(os.environ):
        foreign = name.startswith(FOREIGN_PREFIXES) or name in FOREIGN_NAMES or name.lower() in PROXIES
        if foreign and name not in keep:
            removed[name] = os.environ.pop(name)
    return removed


def make_home(parent: Path | None = None) -> Path:
    """A new folder (0700) for a demo."""
    return Path(tempfile.mkdtemp(prefix="quillkeep-demo-", dir=parent))


class DemoServers:
    """A database server and an S3 server in one temporary folder (0700) that goes when they end.

    A context manager. `folder` may hold more of the demo: it is removed as a whole, also after a kill -9.
    `home` is an empty folder to be that one, instead of a new one in `parent`. `meanwhile` is called with the database server while the S3 server, which takes longer, still starts.
    """

    def __init__(
        self,
        *,
        replica_set: bool = False,
        parent: Path | None = None,
        home: Path | None = None,
        meanwhile: Callable[[Mongod], None] = lambda mongod: None,
    ) -> None:
        self.folder = home or make_home(parent)
        self._mongod: Mongod | None = None
        self._weed: Weed | None = None
        try:
            sweep = (self.folder,)
            # Both wait for themselves more than for the processor: together they take as long as the slower one.
            with ThreadPoolExecutor(1, thread_name_prefix="servers") as beside:
                weed = beside.submit(start_weed, self.folder / "weed", sweep=sweep)
                try:
                    self._mongod = start_mongod(self.folder / "mongod", replica_set=replica_set, sweep=sweep)
                    meanwhile(self._mongod)
                finally:
                    self._weed = weed.result()
        except BaseException:
            self.close()
            raise

    @property
    def mongod(self) -> Mongod:
        """The database server."""
        assert self._mongod is not None
        return self._mongod

    @property
    def weed(self) -> Weed:
        """The S3 server."""
        assert self._weed is not None
        return self._weed

    def close(self) -> None:
        """Stops both and removes the folder."""
        for server in (self._weed, self._mongod):
            if server is not None:
                server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> DemoServers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
