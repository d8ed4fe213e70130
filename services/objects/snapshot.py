"""A snapshot of the bucket as plain files: pass 1 before the database is read, pass 2 after it, then the manifest."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from services.errors import QuillkeepError
from services.files import make_private_folder
from services.objects.bucket import Bucket
from services.objects.clients import THREADS
from services.objects.durable import fsync_folders
from services.objects.failures import StoreError
from services.objects.fetching import fetch_object, hash_file
from services.objects.filenames import PARTIAL_FOLDER, FileNames, FolderTraits, make_folders, probe_folder
from services.objects.keys import ObjectInfo
from services.objects.ledger import Ledger
from services.objects.linking import PreviousSnapshot, take_file, unchanged_file
from services.objects.manifest import ObjectLine, read_raw_lines, write_lines
from services.objects.pool import in_background, run_pool
from services.objects.snapshot_result import (
    MissingObject,
    RottenFile,
    SnapshotResult,
    Summary,
    line_of,
    missing_line,
    why_missing,
)

SEVENTHS = 7
"""Each backup reads this fraction of the linked files again, so that a week proves them all."""
LINK_BATCH = 64
HASH_THREADS = 4

How = Literal["fetched", "linked", "copied", "missing", "vanished", "kept", "proven", "refetched"]


def _nothing() -> None:
    """No cancel."""


def _uncounted(amount: int) -> None:
    """Nobody counts."""


def _unheard(text: str) -> None:
    """Nobody listens."""


class _Task(msgspec.Struct, frozen=True):
    info: ObjectInfo
    file: str | None
    previous: ObjectLine | None = None
    current: ObjectLine | None = None


class _Outcome(msgspec.Struct, frozen=True):
    how: How
    line: ObjectLine | None
    why: str = ""
    key: str = ""


__all__ = ["MissingObject", "PreviousSnapshot", "RottenFile", "Snapshot", "SnapshotResult"]


class Snapshot:
    """Takes one snapshot: `first_pass`, `second_pass`, `finish`; `discard` removes an unfinished one.

    One thread calls them all. `folder` must not exist; `manifest` is the object manifest's path. Raises `QuillkeepError` when the bucket
    as a whole cannot be read or the location cannot take it, and whatever `check` and `space` raise.
    """

    def __init__(
        self,
        bucket: Bucket,
        folder: Path,
        manifest: Path,
        *,
        previous: PreviousSnapshot | None = None,
        lost: frozenset[str] = frozenset(),
        suspect_keys: frozenset[str] = frozenset(),
        suspect_inodes: frozenset[int] = frozenset(),
        traits: FolderTraits | None = None,
        threads: int = THREADS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        check: Callable[[], None] = _nothing,
        advance: Callable[[int], None] = _uncounted,
        say: Callable[[str], None] = _unheard,
        space: Callable[[int], None] = _uncounted,
    ) -> None:
        self.bucket, self.folder, self.manifest = bucket, folder, manifest
        self._previous = previous
        self._lost = lost
        self._suspect_keys, self._suspect_inodes = suspect_keys, suspect_inodes
        self._threads, self._clock = threads, clock
        self._check, self._advance, self._say, self._space = check, advance, say, space
        self._partial = folder / PARTIAL_FOLDER
        self._numbers = itertools.count()
        self._known_folders: set[str] = {""}
        self._ledger = Ledger()
        self._counts: dict[How, int] = {}
        self._fetched_bytes = 0
        self._vanished = 0
        self._unread_changes: list[MissingObject] = []
        self._rotten: list[RottenFile] = []
        self._warnings: list[str] = []
        self._link_refusal = ""
        self._lock = threading.Lock()
        try:
            make_private_folder(folder)
            make_private_folder(self._partial)
            self._names = FileNames(folder, traits or probe_folder(folder.parent))
        except OSError as error:
            raise self._location_failed(error) from error

    def first_pass(self) -> None:
        """Lists the bucket and links or fetches every object, then reads the oldest seventh of the linked ones."""
        self._load_previous()
        self._run(self._tasks(self._first), self._work_batch)
        self._prove_oldest()

    def second_pass(self) -> None:
        """Lists again and fetches what is new or changed; what is gone meanwhile stays, rows may refer to it."""
        self._ledger.begin_second()
        self._run(self._tasks(self._second), self._work_batch)

    def finish(self) -> SnapshotResult:
        """Makes the folders durable, writes the object manifest and sums up."""
        try:
            shutil.rmtree(self._partial)
            fsync_folders(self.folder, self._known_folders)
            summary = Summary(self._lost)
            entry = write_lines(self.manifest, summary.watch(self._ledger.lines()))
        except OSError as error:
            raise self._location_failed(error) from error
        finally:
            self._ledger.close()
        if self._link_refusal:
            self._warn(
                f"Files cannot be hard-linked here ({self._link_refusal}): each snapshot takes its full "
                f"{summary.bytes:,} bytes."
            )
        counts = self._counts
        return SnapshotResult(
            count=summary.count,
            bytes=summary.bytes,
            missing=(*summary.missing, *self._unread_changes),
            lost=tuple(summary.lost),
            contradicting=tuple(summary.contradicting),
            linked=counts.get("linked", 0),
            fetched=counts.get("fetched", 0) + counts.get("refetched", 0),
            fetched_bytes=self._fetched_bytes,
            copied=counts.get("copied", 0),
            proven_again=counts.get("proven", 0),
            rotten=tuple(self._rotten),
            vanished=self._vanished,
            file=entry,
            warnings=tuple(self._warnings),
        )

    def discard(self) -> None:
        """Removes the unfinished snapshot's files; the previous snapshot's links are not touched."""
        self._ledger.close()
        self.manifest.unlink(missing_ok=True)
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _load_previous(self) -> None:
        if self._previous is None:
            return
        try:
            self._ledger.add_previous(read_raw_lines(self._previous.lines))
        except QuillkeepError as error:
            self._ledger.forget_previous()
            self._previous = None
            self._warn(f"{error.what} Nothing could be linked: every object is fetched.")

    def _run(self, tasks: Iterator[list[_Task]], work: Callable[[list[_Task]], list[_Outcome]]) -> None:
        try:
            run_pool(tasks, work, self._record, threads=self._threads, check=self._check)
        except OSError as error:
            raise self._location_failed(error) from error

    def _tasks(self, choose: Callable[[ObjectInfo], _Task | None]) -> Iterator[list[_Task]]:
        """Objects to work on: those that probably only need a link in batches, the others one by one."""
        batch: list[_Task] = []
        listing = in_background(self.bucket.list(), check=self._check)
        try:
            for info in listing:
                task = choose(info)
                if task is None:
                    continue
                if task.previous is not None and _same(task.previous, info):
                    batch.append(task)
                    if len(batch) == LINK_BATCH:
                        yield batch
                        batch = []
                else:
                    yield [task]
        finally:
            listing.close()
        if batch:
            yield batch

    def _first(self, info: ObjectInfo) -> _Task | None:
        if self._ledger.knows(info):
            return None
        previous = self._ledger.previous(info.key) if self._previous is not None else None
        task = _Task(info, self._names.assign(info.key), previous)
        # Taken down at once, so that a key listed twice is not worked on twice.
        self._ledger.put(missing_line(task.info, task.file, "not finished"))
        return task

    def _second(self, info: ObjectInfo) -> _Task | None:
        self._ledger.listed_again(info.key)
        if self._ledger.knows(info):
            return None
        current = self._ledger.get(info.key)
        file = self._names.assign(info.key) if current is None else current.file
        return _Task(info, file, None, current)

    def _work_batch(self, tasks: list[_Task]) -> list[_Outcome]:
        return [self._work(task) for task in tasks]

    def _work(self, task: _Task) -> _Outcome:
        final = make_folders(self.folder, task.file or task.info.key, self._known_folders)
        return self._take(task, final) or self._fetch(task, final)

    def _take(self, task: _Task, final: Path) -> _Outcome | None:
        """The previous snapshot's file, when the bucket still has exactly that object."""
        line, info, before = task.previous, task.info, self._previous
        if line is None or before is None or line.missing or (line.size, line.etag) != (info.size, info.etag):
            return None
        source = unchanged_file(before, line)
        if source is None:
            return None
        if line.last_modified != info.last_modified:
            try:
                now = self.bucket.stat(info.key)
            except StoreError:
                return None
            if (now.size, now.etag, now.headers) != (line.size, line.etag, line.headers):
                return None
        line = msgspec.structs.replace(line, file=task.file, last_modified=info.last_modified, lost=False)
        taken = take_file(
            source,
            line,
            partial=self._partial_path(),
            final=final,
            now=self._clock(),
            refused=lambda error: self._link_refused(error, info.size),
        )
        return _Outcome(taken.how, taken.line) if taken else None

    def _fetch(self, task: _Task, final: Path) -> _Outcome:
        info = task.info
        self._space(info.size)
        try:
            got = fetch_object(
                self.bucket, info, partial=self._partial_path(), final=final, advance=self._advance
            )
        except StoreError as error:
            if error.kind == "gone":
                return _Outcome("vanished", task.current, key=info.key)
            if error.kind == "no-bucket" or error.server_down:
                raise self.bucket.explain(error) from None
            if task.current is not None and not task.current.missing:
                return _Outcome("kept", task.current, error.text)
            return _Outcome("missing", missing_line(task.info, task.file, why_missing(error)), error.text)
        line = line_of(got.info, got.headers, task.file)
        return _Outcome(
            "fetched",
            msgspec.structs.replace(
                line,
                sha256=got.sha256,
                inode=got.inode,
                mtime=got.mtime,
                proven_at=self._clock(),
                contradicting=got.contradicting,
            ),
        )

    def _prove_oldest(self) -> None:
        """Reads linked files again: the oldest seventh, and what a note calls bad."""
        chosen = {line.key: line for line in self._ledger.oldest_proven(SEVENTHS)}
        for key in self._suspect_keys:
            line = self._ledger.get(key)
            if line is not None and not line.missing:
                chosen[key] = line
        if self._suspect_inodes:
            for line in self._ledger.lines():
                if line.inode in self._suspect_inodes and not line.missing:
                    chosen[line.key] = line
        tasks = (
            [_Task(ObjectInfo(line.key, line.size, line.etag, line.last_modified), line.file, None, line)]
            for line in chosen.values()
        )
        self._run(tasks, lambda batch: [self._prove(task) for task in batch])

    def _prove(self, task: _Task) -> _Outcome:
        line = task.current
        assert line is not None
        path = self.folder / line.path

        def heard(amount: int) -> None:
            self._check()
            self._advance(amount)

        if hash_file(path, advance=heard) == line.sha256:
            return _Outcome("proven", msgspec.structs.replace(line, proven_at=self._clock()))
        with self._lock:
            self._rotten.append(RottenFile(line.key, line.inode))
        fetched = self._fetch(msgspec.structs.replace(task, current=None), path)
        if fetched.how == "fetched":
            return msgspec.structs.replace(fetched, how="refetched")
        path.unlink()
        why = f"its stored copy is damaged, and the bucket no longer gives it: {fetched.why or 'gone'}"
        return _Outcome("missing", missing_line(task.info, task.file, why))

    def _record(self, outcomes: list[_Outcome]) -> None:
        for outcome in outcomes:
            self._counts[outcome.how] = self._counts.get(outcome.how, 0) + 1
            line = outcome.line
            if outcome.how == "vanished":
                self._vanished += 1
                if line is None:
                    self._ledger.remove(outcome.key)
            elif line is None:
                continue
            elif outcome.how == "kept":
                self._unread_changes.append(MissingObject(line.key, outcome.why))
                self._warn(f"{line.key} changed while the backup ran; its earlier bytes are kept.")
            else:
                self._ledger.put(line, linked=outcome.how == "linked")
                if outcome.how in ("fetched", "refetched"):
                    self._fetched_bytes += line.size

    def _partial_path(self) -> Path:
        return self._partial / str(next(self._numbers))

    def _link_refused(self, error: OSError, size: int) -> None:
        self._space(size)
        with self._lock:
            first, self._link_refusal = not self._link_refusal, error.strerror or type(error).__name__
        if first:
            self._say(f"Files cannot be hard-linked here ({self._link_refusal}): they are copied.")

    def _warn(self, text: str) -> None:
        self._warnings.append(text)
        self._say(text)

    def _location_failed(self, error: OSError) -> QuillkeepError:
        return QuillkeepError(
            f"The snapshot's files cannot be written in {self.folder.parent}.",
            cause=f"{error.strerror or error} (errno {error.errno})",
            touched="The bucket was only read; no earlier backup was changed.",
            next="Make room there or correct its rights, then run the backup again.",
        )


def _same(line: ObjectLine, info: ObjectInfo) -> bool:
    return (line.size, line.etag, line.last_modified) == (info.size, info.etag, info.last_modified)
