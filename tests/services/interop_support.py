"""What the interoperability tests share: the stock tools, hand-made dumps, and a picture of a whole database."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import bson
from pymongo.database import Database

from services.archive.metadata import encode_metadata
from services.archive.model import CollectionMetadata, Kind, Namespace, Prelude
from services.archive.writer import ArchiveWriter
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan, BackupResult
from services.profile import Profile
from tests.services.restore_support import job_id
from tests.support import FIXTURES, make_context

ZOO = str(FIXTURES / "zoo.archive.gz")
ZOO_FORMS = {"archive.gz": ZOO, "directory": str(FIXTURES / "zoo-dump")}
FULL = str(FIXTURES / "full-oplog.archive.gz")
ID_INDEX = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
Ran = subprocess.CompletedProcess[str]


def run(*command: str | Path, cwd: Path | None = None, ok: bool = True) -> Ran:
    """Runs a program; with `ok` it must end with 0."""
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=cwd)
    assert not ok or ran.returncode == 0, ran.stderr + ran.stdout
    return ran


def shell(line: str, peers: Path, *, cwd: Path | None = None, ok: bool = True) -> Ran:
    """Runs a line as an admin would type it, with the stock tools on PATH."""
    ran = subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env={"PATH": f"{peers}:/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )
    assert not ok or ran.returncode == 0, ran.stderr + ran.stdout
    return ran


def mongorestore(peers: Path, uri: str, archive: Path | str, *more: str, ok: bool = True) -> Ran:
    """Stock mongorestore of a gzipped archive."""
    return run(peers / "mongorestore", f"--uri={uri}", f"--archive={archive}", "--gzip", *more, ok=ok)


def mongodump(peers: Path, uri: str, database: str, archive: Path) -> Path:
    """Stock mongodump of one database into a gzipped archive."""
    run(peers / "mongodump", f"--uri={uri}", f"--db={database}", f"--archive={archive}", "--gzip")
    return archive


def mapped(source: str, target: str) -> tuple[str, ...]:
    """Stock mongorestore's way into another database."""
    return (f"--nsInclude={source}.*", f"--nsFrom={source}.*", f"--nsTo={target}.*")


def whole(database: Database[Any]) -> dict[str, Any]:
    """dbHash of every collection (a time series by its buckets), options, every index, every view's documents.

    Ours and `system.views`, whose documents name their database, are left out.
    """
    kinds = {
        entry["name"]: entry
        for entry in database.list_collections()
        if not entry["name"].startswith(("__quillkeep_", "system."))
    }
    hashes = database.command("dbHash")["collections"]
    return {
        "hashes": {
            name: value
            for name, value in hashes.items()
            if name != "system.views" and not name.startswith("__quillkeep_")
        },
        "kinds": {name: (entry["type"], entry["options"]) for name, entry in kinds.items()},
        "indexes": {
            name: sorted((dict(index) for index in database[name].list_indexes()), key=str)
            for name, entry in kinds.items()
            if entry["type"] != "view"
        },
        "views": {
            name: sorted(map(str, database[name].find()))
            for name, entry in kinds.items()
            if entry["type"] == "view"
        },
    }


def our_backup(profile: Profile, state: Path, **plan: Any) -> BackupResult:
    """One backup of the database in this process."""
    plan.setdefault("only", "database")
    return backup(BackupPlan(**plan), make_context(profile, state, job=job_id()))


def uri_of(profile: Profile) -> str:
    """The server's address without a database."""
    assert profile.mongo is not None
    return profile.mongo.uri.reveal()


class Part:
    """One collection of a hand-made dump."""

    def __init__(
        self,
        name: str,
        documents: Sequence[Mapping[str, Any] | bytes] = (),
        *,
        kind: Kind = "collection",
        options: Mapping[str, Any] | None = None,
        indexes: Sequence[Mapping[str, Any]] = (),
        collation: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.raw = [one if isinstance(one, bytes) else bson.encode(one) for one in documents]
        self.kind = kind
        self.options = {**(options or {}), **({"collation": collation} if collation else {})}
        id_index = {**ID_INDEX, **({"collation": collation} if collation else {})}
        self.indexes = [id_index, *indexes] if kind == "collection" else []


def write_archive(path: Path, *parts: Part, database: str = "quilltap") -> str:
    """A dump such as mongodump makes, of these collections; gives its path."""
    prelude = Prelude(
        collections=tuple(
            CollectionMetadata(
                namespace=Namespace(database, part.name),
                kind=part.kind,
                raw=encode_metadata(part.options, part.indexes, None, part.name, part.kind),
            )
            for part in parts
        ),
        server_version="6.0.5",
        tool_version="100.18.0",
    )
    pieces: list[bytes] = []
    writer = ArchiveWriter(pieces.append, prelude, compressed=True)
    for part in parts:
        if part.raw:
            writer.block(Namespace(database, part.name), b"".join(part.raw))
        writer.end(Namespace(database, part.name))
    path.write_bytes(b"".join(pieces))
    return str(path)


def scratch(database: Database[Any], ending: str) -> AbstractContextManager[Database[Any]]:
    """Another empty database beside the test's own, dropped afterwards."""

    @contextmanager
    def opened() -> Any:
        other = database.client[f"{database.name}_{ending}"]
        yield other
        database.client.drop_database(other)

    return opened()
