"""Loading into an embedded server of the job's own, which ends with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.deep.scratch import ABORT_BYTES, Scratch, free_bytes
from services.deep.target import Paced
from services.errors import QuillkeepError
from services.jobs.context import JobContext
from services.mongo.connect import connect, server_info
from services.profile import MongoTarget
from services.secret import Secret

if TYPE_CHECKING:
    from pymongo.database import Database

    from services.demo.mongod import Mongod

CACHE_GB = 0.25
PATIENCE_MS = 2_000


class EmbeddedTarget:
    """A mongod of this job's own, which ends with it; nothing expires in it."""

    own = True
    bypass = True
    series = ""
    not_validated = ""

    def __init__(self, ctx: JobContext, folder: Path, *, replica_set: bool) -> None:
        from services.demo.mongod import start_mongod

        self._scratch = Scratch(folder, ctx.paths, ctx.job)
        self._mongod: Mongod | None = None
        try:
            self._mongod = start_mongod(
                self._scratch.folder / "mongod",
                replica_set=replica_set,
                cache_gb=CACHE_GB,
                parameters={"ttlMonitorEnabled": "false"},
                sweep=self._scratch.sweep,
            )
            target = _impatient(self._mongod)
            self._client = connect(target)
            self.fast = connect(target, raw=True, write_concern=1)
            info = server_info(self._client)
        except BaseException:
            self.close()
            raise
        self.version = info.version
        self.guard = info.uuid_guard
        self._paced = Paced(ctx, self._look)

    def database(self, name: str) -> Database[Any]:
        """The database of the same name."""
        return self._client[name]

    def name_of(self, ordinal: int, name: str) -> str:
        """The collection's own."""
        return name

    def metadata(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """As dumped."""
        return dict(metadata)

    def watch(self) -> None:
        """Raises when the server is gone or its disk nearly full."""
        self._paced()

    def confirm(self) -> None:
        """Looks now."""
        self._paced.now()

    def _look(self) -> None:
        assert self._mongod is not None
        if not self._mongod.running():
            raise QuillkeepError(
                "The embedded server ended while the backup was loaded.",
                cause=_last_words(self._mongod),
                touched="Nothing live was touched.",
                next="Look at the memory and the disk of this machine, then verify again.",
            )
        left = free_bytes(self._scratch.folder)
        if left is not None and left < ABORT_BYTES:
            raise QuillkeepError(
                f"The disk of {self._scratch.folder.parent} is nearly full, so the load was stopped.",
                cause=f"{left:,} bytes are left.",
                touched="Nothing live was touched; what was loaded is removed.",
                next="Name a folder with more room with --scratch.",
            )

    def close(self) -> None:
        """Ends the server and removes its data; its keeper ends last, to sweep should this process die meanwhile."""
        if self._mongod is not None:
            for client in (vars(self).get("fast"), vars(self).get("_client")):
                if client is not None and self._mongod.running():
                    client.close()
                elif client is not None:
                    # It would say goodbye to a server that is gone: nobody waits for that.
                    threading.Thread(target=client.close, daemon=True).start()
            self._mongod.halt()
        self._scratch.close()
        if self._mongod is not None:
            self._mongod.kill()


def _impatient(server: Mongod) -> MongoTarget:
    """A dead server of ours does not come back: nothing waits for it, the end of a client least of all."""
    joint = "&" if "?" in server.uri else "?"
    return MongoTarget(uri=Secret(f"{server.uri}{joint}serverSelectionTimeoutMS={PATIENCE_MS}"), database="")


def _last_words(server: Mongod) -> str:
    """The message of the log's last line, which is JSON since 4.4."""
    last = server.log_tail().rpartition("\n")[2]
    try:
        return f"The last line of its log: {json.loads(last)['msg']}."
    except (ValueError, KeyError, TypeError):
        return last[:200]
