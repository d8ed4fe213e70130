"""Putting a backup's objects into a bucket: what is replaced is copied aside and journalled before it is touched."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from services.objects.bucket import Bucket
from services.objects.clients import THREADS
from services.objects.ends import SINGLE_PUT_BYTES
from services.objects.failures import StoreError
from services.objects.fetching import hash_file
from services.objects.keys import Headers, md5_of, old_folder
from services.objects.pool import ByteBudget, run_pool
from services.objects.restore_model import LiveObject, NamedObject, ObjectPlan, ObjectsResult, Placement
from services.objects.source import Body, ObjectsSource

BATCH_OBJECTS = 256
BATCH_BYTES = 512 << 20
"""A batch ends at either; the lock is looked at and the journal written once a batch."""

HELD_BYTES = 64 << 20
"""Bodies held in memory at once by all threads."""

FindElsewhere = Callable[[str, str], Path | None]


def _nothing() -> None:
    """No cancel."""


def _uncounted(amount: int) -> None:
    """Nobody counts."""


class _Aside(msgspec.Struct, frozen=True):
    """How a live object was set aside: a placement, or why not."""

    key: str
    placement: Placement | None
    why: str = ""


class _Put(msgspec.Struct, frozen=True):
    key: str
    size: int = 0
    live: LiveObject | None = None
    lacking: str = ""
    failed: str = ""


def put_objects(
    bucket: Bucket,
    plan: ObjectPlan,
    source: ObjectsSource,
    *,
    job: str,
    journal: Callable[[list[Placement]], None],
    check_lock: Callable[[], None] = _nothing,
    advance: Callable[[int], None] = _uncounted,
    check: Callable[[], None] = _nothing,
    allow_possible_loss: bool = False,
    exact: bool = False,
    find_elsewhere: FindElsewhere | None = None,
    copies: int = 0,
    threads: int = THREADS,
) -> ObjectsResult:
    """Puts the plan's new and replaced objects, each file's sha256 checked before and its ETag after.

    `journal` gets the placements of a batch and must return when they are on disk: only then the batch is put.
    `check_lock` is asked before each batch. `advance` gets bytes put. With `exact` the only-live objects are
    copied aside and deleted. `copies` is the highest number of a copy that an interrupted run of this job
    journalled: those are never overwritten. Raises `QuillkeepError` when the server fails as a whole; what was journalled by
    then is what `undo_objects` takes back.
    """
    putting = Putting(bucket, plan, job, journal, check_lock, check, threads, allow_possible_loss)
    putting.advance, putting.find_elsewhere, putting.copies = advance, find_elsewhere, copies
    wanted = plan.new.keys() | plan.replace.keys()
    for batch in _batches(source.bodies(wanted.__contains__)):
        putting.put(batch)
    if exact:
        putting.remove(plan.only_live)
    return putting.result()


def _batches(bodies: Iterator[Body]) -> Iterator[list[Body]]:
    batch: list[Body] = []
    total = 0
    for body in bodies:
        batch.append(body)
        total += body.entry.size
        in_memory = body.descriptor >= 0
        if len(batch) == BATCH_OBJECTS or total >= (HELD_BYTES if in_memory else BATCH_BYTES):
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


class Putting:
    """The running state of one `put_objects`."""

    def __init__(
        self,
        bucket: Bucket,
        plan: ObjectPlan,
        job: str,
        journal: Callable[[list[Placement]], None],
        check_lock: Callable[[], None],
        check: Callable[[], None],
        threads: int,
        allow_possible_loss: bool,
    ) -> None:
        self.bucket, self.plan = bucket, plan
        self.advance: Callable[[int], None] = _uncounted
        self.find_elsewhere: FindElsewhere | None = None
        self._journal, self._check_lock, self._check = journal, check_lock, check
        self._threads = threads
        self._loss_allowed = allow_possible_loss
        self._budget = ByteBudget(HELD_BYTES)
        self._folder = old_folder(bucket.prefix, job)
        self.copies = 0
        self._placements: list[Placement] = []
        self._placed: dict[str, LiveObject] = {}
        self._put_bytes = 0
        self._removed = 0
        self._failed: list[NamedObject] = []
        self._left: list[NamedObject] = []
        self._lacking: list[NamedObject] = list(plan.lacking)
        self._without_copy: list[str] = []

    def put(self, batch: list[Body]) -> None:
        """Sets aside what the batch replaces, journals, puts."""
        self._check_lock()
        replaced = {
            body.entry.key: self.plan.replace[body.entry.key]
            for body in batch
            if body.entry.key in self.plan.replace
        }
        placements, left = self._set_aside(replaced, "replaced")
        aside = {placement.key for placement in placements}
        placements += [
            Placement(key=body.entry.key, action="added")
            for body in batch
            if body.entry.key not in aside and body.entry.key not in left
        ]
        self._announce(placements)
        for body in batch:
            if body.entry.key in left:
                body.release()
        chosen = [body for body in batch if body.entry.key not in left]
        self._check_lock()
        run_pool(chosen, self._put_one, self._record, threads=self._threads, check=self._check)

    def remove(self, only_live: dict[str, LiveObject]) -> None:
        """Sets the only-live objects aside and deletes those whose copy is proven."""
        keys = list(only_live)
        for start in range(0, len(keys), BATCH_OBJECTS):
            self._check_lock()
            some = {key: only_live[key] for key in keys[start : start + BATCH_OBJECTS]}
            placements, _ = self._set_aside(some, "removed")
            self._announce(placements)
            self._check_lock()
            gone = [placement.key for placement in placements if placement.copy is not None]
            run_pool(gone, self._delete_one, self._deleted, threads=self._threads, check=self._check)

    def result(self) -> ObjectsResult:
        """What was done so far."""
        return ObjectsResult(
            put=len(self._placed),
            put_bytes=self._put_bytes,
            kept=len(self.plan.keep),
            removed=self._removed,
            placements=tuple(self._placements),
            placed=self._placed,
            failed=tuple(self._failed),
            left=tuple(self._left),
            without_copy=tuple(self._without_copy),
            lacking=tuple(self._lacking),
        )

    def _announce(self, placements: list[Placement]) -> None:
        if placements:
            self._journal(placements)
            self._placements += placements

    def _set_aside(self, objects: dict[str, LiveObject], action: str) -> tuple[list[Placement], set[str]]:
        placements: list[Placement] = []
        left: set[str] = set()

        def numbered() -> Iterator[tuple[str, LiveObject, str]]:
            for key, live in objects.items():
                self.copies += 1
                yield key, live, f"{self._folder}{self.copies}"

        def work(task: tuple[str, LiveObject, str]) -> _Aside:
            key, live, copy = task
            return _Aside(key, *set_aside(self.bucket, key, live, copy, removing=action == "removed"))

        def done(aside: _Aside) -> None:
            if aside.placement is not None:
                placements.append(aside.placement)
            elif self._loss_allowed and action == "replaced":
                live = objects[aside.key]
                self._without_copy.append(aside.key)
                placements.append(Placement(key=aside.key, action="replaced", size=live.size, etag=live.etag))
            else:
                left.add(aside.key)
                self._left.append(NamedObject(aside.key, f"no copy of the live one can be made: {aside.why}"))

        run_pool(numbered(), work, done, threads=self._threads, check=self._check)
        return placements, left

    def _put_one(self, body: Body) -> _Put:
        try:
            with self._budget.hold(body.entry.size):
                return self._put_verified(body)
        except StoreError as error:
            if error.kind == "no-bucket" or error.server_down:
                raise self.bucket.explain(error) from None
            return _Put(body.entry.key, failed=error.text)
        finally:
            body.release()

    def _put_verified(self, body: Body) -> _Put:
        entry = body.entry
        found = self._good_bytes(body)
        if isinstance(found, str):
            return _Put(entry.key, lacking=found)
        content, size, md5 = found
        for _ in range(2):
            etag = self.bucket.put(entry.key, content, size=size, headers=entry.headers)
            live = _verified(self.bucket, entry.key, size, md5, etag, entry.headers)
            if live is not None:
                self.advance(size)
                return _Put(entry.key, size, live)
        return _Put(entry.key, failed="the server twice stored something else than was sent")

    def _good_bytes(self, body: Body) -> tuple[bytes | Path, int, str] | str:
        """The bytes to put (or the file of large ones), their number and MD5; a sentence when none are good."""
        entry = body.entry
        why = entry.missing or ""
        if not why:
            try:
                content, size, sha256, md5 = _read(body.path, ours=body.descriptor >= 0)
                if not entry.sha256 or sha256 == entry.sha256:
                    return content, size, md5
                why = "its file's bytes are not those of its sha256"
            except OSError as error:
                why = f"its file cannot be read: {error.strerror}"
        elsewhere = self.find_elsewhere(entry.key, entry.sha256) if self.find_elsewhere else None
        if elsewhere is None:
            return why
        try:
            content, size, sha256, md5 = _read(elsewhere)
        except OSError as error:
            return f"{why}; another backup's file cannot be read: {error.strerror}"
        if entry.sha256 and sha256 != entry.sha256:
            return f"{why}; another backup's file is damaged as well"
        return content, size, md5

    def _record(self, put: _Put) -> None:
        if put.live is not None:
            self._placed[put.key] = put.live
            self._put_bytes += put.size
        elif put.lacking:
            self._lacking.append(NamedObject(put.key, put.lacking))
        else:
            self._failed.append(NamedObject(put.key, put.failed))

    def _delete_one(self, key: str) -> NamedObject | None:
        try:
            self.bucket.delete(key)
        except StoreError as error:
            if error.server_down:
                raise self.bucket.explain(error) from None
            return NamedObject(key, error.text)
        return None

    def _deleted(self, failure: NamedObject | None) -> None:
        if failure is None:
            self._removed += 1
        else:
            self._failed.append(failure)


def set_aside(
    bucket: Bucket, key: str, live: LiveObject, copy: str, *, removing: bool = False
) -> tuple[Placement | None, str]:
    """Copies what is live to `copy` on the server and proves it; gives the placement, or None and why not.

    An object that changed meanwhile is copied as it is now; one that is gone becomes an added one.
    """
    try:
        for _ in range(3):
            try:
                etag = bucket.copy(key, copy, size=live.size, etag=live.etag)
                break
            except StoreError as error:
                if error.kind not in ("changed", "gone"):
                    raise
                try:
                    now = bucket.stat(key)
                except StoreError as gone:
                    if gone.kind != "gone":
                        raise
                    return (None, "gone") if removing else (Placement(key=key, action="added"), "")
                live = LiveObject(now.size, now.etag)
        else:
            return None, "it changes at every try"
        same = md5_of(live.etag) is not None and md5_of(live.etag) == md5_of(etag)
        if not same and bucket.stat(copy).size != live.size:
            return None, "the server's copy has another size"
    except StoreError as error:
        if error.kind == "no-bucket" or error.server_down:
            raise bucket.explain(error) from None
        return None, error.text
    return Placement(
        key=key,
        action="removed" if removing else "replaced",
        copy=copy,
        size=live.size,
        etag=live.etag,
    ), ""


def _read(path: Path, *, ours: bool = False) -> tuple[bytes | Path, int, str, str]:
    """Content (or the path of large files), size, sha256 and MD5; a link is followed only when it is `ours`."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (0 if ours else os.O_NOFOLLOW))
    with os.fdopen(handle, "rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size <= SINGLE_PUT_BYTES:
            content = stream.readall()
            md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            return content, len(content), hashlib.sha256(content).hexdigest(), md5
    return path, size, hash_file(path), ""


def _verified(
    bucket: Bucket, key: str, size: int, md5: str, etag: str, headers: Headers
) -> LiveObject | None:
    """What the bucket now has, when it is what was sent: by MD5 for one part, else by size and metadata."""
    if md5 and md5_of(etag) == md5:
        return LiveObject(size, etag)
    now = bucket.stat(key)
    if now.size != size:
        return None
    if md5 and md5_of(etag) and bucket.etag_is_md5(key):
        return None
    stored = now.headers.metadata
    if any(stored.get(name) != value.strip() for name, value in headers.metadata.items() if value.strip()):
        return None
    return LiveObject(now.size, now.etag)
