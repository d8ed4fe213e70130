"""Seeded sample data of the application's real shapes: 432 MB, 232,000 documents, 3,003 objects at scale 1."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec

from services.demo.layout import Layout, layout_of
from services.demo.people import SAMPLE_PEPPER, People
from services.demo.sample_files import SampleFile, SampleFiles
from services.demo.sample_indexes import build_indexes
from services.demo.seeds import Seeds
from services.demo.stories import Stories
from services.demo.words import Text
from services.quilltap import COLLECTIONS

if TYPE_CHECKING:
    from pymongo.database import Database

    from services.profile import BucketTarget

__all__ = ["SAMPLE_PEPPER", "BucketFill", "Sample", "fill_bucket", "fill_database"]

BATCH_BYTES = 4 << 20
BATCH_DOCUMENTS = 4_000
WRITERS = 2
UPLOADS = 8
WHOLE_BYTES = 16 << 20
"""Larger objects are put as a stream."""
PART_BYTES = 8 << 20


class BucketFill(msgspec.Struct, frozen=True):
    """What a bucket was filled with."""

    count: int
    bytes: int


class Sample:
    """One seed and scale; any document or object of it can be made by itself, in any order.

    `prefix` is the bucket's, and becomes part of every `files.s3Key`.
    """

    def __init__(self, *, scale: float, seed: int, prefix: str = "") -> None:
        self.layout: Layout = layout_of(scale)
        seeds = Seeds(seed)
        text = Text(seeds)
        self.files = SampleFiles(seeds, self.layout, text, prefix)
        people = People(seeds, self.layout, text)
        stories = Stories(seeds, self.layout, text, self.files)
        self._makers: dict[str, Callable[[int], dict[str, Any]]] = {"files": self.files.row}
        for name in COLLECTIONS:
            if name not in self._makers:
                self._makers[name] = getattr(people, name, None) or getattr(stories, name)

    def document(self, collection: str, number: int) -> dict[str, Any]:
        """One document, `number` from 0."""
        return self._makers[collection](number)

    def documents(self, collection: str) -> Iterator[bytes]:
        """A collection's documents as BSON."""
        from bson import encode

        make = self._makers[collection]
        for number in range(self.layout.counts[collection]):
            yield encode(make(number))

    def objects(self) -> Iterator[SampleFile]:
        """Every object, without its bytes (`files.content` makes those)."""
        for number in range(self.layout.objects):
            yield self.files.file(number)


def fill_database(
    database: Database[Any], *, scale: float, seed: int, indexes: bool = True, prefix: str = ""
) -> dict[str, int]:
    """Fills an empty database with the eighteen collections; gives the documents of each.

    Memory stays flat: at most a few batches of 4 MiB wait for the server. Errors are pymongo's.
    """
    sample = Sample(scale=scale, seed=seed, prefix=prefix)
    counts: dict[str, int] = {}
    if indexes:
        build_indexes(database)
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="sample") as pool:
        for name in COLLECTIONS:
            counts[name] = 0
            for batch in _batches(sample.documents(name)):
                counts[name] += len(batch)
                waiting.append(pool.submit(_insert, database, name, batch))
                while len(waiting) > WRITERS:
                    waiting.popleft().result()
        while waiting:
            waiting.popleft().result()
    return counts


def _batches(documents: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document)
        if size >= BATCH_BYTES or len(batch) >= BATCH_DOCUMENTS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _insert(database: Database[Any], name: str, batch: list[bytes]) -> None:
    from bson.raw_bson import RawBSONDocument

    database[name].insert_many([RawBSONDocument(document) for document in batch], ordered=False)


def fill_bucket(target: BucketTarget, *, scale: float, seed: int) -> BucketFill:
    """Puts every object of the sample, with its content type and metadata, into an existing bucket.

    At most eight bodies are in memory, large ones 8 MiB at a time. Raises obstore's errors.
    """
    from services.objects.clients import build_clients

    sample = Sample(scale=scale, seed=seed, prefix=target.prefix)
    store = build_clients(target).up
    total = 0
    waiting: deque[Future[int]] = deque()
    with ThreadPoolExecutor(UPLOADS, thread_name_prefix="sample") as pool:
        for number in range(sample.layout.objects):
            waiting.append(pool.submit(_upload, store, sample.files, number))
            while len(waiting) > UPLOADS:
                total += waiting.popleft().result()
        while waiting:
            total += waiting.popleft().result()
    return BucketFill(count=sample.layout.objects, bytes=total)


def _upload(store: Any, files: SampleFiles, number: int) -> int:
    import obstore

    file = files.file(number)
    attributes: dict[str, str] = {"Content-Type": file.content_type, **file.metadata}
    body: Any = files.body(number) if file.size <= WHOLE_BYTES else files.content(number)
    obstore.put(
        store,
        file.key,
        body,
        attributes=attributes,
        use_multipart=file.size > WHOLE_BYTES,
        chunk_size=PART_BYTES,
        max_concurrency=2,
    )
    return file.size
