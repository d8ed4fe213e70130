"""Taking a restore of objects back from the copies it made, and letting those copies go."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import msgspec

from services.objects.bucket import Bucket
from services.objects.clients import THREADS
from services.objects.failures import StoreError
from services.objects.keys import md5_of, old_folder
from services.objects.pool import in_background, run_pool
from services.objects.put import BATCH_OBJECTS, set_aside
from services.objects.restore_model import LiveObject, NamedObject, Placement, ReleaseResult, UndoResult


def _nothing() -> None:
    """No cancel."""


def _uncounted(amount: int) -> None:
    """Nobody counts."""


class _PutBack(msgspec.Struct, frozen=True):
    key: str
    failed: str = ""


def undo_objects(
    bucket: Bucket,
    placements: Iterable[Placement],
    *,
    advance: Callable[[int], None] = _uncounted,
    threads: int = THREADS,
) -> UndoResult:
    """Puts replaced and removed objects back from their copies and proves each (ETag, else size and bytes).

    Added objects stay and are named. Works after a cancel, may be repeated, and needs no order.
    """
    steady = bucket.without_cancel()
    added, tasks = _split(placements)
    failed: list[NamedObject] = []
    count = 0

    def done(outcome: _PutBack) -> None:
        nonlocal count
        if outcome.failed:
            failed.append(NamedObject(outcome.key, outcome.failed))
        else:
            count += 1

    run_pool(tasks, lambda placement: _put_back(steady, placement, advance), done, threads=threads)
    return UndoResult(put_back=count, added=tuple(added), failed=tuple(failed))


def rollback_objects(
    bucket: Bucket,
    placements: Iterable[Placement],
    *,
    job: str,
    journal: Callable[[list[Placement]], None],
    check_lock: Callable[[], None] = _nothing,
    check: Callable[[], None] = _nothing,
    advance: Callable[[int], None] = _uncounted,
    already: Iterable[Placement] = (),
    threads: int = THREADS,
) -> UndoResult:
    """Like `undo_objects`, but what is live now is first copied aside under `job`, so that this can be rolled back.

    `journal` gets a batch's placements before anything of it is changed. Objects that are live as they were
    before the restore are left alone; one whose live version cannot be copied aside is left and named. `already`
    are placements that an interrupted run of this job journalled: their copies hold what was live, and stay.
    """
    added, tasks = _split(placements)
    failed: list[NamedObject] = []
    made: list[Placement] = []
    folder = old_folder(bucket.prefix, job)
    journalled = {placement.key: placement for placement in already}
    count = 0

    def aside(numbered: tuple[int, Placement]) -> tuple[Placement, Placement | None, str]:
        number, placement = numbered
        try:
            now = bucket.stat(placement.key)
        except StoreError as error:
            if error.kind == "gone":
                return placement, Placement(key=placement.key, action="added"), ""
            if error.server_down:
                raise bucket.explain(error) from None
            return placement, None, error.text
        if (now.size, now.etag) == (placement.size, placement.etag):
            return placement, None, ""
        if placement.key in journalled:
            return placement, journalled[placement.key], ""
        kept, why = set_aside(bucket, placement.key, LiveObject(now.size, now.etag), f"{folder}{number}")
        return placement, kept, why

    def done(outcome: _PutBack) -> None:
        nonlocal count
        if outcome.failed:
            failed.append(NamedObject(outcome.key, outcome.failed))
        else:
            count += 1

    for start in range(0, len(tasks), BATCH_OBJECTS):
        check_lock()
        batch: list[Placement] = []
        kept_aside: list[Placement] = []

        def sort(
            outcome: tuple[Placement, Placement | None, str],
            batch: list[Placement] = batch,
            kept_aside: list[Placement] = kept_aside,
        ) -> None:
            nonlocal count
            placement, kept, why = outcome
            if kept is not None:
                batch.append(placement)
                if placement.key not in journalled:
                    kept_aside.append(kept)
            elif why:
                failed.append(NamedObject(placement.key, f"the live one cannot be kept aside: {why}"))
            else:
                count += 1

        numbered = enumerate(tasks[start : start + BATCH_OBJECTS], start + 1)
        run_pool(numbered, aside, sort, threads=threads, check=check)
        if kept_aside:
            journal(kept_aside)
            made += kept_aside
        check_lock()
        run_pool(
            batch, lambda placement: _put_back(bucket, placement, advance), done, threads=threads, check=check
        )
    return UndoResult(put_back=count, added=tuple(added), failed=tuple(failed), placements=tuple(made))


def copies_of(bucket: Bucket, job: str, *, check: Callable[[], None] = _nothing) -> tuple[int, int]:
    """How many copies a job still holds in the bucket, and their bytes."""
    count = size = 0
    for info in in_background(bucket.list_under(old_folder(bucket.prefix, job)), check=check):
        count += 1
        size += info.size
    return count, size


def release_objects(bucket: Bucket, job: str, *, check: Callable[[], None] = _nothing) -> ReleaseResult:
    """Deletes every copy that a job made; journalled or not, they lie under its own folder."""
    keys: list[str] = []
    size = 0
    for info in in_background(bucket.list_under(old_folder(bucket.prefix, job)), check=check):
        keys.append(info.key)
        size += info.size
    failed: list[str] = []
    batches = [keys[start : start + 1000] for start in range(0, len(keys), 1000)]
    run_pool(batches, bucket.delete_many, failed.extend, threads=2, check=check)
    return ReleaseResult(deleted=len(keys) - len(failed), bytes=size, failed=tuple(failed))


def _split(placements: Iterable[Placement]) -> tuple[list[str], list[Placement]]:
    added: list[str] = []
    tasks: dict[str, Placement] = {}
    for placement in placements:
        if placement.action == "added":
            added.append(placement.key)
        else:
            # The first one of a key holds what was there before the job.
            tasks.setdefault(placement.key, placement)
    return added, list(tasks.values())


def _put_back(bucket: Bucket, placement: Placement, advance: Callable[[int], None]) -> _PutBack:
    try:
        why = _put_back_proven(bucket, placement)
    except StoreError as error:
        if error.kind == "no-bucket" or error.server_down:
            raise bucket.explain(error) from None
        why = error.text if error.kind != "gone" else "its copy is no longer there"
    if not why:
        advance(placement.size)
    return _PutBack(placement.key, why)


def _put_back_proven(bucket: Bucket, placement: Placement) -> str:
    """Empty when the object is again what it was; a sentence otherwise."""
    try:
        now = bucket.stat(placement.key)
        if (now.size, now.etag) == (placement.size, placement.etag):
            return ""
    except StoreError as error:
        if error.kind != "gone":
            raise
    if placement.copy is None:
        return "it was replaced without a copy"
    kept = bucket.stat(placement.copy)
    if kept.size != placement.size:
        return f"its copy has {kept.size:,} bytes instead of {placement.size:,}"
    etag = bucket.copy(placement.copy, placement.key, size=kept.size, etag=kept.etag)
    if etag == placement.etag and md5_of(etag):
        return ""
    now = bucket.stat(placement.key)
    if now.size != placement.size:
        return f"it has {now.size:,} bytes instead of {placement.size:,}"
    if _digest(bucket, placement.key, now.size, now.etag) != _digest(
        bucket, placement.copy, kept.size, kept.etag
    ):
        return "its bytes are not those of its copy"
    return ""


def _digest(bucket: Bucket, key: str, size: int, etag: str) -> str:
    digest = hashlib.sha256()
    bucket.read(key, size=size, etag=etag, sink=digest.update)
    return digest.hexdigest()
