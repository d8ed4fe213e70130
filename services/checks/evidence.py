"""What the checks look at, gathered once: the manifest, the checksum file, one pass over every byte."""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from services.archive.model import ArchiveError, EncryptedDump
from services.catalog.head import ManifestProblem, read_bytes
from services.catalog.manifest import ArchiveFile, Manifest, decode_manifest
from services.catalog.model import Backup, Depth
from services.checks.sidecar import Sidecars, digests_of, look_beside
from services.deep.model import ANYWHERE, DeepOptions
from services.errors import Cancelled, QuillkeepError
from services.passphrase import BackupKey, key_of
from services.profile import Limits

if TYPE_CHECKING:
    from services.archive.walk import Walked
    from services.checks.collecting import DataCollectors
    from services.deep.run import DeepRun
    from services.jobs.context import JobContext
    from services.objects.verify import ObjectsVerdict, SeenInodes
    from services.pairs.model import PairsResult
    from services.pepper.model import PepperResult
    from services.reading.side import DataSide
    from services.references.model import ReferencesResult

UNREADABLE = frozenset(
    {errno.EIO, errno.EACCES, errno.EPERM, errno.ESTALE, errno.ETIMEDOUT, errno.ENXIO, errno.EREMOTEIO}
)
"""Errors that say nothing of the bytes: the disk or the mount did not give them."""


def _nothing() -> None:
    """No cancel."""


def _uncounted(amount: int) -> None:
    """Nobody counts."""


class Evidence:
    """One backup's evidence; each piece is gathered when a check first asks for it, and kept.

    `depth` is how deep the run goes, `ctx` the job it belongs to (None where a check is tried alone),
    `deep_options` where a deep check may load, `key` what opens an encrypted one (the job's
    profile's). `close` ends what a deep check loaded.
    """

    def __init__(
        self,
        backup: Backup,
        *,
        limits: Limits = Limits(),
        threads: int = 2,
        check: Callable[[], None] = _nothing,
        advance: Callable[[int], None] = _uncounted,
        depth: Depth = "full",
        ctx: JobContext | None = None,
        deep_options: DeepOptions = ANYWHERE,
        seen: SeenInodes | None = None,
        key: BackupKey | None = None,
    ) -> None:
        self.backup = backup
        self.limits = limits
        self.threads = threads
        self.check = check
        self.advance = advance
        self.depth = depth
        self.ctx = ctx
        self.deep_options = deep_options
        self._seen = seen
        self.key = key or (key_of(ctx.profile) if ctx is not None else BackupKey())
        self._beside: dict[Path, Sidecars] = {}

    @cached_property
    def deep(self) -> DeepRun | None:
        """The database part loaded into a server at the first look; None where the run does not go so deep."""
        if self.ctx is None or self.depth != "deep":
            return None
        from services.deep.run import DeepRun

        return DeepRun(self.backup, self.ctx, self.deep_options, lambda: self.walked)

    @property
    def loaded(self) -> DataSide | None:
        """What a deep run loaded, to be read there; None where nothing was. Loads at the first look."""
        run = self.deep
        if run is None or "database" not in self.backup.parts or self.backup.database_path is None:
            return None
        return run.side if run.outcome.loaded is not None else None

    def close(self) -> None:
        """Removes what a deep run loaded; nothing of it stays behind."""
        run = vars(self).get("deep")
        if run is not None:
            run.close()

    @property
    def ours(self) -> bool:
        """Whether a manifest says what must be there."""
        return self.backup.kind == "quillkeep"

    @cached_property
    def manifest(self) -> Manifest | ManifestProblem:
        """The whole manifest, or why there is none that can be used."""
        path = self.backup.manifest_path
        if path is None:
            return ManifestProblem("there is no manifest")
        if self.backup.problem:
            return ManifestProblem(self.backup.problem)
        import msgspec

        try:
            return decode_manifest(read_bytes(str(path)))
        except ManifestProblem as problem:
            return problem
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return ManifestProblem(f"the manifest is damaged: {error}")

    def file_entry(self, path: Path | None) -> ArchiveFile | None:
        """What the manifest says of a file."""
        if path is None or not isinstance(self.manifest, Manifest):
            return None
        return next((file for file in self.manifest.files if file.name == path.name), None)

    def sidecars(self, path: Path) -> Sidecars:
        """The checksum files that lie beside a file."""
        if path not in self._beside:
            self._beside[path] = look_beside(path)
        return self._beside[path]

    def expected_sha256(self, path: Path | None) -> list[tuple[str, str]]:
        """(sha256, who says so) of a file: the manifest, else its checksum files, which may contradict."""
        entry = self.file_entry(path)
        if entry is not None:
            return [(entry.sha256, "the manifest")]
        return [] if path is None else self.sidecars(path).of("sha256")

    @cached_property
    def walked(self) -> Walked | QuillkeepError | OSError:
        """One pass over every byte of the database part, or the error it ended in."""
        path = self.backup.database_path
        assert path is not None
        collecting = self._collectors.collecting if self._collectors is not None else None
        try:
            entry = self.file_entry(path)
            if entry is not None and entry.members and isinstance(self.manifest, Manifest):
                from services.archive.members import walk_members

                return walk_members(
                    path,
                    entry,
                    self.manifest.database,
                    threads=self.threads,
                    limits=self.limits,
                    check=self.check,
                    advance=self.advance,
                    collecting=collecting,
                )
            from services.archive.walk import walk_dump

            return walk_dump(
                path,
                limits=self.limits,
                check=self.check,
                advance=self.advance,
                key=self.key,
                collecting=collecting,
            )
        except Cancelled:
            raise
        except (QuillkeepError, OSError) as error:
            return error

    @cached_property
    def _collectors(self) -> DataCollectors | None:
        if self.ctx is None or self.depth == "quick" or self.backup.database_path is None:
            return None
        from services.checks.collecting import DataCollectors

        return DataCollectors(self)

    @cached_property
    def pepper(self) -> PepperResult | QuillkeepError | None:
        """What the configured pepper opens of this backup, of a few values; None in a quick run."""
        if self._collectors is None:
            return None
        return self._not_looked() or self._collectors.pepper()

    @cached_property
    def pairs(self) -> PairsResult | QuillkeepError | None:
        """The rows of this backup against its own objects; None in a quick run."""
        if self._collectors is None or "objects" not in self.backup.parts:
            return None
        return self._not_looked() or self._collectors.pairs()

    @cached_property
    def references(self) -> ReferencesResult | QuillkeepError | None:
        """The references between the documents that a deep run loaded; None where it loaded nothing."""
        side = self.loaded
        if side is None:
            return None
        from services.references.look import look_at_references

        try:
            left_out = self._left_out(side)
            return look_at_references(side, left_out=left_out, check=self.check, advance=_uncounted)
        except Cancelled:
            raise
        except QuillkeepError as error:
            return error

    def _left_out(self, side: DataSide) -> set[str]:
        """What the backup was made without, and what the server did not take: unknown, not absent."""
        left_out = set(self.manifest.excluded) if isinstance(self.manifest, Manifest) else set()
        loaded = self.deep.outcome.loaded if self.deep is not None else None
        if loaded is not None:
            refused = {problem.collection for problem in loaded.problems if problem.step == "create"}
            left_out |= (refused | set(loaded.left_out)) - side.collections().keys()
        return left_out

    def _not_looked(self) -> QuillkeepError | None:
        if not isinstance(self.walked, Exception):
            return None
        from services.checks.data import NotLooked

        closed = isinstance(self.walked, EncryptedDump)
        why = "the archive stayed closed" if closed else "the archive could not be read to its end"
        return NotLooked(f"The data was not looked at: {why}.")

    @cached_property
    def objects_lines(self) -> Path | None:
        """The object manifest: ours, or the one that lies beside a snapshot that lost its manifest."""
        backup = self.backup
        if self.ours:
            usable = isinstance(self.manifest, Manifest) and "objects" in backup.parts
            return backup.objects_list if usable else None
        if backup.objects_path is None or not backup.objects_path.is_dir():
            return None
        from services.objects.manifest import SUFFIX

        beside = backup.objects_path.with_name(backup.objects_path.name + SUFFIX)
        return beside if beside.is_file() else None

    @cached_property
    def objects(self) -> ObjectsVerdict | QuillkeepError | OSError | None:
        """Every file of the objects part read, each inode once; None when there is none to look into."""
        return self._objects(full=True)

    @cached_property
    def object_sizes(self) -> ObjectsVerdict | QuillkeepError | OSError | None:
        """The names and sizes of the objects part's files."""
        return self._objects(full=False)

    def _objects(self, *, full: bool) -> ObjectsVerdict | QuillkeepError | OSError | None:
        backup = self.backup
        path, lines = backup.objects_path, self.objects_lines
        if path is None or (self.ours and lines is None):
            return None
        from services.objects.verify import verify_foreign, verify_snapshot

        advance = self.advance if full else _uncounted
        try:
            if lines is not None:
                return verify_snapshot(
                    path, lines, full=full, seen=self._seen, check=self.check, advance=advance
                )
            return verify_foreign(
                path,
                full=full,
                limits=self.limits,
                check=self.check,
                advance=advance,
                key=self.key,
                take=self._collectors.take_object if full and self._collectors is not None else None,
            )
        except Cancelled:
            raise
        except (QuillkeepError, OSError) as error:
            return error

    def sha256_of(self, path: Path) -> str | OSError:
        """The file's own sha256, read for its own sake: after a failed walk, or where no walk reads it."""
        found = digests_of(path, ("sha256",), self.check)
        return found if isinstance(found, OSError) else found["sha256"]


def unreadable(error: BaseException) -> str:
    """The words for bytes that could not be read now, empty when the error is about the bytes themselves."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and (seen.errno in UNREADABLE or isinstance(seen, PermissionError)):
            return f"could not be read: {seen.strerror or seen}"
        seen = seen.__cause__ or seen.__context__
    return ""


def damage(error: QuillkeepError | OSError) -> tuple[str, str]:
    """(what is wrong, collection) of the error a pass ended in."""
    if isinstance(error, ArchiveError):
        return error.what, error.namespace
    if isinstance(error, EncryptedDump):
        return error.what, ""
    if isinstance(error, QuillkeepError):
        return f"{error.what} {error.cause}".strip(), ""
    return f"it cannot be read: {error.strerror or error}", ""
