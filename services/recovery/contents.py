"""What the database part of a backup holds: from its manifest, or from one pass over a foreign dump."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from services.archive.documents import Sums, hex64
from services.archive.members import open_members
from services.archive.metadata import parse_metadata
from services.archive.model import DumpSource, Namespace, Prelude
from services.archive.source import open_dump
from services.archive.walk import Walked, walk_dump
from services.catalog.manifest import Manifest, decode_manifest
from services.catalog.model import Backup
from services.errors import QuillkeepError, Refused
from services.names import is_ours
from services.passphrase import BackupKey
from services.profile import Limits

BUCKETS = "system.buckets."


class CollectionContents(msgspec.Struct, frozen=True, kw_only=True):
    """One collection of a backup; `stream` names its documents in the dump.

    `quirks` counts documents a server would change or refuse, by word (`services.archive.quirks`).
    """

    name: str
    kind: str
    raw_metadata: str
    stream: Namespace
    documents: int = 0
    bytes: int = 0
    content: str = hex64(0)
    index_bytes: int | None = None
    quirks: dict[str, int] = {}

    def metadata(self) -> dict[str, Any]:
        """Options, indexes and uuid as dumped."""
        return parse_metadata(self.raw_metadata)


class DatabaseContents:
    """The database part, ready to be loaded: `collections` by name, `source` to read them from."""

    def __init__(
        self,
        *,
        source: DumpSource,
        database: str,
        collections: dict[str, CollectionContents],
        server_version: str,
        identity: str,
        proof: Literal["content", "structure"],
        notes: tuple[str, ...] = (),
        manifest: Manifest | None = None,
    ) -> None:
        self.source = source
        self.database = database
        self.collections = collections
        self.server_version = server_version
        self.identity = identity
        self.proof = proof
        self.notes = notes
        self.manifest = manifest

    @property
    def bytes(self) -> int:
        """Uncompressed documents in all."""
        return sum(entry.bytes for entry in self.collections.values())

    @property
    def index_bytes(self) -> int | None:
        """Bytes of all indexes when the backup was made, None where it does not say."""
        known = [entry.index_bytes for entry in self.collections.values() if entry.index_bytes is not None]
        return sum(known) if known else None


def read_contents(
    backup: Backup,
    *,
    limits: Limits,
    from_database: str | None,
    target_database: str,
    check: Callable[[], None],
    advance: Callable[[int], None],
    sole: bool = False,
    key: BackupKey | None = None,
) -> DatabaseContents:
    """The database part of a backup; a foreign one is read to its end here, and proven as far as its form goes.

    `sole`: where it holds one database alone, that one is meant, whatever it is called; for who only reads.

    `key` opens an encrypted one, which each `read` of the source decrypts anew.

    Errors: `Refused` when it holds another database and no mapping was named, `EncryptedDump` when it stays
    closed, `ArchiveError` when it is damaged.
    """
    assert backup.database_path is not None
    if backup.kind == "quillkeep" and backup.manifest_path is not None:
        return _own_contents(
            backup, decode_manifest(backup.manifest_path.read_bytes()), from_database, target_database, sole
        )
    walked = walk_dump(backup.database_path, limits=limits, check=check, advance=advance, key=key)
    source = open_dump(backup.database_path, limits=limits, key=key)
    database = _choose_database(
        backup, databases_of(walked.prelude, walked.collections), from_database, target_database, sole
    )
    entries = foreign_entries(walked, database)
    stat = backup.database_path.stat()
    return DatabaseContents(
        source=source,
        database=database,
        collections=entries,
        server_version=walked.prelude.server_version,
        identity=walked.sha256 or f"{backup.database_path}:{stat.st_size}:{stat.st_mtime_ns}:{walked.bytes}",
        proof="content" if source.sums else "structure",
        notes=tuple(getattr(source, "notes", ())),
    )


def _own_contents(
    backup: Backup, manifest: Manifest, from_database: str | None, target_database: str, sole: bool
) -> DatabaseContents:
    path = backup.database_path
    assert path is not None
    file = next((entry for entry in manifest.files if entry.name == path.name), None)
    if file is None:
        raise QuillkeepError(f"The manifest of {backup.id} does not list its archive {path.name}.")
    database = _choose_database(backup, (manifest.database,), from_database, target_database, sole)
    quirks: dict[str, dict[str, int]] = {}
    for item in manifest.server_would_change:
        words = quirks.setdefault(item.collection, {})
        words[item.why] = words.get(item.why, 0) + 1
    collections = {
        name: CollectionContents(
            name=name,
            kind=entry.kind,
            raw_metadata=entry.metadata,
            stream=Namespace(manifest.database, BUCKETS + name if entry.kind == "timeseries" else name),
            documents=entry.documents,
            bytes=entry.bytes,
            content=entry.content,
            index_bytes=entry.index_bytes,
            quirks=quirks.get(name, {}),
        )
        for name, entry in manifest.collections.items()
        if not is_ours(name)
    }
    return DatabaseContents(
        source=open_members(path, file, manifest.database),
        database=database,
        collections=collections,
        server_version=manifest.server_version,
        identity=file.sha256,
        proof="content",
        manifest=manifest,
    )


def databases_of(prelude: Prelude, sums: dict[Namespace, Sums]) -> tuple[str, ...]:
    names = {entry.namespace.database for entry in prelude.collections} | {key.database for key in sums}
    return tuple(sorted(name for name in names if name and name not in ("admin", "config", "local")))


def _choose_database(
    backup: Backup, databases: tuple[str, ...], wanted: str | None, target: str, sole: bool
) -> str:
    if wanted is not None:
        if wanted in databases:
            return wanted
        raise Refused(
            f"{backup.id} holds no database {wanted}.",
            cause=f"It holds: {', '.join(databases) or 'none'}.",
            next="Name one of these with --from-database.",
        )
    if target in databases:
        return target
    if sole and len(databases) == 1:
        return databases[0]
    if not databases:
        raise Refused(f"{backup.id} holds no database.", next="Choose another backup with `quillkeep list`.")
    raise Refused(
        f"{backup.id} holds the database {', '.join(databases)}, and the restore goes into {target}.",
        next=f"If that is what you want, say so: --from-database {databases[0]}",
    )


def foreign_entries(walked: Walked, database: str) -> dict[str, CollectionContents]:
    found: dict[str, CollectionContents] = {}
    prelude, sums = walked.prelude, walked.collections
    for entry in prelude.collections:
        name = entry.namespace.collection
        if entry.namespace.database != database or is_ours(name):
            continue
        if name.startswith("system.") and name != "system.js":
            continue
        stream = entry.namespace
        bucket = Namespace(database, BUCKETS + name)
        if entry.kind == "timeseries" and bucket in sums:
            stream = bucket
        held = sums.get(stream, Sums())
        found[name] = CollectionContents(
            name=name,
            kind=entry.kind,
            raw_metadata=entry.raw,
            stream=stream,
            documents=held.documents,
            bytes=held.bytes,
            content=hex64(held.content),
            quirks=walked.changes.get(stream, {}),
        )
    for namespace, held in sums.items():
        name = namespace.collection
        if namespace.database != database or name in found or name.startswith("system.") or is_ours(name):
            continue
        found[name] = CollectionContents(
            name=name,
            kind="collection",
            raw_metadata="",
            stream=namespace,
            documents=held.documents,
            bytes=held.bytes,
            content=hex64(held.content),
            quirks=walked.changes.get(namespace, {}),
        )
    return found
