"""The database part: dumped, put on the disk, read back once and proven."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from services.archive.documents import hex64
from services.archive.members import walk_members
from services.archive.model import Namespace
from services.catalog.manifest import ArchiveFile
from services.errors import QuillkeepError
from services.files import write_whole
from services.jobs.context import JobContext
from services.mongo.connect import ServerInfo
from services.mongo.dump import dump_database
from services.mongo.dump_model import Dump, DumpRequest, Hooks
from services.operations.backup_files import Workspace, publish, sidecar_text
from services.operations.backup_space import Room

if TYPE_CHECKING:
    from pymongo import MongoClient


class DatabasePart(msgspec.Struct, frozen=True, kw_only=True):
    """The dump, and its file as the manifest names it once it is proven."""

    dump: Dump
    partial: Path


def dump_part(
    client: MongoClient[Any],
    info: ServerInfo,
    request: DumpRequest,
    partial: Path,
    *,
    room: Room,
    total: int | None,
    ctx: JobContext,
) -> DatabasePart:
    """Dumps the database into `partial`; `total` is the uncompressed size expected, for progress."""
    phase = ctx.phase("dump", f"reading {request.database}", total=total)
    hooks = Hooks(check=ctx.check, advance=phase.advance, before_write=room.before_write, log=ctx.log)
    try:
        dump = dump_database(client, info, request, partial, hooks)
    except OSError as error:
        raise room.explain(error) from error
    phase.finish()
    return DatabasePart(dump=dump, partial=partial)


def prove_part(part: DatabasePart, database: str, *, ctx: JobContext) -> ArchiveFile:
    """Reads the archive back once and compares everything with the sums taken while reading the server.

    Meanwhile the file is put on the disk. Gives the file's entry, under its partial name. Errors:
    `QuillkeepError` for any difference, `ArchiveError` for a member that does not read.
    """
    dump = part.dump
    phase = ctx.phase("prove", "reading the archive back", total=dump.bytes)
    claimed = ArchiveFile(name=part.partial.name, bytes=dump.bytes, sha256="", members=dump.members)
    syncing = _Sync(part.partial)
    try:
        walked = walk_members(part.partial, claimed, database, check=ctx.check, advance=phase.advance)
    finally:
        syncing.wait()
    differing = []
    if walked.bytes != dump.bytes:
        differing.append(f"its size: {walked.bytes:,} instead of {dump.bytes:,} bytes")
    for name, entry in dump.collections.items():
        if entry.kind == "view":
            continue
        found = walked.collections.get(Namespace(database, dump.streams[name]))
        if found is None:
            differing.append(f"{name}: not in the file")
        elif (found.documents, found.bytes, hex64(found.crc64), hex64(found.content)) != (
            entry.documents,
            entry.bytes,
            entry.crc64,
            entry.content,
        ):
            differing.append(f"{name}: {found.documents:,} of {entry.documents:,} documents, or other bytes")
    if differing or walked.sha256 is None:
        raise QuillkeepError(
            "The archive does not read back as it was written.",
            cause="; ".join(differing) or "it has no checksum",
            touched="It was removed; earlier backups are as they were.",
            next="Suspect the disk or the memory of this machine; then run the backup again.",
        )
    phase.finish()
    return msgspec.structs.replace(claimed, sha256=walked.sha256)


def publish_part(
    part: DatabasePart, proven: ArchiveFile, space: Workspace
) -> tuple[ArchiveFile, ArchiveFile]:
    """Gives the proven archive its name and writes its sidecar; both entries for the manifest."""
    publish(part.partial, space.archive)
    text = sidecar_text(proven.sha256, space.archive.name)
    write_whole(space.sidecar, text)
    sidecar = ArchiveFile(name=space.sidecar.name, bytes=len(text), sha256=hashlib.sha256(text).hexdigest())
    return msgspec.structs.replace(proven, name=space.archive.name), sidecar


class _Sync:
    """Puts a file on the disk in a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="fdatasync", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            self._error = error

    def wait(self) -> None:
        """Raises what the disk said."""
        self._thread.join()
        if self._error is not None:
            raise QuillkeepError(
                "The archive could not be put on the disk.",
                cause=os.strerror(self._error.errno or 0),
                touched="It was removed; earlier backups are as they were.",
                next="Check the disk or mount, then run the backup again.",
            ) from self._error
