"""The objects of one side of a pair check: the live bucket, or what a backup has of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

import msgspec

from services.objects.keys import Headers, claimed_sha256, is_our_key
from services.objects.pool import run_pool
from services.pairs.facts import ObjectFacts
from services.pairs.rows import normal_type
from services.pairs.table import PairsTable
from services.quilltap.objects import parse_key

if TYPE_CHECKING:
    from services.objects.bucket import Bucket
    from services.objects.failures import StoreError
    from services.objects.manifest import ObjectLine
    from services.objects.source import ObjectsSource, SourceEntry

HEAD_THREADS = 16
READ_THREADS = 8
HASH_THREADS = 4
PAUSES = (0.5, 1.5)
"""Seconds between the first requests to a server that does not answer."""
NO_TYPES = ("", "application/octet-stream")
"""What a store calls an object that was put without a content type."""

Check = Callable[[], None]
Advance = Callable[[int], None]


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """One object looked at: as it is now, None when it is gone; `why` when that could not be told.

    `sha256` is of its bytes where they were read, `metadata` its user metadata where headers were.
    """

    key: str
    now: ObjectFacts | None = None
    sha256: str = ""
    metadata: dict[str, str] = {}
    why: str = ""


TakeLooked = Callable[[Looked], None]


class ObjectsSide(Protocol):
    """`where` in words, `name` is `live` or the backup's id; `headers` whether `entries` tell what headers say."""

    name: str
    where: str
    live: bool
    prefix: str
    headers: bool

    def entries(self) -> Iterator[ObjectFacts]:
        """Every object that is not Quillkeep's own."""
        ...

    def heads(self, keys: Iterable[str], take: TakeLooked, *, check: Check) -> None:
        """Looks at the headers of objects, in the order in which they answer; only of a live side."""
        ...

    def beyond(self) -> Iterator[ObjectFacts]:
        """Every object of the bucket, whatever its prefix; only of a live side."""
        ...

    def hashes(self, table: PairsTable, take: TakeLooked, *, check: Check, advance: Advance) -> None:
        """Reads every byte of the objects that a row points at."""
        ...


class LiveObjects:
    """The live bucket. Errors of all methods: `QuillkeepError` when the bucket as a whole does not answer."""

    name = "live"
    live = True
    headers = False

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self.prefix = bucket.prefix
        self.where = f"the bucket {bucket.name}"

    def entries(self) -> Iterator[ObjectFacts]:
        """As `ObjectsSide.entries`; one small listing first, so that a bucket that is not there is told at once."""
        self._require()
        for info in self._bucket.list():
            yield ObjectFacts(key=info.key, size=info.size, etag=info.etag, modified=info.last_modified)

    def _require(self) -> None:
        """A server that is only busy is asked again; one that is not there is not waited for as in a transfer."""
        from services.objects.failures import BucketUnreachable

        for pause in PAUSES:
            try:
                self._bucket.require()
                return
            except BucketUnreachable:
                time.sleep(pause)
        self._bucket.require()

    def beyond(self) -> Iterator[ObjectFacts]:
        """As `ObjectsSide.beyond`."""
        for info in self._bucket.list_under(""):
            yield ObjectFacts(key=info.key, size=info.size, etag=info.etag, modified=info.last_modified)

    def heads(self, keys: Iterable[str], take: TakeLooked, *, check: Check) -> None:
        """As `ObjectsSide.heads`."""
        run_pool(keys, self._head, take, threads=HEAD_THREADS, check=check)

    def hashes(self, table: PairsTable, take: TakeLooked, *, check: Check, advance: Advance) -> None:
        """As `ObjectsSide.hashes`."""
        run_pool(table.pairs(), lambda one: self._hash(one, advance), take, threads=READ_THREADS, check=check)

    def _head(self, key: str) -> Looked:
        from services.objects.failures import StoreError

        try:
            stat = self._bucket.stat(key)
        except StoreError as error:
            return self._failed(key, error)
        found = ObjectFacts(
            key=key,
            size=stat.size,
            etag=stat.etag,
            modified=stat.last_modified,
            claimed=claimed_sha256(stat.headers.metadata) or "",
            type=told_type(key, self.prefix, stat.headers),
        )
        return Looked(key=key, now=found, metadata=stat.headers.metadata)

    def _hash(self, one: ObjectFacts, advance: Advance) -> Looked:
        from services.objects.failures import StoreError

        try:
            try:
                return self._hashed(one, advance)
            except StoreError as error:
                if error.kind != "changed":
                    raise
            # Replaced since it was listed: what counts is what is there now.
            stat = self._bucket.stat(one.key)
            return self._hashed(ObjectFacts(key=one.key, size=stat.size, etag=stat.etag), advance)
        except StoreError as error:
            return self._failed(one.key, error)

    def _hashed(self, one: ObjectFacts, advance: Advance) -> Looked:
        import hashlib

        digest = hashlib.sha256()

        def sink(chunk: bytes) -> None:
            digest.update(chunk)
            advance(len(chunk))

        self._bucket.read(one.key, size=one.size, etag=one.etag or None, sink=sink)
        return Looked(key=one.key, now=one, sha256=digest.hexdigest())

    def _failed(self, key: str, error: StoreError) -> Looked:
        if error.kind in ("no-bucket", "credentials") or error.server_down:
            raise self._bucket.explain(error) from None
        if error.kind == "gone":
            return Looked(key=key)
        return Looked(key=key, why=error.text or error.kind)


class BackupObjects:
    """What a backup has of the bucket: ours by its object manifest, a foreign folder or tar by its files."""

    live = False

    def __init__(self, name: str, source: ObjectsSource, prefix: str, *, headers: bool) -> None:
        self.name = name
        self.where = f"the objects of {name}"
        self.prefix = prefix
        self.headers = headers
        self._source = source

    def entries(self) -> Iterator[ObjectFacts]:
        """As `ObjectsSide.entries`. Errors: `QuillkeepError`, `OSError`."""
        for entry in self._source.entries():
            if not is_our_key(entry.key, self.prefix):
                yield facts_of_entry(entry, self.prefix, headers=self.headers)

    def beyond(self) -> Iterator[ObjectFacts]:
        """Nothing: a backup takes what is below the prefix."""
        return iter(())

    def heads(self, keys: Iterable[str], take: TakeLooked, *, check: Check) -> None:
        """Nothing: what is kept of the headers came with the entries."""

    def hashes(self, table: PairsTable, take: TakeLooked, *, check: Check, advance: Advance) -> None:
        """As `ObjectsSide.hashes`. Errors: `QuillkeepError`, `OSError`."""
        from services.objects.fetching import hash_file
        from services.objects.source import Body

        def work(body: Body) -> Looked:
            key = body.entry.key
            try:
                digest = hash_file(body.path, advance=advance)
            except OSError as error:
                return Looked(key=key, why=f"its file cannot be read: {error.strerror or error}")
            finally:
                body.release()
            return Looked(key=key, sha256=digest, now=ObjectFacts(key=key, size=body.entry.size))

        run_pool(self._source.bodies(table.has_row), work, take, threads=HASH_THREADS, check=check)


def facts_of_line(line: ObjectLine, prefix: str) -> ObjectFacts:
    """One line of an object manifest."""
    from services.objects.source import entry_of

    return facts_of_entry(entry_of(line), prefix, headers=True)


def facts_of_entry(entry: SourceEntry, prefix: str, *, headers: bool) -> ObjectFacts:
    """One object of a backup; guessed `headers` say nothing."""
    return ObjectFacts(
        key=entry.key,
        size=entry.size,
        etag=entry.etag,
        sha256=entry.sha256,
        claimed=(claimed_sha256(entry.headers.metadata) or "") if headers else "",
        type=told_type(entry.key, prefix, entry.headers) if headers else None,
        missing=entry.missing,
        moved=entry.moved,
    )


def told_type(key: str, prefix: str, headers: Headers) -> str | None:
    """The content type in its normal form; None for a migrated file without one of its own, which is no fault."""
    found = normal_type(headers.content_type or "")
    if found in NO_TYPES and (parts := parse_key(key, prefix)) is not None and parts.migrated:
        return None
    return found
