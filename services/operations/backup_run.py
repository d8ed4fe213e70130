"""One backup on its way: what is open, what is written, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from services.catalog.find import newest_good
from services.catalog.manifest import ArchiveFile, Part, PepperEntry, encode_manifest
from services.catalog.model import Backup
from services.catalog.scan import survey
from services.errors import NOTHING_TOUCHED, Cancelled, QuillkeepError
from services.files import partial_name, write_whole
from services.jobs.context import JobContext, Phase
from services.mongo.connect import (
    DatabaseUnreachable,
    ServerInfo,
    connect,
    list_live,
    others_in_words,
    server_info,
)
from services.mongo.dump_model import DumpRequest
from services.mongo.dump_rounds import REBUILT
from services.mongo.failures import translated
from services.mongo.indexes import dumpable
from services.mongo.patience import told_while_waiting
from services.operations import backup_checks, backup_objects, guards
from services.operations.backup_database import DatabasePart, dump_part, prove_part, publish_part
from services.operations.backup_files import Workspace, open_workspace, publish, sweep
from services.operations.backup_manifest import compose, result_of, tool_version
from services.operations.backup_model import BackupPlan, BackupResult
from services.operations.backup_space import Room, archive_estimate, live_bytes
from services.retention_lint import deletions_by_age

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.database import Database

    from services.objects.bucket import Bucket
    from services.objects.snapshot import Snapshot
    from services.objects.snapshot_result import SnapshotResult

REMOVED = "What was written of this backup was removed; earlier backups are as they were."


class Run:
    """The steps of one backup in order: `prepare`, `read`, `prove`, `publish`; leaving it early cleans up."""

    def __init__(self, plan: BackupPlan, ctx: JobContext, folder: Path) -> None:
        self.plan, self.ctx, self.folder = plan, ctx, folder
        self.profile = ctx.profile
        self.room = Room(folder)
        self.started: datetime = ctx.clock()
        self.warnings: list[str] = []
        self.app_stopped = False
        self.backups: Sequence[Backup] = ()
        self.database: Database[Any] | None = None
        self.info: ServerInfo | None = None
        self.known = backup_objects.Known()
        self.pepper: PepperEntry | None = None
        self.application = ""
        self.part: DatabasePart | None = None
        self.proven: ArchiveFile | None = None
        self._client: MongoClient[Any] | None = None
        self._bucket: Bucket | None = None
        self._live_bytes = 0
        self._changes: dict[str, str] = {}
        self._bucket_bytes: int | None = None
        self._phase: Phase | None = None
        self._space: Workspace | None = None
        self._snapshot: Snapshot | None = None
        self._partials: list[Path] = []
        self._complete = False
        self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="beside")
        self._pepper: Future[tuple[PepperEntry | None, list[str]]] | None = None
        self._lint: Future[list[str]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beside.shutdown(cancel_futures=True)
        if self._client is not None:
            self._client.close()
        if self._complete or self._space is None:
            return
        if self._snapshot is not None:
            self._snapshot.discard()
        self._space.discard(self._partials)
        if isinstance(error, Cancelled) or (
            isinstance(error, QuillkeepError) and error.touched == NOTHING_TOUCHED
        ):
            error.touched = REMOVED

    def prepare(self) -> None:
        """Everything that can be refused before anything is written."""
        ctx = self.ctx
        ctx.phase("prepare", "looking at the server and the location", unit="steps")
        swept = sweep(self.folder)
        if swept:
            ctx.log(f"Swept what an unfinished run left: {', '.join(swept)}")
        self.backups = survey(self.profile.locations, self.profile, ctx.paths).backups
        self._open_database()
        if "objects" in self.plan.parts:
            self._open_bucket()
        self._require_space()
        self._space = open_workspace(self.folder, self.started)
        ctx.log(f"The backup is {self._space.id} in {self.folder}.")

    def read(self) -> None:
        """Objects, database, objects again: every row read has its object.

        The pepper's key derivations and the search for lines that would delete this run beside it.
        """
        ctx, space = self.ctx, self._workspace
        self._pepper = self._beside.submit(
            backup_checks.pepper_entry, self.profile.pepper, self.database, self.backups
        )
        self._lint = self._beside.submit(self._deletions)
        if self._bucket is not None:
            self._phase = ctx.phase(
                "objects", f"reading the bucket {self._bucket.name}", total=self._bucket_bytes
            )
            self._snapshot = backup_objects.begin_snapshot(
                self._bucket,
                self.known,
                space,
                self._partial(space.objects),
                room=self.room,
                advance=self._advance_objects,
                ctx=ctx,
            )
            self._snapshot.first_pass()
        if "database" in self.plan.parts:
            self._dump(self._partial(space.archive))
        if self._snapshot is not None:
            self._phase = ctx.phase("objects-again", "what changed in the bucket while the database was read")
            self._snapshot.second_pass()
        self._look_at_the_data()

    def prove(self) -> None:
        """Reads the archive back once."""
        if self.part is not None:
            self.proven = prove_part(self.part, self._database_name, ctx=self.ctx)
        if self._pepper is not None:
            self.pepper, warnings = self._pepper.result()
            self.warnings += warnings
        if self._lint is not None:
            self.warnings += self._lint.result()

    def publish(self) -> BackupResult:
        """Gives every file its name, the manifest last: the backup exists."""
        try:
            return self._publish()
        except OSError as error:
            raise self.room.explain(error) from error

    def _publish(self) -> BackupResult:
        ctx, space = self.ctx, self._workspace
        ctx.phase("publish", "names, checksums, manifest", unit="steps")
        files: list[ArchiveFile] = []
        if self.part is not None and self.proven is not None:
            files += publish_part(self.part, self.proven, space)
        objects: SnapshotResult | None = None
        if self._snapshot is not None:
            objects = self._snapshot.finish()
            publish(self._snapshot.folder, space.objects)
            self._snapshot = None
            files.append(objects.file)
            self.warnings += backup_objects.objects_warnings(objects)
        manifest = compose(self, space.id, files, objects)
        ctx.check()
        write_whole(space.manifest, encode_manifest(manifest))
        self._complete = True
        space.close()
        if objects is not None and objects.rotten:
            backup_objects.note_rotten(objects.rotten, self.backups, space.id, ctx)
        return result_of(manifest, space.manifest, objects)

    @property
    def _workspace(self) -> Workspace:
        assert self._space is not None
        return self._space

    @property
    def _database_name(self) -> str:
        return self.profile.mongo.database if self.profile.mongo else ""

    @property
    def guarded(self) -> bool:
        """A safety backup has no guards: it is made in the middle of a restore."""
        return self.plan.purpose != "safety"

    def _partial(self, final: Path) -> Path:
        partial = partial_name(final)
        self._partials += [partial, partial.with_name(partial.name + REBUILT)]
        return partial

    def _open_database(self) -> None:
        if self.profile.mongo is None:
            if "database" in self.plan.parts:
                raise QuillkeepError("No database is configured.", next="Set MONGODB_URI.")
            return
        try:
            with told_while_waiting(self.profile.mongo, self.ctx):
                self._client = connect(self.profile.mongo)
                self.info = server_info(self._client)
        except DatabaseUnreachable as error:
            if "database" in self.plan.parts:
                raise
            self.warnings.append(f"{error.what} So nobody could tell whether a restore is under way.")
            return
        self.database = self._client[self._database_name]
        if self.guarded:
            guards.refuse_if_disturbed(self.database, self.ctx.job)
            self._changes = guards.changes_of(self.database, self.ctx.job)
        if "database" in self.plan.parts:
            self._require_collections(self.database)
            self._live_bytes = live_bytes(self.database)

    def _require_collections(self, database: Database[Any]) -> None:
        from pymongo.errors import PyMongoError

        try:
            listed = list_live(database)
        except PyMongoError as error:
            raise translated("Listing the collections", error) from error
        there = {name for name in listed if dumpable(name)}
        if not there and self.guarded and self.plan.rename is None:
            raise QuillkeepError(
                f"The database {database.name} has no collections, so there is nothing to back up.",
                cause=others_in_words(database),
                next="Check MONGODB_DATABASE and MONGODB_URI. If the data is lost: `quillkeep restore latest`.",
            )
        named = set(self.plan.exclude) - there | set(self.plan.rename or {}) - set(listed)
        if named:
            raise QuillkeepError(
                f"The database {database.name} has no collection {', '.join(sorted(named))}.",
                cause=f"It has: {', '.join(sorted(there)) or 'none'}.",
                next="Correct the name behind --exclude, or leave it out.",
            )

    def _open_bucket(self) -> None:
        from services.objects.bucket import open_bucket

        if self.profile.bucket is None:
            raise QuillkeepError(
                "No bucket is configured, so the objects cannot be backed up.",
                next="Set S3_BUCKET, or take the database alone: `quillkeep backup --only database`.",
            )
        self._bucket = open_bucket(self.profile.bucket, check=self.ctx.check, say=self.ctx.log)
        self._bucket.require()
        self.known = backup_objects.known_from(self.backups, self.folder, self.ctx)

    def _require_space(self) -> None:
        needed = 0
        if "database" in self.plan.parts:
            previous = backup_checks.manifest_of(newest_good(self.backups, "database"))
            needed += archive_estimate(self._live_bytes, previous)
        if self._bucket is not None and self.known.previous is None:
            self._bucket_bytes = backup_objects.bucket_bytes(self._bucket, self.ctx)
            needed += self._bucket_bytes
        self.room.require(needed)

    def _advance_objects(self, amount: int) -> None:
        if self._phase is not None:
            self._phase.advance(amount)

    def _dump(self, partial: Path) -> None:
        assert self._client is not None and self.info is not None
        request = DumpRequest(
            database=self._database_name,
            exclude=self.plan.exclude,
            rename=self.plan.rename,
            app_stopped=self.app_stopped,
            tool_version=f"quillkeep {tool_version()}",
        )
        total = self._live_bytes or None
        self.part = dump_part(
            self._client, self.info, request, partial, room=self.room, total=total, ctx=self.ctx
        )
        if not self.part.dump.collections and self.guarded:
            raise QuillkeepError("Every collection vanished while the backup was made.")

    def _look_at_the_data(self) -> None:
        from pymongo.errors import PyMongoError

        if self.database is not None:
            if self.guarded:
                guards.fail_if_disturbed(self.database, self.ctx.job, self._changes)
            try:
                self.application = backup_checks.application_version(self.database)
            except PyMongoError as error:
                raise translated("Reading the application's version", error) from error

    def _deletions(self) -> list[str]:
        """Lines run by the clock that would delete a file of this backup by age, in words."""
        if not self.guarded:
            return []
        space = self._workspace
        paths = [space.manifest]
        if "database" in self.plan.parts:
            paths += [space.archive, space.sidecar]
        if "objects" in self.plan.parts:
            paths += [space.objects, space.objects_list]
        return [found.sentence() for found in deletions_by_age(self.folder, [path.name for path in paths])]

    def suspicion(self, collections: Any, objects: Any) -> tuple[list[str], list[Part]]:
        """What fell since the newest good backup; only a backup that counts is compared."""
        if self.plan.purpose != "backup":
            return [], []
        return backup_checks.suspicion(collections, objects, excluded=self.plan.exclude, backups=self.backups)
