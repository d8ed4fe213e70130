"""The database part of a backup: one archive file, and what the copy is worth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.catalog.manifest import Member
from services.errors import QuillkeepError
from services.mongo.connect import LiveCollection, ServerInfo, list_live
from services.mongo.dump_members import ArchiveWriter
from services.mongo.dump_model import Dump, DumpRequest, Hooks, finished, write_prelude
from services.mongo.dump_parts import Part
from services.mongo.dump_pipeline import Pipeline
from services.mongo.dump_rounds import Rounds
from services.mongo.failures import translated
from services.mongo.indexes import Described, describe, dumpable, storage_uuid
from services.mongo.snapshot import Reader, SnapshotLost, counted, fixed_time

if TYPE_CHECKING:
    from bson.timestamp import Timestamp
    from pymongo import MongoClient

SNAPSHOT_SINCE = (5, 0)
"""Server version from which replica sets read snapshots."""
LIST_ATTEMPTS = 5


class Dumper:
    """One dump in the making; `dump_database` is the way in."""

    def __init__(
        self, client: MongoClient[Any], info: ServerInfo, request: DumpRequest, path: Path, hooks: Hooks
    ) -> None:
        self.client = client
        self.database = client[request.database]
        self.info = info
        self.request = request
        self.path = path
        self.hooks = hooks
        self.writer: ArchiveWriter

    def listing(self) -> dict[str, LiveCollection]:
        """listCollections, now."""
        return list_live(self.database)

    def selected(self, listed: Mapping[str, LiveCollection]) -> dict[str, str]:
        """Live name -> dumped name of everything this dump takes."""
        if self.request.rename is not None:
            return {live: name for live, name in self.request.rename.items() if live in listed}
        return {name: name for name in listed if dumpable(name) and name not in self.request.exclude}

    def described(self, listed: dict[str, LiveCollection], names: Mapping[str, str]) -> list[Described]:
        """Options, indexes and statistics of these collections, the largest first."""
        found = [describe(self.database, listed[live], listed, name=name) for live, name in names.items()]
        return sorted(found, key=lambda one: (-one.stats.size, one.name))

    def begin(self, described: list[Described]) -> Member:
        """Starts the file with its prelude, sorted by name so that equal databases give equal bytes."""
        self.writer = ArchiveWriter(self.path, before_write=self.hooks.before_write)
        return write_prelude(self.writer, described, self.info, self.request)

    def one_pass(self, described: list[Described], at: Timestamp | None) -> list[Part]:
        """Reads these collections to the end of the file; a part that is not whole says so in `broken`."""
        parts = [Part(one, self.database.name) for one in described]
        reader = Reader(self.database, parts, at=at)
        source = reader.batches()
        Pipeline(self.writer, source, check=self.hooks.check, advance=self.hooks.advance).run()
        source.close()
        for part in parts:
            if not part.ended and part.broken is None:
                raise QuillkeepError(f"The dump of {part.described.name} stopped before its end.")
        return parts

    def short(self, part: Part, at: Timestamp | None) -> bool:
        """Whether the server itself counts other than was read; asked only where its fast count differs."""
        if part.broken is not None or part.sums.documents == part.described.stats.count:
            return False
        return counted(self.database, part, at) != part.sums.documents

    def snapshot(self) -> Dump:
        """All collections at one cluster time; `SnapshotLost` when that cannot be had."""
        at = fixed_time(self.database)
        listed = self._settled_listing()
        described = self.described(listed, self.selected(listed))
        prelude = self.begin(described)
        parts = self.one_pass(described, at)
        after = self.listing()
        for part in parts:
            one = part.described
            if one.live not in after or storage_uuid(one.live, after) != one.uuid:
                raise SnapshotLost(f"{one.live} was dropped, renamed or made anew during the dump.")
            if not one.capped and self.short(part, at):
                raise QuillkeepError(f"The server gave fewer documents of {one.live} than it counts.")
        self.writer.close()
        capped = sorted(part.described.name for part in parts if part.described.capped)
        detail = "all collections at one cluster time"
        if capped:
            detail += "; capped, so read beside it by majority reads: " + ", ".join(capped)
        return finished(self.writer.offset, [prelude], parts, "snapshot", detail)

    def _settled_listing(self) -> dict[str, LiveCollection]:
        """A listing that did not change around the moment the snapshot was fixed."""
        before = self.listing()
        for _attempt in range(LIST_ATTEMPTS):
            again = self.listing()
            if {name: live.uuid for name, live in again.items()} == {
                name: live.uuid for name, live in before.items()
            }:
                return again
            before = again
        raise SnapshotLost("Collections came and went while the dump began.")

    def abandon(self) -> None:
        """Closes and removes what was written."""
        writer = getattr(self, "writer", None)
        if writer is not None:
            writer.close()
        self.path.unlink(missing_ok=True)


def dump_database(
    client: MongoClient[Any], info: ServerInfo, request: DumpRequest, path: Path, hooks: Hooks
) -> Dump:
    """Writes a database into a new archive file (mode 0600, closed, not yet synced) and says what it is worth.

    On a replica set all collections are read at one cluster time; where that is impossible, or is lost on the
    way, the dump starts over once by write counters. On any error the file is gone. Errors: `QuillkeepError`
    for the server's, `OSError` for the disk's, and whatever the hooks raise.
    """
    from pymongo.errors import PyMongoError

    dumper = Dumper(client, info, request, path, hooks)
    lost = ""
    try:
        if (info.replica_set or info.mongos) and info.version_numbers >= SNAPSHOT_SINCE:
            try:
                return dumper.snapshot()
            except SnapshotLost as error:
                lost = f"the snapshot was lost ({error.what.rstrip('.')}); "
                hooks.log(f"{error.what} {error.cause} The dump starts over by write counters.")
                dumper.abandon()
        return Rounds(dumper, lost).run()
    except PyMongoError as error:
        dumper.abandon()
        raise translated("Reading the database", error) from error
    except BaseException:
        dumper.abandon()
        raise
