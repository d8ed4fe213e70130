"""The dump's machinery without a server: order, bounded memory, errors, members and their copies."""

from __future__ import annotations

import gzip
import itertools
import os
import random
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import bson
import pytest

from services.archive.documents import Sums
from services.archive.model import ArchiveError, CollectionMetadata, Namespace
from services.errors import Cancelled
from services.mongo.counters import CollectionStats, Mark
from services.mongo.dump_members import ArchiveWriter, compressed, fitting_level
from services.mongo.dump_parts import MEMBER_BYTES, Part, walk_batch
from services.mongo.dump_pipeline import IN_FLIGHT_BYTES, Batch, Pipeline
from services.mongo.indexes import Described, dumpable


def nothing(*_: object) -> None:
    """A hook that does nothing."""


def part(name: str = "chats") -> Part:
    described = Described(
        live=name,
        name=name,
        kind="collection",
        storage=name,
        stream=name,
        metadata=CollectionMetadata(namespace=Namespace("q", name)),
        uuid=None,
        stats=CollectionStats(),
    )
    return Part(described, "q")


def document(number: int, size: int = 100) -> bytes:
    return bson.encode({"_id": number, "text": "x" * size})


def writer(tmp_path: Path) -> ArchiveWriter:
    return ArchiveWriter(tmp_path / "archive", before_write=nothing)


def test_batches_come_out_in_the_order_they_were_read(tmp_path: Path) -> None:
    one = part()
    batches = [document(number, 50_000 if number % 7 == 0 else 10) for number in range(100)]

    def source() -> Iterator[Batch]:
        for data in batches:
            yield Batch(one, data)
        yield Batch(one, None)

    target = writer(tmp_path)
    Pipeline(target, source(), check=nothing, advance=nothing).run()
    target.close()
    raw = gzip.decompress((tmp_path / "archive").read_bytes())
    places = [raw.index(data) for data in batches]
    assert places == sorted(places)
    expected = Sums()
    expected.add_unordered(b"".join(batches))
    assert (one.sums.documents, one.sums.bytes, one.sums.content) == (
        expected.documents,
        expected.bytes,
        expected.content,
    )
    assert one.ended and len(one.members) == 101
    assert (one.entry().first_id, one.entry().last_id) == ('{"$numberInt": "0"}', '{"$numberInt": "99"}')


def test_large_batches_are_in_flight_one_at_a_time(tmp_path: Path) -> None:
    one = part()
    size = IN_FLIGHT_BYTES * 2 // 3
    lock = threading.Lock()
    flying = most = 0

    def source() -> Iterator[Batch]:
        nonlocal flying, most
        for number in range(6):
            with lock:
                flying += 1
                most = max(most, flying)
            yield Batch(one, document(number, size), expected_next=size)

    def written(_amount: int) -> None:
        nonlocal flying
        with lock:
            flying -= 1

    target = writer(tmp_path)
    Pipeline(target, source(), check=nothing, advance=written).run()
    assert one.sums.documents == 6
    # `advance` is called just after the room is given back, so the next one may have been read already.
    assert most <= 2


def test_an_error_of_the_source_ends_all_workers(tmp_path: Path) -> None:
    one = part()

    def source() -> Iterator[Batch]:
        yield Batch(one, document(1))
        raise OSError("the server went away")

    with pytest.raises(OSError, match="went away"):
        Pipeline(writer(tmp_path), source(), check=nothing, advance=nothing).run()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("dump-")]


def test_an_error_of_the_disk_ends_all_workers(tmp_path: Path) -> None:
    one = part()

    def full(_amount: int) -> None:
        raise OSError("no space left")

    target = ArchiveWriter(tmp_path / "archive", before_write=full)
    source = (Batch(one, document(number)) for number in range(1000))
    with pytest.raises(OSError, match="no space left"):
        Pipeline(target, source, check=nothing, advance=nothing).run()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("dump-")]


def test_a_cancel_stops_a_source_that_never_ends(tmp_path: Path) -> None:
    one = part()
    asked = 0

    def source() -> Iterator[Batch]:
        while True:
            yield Batch(one, document(1))

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        Pipeline(writer(tmp_path), source(), check=check, advance=nothing).run()


def test_a_batch_is_cut_between_documents() -> None:
    data = b"".join(document(number, 700_000) for number in range(8))
    walked = walk_batch(data, "q.chats")
    assert walked.cuts[-1] == len(data) and len(walked.cuts) == 4
    ends = [0, *walked.cuts]
    for start, end in itertools.pairwise(ends):
        assert end - start <= MEMBER_BYTES
        assert walk_batch(data[start:end], "q.chats").documents == 2
    small = walk_batch(document(1), "q.chats")
    assert (small.cuts, small.last, small.documents) == ([len(document(1))], 0, 1)
    assert walk_batch(b"", "q.chats").cuts == [0]


@pytest.mark.parametrize(
    "change", [lambda raw: raw[:-1], lambda raw: b"\xff" + raw[1:], lambda raw: raw + b"\1"]
)
def test_bytes_that_are_no_documents_are_an_error(change) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArchiveError, match=r"q\.chats"):
        walk_batch(change(document(1)), "q.chats")


def test_members_are_copied_from_good_ranges_in_their_order(tmp_path: Path) -> None:
    target = writer(tmp_path)
    texts = [bytes([65 + number]) * 1000 for number in range(6)]
    members = [target.write_member("c", compressed(text)) for text in texts]
    rebuilt = ArchiveWriter(tmp_path / "rebuilt", before_write=nothing)
    rebuilt.write_member("", compressed(b"head"))
    kept = [members[0], members[1], members[3], members[5]]
    copied = rebuilt.copy_members(target.fileno(), kept)
    rebuilt.close()
    raw = (tmp_path / "rebuilt").read_bytes()
    assert gzip.decompress(raw) == b"head" + texts[0] + texts[1] + texts[3] + texts[5]
    for member, text in zip(copied, [texts[0], texts[1], texts[3], texts[5]], strict=True):
        assert gzip.decompress(raw[member.offset : member.offset + member.length]) == text
    with pytest.raises(OSError):
        broken = ArchiveWriter(tmp_path / "broken", before_write=nothing)
        target.copy_members(broken.fileno(), members)


def test_the_dense_level_is_chosen_only_where_it_pays() -> None:
    rows = random.Random(7)
    # Embeddings come as single-precision numbers in doubles.
    numbers = [struct.unpack("<f", struct.pack("<f", rows.gauss(0, 0.05)))[0] for _ in range(300)]
    embeddings = b"".join(bson.encode({"e": rows.sample(numbers, 300)}) for _ in range(40))
    text = b"".join(document(number, 500) for number in range(200))
    assert fitting_level(text) == 2
    assert fitting_level(embeddings) == 3
    assert fitting_level(os.urandom(1000)) == 2


def test_which_collections_a_dump_takes() -> None:
    assert [name for name in ("a", "system.js", "a.system.b") if not dumpable(name)] == []
    ours = ["__quillkeep_jobs", "system.buckets.__quillkeep_new_1", "system.views", "system.profile"]
    assert [name for name in [*ours, "system.buckets.weather"] if dumpable(name)] == []


def test_a_mark_without_counters_counts_as_written() -> None:
    assert Mark(uuid="a", writes=(1, 2)).still(Mark(uuid="a", writes=(1, 2)))
    assert not Mark(uuid="a", writes=(1, 2)).still(Mark(uuid="b", writes=(1, 2)))
    assert not Mark(uuid="a", writes=(1, 2)).still(Mark(uuid="a", writes=(1, 3)))
    assert not Mark(uuid="a", writes=None).still(Mark(uuid="a", writes=None))
